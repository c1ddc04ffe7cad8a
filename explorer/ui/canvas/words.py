"""Words around the graph: names of layers, tokens, outputs, and what stands beside marks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import ceil

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from explorer.circuits.graph import Floats, NodeKind
from explorer.session.layout import AXIS, TOKEN_TEXT
from explorer.session.overlay import Overlay, side_colour
from explorer.session.theme import RAMP, blend
from explorer.ui.canvas.atlas import status_of
from explorer.ui.canvas.describe import probability_text, signed, token_text
from explorer.ui.canvas.frame import Frame
from explorer.ui.canvas.paint import WASH
from explorer.ui.canvas.scene import LOWER, RAISE, REST, SIDE
from explorer.ui.canvas.texts import Texts
from explorer.ui.theme import color

AXIS_RIGHT = AXIS - 10
LINE = 14.0  # between two names of layers
LABELLED = 6
LABELLED_OUTPUTS = 3
LEAST_MORE = 0.7  # scale of marks below which "+n" would cover them
LEAST_TEXT = 20.0  # px of a column below which only its position is written
PILL_ALPHA = 0.45
AROUND_PILL = 4.0  # px for the line of a pin
WORD_Y, AT_Y = 10.0, 26.0  # of a token and its position in their strip
CHOSEN_ROOM = 120.0


def axis_strip(frame: Frame) -> QRectF:
    """Where the names of the layers stand, on whole pixels."""
    return QRectF(0, 0, AXIS - 4, round(frame.strip_top * frame.ratio) / frame.ratio)


def token_strip(frame: Frame) -> QRectF:
    """Where tokens and positions stand, on whole pixels."""
    return QRectF(0, round(frame.strip_top * frame.ratio) / frame.ratio, frame.width, TOKEN_TEXT)


def paint_layers(texts: Texts, frame: Frame) -> None:
    """Names of layers, as many as there is room for."""
    middles = _layer_middles(frame)
    bottom = frame.strip_top - 6
    ends = _end_names(frame)
    taken = [y for _, y in ends]
    for layer in _layer_order(len(middles)):
        y = float(middles[layer])
        if not 6 < y < bottom or any(abs(y - other) < LINE for other in taken):
            continue
        taken.append(y)
        name = f"L{layer}" if layer in (0, len(middles) - 1) else str(layer)
        texts.draw(name, AXIS_RIGHT, y, frame.theme.text_3, "caption", "right")
    for name, y in ends:
        if 6 < y < frame.height - 40:
            texts.draw(name, AXIS_RIGHT, y, frame.theme.text_3, "caption", "right")


def paint_chosen_layer(texts: Texts, frame: Frame) -> None:
    """The name of the selected node's layer over those of the others, some of which make room."""
    current = frame.scene.current
    chosen = int(frame.graph.nodes.layer[current]) if current is not None else -1
    middles = _layer_middles(frame)
    if not 0 <= chosen < len(middles):
        return
    y = float(middles[chosen])
    if 6 < y < frame.strip_top - 6 and all(abs(y - other) >= LINE for _, other in _end_names(frame)):
        texts.wipe(QRectF(0, y - LINE / 2, AXIS - 4, LINE))
        texts.draw(f"L{chosen}", AXIS_RIGHT, y, frame.theme.select, "direct", "right")


def _layer_middles(frame: Frame) -> Floats:
    rows = frame.rows()
    return np.asarray((rows[:-1] + rows[1:]) / 2)


def _end_names(frame: Frame) -> list[tuple[str, float]]:
    names = []
    graph, layout = frame.graph, frame.layout
    if graph.count(NodeKind.EMBEDDING):
        names.append(("tokens", frame.token_y))
    if graph.count(NodeKind.BIAS):
        names.append(("bias", float(frame.viewport.y(np.array(layout.bias_y), layout.detail))))
    if graph.count(NodeKind.LOGIT):
        first = graph.block(NodeKind.LOGIT).start
        names.append(("output", frame.place(first)[1]))
    return [(name, y) for name, y in names if y < frame.strip_top]


def _layer_order(n_layers: int) -> Iterable[int]:
    """The ends, then every 16th, 8th, ... so that what is left out is left out evenly."""
    seen = []
    for layer in (n_layers - 1, 0):
        if 0 <= layer < n_layers and layer not in seen:
            seen.append(layer)
            yield layer
    for step in (16, 8, 4, 2, 1):
        for layer in range(0, n_layers, step):
            if layer not in seen:
                seen.append(layer)
                yield layer


