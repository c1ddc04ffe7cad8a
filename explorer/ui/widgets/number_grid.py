"""NumberGrid: a table of shaded cells with a current one, which the mouse and the arrow keys move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.scaling import on_text_size

HEADER = 26
DARKEST = 0.4  # of the ink, so that text on it keeps its contrast


class NumberGrid(QWidget):
    """``chosen`` tells the row and column of the current cell, ``hovered`` that under the mouse.

    When the mouse leaves, ``hovered`` tells the current cell. ``activated`` tells the cell that a click or Enter took.
    Rows' names are ``name_width`` wide, or as the columns; ``signed`` shades have the colours of signs.
    """

    chosen = Signal(int, int)
    hovered = Signal(int, int)
    activated = Signal(int, int)

    def __init__(
        self, name: str, width: int, height: int = HEADER, *, name_width: int | None = None, signed: bool = False
    ) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._width, self._height, self._signed = width, height, signed
        self._name_width = width if name_width is None else name_width
        self.rows: Sequence[str] = ()
        self.columns: Sequence[str] = ()
        self.texts: Sequence[Sequence[str]] = ()
        self.values: NDArray[np.floating] = np.zeros((0, 0))
        self.current = (0, 0)
        on_text_size(self, self._fit)

    def show_cells(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        texts: Sequence[Sequence[str]],
        values: NDArray[np.floating],
        current: tuple[int, int] | None = None,
    ) -> None:
        """Texts and values are [row, column]; a cell is shaded by its value, from 0 (or -1) to 1.

        ``current`` is the last cell if not given.
        """
        self.rows, self.columns, self.texts, self.values = rows, columns, texts, values
        self.current = (len(rows) - 1, len(columns) - 1) if current is None else current
        self.setFixedSize(self.sizeHint())
        self.update()
        if rows and columns:
            self.choose(*self.current)

    def _fit(self) -> None:
        if self.rows and self.columns:
            self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        names = px(self._name_width) if self.columns else 0
        return QSize(names + px(self._width) * len(self.columns), px(HEADER) + px(self._height) * len(self.rows))

    def cell(self, row: int, column: int) -> QRect:
        """Where a cell is; -1 is the header's row or column."""
        x, width = (px(self._name_width) + px(self._width) * column, px(self._width)) if column >= 0 else (0, 0)
        y, height = (px(HEADER) + px(self._height) * row, px(self._height)) if row >= 0 else (0, px(HEADER))
        return QRect(x, y, width or px(self._name_width), height)

    def choose(self, row: int, column: int) -> None:
        self.current = (row, column)
        self.setAccessibleDescription(f"{self.rows[row]}, {self.columns[column]}: {self.texts[row][column]}")
        self.update()
        self.chosen.emit(row, column)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setFont(font("caption"))
        rows, columns = self._seen(event.rect())
        for row in rows:
            for column in columns:
                self.paint_cell(painter, self.cell(row, column), row, column)
        if self.current[0] in rows and self.current[1] in columns:
            painter.setPen(color(theme.select))
            painter.drawRect(self.cell(*self.current).adjusted(0, 0, -1, -1))
            if self.hasFocus():
                painter.drawRect(self.cell(*self.current).adjusted(1, 1, -2, -2))
        self._paint_headers(painter, rows, columns)

    def _paint_headers(self, painter: QPainter, rows: range, columns: range) -> None:
        """Names of rows and columns, which stay in sight where the table is scrolled."""
        ink, corner = color(current_theme().text_2), self._corner()
        for row in rows:
            self._write(painter, self.cell(row, -1).translated(corner.x(), 0), self.rows[row], ink)
        for column in columns:
            self._write(painter, self.cell(-1, column).translated(0, corner.y()), self.columns[column], ink)

    def _corner(self) -> QPoint:
        """The point in sight that is farthest up and left; its scroll area must paint again when it moves."""
        return self.visibleRegion().boundingRect().topLeft()

    def paint_cell(self, painter: QPainter, where: QRect, row: int, column: int) -> None:
        """Paint what is in a cell: its shade, and its text over it."""
        painter.fillRect(where.adjusted(1, 1, -1, -1), self._shade(float(self.values[row, column])))
        self._write(painter, where, self.texts[row][column], color(current_theme().text))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if (found := self._under(event.position())) is not None:
            self.choose(*found)
            self.activated.emit(*found)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if (found := self._under(event.position())) is not None:
            self.hovered.emit(*found)

    def leaveEvent(self, event: QEvent) -> None:
        if self.rows and self.columns:
            self.hovered.emit(*self.current)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        is_taken = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if not (self.rows and self.columns and (is_taken or direction is not None)):
            super().keyPressEvent(event)
            return
        if direction is None:
            self.activated.emit(*self.current)
            return
        row, column = self.current[0] + direction[1], self.current[1] + direction[0]
        self.choose(min(max(row, 0), len(self.rows) - 1), min(max(column, 0), len(self.columns) - 1))

    def _under(self, at: QPointF) -> tuple[int, int] | None:
        seen = at.toPoint() - self._corner()
        if seen.x() < px(self._name_width) or seen.y() < px(HEADER):
            return None
        row, column = self._place(int(at.x()), int(at.y()))
        return (row, column) if 0 <= row < len(self.rows) and 0 <= column < len(self.columns) else None

    def _seen(self, area: QRect) -> tuple[range, range]:
        """The rows and columns that ``area`` touches and no header covers."""
        corner = self._corner() + QPoint(px(self._name_width) + px(self._width) - 1, px(HEADER) + px(self._height) - 1)
        whole = self._place(corner.x(), corner.y())
        first, last = self._place(area.left(), area.top()), self._place(area.right(), area.bottom())
        rows = range(max(first[0], whole[0]), min(last[0] + 1, len(self.rows)))
        return rows, range(max(first[1], whole[1]), min(last[1] + 1, len(self.columns)))

    def _place(self, x: int, y: int) -> tuple[int, int]:
        """Row and column at a point, as if the table went on for ever; negative for a header's."""
        return (y - px(HEADER)) // px(self._height), (x - px(self._name_width)) // px(self._width)

    def _shade(self, value: float) -> QColor:
        theme = current_theme()
        if self._signed:
            return color(theme.sign(value), DARKEST * min(1.0, abs(value)))
        return color(theme.mark_ink, DARKEST * min(1.0, max(0.0, value)))

    def _write(self, painter: QPainter, where: QRect, text: str, ink: QColor) -> None:
        painter.setPen(ink)
        inner = where.adjusted(px(4), 0, -px(4), 0)
        short = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)
