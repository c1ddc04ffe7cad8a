"""predict: what a graph says an intervention will do to what it explains, before anything is run.

The unit of all three is the explained logit, less the mean of all logits, in front of a softcap; with several targets
their mean by target weight. The intervention sets the members of a thing to ``factor`` times what they are on the
prompt: their direct effect is ``(factor - 1)`` times their column of the adjacency
(transformer-circuits.pub/2025/attribution-graphs/methods.html).

    direct   over the edges into the targets alone
    total    over all paths; a feature on the way passes on the share of its input that changed, as in the signed
             influence, so that the first hop counts in logits and the others are shares of absolute input
    linear   over all paths; a feature on the way moves as its input does (slope 1, no threshold crossed): the first
             derivative of the local replacement model with its norms held

What is set does not answer to what comes in, so no path runs through another member of the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Floats, Graph, Ints, NodeKind
from explorer.circuits.influence import edge_share, flow, row_mass
from explorer.errors import GraphError


@dataclass(frozen=True, eq=False)
class Predicted:
    """Effects (n_things) in logits; the module says what each is."""

    direct: Floats
    total: Floats
    linear: Floats


def target_weight(graph: Graph) -> Floats:
    """The weights of the targets (n_nodes), which sum to 1; GraphError if the graph explains no tokens."""
    total = float(graph.target_weight.sum())
    if total <= 0 or (graph.target_weight[graph.nodes.kind != NodeKind.LOGIT] != 0).any():
        raise GraphError("This graph explains a feature or nothing; validate one that explains tokens.")
    return graph.target_weight / total


def predict(graph: Graph, things: Sequence[Ints], factor: float = 0.0) -> Predicted:
    """The effects of setting the nodes of each of ``things`` to ``factor`` times what they are."""
    weight = target_weight(graph)
    into_logit = (graph.nodes.kind == NodeKind.LOGIT)[graph.edge_target]
    edges = graph.rows.weight.astype(np.float64)
    shares = np.where(into_logit, edges, edge_share(graph, row_mass(graph)))
    activation = graph.nodes.activation.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.where(into_logit, edges, edges / activation[graph.edge_target])
    direct = np.bincount(graph.rows.source, edges * weight[graph.edge_target], minlength=len(graph))
    return Predicted(
        direct=(factor - 1) * np.array([direct[members].sum() for members in things]),
        total=(factor - 1) * _over_paths(graph, shares, weight, things),
        linear=(factor - 1) * _over_paths(graph, slopes, weight, things),
    )


def _over_paths(graph: Graph, passed_on: Floats, weight: Floats, things: Sequence[Ints]) -> Floats:
    """The flow from the targets back to the members of each thing; one pass serves all things of one member."""
    alone = flow(graph, passed_on, weight)
    found = np.empty(len(things))
    for row, members in enumerate(things):
        if len(members) == 1:
            found[row] = alone[members[0]]
        else:
            within = np.isin(graph.edge_target, members)
            found[row] = flow(graph, np.where(within, 0.0, passed_on), weight)[members].sum()
    return found
