"""Links: what flows into and out of a node, as lists whose rows add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Bools, Floats, Ints, NodeKind, Weights
from explorer.circuits.scores import books_limit, residual
from explorer.session.view import GraphView


@dataclass(frozen=True)
class Rest:
    """Links that are not listed one by one: how many, and the sum of their weights."""

    count: int = 0
    weight: float = 0.0


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a node.

    nodes, weight   the links that are drawn, strongest first; their other ends and direct effects
    mass            the denominator of the shares: sum of the absolute weights of all links of this side
    count           how many links that sum runs over
    pruned, bias    the links that pruning hid, and those from bias nodes
    unlisted        what a file that keeps the strongest edges only left out (its count is not known: 0)
    """

    nodes: Ints
    weight: Floats
    mass: float
    count: int
    pruned: Rest
    bias: Rest
    unlisted: Rest

    def share(self) -> Floats:
        """(links) signed share of each listed link."""
        return self.weight / self.mass if self.mass > 0 else np.zeros_like(self.weight)

    def after(self, n_listed: int) -> Rest:
        """The drawn links after the first ``n_listed``."""
        return Rest(max(len(self.nodes) - n_listed, 0), float(self.weight[n_listed:].sum()))


@dataclass(frozen=True)
class Book:
    """One target's account: the sides of ``total = constant + inputs``. NaN where the graph does not say.

    The account holds if ``residual`` is at most ``limit``.
    """

    constant: float
    total: float
    residual: float
    limit: float


def inputs_of(view: GraphView, node: int) -> Side:
    """The links into ``node``. Bias nodes are in the denominator only if the edits count them."""
    graph = view.graph
    span = slice(int(graph.rows.start[node]), int(graph.rows.start[node + 1]))
    source, weight = graph.inputs(node)
    rest = Rest(0, float(graph.rows.rest_sum[node])) if graph.rows.rest_abs[node] > 0 else Rest()
    return _side(view, source, weight, view.links[span], rest, float(graph.rows.rest_abs[node]))


def outputs_of(view: GraphView, node: int) -> Side:
    """The links out of ``node``."""
    edges = np.flatnonzero(view.graph.rows.source == node)
    target = view.graph.edge_target[edges]
    return _side(view, target, view.graph.rows.weight[edges], view.links[edges], Rest(), 0.0)


def book_of(view: GraphView, node: int) -> Book:
    """The account of ``node``; every in-edge counts, bias nodes included."""
    graph = view.graph
    _, weight = graph.inputs(node)
    row = slice(node, node + 1)
    signed = weight.astype(np.float64).sum() + graph.rows.rest_sum[row]
    mass = np.abs(weight).astype(np.float64).sum() + graph.rows.rest_abs[row]
    total, constant = graph.preactivation[row], graph.constant[row]
    off = residual(total, constant, signed, mass)
    return Book(float(constant[0]), float(total[0]), float(off[0]), books_limit(graph))


def _side(
    view: GraphView, other: NDArray[np.int32], direct: Weights, drawn: Bools, rest: Rest, rest_abs: float
) -> Side:
    weight: Floats = direct.astype(np.float64)
    there = weight != 0
    is_bias = view.graph.nodes.kind[other] == NodeKind.BIAS
    counted = there & (~is_bias | view.edits.count_bias)
    listed = np.flatnonzero(there & drawn & ~is_bias)
    listed = listed[np.argsort(-np.abs(weight[listed]), kind="stable")]
    return Side(
        nodes=other[listed].astype(np.int64),
        weight=weight[listed],
        mass=float(np.abs(weight[counted]).sum()) + rest_abs,
        count=int(counted.sum()),
        pruned=_rest(weight, there & ~drawn & ~is_bias),
        bias=_rest(weight, there & is_bias),
        unlisted=rest,
    )


def _rest(weight: Floats, which: Bools) -> Rest:
    return Rest(int(which.sum()), float(weight[which].sum()))
