"""Which links a figure shows, for a page holds fewer than a window, and how they run."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Bools, Floats, Graph, Ints, NodeKind
from explorer.session.figure import Curve, Ink
from explorer.session.layout import Layout
from explorer.session.theme import Theme
from explorer.session.view import GraphView, rows_of

WIDTH_OF_WHOLE, THINNEST, THICKEST = 30.0, 0.6, 4.0
FAINTEST, DARKEST = 0.45, 0.95
DASH = (5.0, 2.5)
BOW, BOW_REACH = 16.0, 40.0


@dataclass(frozen=True)
class Traced:
    """Links traced back from the targets: each target's strongest ``inputs``, then ``per_feature`` of each feature.

    Features are followed in the order of their influence until ``most`` links are found.
    """

    inputs: int = 12
    per_feature: int = 4
    most: int = 260


@dataclass(frozen=True)
class Strongest:
    """The ``most`` links that carry most influence, and every node that pruning left."""

    most: int = 260


LinkRule = Traced | Strongest


@dataclass(frozen=True, eq=False)
class Choice:
    """What a figure shows.

    links   rows of the graph's edges, weakest first, so that the strongest are drawn on top
    nodes   (n_nodes) has a mark
    cut     the rule found more links than it may show
    """

    links: Ints
    nodes: Bools
    cut: bool


def heads(graph: Graph) -> Ints:
    """The targets that a figure is about: those with at least half of the largest weight, strongest first."""
    weight = np.abs(graph.target_weight)
    found = np.flatnonzero((weight > 0) & (weight >= weight.max(initial=0.0) / 2))
    return found[np.argsort(-weight[found], kind="stable")]


def choose(view: GraphView, rule: LinkRule) -> Choice:
    """The links of ``view`` that ``rule`` picks, and the nodes that go with them.

    Bias nodes take part only where the edits count them. Tokens, outputs and what is pinned always have a mark.
    """
    graph = view.graph
    size = np.abs(view.share) * view.links
    if not view.edits.count_bias:
        size = size * (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS)
    if isinstance(rule, Traced):
        found, cut = _traced(view, size, rule)
        nodes = graph.target_weight != 0
    else:
        found, cut = _strongest(view, size, rule)
        nodes = view.shown & (view.edits.count_bias | (graph.nodes.kind != NodeKind.BIAS))
    found = found[np.argsort(size[found], kind="stable")]
    nodes[graph.edge_target[found]] = nodes[graph.rows.source[found]] = True
    nodes[graph.block(NodeKind.EMBEDDING)] = nodes[graph.block(NodeKind.LOGIT)] = True
    nodes[rows_of(graph, view.edits.pinned)] = True
    return Choice(found, nodes & view.shown, cut)


def _traced(view: GraphView, size: Floats, rule: Traced) -> tuple[Ints, bool]:
    graph = view.graph
    waiting = [(-np.inf, int(node)) for node in heads(graph)]
    heapq.heapify(waiting)
    seen = {node for _, node in waiting}
    found: list[int] = []
    while waiting:
        rank, node = heapq.heappop(waiting)
        span = slice(int(graph.rows.start[node]), int(graph.rows.start[node + 1]))
        most = rule.inputs if rank == -np.inf else rule.per_feature
        links = np.argsort(-size[span], kind="stable")[:most]
        links = links[size[span][links] > 0] + span.start
        if len(found) + len(links) > rule.most:
            return np.array(found, dtype=np.int64), True
        found.extend(links.tolist())
        for source in graph.rows.source[links].tolist():
            if graph.nodes.kind[source] == NodeKind.FEATURE and source not in seen:
                seen.add(source)
                heapq.heappush(waiting, (-float(view.influence[source]), source))
    return np.array(found, dtype=np.int64), False


def _strongest(view: GraphView, size: Floats, rule: Strongest) -> tuple[Ints, bool]:
    graph = view.graph
    reach = view.influence + np.abs(graph.target_weight)
    carried = size * reach[graph.edge_target]
    there = np.flatnonzero(carried > 0)
    order = there[np.argsort(-carried[there], kind="stable")]
    return order[: rule.most], len(order) > rule.most


def link_width(share: float) -> float:
    """Pixels for a link of that share of its target's input."""
    return min(max(WIDTH_OF_WHOLE * abs(share), THINNEST), THICKEST)


def link_ink(share: float, theme: Theme) -> Ink:
    """Width, alpha and hue by share and sign; negative links are dashed, so that sign never rests on hue."""
    alpha = FAINTEST + (DARKEST - FAINTEST) * min(1.0, WIDTH_OF_WHOLE * abs(share) / THICKEST)
    return Ink(
        stroke=theme.sign(share),
        width=link_width(share),
        stroke_alpha=alpha,
        dash=DASH if share < 0 else (),
    )


def link_curves(view: GraphView, place: Layout, choice: Choice, theme: Theme) -> tuple[Curve, ...]:
    """The chosen links as cubics, from the top of the source to the bottom of the target."""
    graph = view.graph
    top, bottom = _ends(graph, place)
    curves = []
    for link in choice.links.tolist():
        source, target = int(graph.rows.source[link]), int(graph.edge_target[link])
        start = (float(place.x[source]), float(top[source]))
        end = (float(place.x[target]), float(bottom[target]))
        curves.append(Curve(_cubic(start, end), link_ink(float(view.share[link]), theme)))
    return tuple(curves)


def _ends(graph: Graph, place: Layout) -> tuple[Floats, Floats]:
    """(n_nodes) y where links leave upwards, and where they arrive from below."""
    top, bottom = place.y - place.radius, place.y + place.radius
    logits = graph.block(NodeKind.LOGIT)
    bottom[logits] = place.y[logits] + place.pills[:, 3] / 2
    return top, bottom


def _cubic(
    start: tuple[float, float], end: tuple[float, float]
) -> tuple[float, float, float, float, float, float, float, float]:
    """Up from the start, then towards the end; links within a column bow to the left."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    bow = min(BOW, 0.12 * abs(dy)) * max(0.0, 1.0 - abs(dx) / BOW_REACH)
    return x0, y0, x0 - bow, y0 + 0.42 * dy, x1 - 0.28 * dx - bow, y1 - 0.3 * dy, x1, y1