def paint_tokens(texts: Texts, frame: Frame) -> None:
    """Each token under its column and its position below it; the special token is grey."""
    graph, columns = frame.graph, frame.columns()
    middles = _token_middles(frame, columns)
    rooms = _rooms(texts, frame, columns, middles)
    boxes: list[QRectF] = []
    for pos in range(graph.n_pos):
        if _is_seen(frame, columns, pos, float(middles[pos])):
            is_special = pos < graph.n_special
            inks = (frame.theme.text_3 if is_special else frame.theme.text, frame.theme.text_3)
            word = texts.elided(token_text(graph.tokens[pos]), rooms[pos], "caption" if is_special else "body")
            _token(texts, frame, pos, float(middles[pos]), (word, "caption" if is_special else "body"), inks, boxes)


def paint_chosen_token(texts: Texts, frame: Frame) -> None:
    """The token and position of the selected node over those of the others, some of which make room."""
    graph, current, theme = frame.graph, frame.scene.current, frame.theme
    if current is None or graph.nodes.kind[current] in (NodeKind.LOGIT, NodeKind.BIAS):
        return
    pos, columns = int(graph.nodes.pos[current]), frame.columns()
    if not 0 <= pos < graph.n_pos:
        return
    x, top = float(_token_middles(frame, columns)[pos]), frame.strip_top
    is_seen = _is_seen(frame, columns, pos, x)
    word = texts.elided(token_text(graph.tokens[pos]), CHOSEN_ROOM, "strong")
    if is_seen:
        for text, y, role in ((word, top + WORD_Y, "strong"), (frame.scene.view.position(pos), top + AT_Y, "caption")):
            texts.wipe(texts.box(text, x, y, role, "middle").adjusted(-3, 0, 3, 0))
    ground = blend(theme.select, theme.surface_canvas, WASH)
    column = QRectF(columns[pos], top, columns[pos + 1] - columns[pos], TOKEN_TEXT)
    texts.painter.fillRect(column, color(theme.select, WASH))
    if is_seen:
        _token(texts, frame, pos, x, (word, "strong"), (theme.select, theme.select), [], ground)


def _token_middles(frame: Frame, columns: Floats) -> Floats:
    """The middle of what is seen of each column."""
    return np.asarray((np.maximum(columns[:-1], AXIS) + np.minimum(columns[1:], frame.width)) / 2)


def _is_seen(frame: Frame, columns: Floats, pos: int, x: float) -> bool:
    return bool(AXIS < x < frame.width and columns[pos + 1] > AXIS and columns[pos] < frame.width)


def _rooms(texts: Texts, frame: Frame, columns: Floats, middles: Floats) -> list[float]:
    """Width for each token's text: its column and what its neighbours leave of theirs; 0 if there is none."""
    widths = np.diff(columns)
    need = np.array([texts.width(token_text(token), "body") for token in frame.graph.tokens])
    half = np.minimum(need, widths) / 2
    apart = np.diff(middles)
    left = np.concatenate([[np.inf], apart - half[:-1]])
    right = np.concatenate([apart - half[1:], [np.inf]])
    rooms = np.maximum(np.minimum(2 * np.minimum(left, right) - 13, 140.0), widths - 7)
    return [float(room) if width >= LEAST_TEXT else 0.0 for room, width in zip(rooms, widths, strict=True)]


def _token(
    texts: Texts,
    frame: Frame,
    pos: int,
    x: float,
    word: tuple[str, str],
    inks: tuple[str, str],
    taken: list[QRectF],
    ground: str | None = None,
) -> None:
    """A word (text and role) and its position below it, where they cover none of ``taken``."""
    rows = ((*word, WORD_Y), (frame.scene.view.position(pos), "caption", AT_Y))
    for (text, role, y), ink in zip(rows, inks, strict=True):
        box = texts.box(text, x, frame.strip_top + y, role, "middle").adjusted(-3, 0, 3, 0)
        outside = box.left() < AXIS - 6 or box.right() > frame.width + 3
        if not text or outside or any(box.intersects(other) for other in taken[-4:]):
            continue
        taken.append(box)
        texts.draw(text, x, frame.strip_top + y, ink, role, "middle", background=ground)


