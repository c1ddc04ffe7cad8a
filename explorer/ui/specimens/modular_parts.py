"""PartsTable: how good the parts of a model's logits are, with bars."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QTableView

from explorer.specimens.modular import Answers
from explorer.ui.widgets.look import px
from explorer.ui.widgets.scaling import on_text_size
from explorer.ui.widgets.share_bar import CELL, Cell, list_rows

ROW, NUMBER = 24, 96  # the height of a row, the width of a column of numbers
HEADERS = ("logits", "right", "loss, logarithmic")


class PartsTable(QTableView):
    """``pointed`` tells the part under the mouse, or else the current one; -1 for none."""

    pointed = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._model = QStandardItemModel(0, len(HEADERS), self)
        self._model.setHorizontalHeaderLabels(HEADERS)
        self._model.horizontalHeaderItem(0).setTextAlignment(Qt.AlignmentFlag.AlignLeft)
        for column in (1, 2):
            self._model.horizontalHeaderItem(column).setTextAlignment(Qt.AlignmentFlag.AlignRight)
        self.setModel(self._model)
        list_rows(self, name, ROW, 0)
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        on_text_size(self, self._measure)
        self.entered.connect(lambda index: self.pointed.emit(index.row()))

    def show_parts(self, parts: dict[str, Answers]) -> None:
        """The bars of losses begin at the power of ten below the smallest, for a logarithm has no nought."""
        exponents = np.log10([max(part.loss, 1e-300) for part in parts.values()])
        floor = np.floor(exponents.min())
        lengths = (exponents - floor) / (exponents.max() - floor)
        self._model.setRowCount(0)
        for (name, part), length in zip(parts.items(), lengths.tolist(), strict=True):
            cells = (
                Cell(part_name(name), strong=name in ("restricted", "excluded")),
                Cell(f"{100 * part.accuracy:.1f} %", right=True, fill=part.accuracy),
                Cell(f"{part.loss:.2g}", right=True, fill=length),
            )
            self._model.appendRow([_item(cell, part_words(name, part)) for cell in cells])

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # type: ignore[override]
        super().currentChanged(current, previous)
        self.pointed.emit(current.row())

    def leaveEvent(self, event: object) -> None:
        super().leaveEvent(event)  # type: ignore[arg-type]
        self.pointed.emit(self.currentIndex().row())

    def _measure(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(ROW))
        for column in (1, 2):
            self.setColumnWidth(column, px(NUMBER))


def part_name(name: str) -> str:
    """What a part of the logits is: “without wave 21”."""
    known = {"restricted": "restricted: key waves", "excluded": "excluded: the rest"}
    return {"model": "the whole model", **known}.get(name, name.replace("excluded ", "without wave "))


def part_words(name: str, part: Answers) -> str:
    """A part's figures in a sentence."""
    title = part_name(name)
    right = f"{100 * part.accuracy:.2f} % of all pairs are right"
    return f"{title[0].upper()}{title[1:]}; {right}, the loss is {part.loss:.3g}."


def _item(cell: Cell, sentence: str) -> QStandardItem:
    item = QStandardItem(cell.text)
    item.setData(cell, CELL)
    item.setData(sentence, Qt.ItemDataRole.AccessibleTextRole)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight if cell.right else Qt.AlignmentFlag.AlignLeft)
    return item
