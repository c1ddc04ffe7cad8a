"""Marks in tables and lists: kind is shape, sign is hue, strength is alpha, as on the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.circuits.graph import NodeKind
from explorer.session.theme import RAMP, Theme, ramp_step
from explorer.session.view import GraphView
from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme


@dataclass(frozen=True)
class Mark:
    """``strength`` is the signed size relative to the strongest of its side; 0 draws no fill."""

    kind: int
    strength: float = 0.0
    pinned: bool = False
    hidden: bool = False
    selected: bool = False


def mark_of(view: GraphView, node: int, strongest: float, selected: bool = False) -> Mark:
    """The mark of a node by its signed effect over that of the strongest."""
    return Mark(
        kind=int(view.graph.nodes.kind[node]),
        strength=float(view.effect[node]) / strongest if strongest > 0 else 0.0,
        pinned=view.graph.key(node) in view.edits.pinned,
        hidden=not view.shown[node],
        selected=selected,
    )


def paint_mark(painter: QPainter, centre: QPointF, radius: float, mark: Mark, theme: Theme) -> None:
    """Draw ``mark``; the shape fits a circle of ``radius`` and one pixel."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if mark.hidden:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hidden))
        painter.drawEllipse(centre, 1.3, 1.3)
        painter.restore()
        return
    painter.setBrush(_fill(mark, theme))
    painter.setPen(QPen(QColor(theme.mark_ink if mark.strength else theme.line_strong), 1))
    _shape(painter, centre, radius, mark.kind)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if mark.selected:
        painter.setPen(QPen(QColor(theme.select), 2))
        painter.drawEllipse(centre, radius + 3.5, radius + 3.5)
    elif mark.pinned:
        painter.setPen(QPen(QColor(theme.mark_ink), 1.4))
        painter.drawRoundedRect(_square(centre, radius + 2.6), 1.5, 1.5)
    painter.restore()


def _fill(mark: Mark, theme: Theme) -> QColor:
    if not mark.strength or mark.kind == NodeKind.LOGIT:
        return QColor(theme.surface_panel)
    return color(theme.sign(mark.strength), RAMP[int(ramp_step(np.array([mark.strength]))[0])])


def _square(centre: QPointF, half: float) -> QRectF:
    return QRectF(centre.x() - half, centre.y() - half, 2 * half, 2 * half)


def _shape(painter: QPainter, centre: QPointF, radius: float, kind: int) -> None:
    x, y = centre.x(), centre.y()
    if kind == NodeKind.EMBEDDING:
        painter.drawRect(_square(centre, radius * 0.88))
    elif kind == NodeKind.ERROR:
        points = [
            QPointF(x, y - radius),
            QPointF(x + radius, y),
            QPointF(x, y + radius),
            QPointF(x - radius, y),
        ]
        painter.drawPolygon(QPolygonF(points))
    elif kind == NodeKind.BIAS:
        low = y + radius * 0.8
        points = [QPointF(x, y - radius), QPointF(x + radius, low), QPointF(x - radius, low)]
        painter.drawPolygon(QPolygonF(points))
    elif kind == NodeKind.LOGIT:
        width, height = radius * 2.9, radius * 1.9
        painter.drawRoundedRect(QRectF(x - width / 2, y - height / 2, width, height), radius * 0.7, radius * 0.7)
    else:
        painter.drawEllipse(centre, radius, radius)


class MarkLabel(QWidget):
    """A mark beside words."""

    def __init__(self, size: int = 20, radius: float = 5.0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._radius = radius
        self._mark = Mark(int(NodeKind.FEATURE))
        self.setFixedSize(size, size)

    def show_mark(self, mark: Mark) -> None:
        if mark != self._mark:
            self._mark = mark
            self.update()

    def paintEvent(self, event: object) -> None:
        with QPainter(self) as painter:
            paint_mark(painter, QRectF(self.rect()).center(), self._radius, self._mark, current_theme())
