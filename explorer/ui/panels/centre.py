"""The centre of the workspace: a strip with a tab for each page, and the pages.

A further page is one line where the window builds its parts::

    window.workspace.add("Validation", page, bar, page.canvas)

``bar`` stands in the strip at the right of the tabs while the page is shown; the last argument is what F, +, - and 0
act on (fit, fit_selection, zoom, zoom_full) and takes the focus. ``set_count`` writes a number behind a tab's name.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from explorer.session.subgraph import count_boxes
from explorer.ui.document import Document
from explorer.ui.grouping import group_selection
from explorer.ui.widgets.look import set_property

if TYPE_CHECKING:
    from explorer.ui.panels.subgraph import SubgraphPage


class Canvas(Protocol):
    """What the keys of the View menu act on."""

    def fit(self) -> None: ...
    def fit_selection(self) -> None: ...
    def zoom(self, factor: float) -> None: ...
    def zoom_full(self) -> None: ...
    def setFocus(self) -> None: ...


class Centre(QWidget):
    """Graph and subgraph; ``turned`` says that another page is shown, ``made`` that there is the subgraph's."""

    TITLE = "Centre"
    turned = Signal()
    made = Signal(object)
    export_asked = Signal()
    failed = Signal(str)  # a sentence for the banner

    def __init__(self, document: Document, graph_bar: QWidget, graph: QWidget, canvas: Any) -> None:
        super().__init__()
        self._document = document
        self._canvases: list[Any] = []
        self._names: list[str] = []
        self.setAccessibleName("Graph and subgraph")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tabs = QButtonGroup(self)
        self.bars, self.pages = QStackedWidget(), QStackedWidget()
        self._row = QHBoxLayout()
        self._row.setContentsMargins(10, 4, 0, 4)
        self._row.setSpacing(2)
        self._lay_out()
        self.add("Graph", graph, graph_bar, canvas)
        self._blanks = (QWidget(), QWidget())  # until there is the subgraph's page
        self._subgraph = self.add("Subgraph", *self._blanks, None)
        document.view_changed.connect(self._count)
        self.tabs.idClicked.connect(self.turn_to)
        self.tabs.button(0).setChecked(True)
        self._count()

    def add(self, name: str, page: QWidget, bar: QWidget, canvas: Any) -> int:
        """Add a page with its tab; its number."""
        tab = QPushButton(name)
        set_property(tab, "tab", True)
        tab.setCheckable(True)
        tab.setToolTip(f"{name} (Ctrl+Tab goes round)")
        number = self.pages.addWidget(page)
        self.bars.addWidget(bar)
        self.tabs.addButton(tab, number)
        self._row.addWidget(tab)
        self._canvases.append(canvas)
        self._names.append(name)
        return number

    @cached_property
    def subgraph(self) -> SubgraphPage:
        """The subgraph's page, made when it is first asked for: the window opens faster without."""
        from explorer.ui.panels.subgraph import SubgraphBar, SubgraphPage

        page = SubgraphPage(self._document)
        bar = SubgraphBar(self._document, page.canvas)
        bar.export_asked.connect(self.export_asked)
        bar.failed.connect(self.failed)
        for stack, blank, part in zip((self.pages, self.bars), self._blanks, (page, bar), strict=True):
            stack.removeWidget(blank)
            stack.insertWidget(self._subgraph, part)
            blank.deleteLater()
        self._canvases[self._subgraph] = page.canvas
        self.made.emit(page)
        return page

    def set_count(self, number: int, count: int) -> None:
        """Write how many things a page holds behind its tab's name; nothing for 0."""
        name = self._names[number]
        self.tabs.button(number).setText(f"{name} {count:,}" if count else name)

    @property
    def canvas(self) -> Any:
        """What the keys of the View menu act on now."""
        return self._canvases[self.pages.currentIndex()]

    @property
    def shows_subgraph(self) -> bool:
        return self.pages.currentIndex() == self._subgraph

    def rename(self) -> bool:
        """Let the current box be renamed in its place, if the subgraph shows one."""
        if not self.shows_subgraph:
            return False
        canvas = self.subgraph.canvas
        asked = bool(canvas.chosen or (canvas.current and self._document.link is None))
        if asked:
            canvas.rename_current()
        return asked

    def group(self) -> None:
        """Make a supernode of what is selected; on the subgraph its name is asked for at once."""
        if self.shows_subgraph:
            self.subgraph.canvas.group()
        else:
            group_selection(self._document)

    def turn(self) -> None:
        """Show the next page, the first after the last."""
        self.turn_to((self.pages.currentIndex() + 1) % self.pages.count())

    def turn_to(self, number: int) -> None:
        if number == self._subgraph:
            _ = self.subgraph
        self.tabs.button(number).setChecked(True)
        self.bars.setCurrentIndex(number)
        self.pages.setCurrentIndex(number)
        self.canvas.setFocus()
        self.turned.emit()

    def _lay_out(self) -> None:
        strip = QFrame()
        strip.setProperty("bar", True)
        strip.setLayout(self._row)
        top = QHBoxLayout()
        top.setSpacing(0)
        top.addWidget(strip)
        top.addWidget(self.bars, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.pages, 1)

    def _count(self) -> None:
        view = self._document.view
        self.set_count(1, count_boxes(view) if view is not None else 0)
