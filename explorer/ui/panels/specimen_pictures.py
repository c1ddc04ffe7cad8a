"""Pictures on the cards of the specimens: drawings of what each is about, not data.

The painter is scaled by the text size, so fonts are those of 100 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.session.theme import Theme
from explorer.ui.theme import color, font
from explorer.ui.widgets.look import current_theme
from explorer.ui.widgets.scaling import fixed

SIDE = 60.0
CENTRE = QPointF(SIDE / 2, SIDE / 2)
BELIEFS = ("10302", "04010", "20141", "03020", "41003")  # shades of a matrix, in quarters
POINTS = 60  # of a curve


class SpecimenPicture(QWidget):
    """The drawing of a specimen by its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._draw = PICTURES[name]
        fixed(self, width=int(SIDE), height=int(SIDE))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.scale(self.width() / SIDE, self.height() / SIDE)
            self._draw(painter, theme)


def beliefs(painter: QPainter, theme: Theme) -> None:
    """A matrix of letters, shaded."""
    side = SIDE / len(BELIEFS)
    for row, shades in enumerate(BELIEFS):
        for column, shade in enumerate(shades):
            cell = QRectF(column * side + 0.5, row * side + 0.5, side - 1, side - 1)
            painter.fillRect(cell, color(theme.mark_ink, 0.08 + 0.23 * int(shade)))


def pentagon(painter: QPainter, theme: Theme) -> None:
    """Five features in the plane."""
    painter.setPen(QPen(QColor(theme.line_strong), 1))
    painter.drawEllipse(CENTRE, 26, 26)
    painter.setPen(QPen(QColor(theme.sign_raise), 2))
    painter.setBrush(QColor(theme.sign_raise))
    for at in range(5):
        angle = 2 * math.pi * at / 5 - math.pi / 2
        tip = CENTRE + QPointF(26 * math.cos(angle), 26 * math.sin(angle))
        painter.drawLine(CENTRE, tip)
        painter.drawEllipse(tip, 2.5, 2.5)


def column_sum(painter: QPainter, theme: Theme) -> None:
    """A sum as on paper, with the carry."""
    painter.setFont(font("strong"))
    for words, y, ink in (("4 9 9", 4, theme.text), ("+ 1 2", 20, theme.text), ("5 1 1", 42, theme.sign_raise)):
        painter.setPen(QColor(ink))
        painter.drawText(QRectF(0, y, SIDE - 6, 16), Qt.AlignmentFlag.AlignRight, words)
    painter.setPen(QPen(QColor(theme.line_strong), 1))
    painter.drawLine(QPointF(8, 39), QPointF(SIDE - 3, 39))


def late(painter: QPainter, theme: Theme) -> None:
    """Two curves of learning, one long after the other."""
    _axes(painter, theme)
    for middle, ink in ((0.18, theme.mark_ink), (0.72, theme.sign_raise)):
        _curve(painter, ink, partial(_rise, middle))


def waves(painter: QPainter, theme: Theme) -> None:
    """Waves of three frequencies."""
    for k, ink in ((1, theme.mark_ink), (2, theme.sign_lower), (3, theme.sign_raise)):
        _curve(painter, ink, partial(_wave, k))


def again(painter: QPainter, theme: Theme) -> None:
    """Tokens that come twice, and where each looks back to."""
    for at in range(6):
        where = QPointF(6 + 9.6 * at, 48)
        twice = at % 3
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(theme.mark_ink, (0.25, 0.6, 1.0)[twice]))
        painter.drawEllipse(where, 3.6, 3.6)
        if at >= 3:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.sign_raise), 1.6))
            back = where - QPointF(2 * 9.6, 0)
            arc = QPainterPath(where - QPointF(0, 5))
            arc.cubicTo(where - QPointF(0, 34), back - QPointF(0, 34), back - QPointF(0, 5))
            painter.drawPath(arc)


def _rise(middle: float, x: float) -> float:
    return 1 / (1 + math.exp(-30 * (x - middle)))


def _wave(k: int, x: float) -> float:
    return 0.5 + 0.45 * math.cos(2 * math.pi * k * x)


def _axes(painter: QPainter, theme: Theme) -> None:
    painter.setPen(QPen(QColor(theme.line_strong), 1))
    painter.drawPolyline(QPolygonF([QPointF(3, 4), QPointF(3, 56), QPointF(57, 56)]))


def _curve(painter: QPainter, ink: str, height: Callable[[float], float]) -> None:
    shares = [at / (POINTS - 1) for at in range(POINTS)]
    painter.setPen(QPen(QColor(ink), 1.8))
    painter.drawPolyline(QPolygonF([QPointF(5 + 50 * x, 53 - 46 * height(x)) for x in shares]))


PICTURES: Mapping[str, Callable[[QPainter, Theme], None]] = {
    "letters": beliefs,
    "superposition": pentagon,
    "adder": column_sum,
    "modular-113": late,
    "modular-59": waves,
    "induction": again,
}
