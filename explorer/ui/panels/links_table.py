"""LinksTable: one side of a node as rows that add up; a click walks to the other end, or shows the link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QMenu, QTableView, QWidget

from explorer.circuits.graph import NodeKind
from explorer.session.links import Book, Rest, Side
from explorer.session.view import GraphView, place
from explorer.ui.grouping import add_row
from explorer.ui.labelling import NOTED, tone
from explorer.ui.widgets.look import per_cent, plain, px, residual, signed
from explorer.ui.widgets.marks import Mark, mark_of
from explorer.ui.widgets.scaling import on_text_size
from explorer.ui.widgets.share_bar import CELL, Cell, CellDelegate

NAME, WEIGHT, BAR, SHARE = range(4)
ROW = 18
LISTED = 6
EACH_TIME = 200

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Row:
    """``node`` is where a click leads; None for sums. ``more`` marks the row that lists further links.

    ``said`` is what a person says of the link.
    """

    cells: tuple[Cell, Cell, Cell, Cell]
    spoken: str
    node: int | None = None
    more: bool = False
    said: str = ""


def link_rows(view: GraphView, side: Side, n_listed: int, said: Mapping[int, str] | None = None) -> list[Row]:
    """The first ``n_listed`` links, then what is left in sums; ``said`` is what a person says of them."""
    said = said or {}
    largest = float(np.abs(side.weight).max(initial=0.0)) or 1.0
    share = side.share()
    rows = []
    for at in range(min(n_listed, len(side.nodes))):
        node = int(side.nodes[at])
        rows.append(_link(view, node, float(side.weight[at]), float(share[at]), largest, said.get(node, "")))
    after = side.after(n_listed)
    if after.count:
        rows.append(_sum(f"{after.count:,} more shown", after, more=True))
    if side.pruned.count:
        rows.append(_sum(f"{side.pruned.count:,} hidden by pruning", side.pruned, Mark(0, hidden=True)))
    if side.bias.count:
        nodes = "bias node" if side.bias.count == 1 else "bias nodes"
        rows.append(_sum(f"{side.bias.count} {nodes}", side.bias, Mark(int(NodeKind.BIAS))))
    if side.unlisted.weight:
        rows.append(_sum("weaker links, not in the file", side.unlisted))
    return rows


def book_rows(book: Book, kind: int) -> list[Row]:
    """The constant of a target, and its total with the residual."""
    rows = []
    is_logit = kind == NodeKind.LOGIT
    if book.constant:
        rows.append(_sum("logit constant" if is_logit else "encoder bias", Rest(1, book.constant)))
    name = "logit" if is_logit else "pre-activation"
    if np.isnan(book.total):
        cells = (
            Cell(name, strong=True, indent=True, rule=True),
            Cell("not in the file", "text_3", rule=True),
        )
        rows.append(Row((*cells, Cell(rule=True), Cell(rule=True)), f"{name} is not in the file"))
        return rows
    holds = book.residual <= book.limit
    said = f"{'✓' if holds else '✗'} residual {residual(book.residual)}"
    cells = (
        Cell(name, strong=True, indent=True, rule=True),
        Cell(plain(book.total), strong=True, right=True, rule=True),
    )
    check = Cell(said, "text_2" if holds else "danger", right=True, rule=True)
    rows.append(Row((*cells, check, Cell()), f"{name} {plain(book.total)}, residual {residual(book.residual)}"))
    return rows


def _link(view: GraphView, node: int, weight: float, share: float, largest: float, said: str) -> Row:
    mark = mark_of(view, node, 0.0)
    label, where = view.label(node), place(view.graph, node)
    if mark.kind == NodeKind.LOGIT or label.replace(" ", "") == f"{where}".replace("·", "/"):
        where = ""
    behind = " ".join(filter(None, (where, NOTED if said else "")))
    cells = (
        Cell(label, tone(view, node, "text_2"), mark, behind),
        Cell(signed(weight), right=True),
        Cell(bar=weight / largest),
        Cell(per_cent(share), right=True),
    )
    spoken = f"{label} {where}, weight {signed(weight)}, share {per_cent(share)}"
    return Row(cells, f"{spoken}, {said}" if said else spoken, node, said=said)


def _sum(text: str, rest: Rest, mark: Mark | None = None, *, more: bool = False) -> Row:
    name = Cell(text, "text_2", mark, indent=True)
    cells = (name, Cell(signed(rest.weight), "text_2", right=True), Cell(), Cell())
    return Row(cells, f"{text}, together {signed(rest.weight)}", more=more)


class LinksModel(QAbstractTableModel):
    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self.hint = ""

    def show(self, rows: list[Row]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 4

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        cell = row.cells[index.column()]
        if role == CELL:
            return cell
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{cell.text} {cell.place}".strip()
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == NAME:
            hint = self.hint if row.node is not None else ""
            return "Click to list them" if row.more else "\n".join(filter(None, (cell.text, row.said, hint)))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.spoken if index.column() == NAME else cell.text
        return None


class LinksTable(QTableView):
    """The links of one side; ``walked`` says which node was entered, ``hovered`` which the mouse is on.

    With ``has_links``, Shift with a click or Return asks for the link to that node instead: ``link_asked``.
    """

    walked = Signal(int)
    link_asked = Signal(int)
    hovered = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None, *, has_links: bool = False) -> None:
        super().__init__(parent)
        self._has_links, self._with_shift = has_links, False
        self._view: GraphView | None = None
        self._side: Side | None = None
        self._end: list[Row] = []
        self._said: Mapping[int, str] = {}
        self._n_listed = LISTED
        self.links = LinksModel(self)
        self.links.hint = "A click goes there, with Shift it shows the link" if has_links else ""
        self.setModel(self.links)
        self.setItemDelegate(CellDelegate(ROW, self))
        self.setAccessibleName(name)
        self._dress()
        self.clicked.connect(self._enter)
        self.entered.connect(self._hover)

    def show_side(
        self, view: GraphView, side: Side, end: list[Row], n_listed: int = LISTED, said: Mapping[int, str] | None = None
    ) -> None:
        """Show ``side`` and below it the rows ``end``; ``said`` is what a person says of the links."""
        self._view, self._side, self._end, self._n_listed, self._said = view, side, end, n_listed, said or {}
        self._fill()

    def show_rows(self, rows: list[Row]) -> None:
        """Show ``rows``; their ``node`` is what ``walked`` says when they are entered. Names take what room is left."""
        self.clearSpans()
        self.links.show(rows)
        for at, row in enumerate(rows):
            n_free = next((n for n, cell in enumerate(row.cells[1:]) if cell.text or cell.bar is not None), 0)
            if n_free:
                self.setSpan(at, NAME, 1, 1 + n_free)
        self._measure()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._with_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self._enter(self.currentIndex())
            return
        super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._with_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        super().mouseReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        node = self.links.rows[index.row()].node if index.isValid() else None
        if node is None or not self._has_links:
            return
        menu = QMenu(self)
        add_row(menu, "Go there", lambda: self.walked.emit(node), "Return")
        add_row(menu, "Show the link", lambda: self.link_asked.emit(node), "Shift+Return")
        menu.aboutToHide.connect(menu.deleteLater)
        at = self.visualRect(index).center() if by_key else event.pos()
        menu.popup(self.viewport().mapToGlobal(at))

    def leaveEvent(self, event: object) -> None:
        self.hovered.emit(None)

    def _dress(self) -> None:
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        on_text_size(self, self._measure)

    def _measure(self) -> None:
        self.verticalHeader().setMinimumSectionSize(px(ROW))
        self.verticalHeader().setDefaultSectionSize(px(ROW))
        for column, width in ((WEIGHT, 58), (BAR, 58), (SHARE, 42)):
            self.setColumnWidth(column, px(width))
        self.setFixedHeight(len(self.links.rows) * px(ROW) + 2)

    def _fill(self) -> None:
        assert self._view is not None
        assert self._side is not None
        rows = link_rows(self._view, self._side, self._n_listed, self._said) + self._end
        self.clearSpans()
        self.links.show(rows)
        for at, row in enumerate(rows):
            if row.cells[BAR].rule and row.cells[BAR].text:
                self.setSpan(at, BAR, 1, 2)
            elif row.cells[WEIGHT].rule and not row.cells[WEIGHT].right:
                self.setSpan(at, WEIGHT, 1, 3)
        self._measure()

    def _enter(self, index: Index) -> None:
        row = self.links.rows[index.row()]
        if row.more:
            self._n_listed += EACH_TIME
            self._fill()
        elif row.node is not None:
            (self.link_asked if self._has_links and self._with_shift else self.walked).emit(row.node)

    def _hover(self, index: Index) -> None:
        self.hovered.emit(self.links.rows[index.row()].node)
