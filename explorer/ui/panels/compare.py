"""The comparison of two graphs: both in one picture or side by side, and a table of what differs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.compare import Status
from explorer.circuits.graph import Bools, Ints
from explorer.errors import GraphError
from explorer.session.overlay import SIDES, STATUS_WORDS, Compared
from explorer.session.prompt import prompt_text
from explorer.session.query import matches, parse
from explorer.session.view import GraphView
from explorer.ui.canvas import GraphCanvas
from explorer.ui.canvas.describe import token_text
from explorer.ui.panels.compare_tables import DifferencesTable, link_columns, node_columns, place_of
from explorer.ui.viewed import Viewed
from explorer.ui.widgets.choice import Choice
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.filter_field import FilterField
from explorer.ui.widgets.look import current_theme, plain, px, set_property, signed, text_scale

OVERLAID, BESIDE = 0, 1
ONLY_LOOKED_AT = "A comparison is only looked at; pin, hide and label in the graph’s own document."
NOTHING = "Select a node to see its links in A and in B."


class ComparePanel(QWidget):
    """Shows ``pair``. The pictures share one selection and one hover; no document is touched."""

    export_asked = Signal()
    close_asked = Signal()

    def __init__(self, pair: Compared, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pair = pair
        self.viewed = tuple(Viewed(self) for _ in range(3))
        self._link, self._is_sharing = -1, False
        self.setAccessibleName("Comparison of two graphs")
        self.setProperty("panel", True)
        theme = current_theme()
        self.overlaid, *self.beside = (GraphCanvas(viewed, theme) for viewed in self.viewed)
        for canvas, name in zip(self.canvases, ("Both graphs in one", "Graph A", "Graph B"), strict=True):
            canvas.setAccessibleName(name)
            canvas.set_theme(theme, text_scale())
        self.beside[0].join(self.beside[1])
        self._build()
        for viewed, view in zip(self.viewed, (pair.overlay, *pair.sides), strict=True):
            viewed.show(view)
        self._connect()
        self._list()
        self._show_selection(None)

    @property
    def canvases(self) -> tuple[GraphCanvas, ...]:
        return (self.overlaid, *self.beside)

    @property
    def current(self) -> int | None:
        """The selected node, a row of the comparison."""
        return self.viewed[0].current

    @property
    def is_beside(self) -> bool:
        return self.pages.currentIndex() == BESIDE

    def turn_to(self, page: int) -> None:
        """Show both graphs overlaid or side by side."""
        self.tabs.button(page).setChecked(True)
        self.pages.setCurrentIndex(page)

    def clear(self) -> bool:
        """Clear the selection; False if there is none."""
        had = self.current is not None
        self.viewed[0].select(())
        return had

    def changeEvent(self, event: QEvent) -> None:
        """Another theme or text size reaches the pictures too."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange, QEvent.Type.FontChange):
            for canvas in self.canvases if hasattr(self, "pages") else ():
                canvas.set_theme(current_theme(), text_scale())

    # building

    def _build(self) -> None:
        self.tabs, self.pages = QButtonGroup(self), QStackedWidget()
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.setChildrenCollapsible(False)
        whole.setHandleWidth(1)
        whole.addWidget(self._pictures())
        whole.addWidget(self._tables())
        whole.setSizes([520, 240])
        whole.setStretchFactor(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar())
        layout.addWidget(whole, 1)
        order = (*self.tabs.buttons(), self.fit, self.export, self.leave, *self.canvases)
        for one, after in pairwise((*order, self.status, self.filter, self.nodes, self.links)):
            QWidget.setTabOrder(one, after)

    def _bar(self) -> QFrame:
        bar = QFrame()
        bar.setProperty("bar", True)
        row = QHBoxLayout(bar)
        row.setContentsMargins(10, 4, 10, 4)
        row.setSpacing(4)
        tips = ("Both graphs in one picture", "A on the left, B on the right, token by token and layer by layer")
        for number, (name, tip) in enumerate(zip(("Overlaid", "Side by side"), tips, strict=True)):
            tab = QPushButton(name)
            set_property(tab, "tab", True)
            tab.setCheckable(True)
            tab.setToolTip(tip)
            self.tabs.addButton(tab, number)
            row.addWidget(tab)
        self.tabs.button(OVERLAID).setChecked(True)
        self.words = ElidedLabel()
        self.words.setProperty("role", "second")
        row.addSpacing(12)
        row.addWidget(self.words, 1)
        self.fit, self.export, self.leave = QPushButton("Fit"), QPushButton("Export…"), QPushButton("Close")
        self.fit.setToolTip("Show the whole of both graphs (F)")
        self.export.setToolTip("Write the overlaid picture as SVG, PDF or PNG")
        self.leave.setToolTip("Back to the document, which is as it was")
        for button in (self.fit, self.export, self.leave):
            set_property(button, "small", True)
            row.addWidget(button)
        return bar

    def _pictures(self) -> QWidget:
        beside = _Halves(self.beside)
        self.pages.addWidget(self.overlaid)
        self.pages.addWidget(beside)
        names = QHBoxLayout()
        names.setContentsMargins(12, 6, 12, 6)
        names.setSpacing(16)
        for side, view in zip(SIDES, (self.pair.a, self.pair.b), strict=True):
            names.addWidget(ElidedLabel(about(side, view)), 1)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(names)
        self.said = QLabel(" ".join(self.pair.found.said))
        self.said.setProperty("role", "stale")
        self.said.setWordWrap(True)
        self.said.setContentsMargins(12, 0, 12, 6)
        self.said.setVisible(bool(self.pair.found.said))
        layout.addWidget(self.said)
        layout.addWidget(self.pages, 1)
        return page

    def _tables(self) -> QWidget:
        self.nodes = DifferencesTable("Nodes of both graphs")
        self.links = DifferencesTable("Links of the selected node")
        self.nodes.set_columns(node_columns(self.pair))
        self.links.set_columns(link_columns(self.pair, self._node))
        self.status = Choice()
        self.status.setAccessibleName("Which nodes are listed")
        held = self.pair.found.status
        self.status.addItem(f"All {len(held):,} nodes", None)
        for status in (Status.ONLY_A, Status.ONLY_B, Status.BOTH):
            self.status.addItem(f"{_capital(STATUS_WORDS[status])}: {int((held == status).sum()):,}", int(status))
        self.filter = FilterField("Filter the nodes", "kind:feature layer>=1 token:is influence>0.5")
        self.heading = ElidedLabel(NOTHING)
        self.heading.setProperty("role", "second")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.status)
        head.addWidget(self.filter, 1)
        page = QWidget()
        page.setProperty("panel", True)
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addLayout(_column(head, self.nodes), 3)
        row.addLayout(_column(self.heading, self.links), 2)
        page.setMinimumHeight(px(150))
        return page

    def _connect(self) -> None:
        for viewed in self.viewed:
            viewed.selection_changed.connect(self._take_selection)
            viewed.hover_changed.connect(self._take_hover)
            viewed.refused.connect(self._refused)
        self.tabs.idClicked.connect(self.turn_to)
        self.fit.clicked.connect(self._fit)
        self.export.clicked.connect(self.export_asked)
        self.leave.clicked.connect(self.close_asked)
        self.status.currentIndexChanged.connect(self._list)
        self.filter.textChanged.connect(self._list)
        self.nodes.chosen.connect(self._choose)
        self.nodes.hovered.connect(self._hover)
        self.links.chosen.connect(self._choose_link)

    # the tables

    def _list(self) -> None:
        self.nodes.rows.show(self._listed())
        if self.current is not None:
            self.nodes.point_out(self.current)

    def _listed(self) -> Ints:
        """The nodes of the chosen status that the filter finds."""
        held, status = self.pair.found.status, self.status.currentData()
        found: Bools = np.ones(len(held), dtype=np.bool_) if status is None else held == status
        fault = ""
        try:
            found = found & matches(parse(self.filter.text()), self.pair.overlay)
        except GraphError as error:
            fault = str(error)
        set_property(self.filter, "faulty", bool(fault))
        self.words.set_text(fault or self._sentence())
        return np.flatnonzero(found)

    def _node(self) -> int:
        return -1 if self.current is None else self.current

    # selection and hover, the same in every picture

    def _choose(self, node: int) -> None:
        self.viewed[0].select([node])
        for canvas in self.canvases:
            if canvas.isVisible() and (canvas is self.overlaid or self._is_in(node, canvas)):
                canvas.walk_to(node)

    def _choose_link(self, link: int) -> None:
        """Light the link and its other end on the pictures."""
        found = self.pair.found
        ends = (int(found.source[link]), int(found.target[link]))
        self.overlaid.light(ends, is_path=True)
        for side, canvas in enumerate(self.beside):
            edge = (found.edge_a, found.edge_b)[side][link]
            canvas.light([end for end in ends if self._is_in(end, canvas)], is_path=bool(edge >= 0))

    def _is_in(self, node: int, canvas: GraphCanvas) -> bool:
        return self.pair.own_row(self.beside.index(canvas), node) >= 0

    def _hover(self, node: int) -> None:
        self.viewed[0].hover(node)

    def _take_selection(self) -> None:
        sender, found = self.sender(), self.pair.found
        if self._is_sharing or not isinstance(sender, Viewed):
            return
        self._is_sharing, selection, link = True, sender.selection, sender.link
        self._link = self._link_between(*selection) if link is not None else -1
        for viewed, edges in zip(self.viewed, (None, found.edge_a, found.edge_b), strict=True):
            is_there = self._link >= 0 and (edges is None or edges[self._link] >= 0)
            viewed.select(selection, link=link if is_there else None)
        self._is_sharing = False
        self._show_selection(self.current)
        if self._link >= 0:
            self.links.point_out(self._link)

    def _link_between(self, source: int, target: int) -> int:
        """The row of a link in the comparison, -1 for none."""
        rows = np.flatnonzero((self.pair.found.target == target) & (self.pair.found.source == source))
        return int(rows[0]) if len(rows) else -1

    def _take_hover(self) -> None:
        sender = self.sender()
        assert isinstance(sender, Viewed)
        for viewed in self.viewed:
            viewed.hover(sender.hovered)

    def _show_selection(self, node: int | None) -> None:
        found = self.pair.found
        for canvas in self.canvases:
            canvas.light(())
        if node is None:
            self.nodes.clearSelection()
            self.links.rows.show(np.zeros(0, dtype=np.int64))
            self.heading.set_text(NOTHING)
        else:
            self.nodes.point_out(node)
            self.links.rows.show(np.flatnonzero((found.target == node) | (found.source == node)))
            n_links = self.links.rows.rowCount()
            self.heading.set_text(f"{n_links:,} links of {self.pair.label(node)}")
        self.words.set_text(self._sentence())

    def _sentence(self) -> str:
        """Where the selected node or link is, and by how much its influence or weight differs."""
        node, found = self.current, self.pair.found
        if self._link >= 0:
            ends = (int(found.source[self._link]), int(found.target[self._link]))
            name = " → ".join(self.pair.label(end) for end in ends)
            weights = float(found.weight_a[self._link]), float(found.weight_b[self._link])
            return f"{name} {_where(Status(found.link_status[self._link]), 'weight', *weights)}"
        if node is None:
            counts = ((found.status, "nodes"), (found.link_status, "links"))
            return ". ".join(f"{_capital(what)}: {_counted(status)}" for status, what in counts) + "."
        name = f"{self.pair.label(node)} ({place_of(self.pair, node)})"
        shares = 100 * float(found.influence_a[node]), 100 * float(found.influence_b[node])
        return f"{name} {_where(Status(found.status[node]), 'influence', *shares, ' %')}"

    def _refused(self) -> None:
        self.words.set_text(ONLY_LOOKED_AT)

    def _fit(self) -> None:
        self.overlaid.fit()
        self.beside[0].fit()


