"""The tables of a comparison: nodes and links with their numbers in A, in B, and B less A."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from explorer.circuits.compare import Status
from explorer.circuits.graph import Floats, Ints
from explorer.session.overlay import STATUS_WORDS, Compared
from explorer.session.view import place
from explorer.ui.widgets.look import plain, px, signed
from explorer.ui.widgets.marks import Mark
from explorer.ui.widgets.scaling import on_text_size
from explorer.ui.widgets.share_bar import CELL, Cell, CellDelegate

Index = QModelIndex | QPersistentModelIndex
ROW = 22
NAME = 0
AT, STATUS, NUMBER = 62, 66, 50  # widths


@dataclass(frozen=True, eq=False)
class Column:
    """``key`` gives, for all rows of the comparison, what they are sorted by; ``width`` 0 takes what is left."""

    header: str
    tip: str
    width: int
    cell: Callable[[int], Cell]
    key: Callable[[], Floats]


class DifferencesModel(QAbstractTableModel):
    """``columns`` of some rows of a comparison; numbers begin with the largest, whatever their sign."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = ()
        self._rows: Ints = np.zeros(0, dtype=np.int64)
        self._sort = (-1, Qt.SortOrder.DescendingOrder)

    def set_columns(self, columns: tuple[Column, ...]) -> None:
        """Show ``columns``, of no rows yet; the last one sorts."""
        self.beginResetModel()
        self.columns, self._rows = columns, np.zeros(0, dtype=np.int64)
        self._sort = (len(columns) - 1, Qt.SortOrder.DescendingOrder)
        self.endResetModel()

    def show(self, rows: Ints) -> None:
        self.beginResetModel()
        self._rows = self._sorted(rows)
        self.endResetModel()

    def row(self, at: int) -> int:
        """The row of the comparison that stands there."""
        return int(self._rows[at])

    def at(self, row: int) -> int:
        """Where a row of the comparison stands, -1 if it is not listed."""
        found = np.flatnonzero(self._rows == row)
        return int(found[0]) if len(found) else -1

    # Qt's side

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            arrow = " ▾" if self._sort[1] == Qt.SortOrder.DescendingOrder else " ▴"
            return column.header + (arrow if section == self._sort[0] else "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.width == NUMBER else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        cell = self.columns[index.column()].cell(self.row(index.row()))
        if role == CELL:
            return cell
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == NAME:
            return self._spoken(self.row(index.row()))
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return cell.text
        if role == Qt.ItemDataRole.ToolTipRole and not cell.right:
            return cell.text
        return None

    def _spoken(self, row: int) -> str:
        """A row as a screen reader says it."""
        cells = [(column.header, column.cell(row).text) for column in self.columns]
        rest = (f"{header} {text}" for header, text in cells[1:] if text != "–")
        return ", ".join([cells[NAME][1], *rest])

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < len(self.columns):
            self._sort = (column, order)
            self.show(np.sort(self._rows))
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)

    def _sorted(self, rows: Ints) -> Ints:
        column, order = self._sort
        if not len(rows):
            return rows
        key = self.columns[column].key()[rows]
        key = -key if order == Qt.SortOrder.DescendingOrder else key
        return rows[np.argsort(key, kind="stable")]  # what has no number is last either way


