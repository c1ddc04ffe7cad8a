"""Painting of table cells: marks, muted places, figures, and bars from a zero line or from the right."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from explorer.session.theme import Theme
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.marks import Mark, paint_mark

CELL = Qt.ItemDataRole.UserRole + 1
MARK_WIDTH = 24

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
        width = QFontMetrics(font("strong")).horizontalAdvance(cell.text + cell.place) + 12 if cell else 0
        return QSize(width + (MARK_WIDTH if cell and (cell.mark or cell.indent) else 0), px(self._row_height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell: Cell | None = index.data(CELL)
        if cell is None:
            return
        theme = current_theme()
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, QColor(theme.select_tint))
            if index.column() == 0:
                painter.fillRect(QRect(rect.left(), rect.top(), 3, rect.height()), QColor(theme.select))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(theme.surface_sunken))
        if cell.rule:
            painter.setPen(QPen(QColor(theme.line_strong), 1))
            painter.drawLine(rect.topLeft(), rect.topRight())
        if cell.fill > 0:
            _paint_fill(painter, rect, cell.fill, theme)
        if cell.bar is not None:
            _paint_bar(painter, rect, cell.bar, theme)
        _paint_text(painter, rect, cell, theme, selected)
        painter.restore()


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


def _paint_text(painter: QPainter, rect: QRect, cell: Cell, theme: Theme, selected: bool) -> None:
    left, right = rect.left() + (0 if cell.mark or cell.indent else 6), rect.right() - 6
    if cell.mark:
        centre = QPointF(rect.left() + 14, rect.center().y() + 0.5)
        paint_mark(painter, centre, 3.9, cell.mark, theme)
    if cell.mark or cell.indent:
        left += MARK_WIDTH + 2
    face: QFont = font("strong" if cell.strong else "body")
    painter.setFont(face)
    painter.setPen(QColor(getattr(theme, cell.tone)))
    metrics = QFontMetrics(face)
    if cell.right:
        painter.drawText(rect.adjusted(0, 0, -6, 0), _RIGHT, cell.text)
        return
    place = f" {cell.place}" if cell.place else ""
    plain = QFontMetrics(font("body"))
    room = right - left - plain.horizontalAdvance(place)
    text = metrics.elidedText(cell.text, Qt.TextElideMode.ElideRight, max(room, 0))
    box = QRect(left, rect.top(), max(right - left, 0), rect.height())
    painter.drawText(box, _LEFT, text)
    if place:
        painter.setFont(font("body"))
        painter.setPen(QColor(theme.text_3))
        painter.drawText(box.adjusted(metrics.horizontalAdvance(text), 0, 0, 0), _LEFT, place)


_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
