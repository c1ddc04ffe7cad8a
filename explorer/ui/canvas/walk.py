"""Walking from mark to mark by keys."""

from __future__ import annotations

import numpy as np

from explorer.circuits.graph import Floats, Ints, NodeKind
from explorer.session.layout import Layout
from explorer.session.view import GraphView

SIDEWAYS = 2.5  # how much dearer a step aside is than one ahead


def nearest(view: GraphView, layout: Layout, node: int, dx: int, dy: int) -> int | None:
    """The nearest shown mark in a direction (y down), preferring what lies straight ahead."""
    ahead = (layout.x - layout.x[node]) * dx + (layout.y - layout.y[node]) * dy
    aside = np.abs((layout.x - layout.x[node]) * dy) + np.abs((layout.y - layout.y[node]) * dx)
    cost = np.where(view.shown & layout.placed & (ahead > 0.5), ahead + SIDEWAYS * aside, np.inf)
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else None


def first(view: GraphView) -> int | None:
    """Where a walk starts: the strongest target."""
    graph = view.graph
    if not len(graph):
        return None
    if graph.target_weight.max(initial=0.0) > 0:
        return int(np.argmax(graph.target_weight))
    shown = np.flatnonzero(view.shown)
    return int(shown[np.argmax(view.influence[shown])]) if len(shown) else None


def strongest_input(view: GraphView, node: int) -> int | None:
    """The shown source with the largest weight into ``node``; biases only if nothing else feeds it."""
    sources, weights = view.graph.inputs(node)
    return _strongest(view, sources.astype(np.int64), weights.astype(np.float64))


def strongest_output(view: GraphView, node: int) -> int | None:
    """The shown target on which ``node`` has the largest weight."""
    targets, weights = view.graph.outputs(node)
    return _strongest(view, targets.astype(np.int64), weights.astype(np.float64))


def _strongest(view: GraphView, nodes: Ints, weights: Floats) -> int | None:
    size = np.abs(weights) * view.shown[nodes]
    size = np.where(view.graph.nodes.kind[nodes] == NodeKind.BIAS, size * 1e-9, size)
    if not len(size) or size.max() <= 0:
        return None
    return int(nodes[np.argmax(size)])