class DifferencesTable(QTableView):
    """A table of ``model``; ``chosen`` says which row of the comparison was clicked or walked to."""

    chosen = Signal(int)
    hovered = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = DifferencesModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(CellDelegate(ROW, self))
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setSortingEnabled(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(30)
        self.horizontalHeader().setSortIndicatorShown(False)  # the arrow would cover the name; the model writes it
        self.selectionModel().currentRowChanged.connect(self._chosen)
        self.clicked.connect(self._chosen)
        self.entered.connect(self._entered)
        on_text_size(self, self._measure)

    def set_columns(self, columns: tuple[Column, ...]) -> None:
        self.rows.set_columns(columns)
        self.horizontalHeader().setSortIndicator(len(columns) - 1, Qt.SortOrder.DescendingOrder)
        self._measure()

    def point_out(self, row: int) -> None:
        """Mark a row of the comparison, if it is listed."""
        at = self.rows.at(row)
        if at < 0:
            self.clearSelection()
        elif at != self.currentIndex().row() or not self.selectionModel().hasSelection():
            self.setCurrentIndex(self.rows.index(at, 0))

    def _measure(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(ROW))
        header = self.horizontalHeader()
        for number, column in enumerate(self.rows.columns):
            mode = QHeaderView.ResizeMode.Fixed if column.width else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(number, mode)
            if column.width:
                header.resizeSection(number, px(column.width))

    def _chosen(self, now: QModelIndex) -> None:
        if now.isValid() and self.hasFocus():
            self.chosen.emit(self.rows.row(now.row()))

    def _entered(self, index: QModelIndex) -> None:
        self.hovered.emit(self.rows.row(index.row()))


def node_columns(pair: Compared) -> tuple[Column, ...]:
    """A node's name, place and status, its activation, and its influence in per cent of its graph's whole."""
    found, graph = pair.found, pair.overlay.graph
    whose = "of all influence on the outputs of its graph"
    return (
        Column("Node", "What the node is called in A, or in B", 0, lambda n: _name(pair, n), lambda: pair.name_order),
        Column(
            "at",
            "Layer and position; in A and in B where they differ",
            AT,
            lambda n: Cell(place_of(pair, n), "text_3"),
            lambda: graph.nodes.layer * np.float64(graph.n_pos + 2) + graph.nodes.pos,
        ),
        _status(found.status),
        *_numbers("act.", "activation", found.activation_a, found.activation_b),
        *_numbers("infl.", f"influence, in per cent {whose}", 100 * found.influence_a, 100 * found.influence_b),
    )


def link_columns(pair: Compared, node: Callable[[], int]) -> tuple[Column, ...]:
    """The other end of a link of ``node``, which way it goes, its status and its weights."""
    found = pair.found

    def other(link: int) -> int:
        return int(found.source[link] if found.target[link] == node() else found.target[link])

    def way(link: int) -> Cell:
        return Cell("input" if found.target[link] == node() else "output", "text_3")

    return (
        Column("Link", "The other end of the link", 0, lambda m: _name(pair, other(m)), lambda: _ends(pair, node())),
        Column(
            "way",
            "Whether it is an input of the selected node, or an output",
            52,
            way,
            lambda: -(found.target == node()).astype(np.float64),
        ),
        _status(found.link_status),
        *_numbers("", "direct effect of the source on the target", found.weight_a, found.weight_b),
    )


def place_of(pair: Compared, node: int) -> str:
    """Where a node is: in A and in B, if that differs."""
    rows = ((pair.a.graph, pair.own_row(0, node)), (pair.b.graph, pair.own_row(1, node)))
    return " | ".join(dict.fromkeys(place(graph, row) for graph, row in rows if row >= 0))


def _name(pair: Compared, node: int) -> Cell:
    overlay = pair.overlay
    mark = Mark(int(overlay.graph.nodes.kind[node]), hidden=not overlay.shown[node])
    return Cell(pair.label(node), mark=mark)


def _status(status: np.ndarray) -> Column:
    return Column(
        "is",
        "Whether it is only in A, only in B or in both",
        STATUS,
        lambda row: Cell(STATUS_WORDS[Status(status[row])], "text_2"),
        lambda: -status.astype(np.float64),
    )


def _numbers(short: str, what: str, a: Floats, b: Floats) -> tuple[Column, Column, Column]:
    difference = b - a
    what = what.capitalize()
    return (
        Column(f"{short} A".strip(), f"{what}, in A", NUMBER, _writer(a, plain), _size(a)),
        Column(f"{short} B".strip(), f"{what}, in B", NUMBER, _writer(b, plain), _size(b)),
        Column("B − A", f"{what}, in B less in A", NUMBER, _writer(difference, signed), _size(difference)),
    )


def _writer(values: Floats, write: Callable[[float], str]) -> Callable[[int], Cell]:
    return lambda row: Cell(write(float(values[row])), right=True)


def _size(values: Floats) -> Callable[[], Floats]:
    return lambda: np.abs(values)


def _ends(pair: Compared, node: int) -> Floats:
    """(m) the order of the names of the other ends."""
    found = pair.found
    return pair.name_order[np.where(found.target == node, found.source, found.target)]
