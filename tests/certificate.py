"""The attribution certificate of an open model: balanced books, and edges that doubling their source confirms."""

from __future__ import annotations

import numpy as np

from explorer.circuits.attribution import attribute
from explorer.circuits.doubling import double_source
from explorer.circuits.graph import NodeKind
from explorer.circuits.scores import worst_residual
from explorer.models.loader import LanguageModel
from explorer.work import run
from tests import tiny


def certify(model: LanguageModel, prompt: tuple[int, ...]) -> None:
    """Fails unless a graph of ``model`` (in float64) with random transcoders is exact on ``prompt``."""
    trace, local = tiny.replaced(model, tiny.transcoders(model), prompt)
    assert local.fidelity() <= 1e-6
    graph = run(attribute(local, tiny.logits(model, trace, (0, 1, 2))))
    assert worst_residual(graph) <= 1e-12
    adjacency, kinds = graph.adjacency(), graph.nodes.kind
    for kind in (NodeKind.FEATURE, NodeKind.ERROR, NodeKind.EMBEDDING):
        source = int(np.flatnonzero(kinds == kind)[1])
        measured = double_source(local, model.head, graph, source)
        largest = float(np.abs(measured).max())
        assert largest > 0
        np.testing.assert_allclose(adjacency[:, source], measured, rtol=0, atol=1e-11 * largest + 1e-14)
