"""Which tokens a node reads, over paths of every length."""

from __future__ import annotations

import numpy as np

from explorer.circuits.graph import Floats, Graph, Ints, NodeKind


def token_shares(graph: Graph, share: Floats) -> Floats:
    """[n_nodes, n_pos] signed share of each token in a node's input: input shares multiplied along paths and summed.

    ``share`` (n_edges) is an edge's signed share in its target's input. What errors and biases give is no token's.
    A token's own row is 1 at its position.
    """
    tokens = graph.block(NodeKind.EMBEDDING)
    reads = np.zeros((len(graph), graph.n_pos))
    reads[np.arange(tokens.start, tokens.stop), graph.nodes.pos[tokens]] = 1.0
    for level in reversed(list(graph.levels())):
        span = slice(int(graph.rows.start[level.start]), int(graph.rows.start[level.stop]))
        at = graph.edge_target[span] - level.start
        sent = share[span, None] * reads[graph.rows.source[span]]
        for pos in range(graph.n_pos):
            reads[level, pos] = np.bincount(at, sent[:, pos], minlength=level.stop - level.start)
    return reads


def lead(reads: Floats) -> tuple[Ints, Floats]:
    """(rows) the position that each row reads most, and by how much: its part of all it reads, less the next one's."""
    size = np.abs(reads)
    part = size / np.maximum(size.sum(1, keepdims=True), 1e-12)
    first = part.argmax(1)
    most = part[np.arange(len(part)), first]
    part[np.arange(len(part)), first] = 0.0
    return first, most - part.max(1, initial=0.0)
