"""The window of a comparison: how far reading and comparing are, then the comparison; it touches no document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import ExplorerError, LoadError
from explorer.io import graphs
from explorer.session.overlay import Compared, compare_views, compared, name_b
from explorer.session.view import GraphView, resolve
from explorer.ui.background import Background
from explorer.ui.panels.compare import ComparePanel
from explorer.ui.widgets.look import px
from explorer.work import Pause, Progress, Work

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

EDGE = 40  # of the window that stays in sight
SMALLEST = (900, 560)
BUG = "The graphs could not be compared, by a fault of this program. Nothing was changed."


def comparing(a: GraphView, b: GraphView | Path, pause: Pause) -> Work[Compared]:
    """``a`` and ``b`` side by side; a path is read first. LoadError says why it cannot be."""
    if isinstance(b, Path):
        if not b.is_file():
            raise LoadError(f"There is no file “{b}”; choose another.")
        graph, edits = yield from graphs.reading(b, pause)
        yield Progress(0, 0, f"Looking at {graph.n_edges:,} links")
        b = resolve(graph, edits)
    yield Progress(0, 0, f"Comparing {a.graph.n_edges:,} and {b.graph.n_edges:,} links")
    b, found = compare_views(a, b)
    yield Progress(0, 0, f"Aligning {len(found.status):,} nodes")
    return compared(a, b, found)


class ComparisonWindow(QDialog):
    """Not modal, and there may be several. Closing it leaves the document as it is."""

    def __init__(self, window: MainWindow, a: GraphView, b: GraphView | Path) -> None:
        super().__init__(window, Qt.WindowType.Window)
        self._window = window
        self.panel: ComparePanel | None = None
        self.setWindowTitle("Comparison")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(*SMALLEST)
        self.resize(max(window.width() - EDGE, SMALLEST[0]), max(window.height() - EDGE, SMALLEST[1]))
        self.stack = QStackedLayout(self)
        self.stack.addWidget(self._waiting())
        self.work = Background("compare", self)
        self.work.stepped.connect(self._step)
        self.work.done.connect(self._show)
        self.work.failed.connect(self._fail)
        self.work.start(lambda pause: comparing(a, b, pause))

    def done(self, result: int) -> None:
        self.work.close()
        super().done(result)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape clears the selection first."""
        is_escape = event.key() == Qt.Key.Key_Escape
        if not (is_escape and self.panel is not None and self.panel.clear()):
            super().keyPressEvent(event)

    def _waiting(self) -> QWidget:
        page = QWidget()
        page.setProperty("panel", True)
        self.words = QLabel("Comparing")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.bar.setFixedWidth(px(320))
        self.bar.setAccessibleName("Progress of the comparison")
        self.other, self.leave = QPushButton("Compare with another…"), QPushButton("Cancel")
        self.other.hide()
        self.other.clicked.connect(self._ask_again)
        self.leave.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch()
        buttons.addWidget(self.other)
        buttons.addWidget(self.leave)
        buttons.addStretch()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(40, 20, 40, 20)
        layout.setSpacing(12)
        layout.addStretch(2)
        layout.addWidget(self.words)
        layout.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addLayout(buttons)
        layout.addStretch(3)
        return page

    def _step(self, step: Progress) -> None:
        self.words.setText(step.text)
        self.bar.setRange(0, step.total)
        self.bar.setValue(step.done)

    def _show(self, pair: Compared) -> None:
        named = {} if pair.b.named else self._window.evidence.index.names(pair.b.graph)
        self.panel = ComparePanel(name_b(pair, named) if named else pair)
        self.panel.export_asked.connect(self._export)
        self.panel.close_asked.connect(self.close)
        self.stack.addWidget(self.panel)
        self.stack.setCurrentWidget(self.panel)
        self.panel.overlaid.setFocus()

    def _fail(self, error: Exception) -> None:
        self.words.setText(str(error) if isinstance(error, ExplorerError) else BUG)
        self.bar.hide()
        self.other.show()
        self.leave.setText("Close")

    def _ask_again(self) -> None:
        self.reject()
        self._window.asides.comparing.ask()

    def _export(self) -> None:
        if self.panel is not None:
            self._window.files.pictures.ask("compare", self.panel.pair)
