"""Painting of table cells: marks, muted places, figures, and bars from a zero line or from the right."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from explorer.session.theme import Theme
from explorer.ui.lettering import cut, face_of, ink_of, shaped, text_width
from explorer.ui.widgets.look import current_theme, px, text_scale
from explorer.ui.widgets.marks import Mark, paint_table_mark

CELL = Qt.ItemDataRole.UserRole + 1
MARK_WIDTH = 24
SELECTED, UNDER_MOUSE = QStyle.StateFlag.State_Selected.value, QStyle.StateFlag.State_MouseOver.value

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Cell:
    """How a cell looks. ``tone`` is a colour of the theme, ``text`` aligned ``right`` or cut with an ellipsis.

    ``bar`` in [-1, 1] grows from a zero line in the middle in the colour of its sign; ``fill`` in [0, 1] is a
    sunken bar from the right, behind the text. ``place`` follows the text in grey. ``rule`` draws a line above.
    """

    text: str = ""
    tone: str = "text"
    mark: Mark | None = None
    place: str = ""
    right: bool = False
    strong: bool = False
    bar: float | None = None
    fill: float = 0.0
    rule: bool = False
    indent: bool = False
    check: bool = False


class CellDelegate(QStyledItemDelegate):
    """Paints the Cell that a model gives under ``CELL``; ``row_height`` at 100 % text size."""

    def __init__(self, row_height: int, parent: object = None) -> None:
        super().__init__(parent)  # type: ignore[arg-type]
        self._row_height = row_height

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        cell = index.data(CELL)
        width = round(text_width(cell.text + cell.place, "strong", text_scale())) + 12 if cell else 0
        return QSize(width + (MARK_WIDTH if cell and (cell.mark or cell.indent) else 0), px(self._row_height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell: Cell | None = index.data(CELL)
        if cell is None:
            return
        theme = current_theme()
        rect: QRect = option.rect
        state: int = option.state.value  # as a number, for there are many cells
        painter.save()
        selected = bool(state & SELECTED)
        if selected:
            painter.fillRect(rect, QColor(theme.select_tint))
            if index.column() == 0:
                painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(theme.select))
        elif state & UNDER_MOUSE:
            painter.fillRect(rect, QColor(theme.surface_sunken))
        if cell.rule:
            painter.setPen(QPen(QColor(theme.line_strong), 1))
            painter.drawLine(rect.topLeft(), rect.topRight())
        if cell.fill > 0:
            _paint_fill(painter, rect, cell.fill, theme)
        if cell.bar is not None:
            _paint_bar(painter, rect, cell.bar, theme)
        _paint_text(painter, rect, cell, theme)
        painter.restore()


def list_rows(table: QTableView, name: str, row_height: int, stretched: int) -> None:
    """Make ``table`` a list of cells: a row is chosen whole, one at a time; ``stretched`` takes the room left.

    Call it once the table has its model, which says how many columns there are.
    """
    table.setItemDelegate(CellDelegate(row_height, table))
    table.setAccessibleName(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)


def _paint_fill(painter: QPainter, rect: QRect, part: float, theme: Theme) -> None:
    width = max(2, round((rect.width() - 10) * min(part, 1.0)))
    painter.fillRect(QRect(rect.right() - 7 - width, rect.top() + 1, width + 2, rect.height() - 2), theme.line)


def _paint_bar(painter: QPainter, rect: QRect, value: float, theme: Theme) -> None:
    middle = rect.center().x()
    half = rect.width() / 2 - 3
    height = min(11, rect.height() - 6)
    top = rect.center().y() - height / 2 + 0.5
    length = max(1.0, abs(value) * half)
    left = middle if value >= 0 else middle - length
    painter.fillRect(QRectF(left, top, length, height), QColor(theme.sign(value)))
    painter.setPen(QPen(QColor(theme.line_strong), 1))
    painter.drawLine(middle, rect.top() + 1, middle, rect.bottom() - 1)


def _paint_text(painter: QPainter, rect: QRect, cell: Cell, theme: Theme) -> None:
    left, right = rect.left() + (0 if cell.mark or cell.indent else 6), rect.right() - 6
    if cell.mark:
        paint_table_mark(painter, rect.left() + 14, rect.center().y(), cell.mark, theme)
    if cell.mark or cell.indent:
        left += MARK_WIDTH + 2
    role, scale = "strong" if cell.strong else "body", text_scale()
    if cell.right:
        x = right + 1 - text_width(cell.text, role, scale)
        _write(painter, rect, x, cell.text, role, getattr(theme, cell.tone))
        return
    place = f" {cell.place}" if cell.place else ""
    room = right - left - text_width(place, "body", scale)
    fits = text_width(cell.text, role, scale) <= room
    text = cell.text if fits else cut(cell.text, max(room, 0.0), role, scale)
    _write(painter, rect, left, text, role, getattr(theme, cell.tone))
    if place:
        _write(painter, rect, left + text_width(text, role, scale), place, "body", theme.text_3)


def _write(painter: QPainter, rect: QRect, x: float, text: str, role: str, colour: str) -> None:
    scale = text_scale()
    face = face_of(role, scale)
    painter.setFont(face.font)
    painter.setPen(ink_of(colour))
    top = rect.top() + (rect.height() - face.height) / 2
    painter.drawStaticText(QPointF(x, top), shaped(text, role, scale))
