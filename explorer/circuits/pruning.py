"""Which nodes and edges are kept at given thresholds.

The rule, ties included, is circuit-tracer's ``prune_graph`` (decoderesearch/circuit-tracer 0.4.1):

1. keep the nodes with the largest influence until they hold ``node_threshold`` of the total;
   embeddings, logits and bias nodes are kept whatever their influence;
2. normalise the rows of what is left again, score each edge by its share times its target's influence,
   and keep the largest until they hold ``edge_threshold`` of the total;
3. drop features, errors and biases that feed nothing and features that nothing but biases feeds, until none is
   left. Targets, embeddings and logits stay, and what a run under way has not traced may yet be fed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Bools, Floats, Graph, NodeKind
from explorer.circuits.influence import edge_share, flow, node_influence, row_mass
from explorer.errors import GraphError


@dataclass(frozen=True, eq=False)
class Pruned:
    """What is kept: ``nodes`` (n_nodes) and ``edges`` (n_edges); ``above`` the nodes that rule 1 alone keeps.

    ``influence`` is the raw influence on the unpruned graph, ``cumulative`` the share of the total that the
    node and all stronger ones hold together (small = important).
    """

    nodes: Bools
    edges: Bools
    above: Bools
    influence: Floats
    cumulative: Floats


def keep_fraction(score: Floats, fraction: float) -> float:
    """The smallest score to keep so that scores at least as large hold ``fraction`` of the total."""
    if score.size == 0:
        return 0.0
    descending = np.sort(score)[::-1]
    held = np.cumsum(descending)
    if held[-1] <= 0:
        return 0.0
    first = int(np.searchsorted(held / held[-1], fraction))
    return float(descending[min(first, len(descending) - 1)])


def cumulative_share(influence: Floats) -> Floats:
    """Share of the total influence held by each node and all stronger ones."""
    order = np.argsort(-influence, kind="stable")
    share = np.empty_like(influence)
    total = influence.sum()
    share[order] = np.cumsum(influence[order]) / (total if total > 0 else 1.0)
    return share


def prune(
    graph: Graph,
    node_threshold: float,
    edge_threshold: float,
    *,
    count_bias: bool = False,
    allowed: Bools | None = None,
    influence: Floats | None = None,
) -> Pruned:
    """The nodes and edges kept at the two thresholds, each in [0, 1]; GraphError outside.

    Of the nodes that are not ``allowed`` (n_nodes) only targets are kept. ``influence`` is ``node_influence`` at the
    same ``count_bias``, if it is known.
    """
    for name, value in (("node", node_threshold), ("edge", edge_threshold)):
        if not 0.0 <= value <= 1.0:
            raise GraphError(f"The {name} threshold is {value}; it must lie between 0 and 1.")
    if influence is None:
        influence = node_influence(graph, count_bias=count_bias)
    always = np.isin(graph.nodes.kind, [NodeKind.EMBEDDING, NodeKind.BIAS, NodeKind.LOGIT])
    above = (influence >= keep_fraction(influence, node_threshold)) | always
    targets = graph.target_weight != 0
    if allowed is not None:
        always, above = always & allowed, above & allowed
    always, above = always | targets, above | targets
    edges = _kept_edges(graph, above, edge_threshold, count_bias)
    nodes, edges = _drop_dead_ends(graph, above & (influence > 0) | always, edges)
    return Pruned(nodes, edges, above, influence, cumulative_share(influence))


def _kept_edges(graph: Graph, nodes: Bools, threshold: float, count_bias: bool) -> Bools:
    """Rule 2. Edges from bias nodes are measured against the same threshold."""
    alive = nodes[graph.edge_target] & nodes[graph.rows.source] & (graph.rows.weight != 0)
    share = np.abs(edge_share(graph, row_mass(graph, alive, count_bias=count_bias))) * alive
    counted = share
    if not count_bias:
        counted = share * (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS)
    reach = flow(graph, counted, graph.target_weight) + graph.target_weight
    score = share * reach[graph.edge_target]
    least = keep_fraction(score[counted > 0] if not count_bias else score, threshold)
    kept: Bools = alive & (score >= least) & (score > 0)
    return kept


def _drop_dead_ends(graph: Graph, nodes: Bools, edges: Bools) -> tuple[Bools, Bools]:
    """Rule 3. A target stays whatever feeds it."""
    kind = graph.nodes.kind
    loose = np.isin(kind, [NodeKind.FEATURE, NodeKind.ERROR, NodeKind.BIAS])
    needs_output = loose & (graph.target_weight == 0)
    needs_input = (kind == NodeKind.FEATURE) & (graph.target_weight == 0) & ~graph.untraced
    real = kind[graph.rows.source] != NodeKind.BIAS
    while True:
        edges = edges & nodes[graph.edge_target] & nodes[graph.rows.source]
        feeds = np.bincount(graph.rows.source[edges], minlength=len(nodes)) > 0
        is_fed = np.bincount(graph.edge_target[edges & real], minlength=len(nodes)) > 0
        kept = nodes & (feeds | ~needs_output) & (is_fed | ~needs_input)
        if np.array_equal(kept, nodes):
            return nodes, edges
        nodes = kept
