"""Direct effects between groups of nodes, and what a group is on this prompt.

The published aggregation (Anthropic's attribution-graphs-frontend, ``init-cg-subgraph.js``), for a node t of a group T:

    in(t)  = sum of |A[t, k]| over all nodes k          ext(t) = the same over all k outside of T
    rho(t) = ext(t) / in(t)
    A[T, S] = sum over t in T, s in S of  A[t, s] / ext(t) * rho(t) / (sum of rho over T)
            = sum over t in T, s in S of  A[t, s] / in(t)  /          (sum of rho over T)

A share is signed; its denominator is T's input from outside of T. Effects within T are dropped. A group without any
input from outside has no shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Floats, Graph, Ints, NodeKind


@dataclass(frozen=True, eq=False)
class Aggregate:
    """Direct effects between n groups; rows 0 to n - 1 are groups.

    target, source   (links) groups that some edge connects, ordered by target, then source; never the same
    share            (links) signed share of the source in the target's input from outside
    weight           (links) plain sum of the direct effects
    outside          (n) sum of |direct effect| on a group's nodes from outside of it, ungrouped nodes included
    loose            (n) share of nodes that are in no group, and of what the rows leave out
    cancels          (n) share that is lost because nodes of one source pull against each other

    For a group with input from outside, sum of |share| + loose + cancels = 1.
    """

    target: Ints
    source: Ints
    share: Floats
    weight: Floats
    outside: Floats
    loose: Floats
    cancels: Floats


def aggregate(graph: Graph, group: Ints, mass: Floats, *, count_bias: bool = False) -> Aggregate:
    """Direct effects between the groups: ``group`` (n_nodes) is a node's group, -1 for none.

    ``mass`` (n_nodes) is in(t) (``influence.row_mass`` at the same ``count_bias``): all that feeds t, pruned or not,
    bias nodes only if they count, and what the rows leave out.
    """
    n = int(group.max(initial=-1)) + 1
    edges = np.flatnonzero(group[graph.edge_target] >= 0)
    target, source = graph.edge_target[edges], graph.rows.source[edges]
    weight = graph.rows.weight[edges].astype(np.float64)
    if not count_bias:
        weight = weight * (graph.nodes.kind[source] != NodeKind.BIAS)
    whole = np.where(mass > 0, mass, 1.0)
    into, out_of, grouped = group[target], group[source], group >= 0
    outer = np.maximum(mass - _sums(target, np.abs(weight) * (into == out_of), len(graph)), 0.0)
    rho = _sums(group[grouped], (outer / whole)[grouped], n)
    scale = np.divide(1.0, rho, out=np.zeros(n), where=rho > 1e-12)
    share = weight / whole[target] * scale[into]
    linked = (out_of >= 0) & (into != out_of) & (weight != 0)
    pairs, pair = np.unique(into[linked] * n + out_of[linked], return_inverse=True)
    shares, weights = (_sums(pair, values[linked], len(pairs)) for values in (share, weight))
    loose = _sums(into, np.abs(share) * (out_of < 0), n)
    loose += scale * _sums(group[grouped], (graph.rows.rest_abs / whole)[grouped], n)
    drawn = _sums(pairs // max(n, 1), np.abs(shares), n)
    return Aggregate(
        target=pairs // max(n, 1),
        source=pairs % max(n, 1),
        share=shares,
        weight=weights,
        outside=_sums(group[grouped], outer[grouped], n),
        loose=loose,
        cancels=np.maximum(_sums(into[linked], np.abs(share[linked]), n) - drawn, 0.0),
    )


def activation(graph: Graph, rows: Ints) -> float:
    """The activation of a group: the sum over its features on this prompt; NaN without features.

    A sum, not a mean: a feature that is hardly active changes a sum little, and a group that takes in all parts of a
    split feature keeps the feature's strength. The strengths of single members are in ``nodes.activation``.
    """
    known = graph.nodes.activation[rows].astype(np.float64)
    known = known[~np.isnan(known)]
    return float(known.sum()) if known.size else float("nan")


def _sums(at: Ints | NDArray[np.int32], values: Floats, n: int) -> Floats:
    """(n) the sum of ``values`` at each index."""
    return np.bincount(at, values, minlength=n).astype(np.float64)
