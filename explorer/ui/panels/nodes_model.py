"""NodesModel: the table of nodes over the view's arrays, sorted and filtered without copying a node."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from explorer.circuits.graph import Bools, Ints, NodeKind
from explorer.session.query import influence_share
from explorer.session.view import GraphView, place
from explorer.ui.labelling import marks, status_line, tone
from explorer.ui.widgets.look import token_text
from explorer.ui.widgets.marks import mark_of
from explorer.ui.widgets.share_bar import CELL, Cell

NAME, AT, INFLUENCE = range(3)
HEADERS = ("Node", "at", "infl. %")
TOOLTIPS = (
    "Label, or layer and index of the feature",
    "Layer and token",
    "Share in the influence of all nodes on the explained tokens, over all paths, before pruning",
)

Index = QModelIndex | QPersistentModelIndex


class NodesModel(QAbstractTableModel):
    """Rows are nodes of ``view`` in sorted order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.view: GraphView | None = None
        self._order: Ints = np.empty(0, dtype=np.int64)
        self._row: Ints = np.empty(0, dtype=np.int64)
        self._share: NDArray[np.float64] = np.empty(0)
        self._strongest = 0.0
        self._most = 1.0
        self._sort = (INFLUENCE, Qt.SortOrder.DescendingOrder)
        self._current: int | None = None

    def show(self, view: GraphView | None, which: Bools | None) -> None:
        """Show the nodes ``which`` of ``view``."""
        self.beginResetModel()
        self.view = view
        if view is None or which is None:
            self._order = self._row = np.empty(0, dtype=np.int64)
        else:
            self._share = influence_share(view)
            features = view.graph.block(NodeKind.FEATURE)
            self._strongest = float(np.abs(view.effect[features]).max(initial=0.0))
            self._order = self._sorted(np.flatnonzero(which))
            self._most = float(self._share[self._order].max(initial=0.0)) or 1.0
            self._row = np.full(len(view.graph), -1, dtype=np.int64)
            self._row[self._order] = np.arange(len(self._order))
        self.endResetModel()

    def node(self, row: int) -> int:
        return int(self._order[row])

    def rows_of(self, nodes: Iterable[int]) -> list[int]:
        """The rows in which ``nodes`` stand, as far as they are listed."""
        rows = (int(self._row[node]) for node in nodes if node < len(self._row))
        return [row for row in rows if row >= 0]

    def set_current(self, node: int | None) -> None:
        """The node whose name is set in bold."""
        self._current = node

    # Qt's side

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section] + self._arrow(section)
        if role == Qt.ItemDataRole.ToolTipRole:
            return TOOLTIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == NAME else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self.view is None or not index.isValid():
            return None
        node = self.node(index.row())
        if role == CELL:
            return self._cell(node, index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cell(node, index.column()).text
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == NAME:
            return "\n".join(filter(None, (self.view.label(node), status_line(self.view, node), self._note(node))))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.spoken(node) if index.column() == NAME else self._cell(node, index.column()).text
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sort = (column, order)
        if self.view is not None:
            self.beginResetModel()
            self._order = self._sorted(np.sort(self._order))
            self._row[self._order] = np.arange(len(self._order))
            self.endResetModel()

    def spoken(self, node: int) -> str:
        """A node as a screen reader says it."""
        return spoken(self.view, node, self._share) if self.view is not None else ""

    def _cell(self, node: int, column: int) -> Cell:
        view = self.view
        assert view is not None
        current = node == self._current
        if column == NAME:
            mark = mark_of(view, node, self._strongest)
            colour = "text" if current else tone(view, node)
            return Cell(view.label(node), colour, mark, marks(view, node), strong=current)
        if column == AT:
            return Cell(place(view.graph, node), "text", right=True, strong=current)
        share = float(self._share[node])
        text = f"{100 * share:.2f}" if share or view.graph.nodes.kind[node] <= NodeKind.EMBEDDING else "\u2013"
        return Cell(text, right=True, strong=current, fill=share / self._most)

    def _note(self, node: int) -> str:
        assert self.view is not None
        return self.view.edits.notes.get(self.view.graph.key(node), "")

    def _arrow(self, section: int) -> str:
        """The direction, where it is not the usual one."""
        if self._sort[0] != section or self._sort == (INFLUENCE, Qt.SortOrder.DescendingOrder):
            return ""
        return " ▴" if self._sort[1] == Qt.SortOrder.AscendingOrder else " ▾"

    def _sorted(self, nodes: Ints) -> Ints:
        view, (column, order) = self.view, self._sort
        assert view is not None
        if column == NAME:
            names = [view.label(node).casefold() for node in nodes.tolist()]
            ranks = np.array(sorted(range(len(nodes)), key=names.__getitem__), dtype=np.int64)
            return nodes[ranks] if order == Qt.SortOrder.AscendingOrder else nodes[ranks[::-1]]
        at = view.graph.nodes
        key = self._share if column == INFLUENCE else at.layer.astype(np.int64) * (view.graph.n_pos + 2) + at.pos
        values = key[nodes]
        return nodes[np.argsort(values if order == Qt.SortOrder.AscendingOrder else -values, kind="stable")]


def spoken(view: GraphView, node: int, share: NDArray[np.float64]) -> str:
    """A node in words: kind, layer, token and influence."""
    graph = view.graph
    key = graph.key(node)
    words = [describe(view, node)]
    if key.kind != NodeKind.LOGIT:
        words.append(f"influence {100 * share[node]:.2f} per cent")
    status = view.status(node)
    return ", ".join(([view.label(node), f"label {status}"] if status else []) + words)


def describe(view: GraphView, node: int) -> str:
    """What and where a node is: feature 23595, layer 17, token 12 to."""
    graph = view.graph
    key = graph.key(node)
    token = f"token {key.pos} {token_text(graph.tokens[key.pos]).strip()}" if key.pos >= 0 else ""
    if key.kind == NodeKind.FEATURE:
        return f"feature {key.feature}, layer {key.layer}, {token}"
    if key.kind == NodeKind.ERROR:
        return f"error, layer {key.layer}, {token}"
    if key.kind == NodeKind.EMBEDDING:
        return token
    if key.kind == NodeKind.BIAS:
        return f"bias, {view.label(node)}"
    return f"output {view.label(node)}, probability {graph.probability[node]:.3f}"
