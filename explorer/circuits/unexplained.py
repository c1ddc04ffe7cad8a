"""Where a graph's explanation ends: the share of error, by node, by cell and along a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Floats, Graph, NodeKind
from explorer.circuits.influence import CLAMP, edge_share, node_influence, row_mass


@dataclass(frozen=True, eq=False)
class Unexplained:
    """Shares in [0, 1].

    direct  (n_nodes) of a node's input that comes from error nodes directly; 0 without inputs
    deep    (n_nodes) of a node's input that comes from errors when all inputs are followed down to tokens and errors;
            over the targets its weighted mean is 1 - replacement
    cells   [n_layers, n_pos] of the targets' weight that enters at the error node of that place

    What the rows leave out ("not expanded") counts as error of the node.
    """

    direct: Floats
    deep: Floats
    cells: Floats


def unexplained(graph: Graph, *, count_bias: bool = False) -> Unexplained:
    """The shares of error in the whole (unpruned) graph; with ``count_bias`` bias nodes count as explained."""
    mass = row_mass(graph, count_bias=count_bias)
    is_error = graph.nodes.kind == NodeKind.ERROR
    share = np.abs(edge_share(graph, mass))
    if not count_bias:
        share = share * (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS)
    rest = graph.rows.rest_abs / np.maximum(mass, CLAMP)
    from_error = np.bincount(graph.edge_target, share * is_error[graph.rows.source], minlength=len(graph))
    deep = is_error.astype(np.float64)
    for level in reversed(list(graph.levels())):
        span = slice(int(graph.rows.start[level.start]), int(graph.rows.start[level.stop]))
        sent = share[span] * deep[graph.rows.source[span]]
        arrived = np.bincount(graph.edge_target[span] - level.start, sent, minlength=level.stop - level.start)
        deep[level] = arrived + rest[level]
    return Unexplained(from_error + rest, deep, _cells(graph, count_bias))


def path_unexplained(direct: Floats, nodes: Sequence[int]) -> float:
    """The chance that a walk back along ``nodes``, from the last, meets an error on the way.

    At each node but the first, the walk leaves the path into an error with the node's ``direct`` share.
    """
    return float(1.0 - np.prod(1.0 - direct[list(nodes[1:])]))


def _cells(graph: Graph, count_bias: bool) -> Floats:
    errors = graph.block(NodeKind.ERROR)
    influence = node_influence(graph, count_bias=count_bias)[errors]
    total = float(np.abs(graph.target_weight).sum())
    cells = np.zeros((graph.n_layers, graph.n_pos))
    np.add.at(cells, (graph.nodes.layer[errors], graph.nodes.pos[errors]), influence / (total if total > 0 else 1.0))
    return cells
