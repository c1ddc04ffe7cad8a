"""Nodes that a panel points at, and the path through them, over the drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from explorer.circuits.graph import NodeKind
from explorer.ui.canvas.curves import controls
from explorer.ui.canvas.frame import Frame
from explorer.ui.canvas.texts import TextBox, Texts
from explorer.ui.theme import color

WIDTH, THIN = 2.0, 1.0
FAINT = 0.55
BELOW = 12.0  # the outputs
AWAY = 3.5  # of the ring from the mark


def paint_lit(painter: QPainter, frame: Frame, nodes: Sequence[int], is_path: bool) -> None:
    """Ring each of ``nodes``; with ``is_path`` draw the links from each to the next."""
    lit = [node for node in nodes if node < len(frame.graph)]
    if not lit:
        return
    painter.save()
    painter.setClipRect(frame.plot)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(QColor(frame.theme.select), WIDTH)
    painter.setPen(pen)
    if is_path and len(lit) > 1:
        painter.drawPath(_way(frame, lit))
    for node in lit:
        if frame.graph.nodes.kind[node] == NodeKind.LOGIT:
            pill = frame.pill(node - frame.graph.block(NodeKind.LOGIT).start)
            painter.drawRoundedRect(pill.adjusted(-2, -2, 2, 2), 8, 8)
        else:
            x, y, radius = frame.place(node)
            painter.drawEllipse(QPointF(x, y), radius + AWAY, radius + AWAY)
    painter.restore()


def paint_beside(
    painter: QPainter, frame: Frame, paths: Sequence[Sequence[int]], words: str, boxes: Sequence[TextBox]
) -> list[TextBox]:
    """Draw ``paths`` thinly and ``words`` at the top left of the plot; ``boxes`` with that of the words."""
    painter.save()
    painter.setClipRect(frame.plot)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color(frame.theme.select, FAINT), THIN))
    for nodes in paths:
        known = [node for node in nodes if node < len(frame.graph)]
        if len(known) == len(nodes) > 1:
            painter.drawPath(_way(frame, known))
    painter.restore()
    texts = Texts(painter, frame.theme.surface_canvas, frame.text_scale, frame.ratio)
    texts.boxes = list(boxes)
    y = max(frame.pill(0).bottom(), frame.plot.top()) + BELOW
    texts.draw(words, frame.plot.left() + 8, y, frame.theme.select, "direct", halo=True)
    return texts.boxes


def _way(frame: Frame, nodes: Sequence[int]) -> QPainterPath:
    rows = np.array(nodes, dtype=np.int64)
    way = QPainterPath()
    for curve in controls(frame.ends, rows[:-1], rows[1:]) / frame.ratio:
        start, *rest = (QPointF(float(x), float(y)) for x, y in curve)
        way.moveTo(start)
        way.cubicTo(*rest)
    return way
