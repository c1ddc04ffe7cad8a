"""The strongest paths between nodes of a graph, and how much of all paths they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Bools, Floats, Graph, Ints, NodeKind
from explorer.circuits.influence import edge_share, flow, row_mass

NONE = -np.inf


@dataclass(frozen=True)
class Path:
    """Nodes from the source to the target, and the product of the absolute input shares of its edges.

    ``raises`` says whether the product of the signs is positive.
    """

    nodes: tuple[int, ...]
    share: float
    raises: bool


def strongest_paths(
    graph: Graph,
    edges: Bools,
    sources: Iterable[int],
    targets: Iterable[int],
    k: int,
    *,
    count_bias: bool = False,
) -> list[Path]:
    """The ``k`` paths with the largest product of shares over ``edges`` (n_edges), strongest first.

    A share is |weight| / the target's whole unpruned input; bias nodes are on no path unless they count. Exact: the
    graph is acyclic in layers, so one pass upwards finds the k strongest paths into every node. Time is that of sorting
    the edges, memory 20 k bytes a node: 50,000 edges take 0.2 s at k = 20, 500,000 take 1.2 s.
    """
    share, usable = _shares(graph, edges, count_bias)
    best = _Best(len(graph), k)
    best.value[np.fromiter(sources, dtype=np.int64), :1] = 0.0
    usable_edges = np.flatnonzero(usable)
    strength = np.log(np.minimum(np.abs(share[usable_edges]), 1.0))
    target = graph.edge_target[usable_edges]
    for level in reversed(list(graph.levels())):
        span = slice(*np.searchsorted(target, [level.start, level.stop]).tolist())
        best.extend(target[span], graph.rows.source[usable_edges[span]], usable_edges[span], strength[span])
    ends = np.unique(np.fromiter(targets, dtype=np.int64))
    row, rank = np.divmod(np.argsort(-best.value[ends], axis=None, kind="stable")[:k], k)
    found = zip(ends[row].tolist(), rank.tolist(), strict=True)
    return [_path(graph, share, best, end, at) for end, at in found if best.value[end, at] > NONE]


def path_total(
    graph: Graph, sources: Iterable[int], targets: Iterable[int], *, count_bias: bool = False
) -> float:
    """The sum of ``share`` over all paths of the whole graph from ``sources`` to ``targets``."""
    share, usable = _shares(graph, np.ones(graph.n_edges, dtype=bool), count_bias)
    starts, ends = (np.unique(np.fromiter(rows, dtype=np.int64)) for rows in (sources, targets))
    weight = np.zeros(len(graph))
    weight[ends] = 1.0
    arrived = flow(graph, np.minimum(np.abs(share), 1.0) * usable, weight) + weight
    return float(arrived[starts].sum())


def _shares(graph: Graph, edges: Bools, count_bias: bool) -> tuple[Floats, Bools]:
    """(n_edges) signed shares, and the edges that paths may use."""
    share = edge_share(graph, row_mass(graph, count_bias=count_bias))
    usable = edges & (share != 0)
    if not count_bias:
        usable = usable & (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS)
    return share, usable


class _Best:
    """The k strongest paths into each node: log share, last edge (-1: the path starts here), rank at its source.

    All three are [n_nodes, k], strongest first; -inf where there is no path.
    """

    def __init__(self, n: int, k: int) -> None:
        self.k = k
        self.value = np.full((n, k), NONE)
        self.edge = np.full((n, k), -1, dtype=np.int64)
        self.rank = np.zeros((n, k), dtype=np.int32)

    def extend(self, target: NDArray[np.int32], source: NDArray[np.int32], edge: Ints, strength: Floats) -> None:
        """Paths into the targets of one level, all of whose sources are done.

        The k strongest paths into a node come over at most k edges: those whose strongest path is strongest.
        """
        kept = _strongest(target, self.value[source, 0] + strength, self.k)
        values = self.value[source[kept]] + strength[kept, None]
        begins = np.unique(target[kept])
        goal = np.concatenate([np.repeat(target[kept], self.k), begins])
        value = np.concatenate([values.ravel(), self.value[begins, 0]])
        last = np.concatenate([np.repeat(edge[kept], self.k), np.full(len(begins), -1)])
        rank = np.concatenate([np.tile(np.arange(self.k), len(kept)), np.zeros(len(begins), dtype=np.int64)])
        order = _strongest(goal, value, self.k)
        place = np.arange(len(order)) - np.searchsorted(goal[order], goal[order])
        spot = (goal[order], place)
        self.value[spot], self.edge[spot], self.rank[spot] = value[order], last[order], rank[order]


def _strongest(target: NDArray[np.int32], value: Floats, k: int) -> Ints:
    """The entries that are among the ``k`` largest of their target, by target, largest first; -inf is no value."""
    order = np.lexsort((-value, target))
    order = order[value[order] > NONE]
    sorted_target = target[order]
    return order[np.arange(len(order)) - np.searchsorted(sorted_target, sorted_target) < k]


def _path(graph: Graph, share: Floats, best: _Best, end: int, rank: int) -> Path:
    nodes, negative, total = [end], 0, float(np.exp(best.value[end, rank]))
    while best.edge[nodes[-1], rank] >= 0:
        edge, rank = int(best.edge[nodes[-1], rank]), int(best.rank[nodes[-1], rank])
        negative += int(share[edge] < 0)
        nodes.append(int(graph.rows.source[edge]))
    return Path(tuple(reversed(nodes)), total, negative % 2 == 0)
