"""The graph as a window shows it, as a figure: the same part, the same links, and what is selected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from explorer.circuits.graph import Ints, NodeKind
from explorer.session.figure import Box, Circle, Curve, Figure, Group, Ink, Item, Rect, Text
from explorer.session.figure_graph import EDGE, SMALLEST
from explorer.session.figure_labels import names, rows, tokens
from explorer.session.figure_legend import legend
from explorer.session.figure_links import Choice, Strongest, link_curves
from explorer.session.figure_marks import error_bars, grid, more_marks, node_marks, pills
from explorer.session.figure_words import caption_lines, counts, paragraphs, question, record
from explorer.session.layout import AXIS, PILL_HEIGHT, Layout
from explorer.session.theme import Theme
from explorer.session.view import GraphView

FADED = 0.3  # of the links that do not belong to the selection
RING, RING_WIDTH = 3.2, 2.0
TOKEN_TOP = 10.0  # what the words of a token stand below its middle


@dataclass(frozen=True, eq=False)
class Seen:
    """What a window shows: ``place`` in its pixels, of which it shows ``plot``, and rows of edges, weakest first.

    ``lit`` are the links of what is selected.
    """

    place: Layout
    plot: Box
    links: Ints
    lit: Ints
    selection: tuple[int, ...] = ()


def screen_figure(
    view: GraphView,
    seen: Seen,
    *,
    theme: Theme,
    with_legend: bool = True,
    with_caption: bool = True,
) -> Figure:
    """``seen`` of ``view``, as wide as the window shows it."""
    size, place = SMALLEST, seen.place
    unseen = (place.pills[:, 1] + place.pills[:, 3] < seen.plot.y0) | (place.pills[:, 0] > seen.plot.x1)
    seen = replace(seen, place=replace(place, pills=np.where(unseen[:, None], 0.0, place.pills)))
    choice = _choice(view, seen)
    parts = dict(_parts(view, seen, choice, theme, size))
    left, right = AXIS, seen.plot.x1
    bottom = max([seen.plot.y1, *(item.box.y1 for item in parts["axes"] if isinstance(item, Text))]) + 1.2 * size
    if with_legend:
        parts["legend"], bottom = legend(view, seen.place, choice, theme, size, left, bottom, right - EDGE)
    said = paragraphs(view, choice, Strongest(), theme, "", "")
    if with_caption:
        parts["caption"], bottom = caption_lines(said, left, bottom, right - EDGE, size)
    clipped = ("grid", "error-mass", "links", "lit", "nodes", "selection", "outputs", "labels")
    return Figure(
        width=float(ceil(right)),
        height=float(ceil(bottom + EDGE)),
        background=theme.surface_canvas,
        title=question(view),
        summary=f"{said[0].words} {counts(view, choice)}, as on screen. Rows are layers, columns are tokens.",
        groups=tuple(Group(name, items, seen.plot if name in clipped else None) for name, items in parts.items()),
        provenance=record(view, choice, Strongest()),
    )


def _choice(view: GraphView, seen: Seen) -> Choice:
    """The nodes whose marks are in sight, and the links."""
    place, plot = seen.place, seen.plot
    inside = (place.x >= plot.x0) & (place.x <= plot.x1) & (place.y >= plot.y0) & (place.y <= plot.y1)
    links = np.union1d(seen.links, seen.lit)
    whole = len(links) == int(view.links.sum()) and bool(inside[view.shown].all())
    return Choice(links, inside & view.shown, cut=not whole)


def _parts(
    view: GraphView, seen: Seen, choice: Choice, theme: Theme, size: int
) -> Iterator[tuple[str, tuple[Item, ...]]]:
    place, plot = seen.place, seen.plot
    outputs = pills(view, place, theme, size)
    more = more_marks(place, choice, theme, size)
    yield "grid", grid(view, place, theme)
    yield "error-mass", error_bars(view, place, theme)
    resting = link_curves(view, place, replace(choice, links=seen.links), theme)
    yield "links", tuple(_faint(curve) for curve in resting) if seen.selection else resting
    yield "lit", link_curves(view, place, replace(choice, links=seen.lit), theme)
    yield "nodes", (*node_marks(view, place, choice, theme), *more)
    yield "outputs", outputs
    yield "selection", tuple(_ring(view, place, node, theme) for node in seen.selection if view.shown[node])
    inside = replace(
        place,
        columns=np.clip(place.columns, max(plot.x0, AXIS), plot.x1),
        rows=np.clip(place.rows, plot.y0, plot.y1),
        token_y=plot.y1 - TOKEN_TOP,
    )
    taken = [text.box for text in more] + [_box(item) for item in outputs if isinstance(item, Rect)]
    yield "labels", names(view, inside, choice, theme, size, taken)
    bias = bool(choice.nodes[view.graph.block(NodeKind.BIAS)].any())
    axis = [text for text in rows(view, place, theme, size, bias=bias) if plot.y0 <= text.box.y0 < plot.y1 - size / 2]
    below = replace(place, token_y=inside.token_y)
    yield "axes", (*axis, *tokens(view, below, theme, size, (max(plot.x0, AXIS), plot.x1)))


def _faint(curve: Curve) -> Curve:
    return replace(curve, ink=replace(curve.ink, stroke_alpha=FADED * curve.ink.stroke_alpha))


def _ring(view: GraphView, place: Layout, node: int, theme: Theme) -> Item:
    ink = Ink(stroke=theme.select, width=RING_WIDTH)
    if view.graph.nodes.kind[node] == NodeKind.LOGIT:
        x, y, width, height = place.pills[node - view.graph.block(NodeKind.LOGIT).start].tolist()
        return Rect(x - 2, y - 2, width + 4, height + 4, ink, PILL_HEIGHT / 2 + 2)
    return Circle(float(place.x[node]), float(place.y[node]), float(place.radius[node]) + RING, ink)


def _box(rect: Rect) -> Box:
    return Box(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)
