"""HeatMap: a matrix as shaded cells, read with the mouse or the arrow keys, and painted on if that is wanted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.session.theme import Theme
from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.shaded import shaded

HEADER = 11  # a letter's width more than the text needs
HINTED = 320  # a side that is large enough


class HeatMap(QWidget):
    """Cells [row, column] in the colour of their sign, or in ink if none is negative; the largest has all of it.

    ``hovered`` tells the cell under the mouse, or (-1, -1); ``chosen`` the current one, when a click or an arrow key
    made it so. ``pressed`` tells a cell that was clicked, dragged over or chosen by Space; -1 for its row or column
    is the header's. ``released`` tells that the hand is up again.
    """

    hovered = Signal(int, int)
    chosen = Signal(int, int)
    pressed = Signal(int, int)
    released = Signal()

    def __init__(self, name: str, smallest: int = 6, *, square: bool = True) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._smallest, self._square = smallest, square
        self.rows: Sequence[str] = ()
        self.columns: Sequence[str] = ()
        self.values: NDArray[np.floating] = np.zeros((0, 0))
        self.marked: NDArray[np.bool_] = np.zeros((0, 0), dtype=bool)
        self.current = (0, 0)
        self.lit = -1  # a row that is framed
        self._limit: float | None = None
        self._has_sign = False
        self._last: tuple[int, int] | None = None
        self._widest = (0, 0)  # the height of the text when the rows' names were measured, and their width

    def show_values(
        self,
        values: NDArray[np.floating],
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        *,
        limit: float | None = None,
        marked: NDArray[np.bool_] | None = None,
        has_sign: bool = False,
    ) -> None:
        """``limit`` has the full colour (else the largest size); ``marked`` cells are crossed out; NaN is empty.

        ``has_sign`` takes the colours of signs even if none is negative, for one of several maps side by side.
        """
        self._has_sign, self._widest = has_sign, (0, 0)
        self.values, self.rows, self.columns, self._limit = values, rows, columns, limit
        self.marked = np.zeros(values.shape, dtype=bool) if marked is None else marked
        self.current = tuple(np.clip(self.current, 0, np.maximum(np.array(values.shape) - 1, 0)).tolist())
        self.updateGeometry()
        self.update()
        self._describe()

    def sizeHint(self) -> QSize:
        return self._size(max(self._smallest, min(2 * self._smallest, HINTED // max(1, *self.values.shape))))

    def minimumSizeHint(self) -> QSize:
        return self._size(self._smallest)

    def box(self) -> QRectF:
        """Where the cells are: as large as fits, right of and below the headers."""
        left, top = self._headers()
        n_rows, n_columns = self.values.shape
        width, height = max(1.0, self.width() - left - 1), max(1.0, self.height() - top - 1)
        if self._square and n_rows and n_columns:
            side = min(width / n_columns, height / n_rows)
            width, height = side * n_columns, side * n_rows
        return QRectF(left, top, width, height)

    def cell(self, row: int, column: int) -> QRectF:
        """Where a cell is; -1 is the header's row or column."""
        box, (left, top) = self.box(), self._headers()
        width, height = box.width() / self.values.shape[1], box.height() / self.values.shape[0]
        x, wide = (0.0, left) if column < 0 else (box.left() + column * width, width)
        y, high = (0.0, top) if row < 0 else (box.top() + row * height, height)
        return QRectF(x, y, wide, high)

    def choose(self, row: int, column: int) -> None:
        self.current = (row, column)
        self._describe()
        self.update()
        self.chosen.emit(row, column)

    def light(self, row: int) -> None:
        """Frame a row, or none (-1)."""
        self.lit = row
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.values.size:
            return
        theme = current_theme()
        with QPainter(self) as painter:
            painter.drawImage(self.box(), self._image(theme))
            painter.setPen(color(theme.line_strong))
            painter.drawRect(self.box())
            self._write_headers(painter, theme)
            painter.setPen(color(theme.danger))
            for cell in (self.cell(row, column) for row, column in np.argwhere(self.marked).tolist()):
                painter.drawLine(cell.topLeft(), cell.bottomRight())
                painter.drawLine(cell.topRight(), cell.bottomLeft())
            if 0 <= self.lit < len(self.values):
                painter.setPen(color(theme.select))
                painter.drawRect(self.cell(self.lit, 0) | self.cell(self.lit, self.values.shape[1] - 1))
            if self.hasFocus() or self._last is not None:
                painter.setPen(color(theme.select))
                painter.drawRect(self.cell(*self.current))
                painter.drawRect(self.cell(*self.current).adjusted(1, 1, -1, -1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self.under(event.position())
        if found is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._last = found
        if min(found) >= 0:
            self.choose(*found)
        self.pressed.emit(*found)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self.under(event.position())
        self.hovered.emit(*(found or (-1, -1)))
        if found is not None and self._last is not None and found != self._last:
            self._last = found
            self.pressed.emit(*found)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._last is not None:
            self._last = None
            self.released.emit()
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(-1, -1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        if not self.values.size:
            super().keyPressEvent(event)
        elif direction is not None:
            n_rows, n_columns = self.values.shape
            row, column = self.current[0] + direction[1], self.current[1] + direction[0]
            self.choose(min(max(row, 0), n_rows - 1), min(max(column, 0), n_columns - 1))
        elif event.key() == Qt.Key.Key_Space:
            self.pressed.emit(*self.current)
            self.released.emit()
        else:
            super().keyPressEvent(event)

    def under(self, at: QPointF) -> tuple[int, int] | None:
        """The cell at a point, -1 for a header; None outside."""
        if not self.values.size:
            return None
        box = self.box()
        row = int((at.y() - box.top()) // (box.height() / self.values.shape[0]))
        column = int((at.x() - box.left()) // (box.width() / self.values.shape[1]))
        row, column = max(row, -1), max(column, -1)
        is_inside = row < self.values.shape[0] and column < self.values.shape[1] and max(row, column) >= 0
        return (row, column) if is_inside else None

    def _size(self, side: int) -> QSize:
        left, top = self._headers()
        n_rows, n_columns = self.values.shape
        return QSize(int(left) + px(side) * n_columns + 2, int(top) + px(side) * n_rows + 2)

    def _headers(self) -> tuple[float, float]:
        """The width of the rows' names and the height of the columns'."""
        metrics = self.fontMetrics()
        if self._widest[0] != metrics.height():
            widest = max((metrics.horizontalAdvance(row) for row in self.rows), default=0)
            self._widest = metrics.height(), widest
        return (self._widest[1] + px(HEADER) if self.rows else 1.0), (metrics.height() + px(4) if self.columns else 1.0)

    def _image(self, theme: Theme) -> QImage:
        limit = self._limit or float(np.nanmax(np.abs(self.values), initial=0.0)) or 1.0
        share = np.nan_to_num(np.clip(self.values / limit, -1, 1)).astype(np.float64)
        has_sign = self._has_sign or bool((np.nan_to_num(self.values) < 0).any())
        return shaded(share, theme, has_sign=has_sign)

    def _write_headers(self, painter: QPainter, theme: Theme) -> None:
        painter.setFont(font("caption"))
        painter.setPen(color(theme.text_2))
        metrics = painter.fontMetrics()
        if self.rows and self.cell(0, 0).height() >= metrics.height() - 3:
            for row, text in enumerate(self.rows):
                where = self.cell(row, -1).adjusted(0, -2, -px(5), 2)
                painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
        widest = max((metrics.horizontalAdvance(text) for text in self.columns), default=0)
        if self.columns and self.cell(0, 0).width() >= widest:
            for column, text in enumerate(self.columns):
                painter.drawText(self.cell(-1, column), Qt.AlignmentFlag.AlignCenter, text)

    def _describe(self) -> None:
        if self.values.size:
            row, column = self.current
            names = [names[at] if names else str(at) for names, at in ((self.rows, row), (self.columns, column))]
            self.setAccessibleDescription(f"{names[0]}, {names[1]}: {self.values[row, column]:.4g}")
