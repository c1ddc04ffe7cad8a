"""NumberGrid: a table of shaded cells with a current one, which the mouse and the arrow keys move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, px

DARKEST = 0.4  # of the ink, so that text on it keeps its contrast


class NumberGrid(QWidget):
    """``chosen`` tells the row and column of the current cell, ``hovered`` that under the mouse.

    When the mouse leaves, ``hovered`` tells the current cell.
    """

    chosen = Signal(int, int)
    hovered = Signal(int, int)

    def __init__(self, name: str, width: int) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._width = width
        self.rows: Sequence[str] = ()
        self.columns: Sequence[str] = ()
        self.texts: Sequence[Sequence[str]] = ()
        self.values: NDArray[np.floating] = np.zeros((0, 0))
        self.current = (0, 0)

    def show_cells(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        texts: Sequence[Sequence[str]],
        values: NDArray[np.floating],
    ) -> None:
        """Texts and values are [row, column]; a cell is shaded by its value, from 0 to 1."""
        self.rows, self.columns, self.texts, self.values = rows, columns, texts, values
        self.current = (len(rows) - 1, len(columns) - 1)
        self.setFixedSize(self.sizeHint())
        self.update()
        if rows and columns:
            self.choose(*self.current)

    def sizeHint(self) -> QSize:
        return QSize(px(self._width) * (len(self.columns) + 1), px(26) * (len(self.rows) + 1))

    def cell(self, row: int, column: int) -> QRect:
        """Where a cell is; -1 is the header's row or column."""
        width, height = px(self._width), px(26)
        return QRect(width * (column + 1), height * (row + 1), width, height)

    def choose(self, row: int, column: int) -> None:
        self.current = (row, column)
        self.setAccessibleDescription(f"{self.rows[row]}, {self.columns[column]}: {self.texts[row][column]}")
        self.update()
        self.chosen.emit(row, column)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self)
        painter.setFont(font("caption"))
        for column, text in enumerate(self.columns):
            self._write(painter, self.cell(-1, column), text, color(theme.text_2))
        for row, text in enumerate(self.rows):
            self._write(painter, self.cell(row, -1), text, color(theme.text_2))
            for column in range(len(self.columns)):
                where = self.cell(row, column)
                share = min(1.0, max(0.0, float(self.values[row, column])))
                painter.fillRect(where.adjusted(1, 1, -1, -1), color(theme.mark_ink, DARKEST * share))
                self._write(painter, where, self.texts[row][column], color(theme.text))
        if self.rows and self.columns:
            painter.setPen(color(theme.select))
            painter.drawRect(self.cell(*self.current).adjusted(0, 0, -1, -1))
            if self.hasFocus():
                painter.drawRect(self.cell(*self.current).adjusted(1, 1, -2, -2))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if (found := self._under(event.position())) is not None:
            self.choose(*found)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if (found := self._under(event.position())) is not None:
            self.hovered.emit(*found)

    def leaveEvent(self, event: QEvent) -> None:
        if self.rows and self.columns:
            self.hovered.emit(*self.current)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        if direction is None or not (self.rows and self.columns):
            super().keyPressEvent(event)
            return
        row, column = self.current[0] + direction[1], self.current[1] + direction[0]
        self.choose(min(max(row, 0), len(self.rows) - 1), min(max(column, 0), len(self.columns) - 1))

    def _under(self, at: QPointF) -> tuple[int, int] | None:
        row, column = int(at.y()) // px(26) - 1, int(at.x()) // px(self._width) - 1
        return (row, column) if 0 <= row < len(self.rows) and 0 <= column < len(self.columns) else None

    def _write(self, painter: QPainter, where: QRect, text: str, ink: QColor) -> None:
        painter.setPen(ink)
        inner = where.adjusted(px(4), 0, -px(4), 0)
        short = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)
