"""agreement: how far two graphs of one prompt, by different transcoders, tell and measure the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.predicted import predict
from explorer.circuits.spearman import RankAgreement, spearman
from explorer.errors import GraphError
from explorer.session.validation import Validation
from explorer.session.verdict import column, interval


@dataclass(frozen=True)
class Agreement:
    """Spearman between the two graphs, with signs.

    tokens      what each token does to the explained logit, over all paths (embedding nodes, predicted)
    predicted   what all features of a layer at a position do together, over all paths
    measured    the same, measured: all of them switched off in the model, each set's own
    """

    tokens: RankAgreement
    predicted: RankAgreement
    measured: RankAgreement


def agreement(one: Graph, other: Graph, found: Validation, also: Validation) -> Agreement:
    """The agreement of graphs ``one`` and ``other`` with the validations of their cells; GraphError if prompts differ.

    A cell that has features in one of them alone is left out.
    """
    if one.token_ids.tolist() != other.token_ids.tolist():
        raise GraphError("The two graphs are of different prompts; compare two of one prompt.")
    tokens = []
    for graph in (one, other):
        block = graph.block(NodeKind.EMBEDDING)
        tokens.append(predict(graph, [np.array([row]) for row in range(block.start, block.stop)]).total)
    shared = {effect.key for effect in found.effects} & {effect.key for effect in also.effects}
    rows = [tuple(effect for effect in each.effects if effect.key in shared) for each in (found, also)]
    rows = [tuple(sorted(each, key=lambda effect: effect.key)) for each in rows]
    return Agreement(
        tokens=spearman(*tokens),
        predicted=spearman(*(column(each, "predicted_total") for each in rows)),
        measured=spearman(*(column(each, "measured_total") for each in rows)),
    )


def agreement_sentences(found: Agreement) -> list[str]:
    """What was found, one line each."""
    return [
        f"What tokens do, over all paths, by the two graphs: {interval(found.tokens)}.",
        f"What the features of a layer at a position do together, predicted: {interval(found.predicted)}.",
        f"The same measured, by switching off each set's own: {interval(found.measured)}.",
    ]
