"""Marks of features that an intervention moves: a triangle beside each, upwards if it rose."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from explorer.circuits.graph import NodeKey
from explorer.ui.canvas.frame import Frame

HALF = 3.0  # of the triangle's width and height
AWAY = 3.5  # from the mark


def paint_moved(painter: QPainter, frame: Frame, rises: Mapping[NodeKey, bool]) -> None:
    """Paint a triangle at the upper right of each of the drawn nodes in ``rises``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for key, is_rise in rises.items():
        node = frame.graph.index.get(key)
        if node is None or not frame.layout.placed[node]:
            continue
        x, y, radius = frame.place(node)
        painter.setPen(QPen(QColor(frame.theme.surface_canvas), 1))
        painter.setBrush(QColor(frame.theme.sign_raise if is_rise else frame.theme.sign_lower))
        painter.drawPolygon(triangle(QPointF(x + radius + AWAY, y - radius - 1), is_rise))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def triangle(centre: QPointF, is_up: bool) -> QPolygonF:
    """A triangle that points up or down."""
    tip = -HALF if is_up else HALF
    x, y = centre.x(), centre.y()
    return QPolygonF([QPointF(x, y + tip), QPointF(x + HALF, y - tip), QPointF(x - HALF, y - tip)])