def paint_outputs(texts: Texts, frame: Frame) -> None:
    """A pill for each output with its token and probability; the strongest target bold and underlined."""
    graph, painter = frame.graph, texts.painter
    block = graph.block(NodeKind.LOGIT)
    if block.start == block.stop:
        return
    targets = _strongest_targets(frame)
    left = frame.width
    painter.setRenderHint(painter.RenderHint.Antialiasing)
    for row in range(block.stop - block.start):
        pill = frame.pill(row)
        if pill.isEmpty() or pill.bottom() < 0 or pill.right() < AXIS:
            continue
        left = min(left, pill.left())
        _pill(texts, frame, block.start + row, pill, block.start + row in targets)
    painter.setRenderHint(painter.RenderHint.Antialiasing, False)
    _caption(texts, frame, left)


def _strongest_targets(frame: Frame) -> list[int]:
    """The output that is explained before all others; in an overlay that of each graph."""
    graph, view = frame.graph, frame.scene.view
    block = graph.block(NodeKind.LOGIT)
    weights = graph.target_weight[block]
    sides = (view.found.row_a[block] >= 0, view.found.row_b[block] >= 0) if isinstance(view, Overlay) else (True,)
    ranked = [np.where(side, weights, 0.0) for side in sides]
    return [block.start + int(np.argmax(side)) for side in ranked if side.max() > 0]


def pill_text(token: str, probability: float) -> tuple[str, str]:
    shown = token_text(token)
    return (shown if len(shown) <= 18 else shown[:17] + "…"), probability_text(probability)


def _pill(texts: Texts, frame: Frame, node: int, pill: QRectF, is_target: bool) -> None:
    theme, painter, state = frame.theme, texts.painter, int(frame.scene.state[node])
    ground = theme.surface_panel if theme.name != "dark" else theme.surface_canvas
    edge = theme.line_strong
    status = status_of(state)
    if status is not None:
        alpha = PILL_ALPHA * RAMP[(state - SIDE) % len(RAMP)]
        ground, edge = blend(side_colour(status, theme), theme.surface_canvas, alpha), theme.mark_ink
    elif LOWER <= state < RAISE + len(RAMP):
        sign = theme.sign_lower if state < RAISE else theme.sign_raise
        ground = blend(sign, theme.surface_canvas, PILL_ALPHA * RAMP[(state - LOWER) % len(RAMP)])
        edge = theme.mark_ink
    is_selected = node in frame.scene.selection
    pin = theme.mark_ink if frame.graph.key(node) in frame.scene.view.edits.pinned else ""
    edges = (theme.select, 2) if is_selected else (edge, 1)
    shape = _pill_shape(pill.width(), pill.height(), ground, *edges, pin, frame.ratio)
    painter.drawPixmap(QPointF(pill.left() - AROUND_PILL, pill.top() - AROUND_PILL), shape)
    token, chance = pill_text(
        frame.graph.logit_tokens[node - frame.graph.block(NodeKind.LOGIT).start],
        float(frame.graph.probability[node]),
    )
    role = "strong" if is_target else "body"
    y = pill.center().y()
    box = texts.draw(token, pill.left() + 8, y, theme.text, role, background=ground, underline=is_target)
    if chance:
        texts.draw(chance, box.right() + 5, y, theme.text, "caption", background=ground)


