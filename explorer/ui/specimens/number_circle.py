"""NumberCircle: numbers as points in a plane, and the way from one to the next."""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.session.theme import Theme
from explorer.shapes import Float
from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, px

NEAR = 12  # px from a point within which the mouse means it
EDGE = 22  # px around the circle, for the numbers
DOT = 2.6


class NumberCircle(QWidget):
    """Points on and off a circle of radius 1, as many named as have room.

    ``chosen`` tells the number that the mouse or an arrow key pointed at, -1 for none; lines lead from it to the next.
    """

    chosen = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.points: Float[ndarray, "number 2"] = np.zeros((0, 2))
        self.current = -1

    def show_points(self, points: Float[ndarray, "number 2"]) -> None:
        self.points = points
        self.current = min(self.current, len(points) - 1)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(240), px(240))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(150), px(150))

    def place(self, number: int) -> QPointF:
        """Where the point of a number is."""
        x, y = self.points[number] * self._radius
        return self._centre + QPointF(x, -y)

    @property
    def _centre(self) -> QPointF:
        return QPointF(self.width() / 2, self.height() / 2)

    @property
    def _radius(self) -> float:
        farthest = max(1.0, float(np.hypot(*self.points.T).max(initial=0.0)))
        return (min(self.width(), self.height()) / 2 - px(EDGE)) / farthest

    def paintEvent(self, event: QPaintEvent) -> None:
        if not len(self.points):
            return
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(color(theme.line_strong), 1))
            painter.drawEllipse(self._centre, self._radius, self._radius)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color(theme.mark_ink))
            for number in range(len(self.points)):
                painter.drawEllipse(self.place(number), DOT, DOT)
            self._draw_steps(painter, theme)
            self._write_numbers(painter, theme)
            if self.hasFocus():
                painter.setPen(QPen(color(theme.select), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)

    def _draw_steps(self, painter: QPainter, theme: Theme) -> None:
        """From the current number to the next two, or from 0."""
        for at, number in enumerate(self._named()[:2]):
            painter.setPen(QPen(color(theme.select), 2 - 0.8 * at))
            painter.drawLine(self.place(number), self.place(self._named()[at + 1]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(theme.select))
        for number in self._named():
            painter.drawEllipse(self.place(number), DOT + 1, DOT + 1)

    def _named(self) -> list[int]:
        first = max(self.current, 0)
        return [(first + step) % len(self.points) for step in range(3)]

    def _write_numbers(self, painter: QPainter, theme: Theme) -> None:
        """Outside of their points, the named ones first, then all that have room."""
        painter.setFont(font("caption"))
        wide = painter.fontMetrics().horizontalAdvance(str(len(self.points))) + 2
        taken: list[QRectF] = []
        for number in (*self._named(), *range(len(self.points))):
            x, y = self.points[number]
            out = self.place(number) + QPointF(x, -y) / max(float(np.hypot(x, y)), 1e-9) * px(12)
            box = QRectF(out.x() - wide / 2, out.y() - px(7), wide, px(14))
            if not any(box.intersects(other) for other in taken):
                taken.append(box)
                painter.setPen(color(theme.select if number in self._named() else theme.text_2))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.point_at(self._under(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self.point_at(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        if direction is None or not len(self.points):
            super().keyPressEvent(event)
        else:
            self.point_at((self.current + direction[0] - direction[1]) % len(self.points))

    def point_at(self, number: int) -> None:
        if number != self.current:
            self.current = number
            self.setAccessibleDescription(f"The number {number}" if number >= 0 else "")
            self.update()
            self.chosen.emit(number)

    def _under(self, at: QPointF) -> int:
        if not len(self.points):
            return -1
        away = [self.place(number) - at for number in range(len(self.points))]
        distance = np.array([np.hypot(each.x(), each.y()) for each in away])
        return int(distance.argmin()) if distance.min() <= px(NEAR) else -1
