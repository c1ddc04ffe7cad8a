"""Comparing: with what the open graph is compared: one seen before in this session, one opened before, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from explorer.io import graphs
from explorer.session.prompt import prompt_text
from explorer.session.settings import Recent
from explorer.session.view import GraphView
from explorer.ui.widgets.look import px, token_text

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

KEPT = 3  # graphs that were on screen before
NONE = "No other graph was on screen or opened before; choose a file."
WHAT = Qt.ItemDataRole.UserRole


class Comparing(QObject):
    """Keeps the views of the last graphs that another took the place of, computed ones that no file holds included."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._present: GraphView | None = None
        self.earlier: tuple[GraphView, ...] = ()  # newest first
        window.document.view_changed.connect(self._take)

    def ask(self) -> None:
        """Ask with what to compare the graph that is shown."""
        view = self._window.document.view
        if view is None or self._window.document.is_partial:
            return
        dialog = CompareDialog(view, self.earlier, self._recent(), self._window)
        dialog.chosen.connect(self.begin)
        dialog.file_asked.connect(self._ask_file)
        self._window.dialogs.show_dialog(dialog)

    def begin(self, other: GraphView | Path) -> None:
        """Compare the graph that is shown with ``other``, in a window of its own."""
        from explorer.ui.compare_window import ComparisonWindow  # only when asked for: a window opens faster without

        view = self._window.document.view
        if view is not None and not self._window.document.is_partial:
            ComparisonWindow(self._window, view, other).show()

    def _ask_file(self) -> None:
        files = self._window.files
        kinds = f"Graphs and documents ({' '.join(f'*{suffix}' for suffix in graphs.SUFFIXES)})"
        chosen, _ = QFileDialog.getOpenFileName(self._window, "Compare with", str(files.folder), kinds)
        if chosen:
            files.folder = Path(chosen).parent
            self.begin(Path(chosen))

    def _recent(self) -> tuple[Recent, ...]:
        """Graphs among the recent files, that which is shown aside."""
        own = self._window.document.path
        rows = self._window.settings.recent
        return tuple(
            row for row in rows if Path(row.path).suffix.lower() in graphs.SUFFIXES and Path(row.path) != own
        )

    def _take(self) -> None:
        document = self._window.document
        if document.is_partial:
            return
        old, self._present = self._present, document.view
        if old is not None and (self._present is None or old.graph is not self._present.graph):
            others = (view for view in self.earlier if view.graph is not old.graph)
            self.earlier = (old, *others)[:KEPT]
        if self._present is not None:
            self.earlier = tuple(view for view in self.earlier if view.graph is not self._present.graph)


class CompareDialog(QDialog):
    """Lists what the open graph may be compared with."""

    chosen = Signal(object)  # a GraphView or a Path
    file_asked = Signal()

    def __init__(
        self,
        view: GraphView,
        earlier: tuple[GraphView, ...],
        recent: tuple[Recent, ...],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare with")
        self.setMinimumSize(px(640), px(340))
        self.list = QListWidget()
        self.list.setAccessibleName("Graphs to compare with")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        for other in earlier:
            self._add(f"On screen before: {_named(other)}", other)
        for row in recent:
            about = f" · “{row.about}”" if row.about else ""
            self._add(f"{Path(row.path).name}{about}", Path(row.path))
        self.list.setCurrentRow(0)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.compare = self.buttons.addButton("Compare", QDialogButtonBox.ButtonRole.AcceptRole)
        self.compare.setProperty("primary", True)
        self.file = self.buttons.addButton("Choose a file…", QDialogButtonBox.ButtonRole.ActionRole)
        self.compare.setEnabled(self.list.count() > 0)
        self._lay_out(view)
        self.list.itemDoubleClicked.connect(self.accept)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.file.clicked.connect(self._leave_for_file)

    def accept(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            super().accept()
            self.chosen.emit(item.data(WHAT))

    def _add(self, text: str, what: GraphView | Path) -> None:
        item = QListWidgetItem(text)
        item.setData(WHAT, what)
        item.setToolTip(str(what) if isinstance(what, Path) else text)
        self.list.addItem(item)

    def _lay_out(self, view: GraphView) -> None:
        words = QLabel(f"A is the graph that is open: {_named(view)}. Choose B:")
        words.setWordWrap(True)
        words.setTextFormat(Qt.TextFormat.PlainText)
        nothing = QLabel(NONE)
        nothing.setProperty("role", "second")
        nothing.setWordWrap(True)
        nothing.setVisible(self.list.count() == 0)
        self.list.setVisible(self.list.count() > 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(10)
        layout.addWidget(words)
        layout.addWidget(self.list, 1)
        layout.addWidget(nothing, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.buttons)

    def _leave_for_file(self) -> None:
        self.reject()
        self.file_asked.emit()


def _named(view: GraphView) -> str:
    """A graph by its prompt, its strongest output and its size."""
    graph = view.graph
    output = f" → “{token_text(graph.logit_tokens[0]).strip()}”" if graph.logit_tokens else ""
    return f"“{token_text(prompt_text(graph))}”{output}, {len(graph):,} nodes"