@lru_cache(maxsize=256)
def _pill_shape(width: float, height: float, ground: str, edge: str, line: int, pin: str, ratio: float) -> QPixmap:
    """The box of an output with room around it, and a second line in the colour ``pin`` if it is pinned."""
    box = QRectF(AROUND_PILL, AROUND_PILL, width, height)
    size = box.adjusted(0, 0, 2 * AROUND_PILL, 2 * AROUND_PILL).size() * ratio
    picture = QPixmap(ceil(size.width()), ceil(size.height()))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(edge), line))
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
    if pin:
        painter.setPen(QPen(QColor(pin), 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(-2.5, -2.5, 2.5, 2.5), 7, 7)
    painter.end()
    return picture


def pill_width(texts_width: tuple[float, float]) -> float:
    """Width of a pill from the widths of its token and its probability."""
    token, chance = texts_width
    return 16 + token + (5 + chance if chance else 0)


def _caption(texts: Texts, frame: Frame, right: float) -> None:
    graph = frame.graph
    words = f"next token after “{token_text(graph.tokens[-1])}”" if graph.n_pos else ""
    y = frame.place(graph.block(NodeKind.LOGIT).start)[1]
    if right - 12 - texts.width(words) > AXIS + 4 and y > 8:
        texts.draw(words, right - 12, y, frame.theme.text_3, "caption", "right", halo=True)


def paint_more(texts: Texts, frame: Frame) -> None:
    """ "+n" where a cell is full, for those of its nodes that are shown."""
    if frame.mark_scale < LEAST_MORE:
        return
    shown = frame.scene.view.shown
    for more in frame.layout.more:
        count = int(shown[more.nodes].sum())
        x, y, _ = frame.place(int(more.nodes[0]))
        if count and AXIS < x < frame.width and 0 < y < frame.strip_top - 6:
            text = f"+{count}"
            if texts.width(text) > more.width + 2:
                text = "+"
            texts.draw(text, x, y, frame.theme.text_2, "caption", "middle")


def paint_labels(texts: Texts, frame: Frame) -> None:
    """The selected node's name and the values of its strongest links, where they cover no mark."""
    scene, view = frame.scene, frame.scene.view
    current = scene.current
    if current is None or frame.mark_scale < 0.7:
        return
    wanted: list[tuple[int, str, str]] = []
    if frame.graph.nodes.kind[current] != NodeKind.LOGIT:
        wanted.append((current, view.label(current), frame.theme.select))
    sides = (
        (scene.inputs, scene.inputs.source, LABELLED),
        (scene.outputs, scene.outputs.target, LABELLED_OUTPUTS),
    )
    for links, far, most in sides:
        kind = frame.graph.nodes.kind[far[: 4 * LABELLED]]
        named_kinds = np.flatnonzero((kind != NodeKind.LOGIT) & (kind != NodeKind.BIAS))
        for row in named_kinds[:most].tolist():
            node, weight = int(far[row]), float(links.weight[row])
            if node == current:
                continue
            named = view.edits.labels.get(frame.graph.key(node))
            text = f"{named.text} {signed(weight)}" if named else signed(weight)
            wanted.append((node, text, frame.hues[links.hue[row]].colour))
    covered = [_edges(box.rect) for box in texts.boxes]
    obstacles = np.concatenate([_obstacles(frame), np.array(covered).reshape(-1, 4)])
    for node, text, ink in wanted:
        box = _label(texts, frame, node, text, ink, obstacles)
        if box is not None:
            obstacles = np.concatenate([obstacles, [_edges(box)]])


def _edges(box: QRectF) -> tuple[float, float, float, float]:
    return box.left(), box.top(), box.right(), box.bottom()


def _obstacles(frame: Frame) -> Floats:
    """(n, 4) boxes of the marks a label must not cover: left, top, right, bottom."""
    state = frame.scene.state
    lit = (state != REST) & (frame.graph.nodes.kind == NodeKind.ERROR)
    shown = frame.scene.view.shown & frame.layout.placed & ((frame.graph.nodes.kind != NodeKind.ERROR) | lit)
    shown[list(frame.scene.selection)] = True
    x, y = frame.ends.x[shown] / frame.ratio, frame.ends.y[shown] / frame.ratio
    half = frame.ends.top[shown] / frame.ratio + 0.5
    return np.column_stack([x - half, y - half, x + half, y + half])


def _label(texts: Texts, frame: Frame, node: int, text: str, ink: str, obstacles: Floats) -> QRectF | None:
    """Write beside a mark, where that covers nothing; the box, or None if there is no such place."""
    x, y, radius = frame.place(node)
    reach = radius + (5 if node != frame.scene.current else 9)
    if frame.graph.key(node) in frame.scene.view.edits.pinned:
        reach += 4
    sides = [(x - reach, y, "right"), (x + reach, y, "left"), (x, y - reach - 6, "middle")]
    if frame.graph.nodes.kind[node] == NodeKind.EMBEDDING:
        sides = [sides[1], sides[0]]
    plot = frame.plot.adjusted(6, 2, -4, 0)
    for at_x, at_y, align in sides:
        box = texts.box(text, at_x, at_y, "direct", align).adjusted(-2, -1, 2, 1)
        left, top, right, bottom = _edges(box)
        covers = (obstacles[:, 0] < right) & (obstacles[:, 2] > left)
        covers &= (obstacles[:, 1] < bottom) & (obstacles[:, 3] > top)
        if plot.contains(box) and not covers.any():
            return texts.draw(text, at_x, at_y, ink, "direct", align, halo=True)
    return None
