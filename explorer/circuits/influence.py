"""How much each node matters for the targets, over paths of every length."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Bools, Floats, Graph, NodeKind

CLAMP = 1e-10  # rows with a smaller sum count as empty; circuit-tracer's figure


def row_mass(graph: Graph, kept: Bools | None = None, *, count_bias: bool = False) -> Floats:
    """Sum of absolute direct effects into each node: the denominator of every input share.

    ``kept`` (n_edges) leaves the other edges out. Bias nodes are left out, as the reference tools have none,
    unless ``count_bias``. What a row leaves out (``rest_abs``) counts.
    """
    mass = np.abs(graph.rows.weight).astype(np.float64)
    if kept is not None:
        mass = mass * kept
    if not count_bias:
        mass = mass * (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS)
    total: Floats = np.bincount(graph.edge_target, mass, minlength=len(graph)).astype(np.float64)
    return total if kept is not None else total + graph.rows.rest_abs


def edge_share(graph: Graph, mass: Floats) -> Floats:
    """Signed share of each edge in its target's input: weight / ``mass`` of the target."""
    return graph.rows.weight / np.maximum(mass, CLAMP)[graph.edge_target]


def flow(graph: Graph, share: NDArray[np.floating[Any]], weight: Floats) -> Floats:
    """``weight (A + A^2 + ...)`` for the edge matrix ``A`` [target, source] with entries ``share``.

    The graph is acyclic in layers, so one pass from the outputs down gives the whole series, which equals
    ``weight ((I - A)^-1 - I)``. ``weight`` itself is not part of the result.
    """
    arrived = np.zeros(len(graph))
    for level in graph.levels():
        span = slice(int(graph.rows.start[level.start]), int(graph.rows.start[level.stop]))
        target = graph.edge_target[span]
        sent = (arrived + weight)[target] * share[span]
        arrived += np.bincount(graph.rows.source[span], sent, minlength=len(graph))
    return arrived


def node_influence(graph: Graph, *, count_bias: bool = False) -> Floats:
    """Influence of each node on the weighted targets: absolute input shares, multiplied along paths, summed.

    A node's own target weight is not part of it. Without ``count_bias`` bias nodes are not in the
    denominators, and get no influence.
    """
    share = np.abs(edge_share(graph, row_mass(graph, count_bias=count_bias)))
    if not count_bias:
        share = share * (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS)
    return flow(graph, share, graph.target_weight)


def rest_influence(graph: Graph, influence: Floats, *, count_bias: bool = False) -> float:
    """The influence of what the rows leave out (``rest_abs``): the "not expanded" share of the targets' weight."""
    mass = row_mass(graph, count_bias=count_bias)
    share = graph.rows.rest_abs / np.maximum(mass, CLAMP)
    return float(((influence + graph.target_weight) * share).sum())


def signed_influence(graph: Graph, *, count_bias: bool = False) -> Floats:
    """As node_influence with signed shares: positive where a node raises the weighted targets."""
    share = edge_share(graph, row_mass(graph, count_bias=count_bias))
    if not count_bias:
        share = share * (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS)
    return flow(graph, share, graph.target_weight)