class _Halves(QWidget):
    """Two widgets of exactly the same width, so that what both show stands in the same place."""

    def __init__(self, two: list[GraphCanvas]) -> None:
        super().__init__()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        for widget in two:
            self._row.addWidget(widget, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._row.setSpacing(2 - self.width() % 2)
        super().resizeEvent(event)


def about(side: str, view: GraphView) -> str:
    """What a graph is: its prompt, the outputs it explains, and its size."""
    graph = view.graph
    outputs = ", ".join(f"“{token_text(token)}”" for token in graph.logit_tokens[:2])
    rest = ", …" if len(graph.logit_tokens) > 2 else ""
    then = f" → {outputs}{rest}" if outputs else ""
    shown = f"{int(view.shown.sum()):,} of {len(graph):,} nodes shown"
    return f"{side}  “{token_text(prompt_text(graph))}”{then}, {shown}"


def _where(status: Status, what: str, a: float, b: float, unit: str = "") -> str:
    """In which graph something is, with its number in A and in B."""
    if status == Status.BOTH:
        return f"is in both: {what} {plain(a)}{unit} in A, {plain(b)}{unit} in B ({signed(b - a)})."
    mine, other = (("A", "B"), ("B", "A"))[status == Status.ONLY_B]
    return f"is only in {mine}, {what} {plain(a + b)}{unit}; {other} does not have it."


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _counted(status: np.ndarray) -> str:
    order = (Status.ONLY_A, Status.ONLY_B, Status.BOTH)
    return ", ".join(f"{int((status == which).sum()):,} {STATUS_WORDS[which]}" for which in order)


def _column(head: QHBoxLayout | QWidget, table: QWidget) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    inset = QHBoxLayout()
    inset.setContentsMargins(12, 8, 12, 4)
    if isinstance(head, QWidget):
        inset.addWidget(head)
    else:
        inset.addLayout(head)
    column.addLayout(inset)
    column.addWidget(table, 1)
    return column
