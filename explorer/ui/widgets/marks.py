"""Marks in tables and lists: kind is shape, sign is hue, strength is alpha, as on the canvas."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.circuits.graph import NodeKind
from explorer.session.theme import RAMP, RAMP_BELOW, Theme
from explorer.session.view import GraphView
from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme

IN_TABLE = 21  # px of the picture of a mark
TABLE_RADIUS = 3.9
STRENGTHS = (0.0, *(below / 2 for below in RAMP_BELOW), 1.0)  # one of each step, after that of no strength


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
    painter.setBrush(_fill(mark.kind, mark.strength, theme))
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


def paint_table_mark(painter: QPainter, x: int, y: int, mark: Mark, theme: Theme) -> None:
    """Draw ``mark`` at a pixel of a table, from a picture that all marks share that look alike."""
    step = _step(mark.strength) + 1 if mark.strength else 0
    looks = Mark(mark.kind, STRENGTHS[step] * (-1 if mark.strength < 0 else 1), mark.pinned, mark.hidden, mark.selected)
    picture = _picture(looks, theme, painter.device().devicePixelRatioF())
    painter.drawPixmap(x - IN_TABLE // 2, y - IN_TABLE // 2, picture)


@lru_cache(maxsize=256)
def _picture(mark: Mark, theme: Theme, ratio: float) -> QPixmap:
    picture = QPixmap(ceil(IN_TABLE * ratio), ceil(IN_TABLE * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        paint_mark(painter, QPointF(IN_TABLE // 2, IN_TABLE / 2), TABLE_RADIUS, mark, theme)
    return picture


def _fill(kind: int, strength: float, theme: Theme) -> QColor:
    if not strength or kind == NodeKind.LOGIT:
        return QColor(theme.surface_panel)
    return color(theme.sign(strength), RAMP[_step(strength)])


def _step(strength: float) -> int:
    """``ramp_step`` of one mark."""
    return bisect_right(RAMP_BELOW, abs(strength))


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
