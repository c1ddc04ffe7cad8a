"""Marks of a figure: shape is the kind of node, hue the sign of its effect, strength its size, area its influence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.circuits.graph import Floats, NodeKind
from explorer.session.figure import Circle, Ink, Item, Line, Polygon, Rect, Run, Text
from explorer.session.figure_links import Choice, heads
from explorer.session.figure_text import elide, plain, text_width
from explorer.session.layout import PILL_HEIGHT, Layout
from explorer.session.theme import RAMP, Theme, blend, ramp_step
from explorer.session.view import GraphView, rows_of

OUTLINE, PIN_OUTLINE, TARGET_OUTLINE = 0.8, 1.4, 1.6
BAR_HEIGHT = 2.5
SQUARE = 0.92  # half a side of the square, of the circle's radius
PIN_APART = 3.0
PILL_PAD = 8.0
PILL_TEXT = 90.0


def grid(view: GraphView, place: Layout, theme: Theme) -> tuple[Item, ...]:
    """A band behind every second layer, and the borders of the columns."""
    left, right = float(place.columns[0]), float(place.columns[-1])
    band = Ink(fill=blend(theme.surface_sunken, theme.surface_canvas, 0.6))
    hair = Ink(stroke=theme.line, width=0.5)
    bands = [
        Rect(left, float(place.rows[n + 1]), right - left, float(place.rows[n] - place.rows[n + 1]), band)
        for n in range(0, view.graph.n_layers, 2)
    ]
    bottom = place.token_y + 10.0
    lines = [Line(float(x), float(place.rows[-1]), float(x), bottom, hair) for x in place.columns]
    return (*bands, *lines)


def error_bars(view: GraphView, place: Layout, theme: Theme) -> tuple[Item, ...]:
    """A bar in the cell of every error that pruning left, as long as its influence."""
    block = view.graph.block(NodeKind.ERROR)
    ink = Ink(fill=theme.error_mass)
    return tuple(
        Rect(float(place.x[n]), float(place.y[n]) - BAR_HEIGHT / 2, float(place.bar[n]), BAR_HEIGHT, ink)
        for n in range(block.start, block.stop)
        if view.shown[n]
    )


def node_marks(view: GraphView, place: Layout, choice: Choice, theme: Theme) -> tuple[Item, ...]:
    """The marks of the chosen nodes but outputs, weakest first, and squares around the pinned ones."""
    kind, pinned = view.graph.nodes.kind, set(rows_of(view.graph, view.edits.pinned).tolist())
    nodes = np.flatnonzero(choice.nodes & (kind != NodeKind.LOGIT) & place.placed)
    strength = strengths(view)
    items: list[Item] = []
    for n in nodes[np.argsort(view.influence[nodes], kind="stable")].tolist():
        x, y, r = float(place.x[n]), float(place.y[n]), float(place.radius[n])
        ink = fill(float(strength[n]), theme)
        if view.graph.target_weight[n] != 0:
            ink = replace(ink, width=TARGET_OUTLINE)
        items.append(mark(NodeKind(int(kind[n])), x, y, r, ink))
        if n in pinned:
            items.append(pin(x, y, r, theme))
    return tuple(items)


def more_marks(place: Layout, choice: Choice, theme: Theme, size: int) -> tuple[Text, ...]:
    """ "+n" in the cells where ``n`` of the chosen nodes found no place."""
    counts = [(more, int(choice.nodes[more.nodes].sum())) for more in place.more]
    return tuple(
        Text(more.x, more.y + 0.36 * size, (Run(f"+{n}", theme.text_2),), size, "middle", theme.surface_canvas)
        for more, n in counts
        if n
    )


def strengths(view: GraphView) -> Floats:
    """(n_nodes) effect on the targets relative to the strongest feature's."""
    features = view.effect[view.graph.block(NodeKind.FEATURE)]
    strongest = float(np.abs(features).max(initial=0.0)) or float(np.abs(view.effect).max(initial=0.0))
    return view.effect / strongest if strongest > 0 else np.zeros_like(view.effect)


def fill(strength: float, theme: Theme) -> Ink:
    """How a mark of that effect, relative to the strongest, is filled; not at all without effect."""
    colour = theme.surface_canvas
    if strength:
        colour = blend(theme.sign(strength), theme.surface_canvas, RAMP[int(ramp_step(np.array([strength]))[0])])
    return Ink(fill=colour, stroke=theme.mark_ink, width=OUTLINE)


def mark(kind: NodeKind, x: float, y: float, r: float, ink: Ink) -> Item:
    """The shape of a kind of node around (x, y)."""
    if kind == NodeKind.EMBEDDING:
        half = SQUARE * r
        return Rect(x - half, y - half, 2 * half, 2 * half, ink)
    if kind == NodeKind.ERROR:
        return Polygon(((x, y - r), (x + r, y), (x, y + r), (x - r, y)), ink)
    if kind == NodeKind.BIAS:
        return Polygon(((x, y - r), (x + 0.95 * r, y + 0.75 * r), (x - 0.95 * r, y + 0.75 * r)), ink)
    return Circle(x, y, r, ink)


def pin(x: float, y: float, r: float, theme: Theme) -> Rect:
    """The square around a pinned mark."""
    half = r + PIN_APART
    return Rect(x - half, y - half, 2 * half, 2 * half, Ink(stroke=theme.mark_ink, width=PIN_OUTLINE))


def pill_runs(view: GraphView, node: int, theme: Theme, size: int) -> tuple[Run, ...]:
    """What an output's pill says: the token, and its probability where there is one."""
    graph = view.graph
    token = plain(graph.logit_tokens[node - graph.block(NodeKind.LOGIT).start])
    weight, aim = (600, True) if node in heads(graph) else (400, False)
    runs = [Run(elide(token, PILL_TEXT, size, weight), theme.text, weight, underline=aim)]
    if np.isfinite(graph.probability[node]):
        runs.append(Run(f" {graph.probability[node]:.3f}", theme.text_2))
    return tuple(runs)


def pill_widths(view: GraphView, theme: Theme, size: int) -> list[float]:
    """(n_logits) how wide the outputs' pills are."""
    block = view.graph.block(NodeKind.LOGIT)
    return [
        2 * PILL_PAD + sum(text_width(run.text, size, run.weight) for run in pill_runs(view, n, theme, size))
        for n in range(block.start, block.stop)
    ]


def pills(view: GraphView, place: Layout, theme: Theme, size: int) -> tuple[Item, ...]:
    """The outputs that have room: a rounded box with token and probability, a heavier one for the target."""
    block, aims = view.graph.block(NodeKind.LOGIT), heads(view.graph)
    items: list[Item] = []
    for n, (x, y, width, height) in enumerate(place.pills.tolist(), start=block.start):
        if width and view.shown[n]:
            outline = TARGET_OUTLINE if n in aims else OUTLINE
            ink = Ink(fill=theme.surface_canvas, stroke=theme.mark_ink, width=outline)
            items.append(Rect(x, y, width, height, ink, PILL_HEIGHT / 2))
            base = y + height / 2 + 0.36 * size
            items.append(Text(x + width / 2, base, pill_runs(view, n, theme, size), size, "middle"))
    return tuple(items)
