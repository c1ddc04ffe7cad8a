"""A comparison as a figure: both graphs in one picture, as the window overlays them, with what differs in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from math import ceil

import numpy as np

from explorer import __version__
from explorer.circuits.compare import Status
from explorer.circuits.graph import NodeKind
from explorer.session.figure import PX_PER_MM, Box, Curve, Figure, Group, Ink, Item, Line, Polygon, Rect, Text
from explorer.session.figure_labels import names, rows, tokens
from explorer.session.figure_legend import SAMPLE, Entry, lay_out
from explorer.session.figure_links import DARKEST, FAINTEST, THICKEST, Choice, Strongest, choose, link_curves
from explorer.session.figure_marks import OUTLINE, error_bars, grid, mark, more_marks, pills
from explorer.session.figure_place import place_chosen
from explorer.session.figure_words import Paragraph, caption_lines
from explorer.session.layout import AXIS, Layout
from explorer.session.overlay import SIDES, STATUS_WORDS, Compared, side_colour
from explorer.session.prompt import prompt_text
from explorer.session.theme import RAMP, Theme, blend, ramp_step

SIZE = 11
EDGE = 8.0
LEAST_SIDE = 1  # step of RAMP that says in which graph a mark is
DASHES = {Status.ONLY_A: (7.0, 2.5), Status.ONLY_B: (2.5, 2.5)}
ROUND = 0.5523  # of the radius: where a quarter circle has its control points
ORDER = (Status.ONLY_A, Status.BOTH, Status.ONLY_B)


def compare_figure(
    pair: Compared,
    *,
    theme: Theme,
    width_mm: float = 190.0,
    with_legend: bool = True,
    with_caption: bool = True,
) -> Figure:
    """Both graphs in one: whose a mark is by its filled half, whose a link by its dashes, darker where more differs."""
    view = pair.overlay
    choice = choose(view, Strongest())
    place = place_chosen(view, choice, theme, width_mm * PX_PER_MM, None, SIZE)
    parts = dict(_parts(pair, place, choice, theme))
    left, right = AXIS, float(place.columns[-1])
    bottom = max(text.box.y1 for text in parts["axes"] if isinstance(text, Text)) + 1.2 * SIZE
    if with_legend:
        parts["legend"], bottom = lay_out(_entries(pair, choice, theme), theme, SIZE, left, bottom, right)
    said = _paragraphs(pair, choice, theme)
    if with_caption:
        parts["caption"], bottom = caption_lines(said, left, bottom, right, SIZE)
    return Figure(
        width=float(ceil(place.width - 0.01)),
        height=float(ceil(bottom + EDGE)),
        background=theme.surface_canvas,
        title="Comparison of two graphs",
        summary=" ".join(paragraph.words for paragraph in said[:2]),
        groups=tuple(Group(name, items) for name, items in parts.items()),
        provenance={
            "app": f"Circuit Explorer {__version__}",
            "prompts": [prompt_text(held.graph) for held in (pair.a, pair.b)],
            "nodes": int(choice.nodes.sum()),
            "links": len(choice.links),
        },
    )


def _parts(pair: Compared, place: Layout, choice: Choice, theme: Theme) -> Iterator[tuple[str, tuple[Item, ...]]]:
    view = pair.overlay
    outputs, more = pills(view, place, theme, SIZE), more_marks(place, choice, theme, SIZE)
    boxes = [Box(one.x, one.y, one.x + one.width, one.y + one.height) for one in outputs if isinstance(one, Rect)]
    bias = bool(choice.nodes[view.graph.block(NodeKind.BIAS)].any())
    yield "grid", grid(view, place, theme)
    yield "error-mass", error_bars(view, place, theme)
    yield "links", tuple(_links(pair, place, choice, theme))
    yield "nodes", (*_marks(pair, place, choice, theme), *more)
    yield "outputs", outputs
    yield "labels", names(view, place, choice, theme, SIZE, [text.box for text in more] + boxes)
    yield "axes", (*rows(view, place, theme, SIZE, bias=bias), *tokens(view, place, theme, SIZE))


def _links(pair: Compared, place: Layout, choice: Choice, theme: Theme) -> Iterator[Curve]:
    share = np.abs(pair.overlay.share)
    most = float(share[choice.links].max(initial=0.0)) or 1.0
    curves = link_curves(pair.overlay, place, choice, theme)
    for link, curve in zip(choice.links.tolist(), curves, strict=True):
        yield replace(curve, ink=_link_ink(Status(pair.found.link_status[link]), float(share[link]) / most, theme))


def _link_ink(status: Status, strength: float, theme: Theme) -> Ink:
    return Ink(
        stroke=side_colour(status, theme),
        width=max(0.6, THICKEST / 2 * strength),
        stroke_alpha=FAINTEST + (DARKEST - FAINTEST) * strength,
        dash=DASHES.get(status, ()),
    )


def _marks(pair: Compared, place: Layout, choice: Choice, theme: Theme) -> Iterator[Item]:
    """Weakest first; the fill is relative to the largest difference of what is drawn."""
    kind, differs = pair.overlay.graph.nodes.kind, np.abs(pair.found.influence)
    nodes = np.flatnonzero(choice.nodes & (kind != NodeKind.LOGIT) & place.placed)
    most = float(differs[nodes].max(initial=0.0)) or 1.0
    steps = ramp_step(differs / most)
    for node in nodes[np.argsort(pair.overlay.influence[nodes], kind="stable")].tolist():
        x, y, r = float(place.x[node]), float(place.y[node]), float(place.radius[node])
        status = Status(pair.found.status[node])
        yield from side_mark(NodeKind(int(kind[node])), x, y, r, status, int(steps[node]), theme)


def side_mark(kind: NodeKind, x: float, y: float, r: float, status: Status, step: int, theme: Theme) -> list[Item]:
    """A mark whose left half is filled for A alone, the right one for B alone, the whole for both."""
    step = max(step, LEAST_SIDE) if status else step
    fill = blend(side_colour(status, theme), theme.surface_canvas, RAMP[step])
    outline = Ink(stroke=theme.mark_ink, width=OUTLINE)
    if status == Status.BOTH:
        return [mark(kind, x, y, r, replace(outline, fill=fill))]
    ground = mark(kind, x, y, r, replace(outline, fill=theme.surface_canvas))
    half = _half(kind, x, y, r, -1.0 if status == Status.ONLY_A else 1.0, Ink(fill=fill))
    return [ground, half, mark(kind, x, y, r, outline)]


def _half(kind: NodeKind, x: float, y: float, r: float, side: float, ink: Ink) -> Item:
    """The left (``side`` -1) or right half of a mark."""
    if kind == NodeKind.EMBEDDING:
        half = 0.92 * r
        return Rect(x if side > 0 else x - half, y - half, half, 2 * half, ink)
    if kind == NodeKind.ERROR:
        return Polygon(((x, y - r), (x + side * r, y), (x, y + r)), ink)
    if kind == NodeKind.BIAS:
        return Polygon(((x, y - r), (x + side * 0.95 * r, y + 0.75 * r), (x, y + 0.75 * r)), ink)
    far, near = side * r, side * r * ROUND
    upper = (x, y - r, x + near, y - r, x + far, y - r * ROUND, x + far, y)
    return Curve((*upper, x + far, y + r * ROUND, x + near, y + r, x, y + r), ink)


def _entries(pair: Compared, choice: Choice, theme: Theme) -> Iterator[Entry]:
    held = set(pair.found.status[choice.nodes].tolist()) | set(pair.found.link_status[choice.links].tolist())
    for status in ORDER:
        if status in held:
            yield Entry(14.0 + SAMPLE, partial(_sample, status, theme), STATUS_WORDS[status])
    yield Entry(5 * 11.0, partial(_ramp, theme), "differs little, differs much")


def _sample(status: Status, theme: Theme, x: float, y: float) -> tuple[Item, ...]:
    line = Line(x + 14.0, y, x + 14.0 + SAMPLE, y, _link_ink(status, 1.0, theme))
    return (*side_mark(NodeKind.FEATURE, x + 4.3, y, 4.3, status, len(RAMP) - 1, theme), line)


def _ramp(theme: Theme, x: float, y: float) -> tuple[Item, ...]:
    inks = (Ink(fill=blend(theme.mark_ink, theme.surface_canvas, alpha)) for alpha in RAMP)
    return tuple(Rect(x + 11.0 * step, y - 5.0, 10.0, 10.0, ink) for step, ink in enumerate(inks))


def _paragraphs(pair: Compared, choice: Choice, theme: Theme) -> list[Paragraph]:
    found = pair.found
    prompts = [
        f"{side}: “{prompt_text(held.graph)}”" for side, held in zip(SIDES, (pair.a, pair.b), strict=True)
    ]
    counts = [
        ", ".join(f"{int((status == which).sum()):,} {STATUS_WORDS[which]}" for which in ORDER)
        for status in (found.status, found.link_status)
    ]
    most = "the {:,} links that differ most" if choice.cut else "all {:,} links that pruning left in either"
    drawn = f"Drawn are {int(choice.nodes.sum()):,} nodes and {most.format(len(choice.links))}."
    said = [
        Paragraph("What differs?", f"{'; '.join(prompts)}.", theme.text),
        Paragraph("", f"Nodes: {counts[0]}. Links: {counts[1]}. {drawn}", theme.text_2),
        Paragraph("", f"Darker: influence or weight differs more. {' '.join(found.said)}".strip(), theme.text_2),
    ]
    return [*said, Paragraph("", f"Circuit Explorer {__version__}", theme.text_3)]
