"""EffectsModel: the table of tested things, sorted by a column."""

from __future__ import annotations

from math import isnan

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from explorer.session.validation import Effect
from explorer.ui.widgets.look import plain, signed
from explorer.ui.widgets.share_bar import CELL, Cell

Index = QModelIndex | QPersistentModelIndex
NAME, AT, MEASURED, KL = 0, 1, 5, 6
COLUMNS = (  # header, field, and what it says
    ("Tested", "label", "The node or supernode that was set"),
    ("at", "pos", "Layer and position of its first member"),
    ("direct", "predicted_direct", "Predicted direct effect on the explained logit: its links into the outputs"),
    ("measured", "measured_direct", "Measured direct effect, everything else held: the implementation test"),
    ("all paths", "predicted_total", "Predicted effect over all paths, in logits"),
    ("measured", "measured_total", "Measured effect on the explained logit: the hypothesis test"),
    ("KL", "kl", "How far the next token’s distribution moved, in nats"),
)


class EffectsModel(QAbstractTableModel):
    """Rows are Effects; what is not measured yet shows a dash and stands last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Effect, ...] = ()
        self._sort = (MEASURED, Qt.SortOrder.DescendingOrder)

    def show(self, effects: tuple[Effect, ...]) -> None:
        self.beginResetModel()
        self._rows = self._sorted(effects)
        self.endResetModel()

    def effect(self, row: int) -> Effect:
        return self._rows[row]

    def row_of(self, key: str) -> int:
        """Where the thing of that key stands, or -1."""
        return next((row for row, one in enumerate(self._rows) if one.key == key), -1)

    # Qt's side

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            arrow = " ▾" if self._sort[1] == Qt.SortOrder.DescendingOrder else " ▴"
            return COLUMNS[section][0] + (arrow if section == self._sort[0] else "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section][2]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if section == NAME else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        text = self._text(self._rows[index.row()], index.column())
        if role == CELL:
            return Cell(text, right=index.column() != NAME)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return text
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == NAME:
            return text
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sort = (column, order)
        self.show(self._rows)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def _text(self, one: Effect, column: int) -> str:
        if column == NAME:
            return one.label
        if column == AT:
            return f"L{one.layer}·{one.pos}"
        value = float(getattr(one, COLUMNS[column][1]))
        return plain(value) if column == KL else signed(value)

    def _sorted(self, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        column, order = self._sort
        down = order == Qt.SortOrder.DescendingOrder
        if column == NAME:
            return tuple(sorted(effects, key=lambda one: one.label.casefold(), reverse=down))
        if column == AT:
            return tuple(sorted(effects, key=lambda one: (one.layer, one.pos), reverse=down))
        name = COLUMNS[column][1]

        def size(one: Effect) -> tuple[bool, float]:
            value = abs(float(getattr(one, name)))
            return isnan(value), -value if down else value

        return tuple(sorted(effects, key=size))
