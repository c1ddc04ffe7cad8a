"""Words at the marks of a figure: names of nodes, tokens and layers, none upon another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Bools, Ints, NodeKind
from explorer.session.figure import Box, Run, Text
from explorer.session.figure_links import Choice
from explorer.session.figure_marks import BAR_HEIGHT
from explorer.session.figure_text import elide, plain, text_width
from explorer.session.layout import AXIS, Layout
from explorer.session.theme import Theme
from explorer.session.view import GraphView, default_label, rows_of

NAME_WIDTHS = (170.0, 110.0)
APART = 5.0  # between a mark and its name
MOST = 14  # names, for more hide the links
UNNAMED = 6  # so many of the strongest features are told by number where no more have a name
TOKEN_TEXT = 70.0  # longest token that stands upright on its side
LAYER_STEPS = (1, 2, 5, 10, 20, 50)


@dataclass(frozen=True)
class _Name:
    """What stands at a node; ``weight`` and ``fill`` tell names that people gave from numbers."""

    node: int
    text: str
    weight: int
    fill: str


def names(
    view: GraphView, place: Layout, choice: Choice, theme: Theme, size: int, taken: Sequence[Box]
) -> tuple[Text, ...]:
    """Names beside the nodes that have a label or are pinned, then of the strongest features.

    A name that finds no room beside its mark, clear of ``taken``, of every mark and of other names, is shortened
    or left out. Numbers stand left or right of their mark only.
    """
    marks = [box for node in np.flatnonzero(choice.nodes & place.placed).tolist() for box in _mark(view, place, node)]
    full = [*taken, *marks]
    room = Box(float(place.columns[0]), 0.0, float(place.columns[-1]), float(place.rows[0]))
    found: list[Text] = []
    for name in _wanted(view, place, choice, theme):
        text = _fit(name, place, size, theme.surface_canvas, room, full)
        if text:
            found.append(text)
            full.append(text.box)
    return tuple(found)


def _wanted(view: GraphView, place: Layout, choice: Choice, theme: Theme) -> Iterator[_Name]:
    """Pinned nodes, labelled ones, then numbers of the strongest features where few have a name."""
    graph, edits = view.graph, view.edits
    inside = choice.nodes & place.placed & (graph.nodes.kind <= NodeKind.ERROR)
    pinned, labelled = (
        _strongest_first(view, rows_of(graph, keys), inside) for keys in (edits.pinned, tuple(edits.labels))
    )
    given = list(dict.fromkeys([*pinned, *labelled]))[:MOST]
    features = np.flatnonzero(graph.nodes.kind == NodeKind.FEATURE)
    others = [node for node in _strongest_first(view, features, inside) if node not in given]
    for node in given:
        yield _Name(node, view.label(node), 600, theme.text)
    for node in others[: max(0, UNNAMED - len(given))]:
        yield _Name(node, default_label(graph, node), 400, theme.text_2)


def _strongest_first(view: GraphView, nodes: Ints, inside: Bools) -> list[int]:
    """Those of ``nodes`` that are ``inside``, targets first, then by influence."""
    nodes = nodes[inside[nodes]]
    aim = view.graph.target_weight[nodes] != 0
    order = np.lexsort((-view.influence[nodes], ~aim))
    return [int(node) for node in nodes[order]]


def _mark(view: GraphView, place: Layout, node: int) -> Iterator[Box]:
    x, y, r = float(place.x[node]), float(place.y[node]), float(place.radius[node])
    yield Box(x - r, y - r, x + r, y + r)
    if view.graph.nodes.kind[node] == NodeKind.ERROR:
        yield Box(x, y - BAR_HEIGHT / 2, x + float(place.bar[node]), y + BAR_HEIGHT / 2)


def _fit(name: _Name, place: Layout, size: int, halo: str, room: Box, full: Sequence[Box]) -> Text | None:
    x, y, r = float(place.x[name.node]), float(place.y[name.node]), float(place.radius[name.node])
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


def tokens(view: GraphView, place: Layout, theme: Theme, size: int) -> tuple[Text, ...]:
    """The tokens below their squares, on their side where the columns are narrow; special ones fainter."""
    graph = view.graph
    widths = np.diff(place.columns) - 4.0
    wishes = np.array(token_widths(view, size))
    upright = bool((wishes > 1.3 * widths).mean() <= 0.2)
    top = place.token_y + 10.0
    found: list[Text] = []
    for pos, (x, width) in enumerate(zip(place.column_middle().tolist(), widths.tolist(), strict=True)):
        words = elide(plain(graph.tokens[pos]), width if upright else TOKEN_TEXT, size)
        run = Run(words, theme.text_3 if pos < graph.n_special else theme.text)
        if upright:
            text = Text(x, top + size, (run,), size, "middle")
        else:
            text = Text(x + 0.36 * size, top, (run,), size, "end", upright=False)
        if words and not any(text.box.meets(other.box) for other in found[-1:]):
            found.append(text)
    return tuple(found)


def rows(view: GraphView, place: Layout, theme: Theme, size: int, *, bias: bool) -> tuple[Text, ...]:
    """The numbers of the layers, as many as have room, the top one with the word, and the row of tokens."""
    x = AXIS - 6.0
    base = place.row_middle() + 0.36 * size
    n = view.graph.n_layers
    found = [Text(x, place.token_y + 0.36 * size, (Run("tokens", theme.text_2),), size, "end")]
    if bias:
        found.append(Text(x, place.bias_y + 0.36 * size, (Run("bias", theme.text_2),), size, "end"))
    step = _layer_step(place, size)
    for layer in (n - 1, 0, *range(n - 2, 0, -1)):
        words = f"layer {layer}" if layer == n - 1 else str(layer)
        text = Text(x, float(base[layer]), (Run(words, theme.text_2),), size, "end")
        wanted = layer % step == 0 or layer in (n - 1, 1)
        if wanted and not any(text.box.meets(other.box) for other in found):
            found.append(text)
    return tuple(found)


def _layer_step(place: Layout, size: int) -> int:
    height = float(np.median(-np.diff(place.rows)))
    return next((step for step in LAYER_STEPS if step * height >= 3 * size), LAYER_STEPS[-1])
