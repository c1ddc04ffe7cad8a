"""Painting a frame: ground, links, marks. In device pixels with an unscaled painter, for that is what is fast."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from explorer.circuits.graph import Bools, Floats, Ints, NodeKind
from explorer.session.theme import ramp_step
from explorer.ui.canvas.atlas import draw_shape
from explorer.ui.canvas.curves import beside, controls
from explorer.ui.canvas.frame import Frame
from explorer.ui.canvas.links import LIT_ALPHAS, Picture
from explorer.ui.canvas.pointers import draw_lines, draw_rects
from explorer.ui.canvas.scene import HIDDEN, REST, Links, Scene
from explorer.ui.canvas.viewport import Viewport
from explorer.ui.theme import color

WIDE = 16  # links of each side drawn at their own width, one call each
LEAST_WIDE = 1.3  # px
LIVE = 32  # more of each side, drawn with every frame; the others are a picture
WASH = 0.07
BAR = 2.5
BAND = 0.35
FADED_BAR = 0.6
RING = 3.2
PIN = 3.4
SEGMENTS = 12
WIDE_SEGMENTS = 20
OUT_OF_DATE = 0.5


def device(rect: QRectF, ratio: float) -> QRectF:
    return QRectF(rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio)


def paint_ground(painter: QPainter, frame: Frame) -> None:
    """Bands of layers, lines between columns, error bars."""
    theme, ratio = frame.theme, frame.ratio
    columns, rows = frame.columns() * ratio, frame.rows() * ratio
    left, right = float(columns[0]), float(columns[-1])
    top, bottom = float(rows[-1]), frame.strip_top * ratio
    band = color(theme.surface_sunken, BAND)
    for layer in range(1, len(rows) - 1, 2):
        painter.fillRect(QRectF(left, rows[layer + 1], right - left, rows[layer] - rows[layer + 1]), band)
    if np.diff(columns).min(initial=99.0) > 6 * ratio:
        painter.setPen(QPen(QColor(theme.line), 0))
        for x in columns[(columns >= 0) & (columns <= frame.width * ratio)].tolist():
            painter.drawLine(QPointF(round(x), top), QPointF(round(x), bottom))
    _bars(painter, frame)


def paint_wash(painter: QPainter, frame: Frame) -> None:
    """The tint of the selected cell's row and column."""
    current = frame.scene.current
    if current is None:
        return
    columns, rows = frame.columns() * frame.ratio, frame.rows() * frame.ratio
    wash = color(frame.theme.select, WASH)
    key = frame.graph.key(current)
    bottom = (frame.strip_top + 40) * frame.ratio
    if 0 <= key.pos < frame.graph.n_pos and key.kind != NodeKind.LOGIT:
        x = float(columns[key.pos])
        painter.fillRect(QRectF(x, rows[-1], columns[key.pos + 1] - x, bottom - rows[-1]), wash)
    if 0 <= key.layer < frame.graph.n_layers and key.kind in (NodeKind.FEATURE, NodeKind.ERROR):
        y = float(rows[key.layer + 1])
        painter.fillRect(QRectF(columns[0], y, columns[-1] - columns[0], rows[key.layer] - y), wash)


def _bars(painter: QPainter, frame: Frame) -> None:
    """Error mass: one grey bar in each cell, on one scale."""
    block, ratio = frame.graph.block(NodeKind.ERROR), frame.ratio
    shown = frame.scene.view.shown[block]
    length = frame.layout.bar[block] * frame.viewport.scale_x / frame.layout.detail * ratio
    x, y = frame.ends.x[block], np.round(frame.ends.y[block])
    seen = (x + length > 0) & (x < frame.width * ratio) & (y > 0) & (y < frame.strip_top * ratio)
    height = max(1.0, round(BAR * ratio * min(frame.mark_scale, 1.0)))
    alpha = 1.0 if frame.scene.current is None else FADED_BAR
    groups = (
        (seen & ~shown, QColor(frame.theme.hidden)),
        (seen & shown, color(frame.theme.error_mass, alpha)),
    )
    for wanted, ink in groups:
        boxes = np.column_stack([x, y - height / 2, np.maximum(length, ratio), np.full(len(x), height)])[
            wanted
        ]
        if len(boxes):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink)
            draw_rects(painter, np.ascontiguousarray(boxes))


