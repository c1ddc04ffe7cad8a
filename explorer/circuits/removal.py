"""A graph with features taken out: what they did counts as error of their layer and position.

The rule is that of Neuronpedia's scores of pinned subgraphs (The Circuits Research Landscape, appendix C): the column
of a feature that is removed is added to that of the error node of its layer and position, with its sign, before
absolute values are taken; then its row and column go.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.circuits.graph import Bools, Graph, Ints, NodeKind, Rows


def with_rest_as_error(graph: Graph, kept: Bools) -> tuple[Graph, Bools]:
    """``graph`` without the features that are not ``kept`` (n_nodes), and which of its nodes (n_nodes) count as error.

    All nodes keep their rows in the graph, so that what is removed is still there, without edges. If there is no error
    node at a place, as in imported graphs, the first feature removed there stands for it.
    """
    kind = graph.nodes.kind
    removed = (kind == NodeKind.FEATURE) & ~kept & (graph.target_weight == 0)
    if not removed.any():
        return graph, kind == NodeKind.ERROR
    stand_in = _stand_ins(graph, removed)
    alive = ~removed[graph.edge_target]
    n = len(graph)
    pairs, pair = np.unique(
        graph.edge_target[alive].astype(np.int64) * n + stand_in[graph.rows.source[alive]], return_inverse=True
    )
    weight = np.bincount(pair, graph.rows.weight[alive], minlength=len(pairs)).astype(np.float64)
    rows = Rows(
        start=np.searchsorted(pairs // n, np.arange(n + 1)).astype(np.int64),
        source=(pairs % n).astype(np.int32),
        weight=weight,
        rest_sum=graph.rows.rest_sum * ~removed,
        rest_abs=graph.rows.rest_abs * ~removed,
    )
    return replace(graph, rows=rows), removed | (kind == NodeKind.ERROR)


def _stand_ins(graph: Graph, removed: Bools) -> Ints:
    """(n_nodes) the node to which a node's out-edges belong now: for what is removed, the error node of its place."""
    nodes = graph.nodes
    errors = np.arange(len(graph))[graph.block(NodeKind.ERROR)]
    rows = np.concatenate([errors, np.flatnonzero(removed)])
    place = nodes.layer[rows].astype(np.int64) * max(graph.n_pos, 1) + nodes.pos[rows]
    _, first, group = np.unique(place, return_index=True, return_inverse=True)
    stand_in = np.arange(len(graph))
    stand_in[rows] = rows[first[group]]
    return stand_in
