"""The legend of a figure: only what is drawn, made by the same code as the marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from explorer.circuits.graph import NodeKind
from explorer.session.figure import Ink, Item, Line, Rect, Run, Text
from explorer.session.figure_links import Choice, link_ink
from explorer.session.figure_marks import BAR_HEIGHT, OUTLINE, fill, mark, pin
from explorer.session.figure_text import text_width
from explorer.session.layout import Layout
from explorer.session.theme import RADII, RADIUS_OF_WHOLE, Theme
from explorer.session.view import GraphView, rows_of

APART, LINE = 18.0, 18.0
SHARES = (0.03, 0.06, 0.12)
SIZES = (0, 2, 4)  # steps of RADII
BAR = 16.0
SAMPLE = 24.0

Draw = Callable[[float, float], tuple[Item, ...]]


@dataclass(frozen=True)
class Entry:
    """A drawing of ``width``, given its left end and middle height, and what it means."""

    width: float
    draw: Draw
    words: str


def legend(
    view: GraphView, place: Layout, choice: Choice, theme: Theme, size: int, left: float, top: float, right: float
) -> tuple[tuple[Item, ...], float]:
    """The legend between ``left`` and ``right`` below ``top``, and where it ends."""
    return lay_out(_entries(view, place, choice, theme), theme, size, left, top, right)


def lay_out(
    entries: Iterable[Entry], theme: Theme, size: int, left: float, top: float, right: float
) -> tuple[tuple[Item, ...], float]:
    """``entries`` in lines below a rule, and where they end."""
    items: list[Item] = [Line(left, top, right, top, Ink(stroke=theme.line, width=0.5))]
    x, y = left, top + LINE
    for entry in entries:
        width = entry.width + 5.0 + text_width(entry.words, size)
        if x > left and x + width > right:
            x, y = left, y + LINE
        items.extend(entry.draw(x, y))
        items.append(Text(x + entry.width + 5.0, y + 0.36 * size, (Run(entry.words, theme.text_2),), size))
        x += width + APART
    return tuple(items), y + LINE / 2


def _entries(view: GraphView, place: Layout, choice: Choice, theme: Theme) -> Iterator[Entry]:
    yield from _kinds(view, place, choice, theme)
    features = choice.nodes & (view.graph.nodes.kind == NodeKind.FEATURE)
    if features.any():
        yield _sizes(theme)
    if any(choice.nodes[n] for n in rows_of(view.graph, view.edits.pinned)):
        yield Entry(14.0, lambda x, y: (pin(x + 7.0, y, RADII[1], theme),), "pinned")
    signs = np.concatenate([view.share[choice.links], view.effect[choice.nodes]])
    if (signs > 0).any():
        yield _sign(1.0, theme, "raises")
    if (signs < 0).any():
        yield _sign(-1.0, theme, "lowers")
    if len(choice.links):
        percent = ", ".join(f"{100 * share:.0f}" for share in SHARES)
        yield Entry(SAMPLE, lambda x, y: _widths(x, y, theme), f"{percent} % of input")


def _kinds(view: GraphView, place: Layout, choice: Choice, theme: Theme) -> Iterator[Entry]:
    ink = fill(0.0, theme)
    for kind, words in ((NodeKind.FEATURE, "feature"), (NodeKind.EMBEDDING, "token"), (NodeKind.BIAS, "bias")):
        if choice.nodes[view.graph.block(kind)].any():
            yield Entry(10.0, partial(_kind, kind, ink), words)
    errors = view.graph.block(NodeKind.ERROR)
    if view.shown[errors].any():
        yield Entry(6.0 + BAR, lambda x, y: _error(x, y, ink, theme), _error_words(view, place))
    if (place.pills[:, 2] > 0).any():
        outline = Ink(fill=theme.surface_canvas, stroke=theme.mark_ink, width=OUTLINE)
        yield Entry(22.0, lambda x, y: (Rect(x, y - 5.0, 22.0, 10.0, outline, 5.0),), "output, probability")


def _kind(kind: NodeKind, ink: Ink, x: float, y: float) -> tuple[Item, ...]:
    return (mark(kind, x + 5.0, y, 4.3, ink),)


def _error(x: float, y: float, ink: Ink, theme: Theme) -> tuple[Item, ...]:
    bar = Rect(x + 4.0, y - BAR_HEIGHT / 2, BAR, BAR_HEIGHT, Ink(fill=theme.error_mass))
    return bar, mark(NodeKind.ERROR, x + 4.0, y, RADII[1], ink)


def _error_words(view: GraphView, place: Layout) -> str:
    """What the sample bar is worth, where one can say."""
    errors = view.graph.block(NodeKind.ERROR)
    total, longest = float(view.influence.sum()), errors.start + int(place.bar[errors].argmax())
    if total <= 0 or view.influence[longest] <= 0:
        return "error"
    share = BAR / float(place.bar[longest]) * float(view.influence[longest]) / total
    return f"error (bar: {_percent(share)} of influence)"


def _sizes(theme: Theme) -> Entry:
    radii = [RADII[step] for step in SIZES]
    shares = ", ".join(f"{100 * (r / RADIUS_OF_WHOLE) ** 2:.1f}" for r in radii)
    ink = fill(0.0, theme)

    def draw(x: float, y: float) -> tuple[Item, ...]:
        items: list[Item] = []
        for r in radii:
            items.append(mark(NodeKind.FEATURE, x + r, y, r, ink))
            x += 2 * r + 4.0
        return tuple(items)

    return Entry(sum(2 * r + 4.0 for r in radii) - 4.0, draw, f"{shares} % of influence")


def _sign(sign: float, theme: Theme, words: str) -> Entry:
    """A mark and a link of that sign, as strong as they get."""

    def draw(x: float, y: float) -> tuple[Item, ...]:
        line = Line(x + 12.0, y, x + 12.0 + SAMPLE, y, link_ink(sign * 0.1, theme))
        return mark(NodeKind.FEATURE, x + 4.3, y, 4.3, fill(sign, theme)), line

    return Entry(12.0 + SAMPLE, draw, words)


def _widths(x: float, y: float, theme: Theme) -> tuple[Item, ...]:
    heights = (-5.0, -0.5, 5.0)
    return tuple(
        Line(x, y + dy, x + SAMPLE, y + dy, link_ink(share, theme)) for share, dy in zip(SHARES, heights, strict=True)
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else f"{100 * share:.2g} %"
