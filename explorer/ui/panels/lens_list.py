"""RankedList: parts with their values, and a bar from a zero line for each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QTableView

from explorer.session.lens_tables import Part
from explorer.ui.widgets.look import px, signed
from explorer.ui.widgets.scaling import on_text_size
from explorer.ui.widgets.share_bar import CELL, Cell, list_rows

Index = QModelIndex | QPersistentModelIndex
NAME, BAR, VALUE = range(3)
ROW = 22
WIDTHS = {NAME: 90, VALUE: 72}


class PartsModel(QAbstractTableModel):
    """Rows are Parts; a bar has its whole length at ``limit``."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.parts: Sequence[Part] = ()
        self._limit = 1.0

    def show(self, parts: Sequence[Part], limit: float) -> None:
        self.beginResetModel()
        self.parts, self._limit = parts, limit or 1.0
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.parts)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section == VALUE else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return (self._title, "", "value")[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        part, column = self.parts[index.row()], index.column()
        if role == CELL and column == BAR:
            return Cell(bar=max(-1.0, min(1.0, part.value / self._limit)))
        text = ("" if column == BAR else part.name) if column != VALUE else signed(part.value)
        if role == CELL:
            return Cell(text, right=column == VALUE)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{part.name}, {signed(part.value)}"
        return text if role == Qt.ItemDataRole.DisplayRole else None


class RankedList(QTableView):
    """``head_taken`` tells a layer and head whose row was clicked or taken with Enter."""

    head_taken = Signal(int, int)

    def __init__(self, name: str, title: str) -> None:
        super().__init__()
        self._model = PartsModel(title)
        self._model.setParent(self)
        self.setModel(self._model)
        list_rows(self, name, ROW, BAR)
        self.setToolTip("Click a head to see where it looks")
        on_text_size(self, self._measure)
        self.clicked.connect(self._take)
        self.activated.connect(self._take)

    @property
    def parts(self) -> Sequence[Part]:
        return self._model.parts

    def show_parts(self, parts: Sequence[Part], limit: float | None = None) -> None:
        """``limit`` has the longest bar, else the largest value."""
        largest = max((abs(part.value) for part in parts), default=1.0)
        self._model.show(parts, largest if limit is None else limit)

    def _measure(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(ROW))
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, px(width))

    def _take(self, index: QModelIndex) -> None:
        head = self._model.parts[index.row()].head
        if head is not None:
            self.head_taken.emit(*head)
