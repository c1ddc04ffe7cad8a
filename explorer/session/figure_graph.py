"""A graph as a figure for paper or slides: marks, links, words, a legend and a caption that says how it was made."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from explorer.circuits.graph import NodeKind
from explorer.errors import ExplorerError
from explorer.session.figure import PX_PER_MM, Box, Figure, Group, Item, Rect, Text
from explorer.session.figure_labels import names, rows, tokens
from explorer.session.figure_legend import legend
from explorer.session.figure_links import Choice, LinkRule, Traced, choose, link_curves
from explorer.session.figure_marks import (
    error_bars,
    grid,
    more_marks,
    node_marks,
    pills,
)
from explorer.session.figure_place import place_chosen
from explorer.session.figure_words import caption_lines, counts, paragraphs, question, record
from explorer.session.layout import AXIS, Layout
from explorer.session.theme import Theme
from explorer.session.view import GraphView

SMALLEST = 11
NARROWEST_MM = 60.0
EDGE = 8.0


def graph_figure(
    view: GraphView,
    *,
    theme: Theme,
    width_mm: float = 190.0,
    height_mm: float | None = None,
    font_px: int = SMALLEST,
    title: str = "",
    caption: str = "",
    links: LinkRule | None = None,
    with_legend: bool = True,
    with_caption: bool = True,
) -> Figure:
    """``view`` as a figure, with the links that ``links`` picks (Traced() if None).

    It is wider than asked if its columns need it. ``height_mm`` is that of the graph without legend and caption; by
    default it follows the number of layers. ``title`` and ``caption`` replace what opens the caption, never the facts
    after it. Words are at least 11 px.
    """
    if width_mm < NARROWEST_MM:
        least = f"{NARROWEST_MM:.0f} mm are the least"
        raise ExplorerError(f"A figure {width_mm:.0f} mm wide has no room for a graph; {least}.")
    rule, size = links or Traced(), max(font_px, SMALLEST)
    choice = choose(view, rule)
    height = None if height_mm is None else height_mm * PX_PER_MM
    place = place_chosen(view, choice, theme, width_mm * PX_PER_MM, height, size)
    parts = dict(_parts(view, place, choice, theme, size))
    left, right = AXIS, float(place.columns[-1])
    bottom = max(text.box.y1 for text in parts["axes"] if isinstance(text, Text)) + 1.2 * size
    if with_legend:
        parts["legend"], bottom = legend(view, place, choice, theme, size, left, bottom, right)
    said = paragraphs(view, choice, rule, theme, title, caption)
    if with_caption:
        parts["caption"], bottom = caption_lines(said, left, bottom, right, size)
    return Figure(
        width=float(ceil(place.width - 0.01)),
        height=float(ceil(bottom + EDGE)),
        background=theme.surface_canvas,
        title=title or question(view),
        summary=f"{said[0].words} {counts(view, choice)}. Rows are layers, columns are tokens.",
        groups=tuple(Group(name, items) for name, items in parts.items()),
        provenance=record(view, choice, rule),
    )


def _parts(
    view: GraphView, place: Layout, choice: Choice, theme: Theme, size: int
) -> Iterator[tuple[str, tuple[Item, ...]]]:
    """The groups of the drawing, in the order in which they lie upon each other."""
    outputs = pills(view, place, theme, size)
    more = more_marks(place, choice, theme, size)
    bias = bool(choice.nodes[view.graph.block(NodeKind.BIAS)].any())
    taken = [text.box for text in more] + [_box(item) for item in outputs if isinstance(item, Rect)]
    yield "grid", grid(view, place, theme)
    yield "error-mass", error_bars(view, place, theme)
    yield "links", link_curves(view, place, choice, theme)
    yield "nodes", (*node_marks(view, place, choice, theme), *more)
    yield "outputs", outputs
    yield "labels", names(view, place, choice, theme, size, taken)
    yield "axes", (*rows(view, place, theme, size, bias=bias), *tokens(view, place, theme, size))


def _box(rect: Rect) -> Box:
    return Box(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)
