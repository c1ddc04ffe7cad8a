"""Words at the marks of a figure: names of nodes, tokens and layers, none upon another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from explorer.circuits.graph import Bools, Floats, Ints, NodeKind
from explorer.session.figure import Box, Run, Text
from explorer.session.figure_links import Choice, heads
from explorer.session.figure_marks import BAR_HEIGHT, PIN_APART
from explorer.session.figure_text import elide, plain, text_width, visible
from explorer.session.layout import AXIS, Layout
from explorer.session.theme import Theme
from explorer.session.view import GraphView, rows_of

NAME_WIDTHS = (170.0, 110.0)
APART = 5.0  # between a mark and its name
MOST = 14  # names, for more hide the links
UNNAMED = 6  # so many of the strongest features are told by number where no more have a name
TOKEN_TEXT = 70.0  # longest token that stands upright on its side
NUDGE = 5.0
LAYER_STEPS = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True)
class _Name:
    """What stands at a node; ``weight`` and ``fill`` tell names that people gave from others."""

    node: int
    text: str
    weight: int
    fill: str


def names(
    view: GraphView, place: Layout, choice: Choice, theme: Theme, size: int, taken: Sequence[Box]
) -> tuple[Text, ...]:
    """Names beside the nodes that have a label or are pinned, then of the strongest features.

    A name that finds no room beside its mark, clear of ``taken``, of every mark and of other names, is shortened
    or left out. Names that nobody gave stand left or right of their mark only.
    """
    reach = _reach(view, place)
    full = [*taken, *_marks(view, place, choice, reach)]
    room = Box(float(place.columns[0]), 0.0, float(place.columns[-1]), float(place.rows[0]))
    found: list[Text] = []
    for name in _wanted(view, place, choice, theme):
        at = (float(place.x[name.node]), float(place.y[name.node]), float(reach[name.node]))
        text = _fit(name, at, size, theme.surface_canvas, room, full)
        if text:
            found.append(text)
            full.append(text.box)
    return tuple(found)


def _wanted(view: GraphView, place: Layout, choice: Choice, theme: Theme) -> Iterator[_Name]:
    """Targets, pinned nodes, labelled ones, then the strongest features where few have a name of their own."""
    graph, edits = view.graph, view.edits
    inside = choice.nodes & place.placed & (graph.nodes.kind <= NodeKind.ERROR)
    groups = (heads(graph), rows_of(graph, edits.pinned), rows_of(graph, tuple(edits.labels)))
    ranked = [node for group in groups for node in _strongest_first(view, group, inside)]
    given = list(dict.fromkeys(ranked))[:MOST]
    features = np.flatnonzero(graph.nodes.kind == NodeKind.FEATURE)
    others = [node for node in _strongest_first(view, features, inside) if node not in given]
    for node in given:
        yield _Name(node, visible(view.label(node)), 600, theme.text)
    for node in others[: max(0, UNNAMED - len(given))]:
        yield _Name(node, visible(view.label(node)), 400, theme.text_2)


def _strongest_first(view: GraphView, nodes: Ints, inside: Bools) -> list[int]:
    """Those of ``nodes`` that are ``inside``, by influence."""
    nodes = nodes[inside[nodes]]
    return [int(node) for node in nodes[np.argsort(-view.influence[nodes], kind="stable")]]


def _reach(view: GraphView, place: Layout) -> Floats:
    """(n_nodes) radius of the mark with its pin."""
    reach = place.radius.copy()
    reach[rows_of(view.graph, view.edits.pinned)] += PIN_APART
    return reach


def _marks(view: GraphView, place: Layout, choice: Choice, reach: Floats) -> Iterator[Box]:
    for node in np.flatnonzero(choice.nodes & place.placed).tolist():
        x, y, r = float(place.x[node]), float(place.y[node]), float(reach[node])
        yield Box(x - r, y - r, x + r, y + r)
        if view.graph.nodes.kind[node] == NodeKind.ERROR:
            yield Box(x, y - BAR_HEIGHT / 2, x + float(place.bar[node]), y + BAR_HEIGHT / 2)


def _fit(
    name: _Name, at: tuple[float, float, float], size: int, halo: str, room: Box, full: Sequence[Box]
) -> Text | None:
    x, y, r = at
    middle = y + 0.36 * size
    spots = (
        (x - r - APART, middle, "end"),
        (x + r + APART, middle, "start"),
        (x, y - r - APART, "middle"),
        (x, y + r + APART + 0.73 * size, "middle"),
        (x - r, y - r - APART, "end"),
        (x + r, y - r - APART, "start"),
    )
    for width in NAME_WIDTHS:
        words = elide(name.text, width, size, name.weight)
        for left, base, anchor in spots if name.weight > 400 else spots[:2]:
            text = Text(left, base, (Run(words, name.fill, name.weight),), size, anchor, halo)
            box = text.box
            if words and box.within(room) and not any(box.meets(other) for other in full):
                return text
    return None


def token_widths(view: GraphView, size: int) -> list[float]:
    """(n_pos) how wide the tokens' texts are."""
    return [text_width(plain(token), size) for token in view.graph.tokens]


