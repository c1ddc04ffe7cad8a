"""AsidePanel: a panel beside the nodes that is opened for a task, lists what it finds and points at it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from explorer.ui.document import Document
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.two_lines import TwoLineList

SETTLE_MS = 150


class AsidePanel(QWidget):
    """Looks again (``look``) once the view has come to rest, but only while it is seen."""

    TITLE = ""
    lit = Signal(object, bool)  # nodes to be pointed at, and whether they are a path
    lit_beside = Signal(object, str)  # other paths that are drawn thinly, and words about them
    close_asked = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setProperty("panel", True)
        self.setAccessibleName(self.TITLE)
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        self.list = TwoLineList(self.TITLE)
        self.nothing = QLabel()
        self.nothing.setProperty("role", "second")
        self.nothing.setWordWrap(True)
        self.nothing.setContentsMargins(12, 4, 12, 0)
        self._later = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._later.timeout.connect(self.look)
        self.page = QVBoxLayout(self)
        self.page.setContentsMargins(0, 0, 0, 10)
        self.page.setSpacing(8)
        self.page.addLayout(self._head())
        self.list.pointed.connect(self._point)
        document.view_changed.connect(self._view_changed)

    def look(self) -> None:
        """Find and list anew."""

    def nodes_of(self, row: int) -> tuple[int, ...]:
        """The nodes of a row of the list."""
        return ()

    def take_focus(self) -> None:
        self.list.setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.look()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._unlit()

    def _head(self) -> QHBoxLayout:
        title = QLabel(self.TITLE)
        title.setProperty("role", "section")
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setProperty("quiet", True)
        close.setAccessibleName(f"Close the {self.TITLE.lower()}")
        close.clicked.connect(self.close_asked)
        row = QHBoxLayout()
        row.setContentsMargins(12, 8, 6, 0)
        row.addWidget(title)
        row.addStretch()
        row.addWidget(self.count)
        row.addWidget(close)
        return row

    def _say(self, nothing: str) -> None:
        """Show the list, or why it is empty."""
        self.nothing.setText(nothing)
        self.nothing.setVisible(bool(nothing))
        self.list.setVisible(not nothing)
        self._point(self.list.currentRow())

    def _point(self, row: int) -> None:
        if self.isVisible():
            self.lit.emit(self.nodes_of(row) if row >= 0 else (), self.is_path())
            self.lit_beside.emit(*self.beside())

    def is_path(self) -> bool:
        """Whether the nodes of a row are one."""
        return False

    def beside(self) -> tuple[Sequence[Sequence[int]], str]:
        """All paths that are listed, and how much they are."""
        return (), ""

    def _unlit(self) -> None:
        self.lit.emit((), False)
        self.lit_beside.emit((), "")

    def _view_changed(self) -> None:
        if self.isVisible():
            self._unlit()
            self._later.start()
