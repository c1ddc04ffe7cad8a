"""The atlas: every mark the canvas draws, painted once into one pixmap and copied from there."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPixmap, QPolygonF

from explorer.circuits.compare import Status
from explorer.circuits.graph import Floats, Ints, NodeKind
from explorer.session.overlay import side_colour
from explorer.session.theme import RADII, RAMP, Theme, blend
from explorer.ui.canvas.pointers import as_fragments
from explorer.ui.canvas.scene import HIDDEN, LOWER, RAISE, REST, SIDE

KINDS = 4  # feature, error, embedding, bias; outputs are pills with text
STATES = HIDDEN + 1
ALL_STATES = SIDE + len(Status) * len(RAMP)  # those of an overlay too
LEAST_SIDE = 1  # step of the fill that says in which graph a mark is
SCALES = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
OUTLINED = 0.7  # smaller marks are plain, for an outline would hide their fill
DOT = 1.3
MARGIN = 3.0


@dataclass(frozen=True, eq=False)
class Atlas:
    """``pixmap`` holds ``side`` px squares in device pixels: rows are kind and size, columns states."""

    pixmap: QPixmap
    side: int

    def draw(self, painter: QPainter, x: Floats, y: Floats, kind: Ints, step: Ints, state: Ints) -> None:
        """Draw marks at device pixels; the painter must not be scaled."""
        if not len(x):
            return
        half = self.side / 2
        fragments = np.zeros((len(x), 10))
        fragments[:, 0], fragments[:, 1] = np.round(x), np.round(y)
        fragments[:, 2] = state * self.side
        fragments[:, 3] = (kind * len(RADII) + step) * self.side
        fragments[:, 4:6] = self.side
        fragments[:, 6:8] = 1.0
        fragments[:, 9] = 1.0
        if half % 1:
            fragments[:, :2] += 0.5
        painter.drawPixmapFragments(as_fragments(fragments), len(fragments), self.pixmap)


def atlas(theme: Theme, scale: float, ratio: float, n_states: int = STATES) -> Atlas:
    """The marks of ``theme`` at one of SCALES and a device pixel ratio."""
    side = 2 * ceil((RADII[-1] * scale + MARGIN) * ratio)
    pixmap = QPixmap(side * n_states, side * KINDS * len(RADII))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for kind in range(KINDS):
        for step, radius in enumerate(RADII):
            for state in range(n_states):
                middle = QPointF((state + 0.5) * side, ((kind * len(RADII) + step) + 0.5) * side)
                draw_mark(painter, middle, NodeKind(kind), radius * scale, state, theme, ratio)
    painter.end()
    return Atlas(pixmap, side)


def draw_mark(
    painter: QPainter,
    middle: QPointF,
    kind: NodeKind,
    radius: float,
    state: int,
    theme: Theme,
    ratio: float = 1.0,
) -> None:
    """One mark; ``radius`` is in logical pixels and grows by ``ratio``."""
    if state == HIDDEN:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.hidden))
        painter.drawEllipse(middle, DOT * ratio * min(radius, 1.0), DOT * ratio * min(radius, 1.0))
        return
    fill = state_fill(state, theme)
    plain = radius < RADII[0] * OUTLINED
    if plain:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.line_strong if state == REST else fill))
    else:
        is_weak = state == REST or (state >= SIDE and (state - SIDE) % len(RAMP) == 0)
        painter.setPen(QPen(QColor(theme.line_strong if is_weak else theme.mark_ink), ratio))
        painter.setBrush(QBrush(QColor(fill)))
    status = status_of(state)
    if status in (Status.ONLY_A, Status.ONLY_B):
        _draw_half(painter, middle, kind, radius * ratio, fill, QColor(theme.surface_canvas), status)
    else:
        draw_shape(painter, middle, kind, radius * ratio)


def status_of(state: int) -> Status | None:
    """In which of two graphs a mark of an overlay is; None where that is not said."""
    return Status((state - SIDE) // len(RAMP)) if state >= SIDE else None


def _draw_half(
    painter: QPainter, middle: QPointF, kind: NodeKind, radius: float, fill: str, ground: QColor, status: Status
) -> None:
    """The left half filled for what is in A alone, the right one for B: it is seen without its hue."""
    reach = 2 * radius
    left = middle.x() - (reach if status == Status.ONLY_A else 0.0)
    outline = painter.pen()
    painter.setBrush(ground)
    draw_shape(painter, middle, kind, radius)
    painter.save()
    painter.setClipRect(QRectF(left, middle.y() - reach, reach, 2 * reach))
    painter.setBrush(QColor(fill))
    painter.setPen(Qt.PenStyle.NoPen)
    draw_shape(painter, middle, kind, radius)
    painter.restore()
    painter.setPen(outline)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    draw_shape(painter, middle, kind, radius)


def state_fill(state: int, theme: Theme) -> str:
    """The opaque colour inside a mark."""
    if state == REST:
        return theme.surface_panel if theme.name != "dark" else theme.surface_canvas
    step = (state - LOWER) % len(RAMP)
    status = status_of(state)
    if status is not None:
        step = (state - SIDE) % len(RAMP)
        return blend(side_colour(status, theme), theme.surface_canvas, RAMP[max(step, LEAST_SIDE) if status else step])
    sign = theme.sign_lower if state < RAISE else theme.sign_raise
    return blend(sign, theme.surface_canvas, RAMP[step])


def draw_shape(painter: QPainter, middle: QPointF, kind: NodeKind, radius: float) -> None:
    """The shape of a kind with the painter's pen and brush; all kinds have about the same area."""
    x, y = middle.x(), middle.y()
    if kind == NodeKind.FEATURE:
        painter.drawEllipse(middle, radius, radius)
    elif kind == NodeKind.ERROR:
        reach = radius * 1.2
        corners = [(0.0, -reach), (reach, 0.0), (0.0, reach), (-reach, 0.0)]
        painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
    elif kind == NodeKind.BIAS:
        reach = radius * 1.15
        corners = [(0.0, -reach), (reach, reach * 0.8), (-reach, reach * 0.8)]
        painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
    else:
        half = round(radius) + 0.5
        painter.drawRect(QRectF(x - half, y - half, 2 * half, 2 * half))


def mark_scale(room: float) -> float:
    """The largest of SCALES that does not need more room than there is."""
    return max([scale for scale in SCALES if scale <= room + 1e-9], default=SCALES[0])