def tokens(
    view: GraphView, place: Layout, theme: Theme, size: int, sight: tuple[float, float] | None = None
) -> tuple[Text, ...]:
    """The tokens below their squares, on their side where the columns are narrow; special ones fainter.

    Of columns that are partly out of ``sight`` (left and right end) the words stand below what is seen of them.
    """
    graph, columns = view.graph, place.columns
    seen = columns if sight is None else np.clip(columns, *sight)
    widths, rooms = np.diff(columns) - 4.0, np.diff(seen) - 4.0
    middles, inside = (seen[:-1] + seen[1:]) / 2, rooms > 0
    wishes = np.array(token_widths(view, size))
    upright = bool((wishes > 1.3 * widths)[inside].sum() <= 0.2 * inside.sum())
    top = place.token_y + 10.0
    found: list[Text] = []
    for pos in np.flatnonzero(inside).tolist():
        x, room = float(middles[pos]), float(rooms[pos])
        words = elide(plain(graph.tokens[pos]), room if upright else TOKEN_TEXT, size)
        run = Run(words, theme.text_3 if pos < graph.n_special else theme.text)
        if upright:
            text = Text(x, top + size, (run,), size, "middle")
        else:
            text = _beside(found, Text(x + 0.36 * size, top, (run,), size, "end", upright=False))
        if words and not any(text.box.meets(other.box) for other in found[-1:]):
            found.append(text)
    return tuple(found)


def _beside(found: Sequence[Text], text: Text) -> Text:
    """``text``, moved right by what it lacks to the last one, if that is little."""
    lack = found[-1].box.x1 - text.box.x0 if found else 0.0
    return replace(text, x=text.x + lack) if 0 < lack <= NUDGE else text


def rows(view: GraphView, place: Layout, theme: Theme, size: int, *, bias: bool) -> tuple[Text, ...]:
    """The numbers of the layers, as many as have room, the top one with the word, and the row of tokens."""
    x = AXIS - 6.0
    base = place.row_middle() + 0.36 * size
    n = view.graph.n_layers
    step = _layer_step(place, size)
    wishes: list[tuple[float, tuple[str, ...]]] = [(place.token_y + 0.36 * size, ("tokens", "tok."))]
    if bias:
        wishes.append((place.bias_y + 0.36 * size, ("bias",)))
    wishes.append((float(base[n - 1]), (f"layer {n - 1}", str(n - 1))))
    wishes += [(float(base[n]), (str(n),)) for n in (0, *range(n - 2, 0, -1)) if n % step == 0 or n == 1]
    found: list[Text] = []
    for y, words in wishes:
        fitting = next((word for word in words if text_width(word, size) <= x), words[-1])
        text = Text(x, y, (Run(fitting, theme.text_2),), size, "end")
        if not any(text.box.meets(other.box) for other in found):
            found.append(text)
    return tuple(found)


def _layer_step(place: Layout, size: int) -> int:
    height = float(np.median(-np.diff(place.rows)))
    return next((step for step in LAYER_STEPS if step * height >= 3.2 * size), LAYER_STEPS[-1])