def paint_picture(
    painter: QPainter, frame: Frame, picture: Picture, at: tuple[Viewport, QRectF], *, is_faded: bool
) -> None:
    """A picture of links, painted for another viewport, where it belongs in this one."""
    old, rect = at
    image = picture.faded if is_faded else picture.image
    left, top = old.place(rect.left(), rect.top())
    new, ratio = frame.viewport, frame.ratio
    x, y = (left * new.scale_x + new.dx) * ratio, (top * new.scale_y + new.dy) * ratio
    if (new.scale_x, new.scale_y) == (old.scale_x, old.scale_y):
        painter.drawImage(QPointF(round(x), round(y)), image)
        return
    width = rect.width() * ratio * new.scale_x / old.scale_x
    height = rect.height() * ratio * new.scale_y / old.scale_y
    painter.drawImage(QRectF(x, y, width, height), image)


def paint_lit(painter: QPainter, frame: Frame) -> None:
    """The strongest links of the selection: as wide as they are strong, the next ones 1 px."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    sides = ((frame.scene.inputs, 4.0), (frame.scene.outputs, 3.0))
    _thin(painter, frame, [(links, slice(_n_wide(links, most), WIDE + LIVE)) for links, most in sides])
    for links, most in sides:
        _wide(painter, frame, links, most)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def weaker_lit(scene: Scene) -> tuple[Ints, Ints, Floats, Ints]:
    """Sources, targets, strengths and hues of the links that ``paint_lit`` leaves to a picture."""
    sides = (scene.inputs, scene.outputs)
    source, target, strength, hue = (
        np.concatenate([getattr(links, name)[WIDE + LIVE :] for links in sides])
        for name in ("source", "target", "strength", "hue")
    )
    order = np.argsort(-strength, kind="stable")
    return source[order], target[order], strength[order], hue[order]


def _n_wide(links: Links, most: float) -> int:
    """How many links are wider than a line: a width costs a call each."""
    return int((links.strength[:WIDE] * most > LEAST_WIDE).sum())


def _wide(painter: QPainter, frame: Frame, links: Links, most: float) -> None:
    """Wide links as bundles of 1 px lines side by side, which are painted several times faster than a wide line."""
    n_wide = _n_wide(links, most)
    points = controls(frame.ends, links.source[:n_wide], links.target[:n_wide])
    inks = frame.hues
    for link in reversed(range(n_wide)):
        strength, hue = float(links.strength[link]), inks[links.hue[link]]
        painter.setPen(QPen(color(hue.colour, 0.4 + 0.6 * strength**0.6), 0))
        drawn = hue.lines(points[link : link + 1], WIDE_SEGMENTS)
        draw_lines(painter, beside(drawn, max(1.0, most * strength) * frame.ratio))


def _thin(painter: QPainter, frame: Frame, sides: list[tuple[Links, slice]]) -> None:
    source, target, strength, hue_of = (
        np.concatenate([getattr(links, name)[wanted] for links, wanted in sides])
        for name in ("source", "target", "strength", "hue")
    )
    points, step = controls(frame.ends, source, target), ramp_step(strength)
    for bin_, alpha in enumerate(LIT_ALPHAS):
        for number, hue in enumerate(frame.hues):
            found = np.flatnonzero((step == bin_) & (hue_of == number))
            if len(found):
                painter.setPen(QPen(color(hue.colour, alpha), 0))
                draw_lines(painter, hue.lines(points[found], SEGMENTS))


def paint_marks(painter: QPainter, frame: Frame) -> None:
    """Dots of hidden nodes, then resting, then lit marks. An error is drawn only where something is said of it."""
    graph, state = frame.graph, frame.scene.state
    kind = graph.nodes.kind
    told = np.zeros(len(graph), dtype=np.bool_)
    told[frame.pinned()] = True
    drawn = frame.layout.placed & (kind != NodeKind.LOGIT)
    drawn &= (kind != NodeKind.ERROR) | (told & (state != HIDDEN)) | _lit_error(frame)
    drawn &= _in_view(frame)
    if not frame.scene.selection:
        drawn &= (kind != NodeKind.ERROR) | told
    chosen = np.array(frame.scene.selection, dtype=np.int64)
    drawn[chosen] = False
    for states in (state == HIDDEN, state == REST, (state != HIDDEN) & (state != REST)):
        _draw(painter, frame, np.flatnonzero(drawn & states))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for node in frame.pinned():
        paint_pin(painter, frame, node)
    for node in frame.scene.selection:
        paint_selected(painter, frame, node)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _lit_error(frame: Frame) -> Bools:
    state = frame.scene.state
    return np.asarray((state != HIDDEN) & (state != REST))


def _in_view(frame: Frame) -> Bools:
    x, y, slack = frame.ends.x, frame.ends.y, 16 * frame.ratio
    inside = (x > -slack) & (x < frame.width * frame.ratio + slack)
    return np.asarray(inside & (y > -slack) & (y < frame.height * frame.ratio + slack))


def _draw(painter: QPainter, frame: Frame, nodes: Ints) -> None:
    kind = np.minimum(frame.graph.nodes.kind[nodes], NodeKind.BIAS).astype(np.int64)
    step = frame.layout.step[nodes].astype(np.int64)
    state = frame.scene.state[nodes].astype(np.int64)
    frame.atlas.draw(painter, frame.ends.x[nodes], frame.ends.y[nodes], kind, step, state)


def paint_pin(painter: QPainter, frame: Frame, node: int) -> None:
    """A square around a pinned mark."""
    if frame.graph.nodes.kind[node] == NodeKind.LOGIT or not frame.layout.placed[node]:
        return
    half = round(frame.ends.top[node] + PIN * frame.ratio) + 0.5
    x, y = round(float(frame.ends.x[node])), round(float(frame.ends.y[node]))
    painter.setPen(QPen(QColor(frame.theme.mark_ink), 1.4 * frame.ratio))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    corner = 2.0 * frame.ratio
    painter.drawRoundedRect(QRectF(x - half, y - half, 2 * half, 2 * half), corner, corner)


def paint_selected(painter: QPainter, frame: Frame, node: int) -> None:
    """Solid core, gap, ring: it is seen without its hue."""
    if frame.graph.nodes.kind[node] == NodeKind.LOGIT:
        return
    middle = QPointF(round(float(frame.ends.x[node])), round(float(frame.ends.y[node])))
    radius, ratio = float(frame.ends.top[node]), frame.ratio
    core = min(radius, 4.2 * ratio)
    painter.setPen(QPen(QColor(frame.theme.select), 2 * ratio))
    painter.setBrush(QColor(frame.theme.surface_canvas))
    painter.drawEllipse(middle, core + RING * ratio, core + RING * ratio)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(frame.theme.select))
    kind = NodeKind(int(frame.graph.nodes.kind[node]))
    draw_shape(painter, middle, kind, core if kind == NodeKind.FEATURE else core * 0.85)


def paint_hovered(painter: QPainter, frame: Frame, node: int) -> None:
    """A dashed ring; around an output's pill a dashed box."""
    ratio = frame.ratio
    pen = QPen(QColor(frame.theme.mark_ink), 1.4 * ratio)
    pen.setDashPattern([2.0, 1.6])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if frame.graph.nodes.kind[node] == NodeKind.LOGIT:
        pill = frame.pill(node - frame.graph.block(NodeKind.LOGIT).start)
        box = device(pill.adjusted(-2.5, -2.5, 2.5, 2.5), ratio)
        painter.drawRoundedRect(box, 8 * ratio, 8 * ratio)
        return
    around = node in frame.scene.selection or frame.graph.key(node) in frame.scene.view.edits.pinned
    radius = float(frame.ends.top[node]) + (6.4 if around else RING) * ratio
    painter.drawEllipse(QPointF(float(frame.ends.x[node]), float(frame.ends.y[node])), radius, radius)
