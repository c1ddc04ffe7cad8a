"""Where a figure draws what it shows: the window's layout, but of the chosen nodes alone.

A page is smaller than a window and no slider moves over it, so columns and rows get the room that the drawn nodes
need. The order of rows, columns and marks stays the window's. Prompts too long for columns of full width keep the
window's columns as well.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.circuits.graph import Bools, Floats, Graph, Ints, NodeKind, Nodes, Rows
from explorer.session.figure_labels import token_widths
from explorer.session.figure_links import Choice
from explorer.session.figure_marks import pill_widths
from explorer.session.layout import AXIS, COLUMN, RIGHT, Layout, layout
from explorer.session.theme import Theme
from explorer.session.view import GraphView

ROW, HIGHEST_ROW, ROWS = 15.0, 56.0, 420.0
ENDS = 116.0  # rows of outputs and tokens, without the layers
MARGIN = 10.0  # that the layout adds to the text of a token
MOST_EVEN, CROWD = 0.9, 300.0  # so much of the width is shared evenly, less the more features there are


def place_chosen(
    view: GraphView, choice: Choice, theme: Theme, width: float, height: float | None, size: int
) -> Layout:
    """Places for the chosen nodes and the shown errors; ``placed`` is False for all others.

    ``height`` is that of the graph without legend and caption; None follows the number of layers.
    """
    graph = view.graph
    n = max(graph.n_layers, 1)
    high = height if height is not None else ENDS + n * min(max(ROW, ROWS / n), HIGHEST_ROW)
    texts, pills = token_widths(view, size), pill_widths(view, theme, size)
    whole = layout(graph, view.influence, width, high, token_widths=texts, pill_widths=pills)
    if COLUMN * graph.n_pos > width - AXIS - RIGHT:
        return whole
    kept = _kept(view, choice)
    marks = int((graph.nodes.kind[kept] == NodeKind.FEATURE).sum())
    wide = _even(texts, (width - AXIS - RIGHT) * max(MOST_EVEN - marks / CROWD, 0.0))
    small = layout(_part(graph, kept), view.influence[kept], width, high, token_widths=wide, pill_widths=pills)
    return replace(
        small,
        x=_spread(small.x, kept, len(graph)),
        y=_spread(small.y, kept, len(graph)),
        bar=_spread(small.bar, kept, len(graph)),
        placed=_spread(small.placed, kept, len(graph)) > 0,
        # The area of a mark is its share of the whole graph's influence, not of what is drawn.
        step=np.minimum(whole.step, _spread(small.step, kept, len(graph))).astype(np.int8),
        more=tuple(replace(more, nodes=kept[more.nodes]) for more in small.more),
    )


def _even(texts: list[float], total: float) -> list[float]:
    """``texts``, the narrow ones widened to one width such that all, with their margins, take ``total``."""
    low, high = 0.0, total
    for _ in range(30):
        level = (low + high) / 2
        if sum(max(text, level) + MARGIN for text in texts) > total:
            high = level
        else:
            low = level
    return [max(text, low) for text in texts]


def _kept(view: GraphView, choice: Choice) -> Ints:
    """Every output is kept, so that outputs and their pills stay matched."""
    kept: Bools = choice.nodes.copy()
    errors, logits = view.graph.block(NodeKind.ERROR), view.graph.block(NodeKind.LOGIT)
    kept[errors] |= view.shown[errors]
    kept[logits] = True
    return np.flatnonzero(kept)


def _part(graph: Graph, kept: Ints) -> Graph:
    """The graph of the ``kept`` nodes, without edges."""
    nodes = graph.nodes
    none, n = np.zeros(0, dtype=np.int32), len(kept)
    return replace(
        graph,
        nodes=Nodes(nodes.kind[kept], nodes.layer[kept], nodes.pos[kept], nodes.feature[kept], nodes.activation[kept]),
        rows=Rows(np.zeros(n + 1, dtype=np.int64), none, none.astype(np.float32), np.zeros(n), np.zeros(n)),
        constant=graph.constant[kept],
        preactivation=graph.preactivation[kept],
        target_weight=graph.target_weight[kept],
        probability=graph.probability[kept],
    )


def _spread(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], kept: Ints, n: int) -> Floats:
    """(n) ``values`` at ``kept``, 0 elsewhere."""
    spread = np.zeros(n)
    spread[kept] = values
    return spread
