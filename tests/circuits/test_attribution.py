"""attribute as work: it reports, it can be stopped, and its graph says what it is of."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.circuits.attribution import attribute
from explorer.circuits.graph import BiasClass, Graph, NodeKind
from explorer.circuits.graph_arrays import check
from explorer.circuits.replacement import replace_locally
from explorer.errors import UnsupportedTranscoder
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import run
from tests import tiny


@pytest.fixture(scope="module")
def graph() -> Graph:
    model = tiny.model("gpt2")
    trace, local = tiny.replaced(model, tiny.transcoders(model, "clt"))
    return run(attribute(local, tiny.logits(model, trace)))


def test_closing_stops_the_work() -> None:
    model = tiny.model("gpt2")
    trace, local = tiny.replaced(model, tiny.transcoders(model))
    work = attribute(local, tiny.logits(model, trace), chunk_rows=40)
    next(work)
    next(work)
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_the_graph_is_well_formed(graph: Graph) -> None:
    check(graph)
    assert graph.token_ids.tolist() == list(tiny.PROMPT)
    assert (graph.n_layers, graph.zero_positions, graph.n_pos) == (3, 1, 7)


def test_nodes_are_where_they_belong(graph: Graph) -> None:
    nodes = graph.nodes
    errors, tokens, logits = (graph.block(kind) for kind in (NodeKind.ERROR, NodeKind.EMBEDDING, NodeKind.LOGIT))
    pairs = list(zip(nodes.layer[errors], nodes.pos[errors], strict=True))
    assert pairs == [(layer, pos) for layer in range(3) for pos in range(7)]
    assert nodes.feature[tokens].tolist() == list(tiny.PROMPT)
    assert graph.count(NodeKind.BIAS) == len(BiasClass)
    assert nodes.feature[logits].tolist() == [3, 20, 36, 5]
    assert nodes.pos[logits].tolist() == [6, 6, 6, 5]
    assert np.isnan(nodes.activation).sum() == len(graph) - graph.count(NodeKind.FEATURE)


def test_constants_and_preactivations_belong_to_targets(graph: Graph) -> None:
    targets = np.isin(graph.nodes.kind, [NodeKind.FEATURE, NodeKind.LOGIT])
    assert not graph.constant[~targets].any()
    np.testing.assert_array_equal(np.isnan(graph.preactivation), ~targets)
    logits = graph.block(NodeKind.LOGIT)
    assert graph.target_weight[logits].tolist() == graph.probability[logits].tolist()


def test_active_features_are_activated_preactivations(graph: Graph) -> None:
    """With ReLU the two are one."""
    block = graph.block(NodeKind.FEATURE)
    np.testing.assert_allclose(graph.nodes.activation[block], graph.preactivation[block], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("wrong", ["gemma2", "llama with 2 layers"])
def test_transcoders_of_another_model_are_refused(wrong: str) -> None:
    model = tiny.model("gpt2")
    held = tiny.transcoders(tiny.model("gemma2"))
    words = "tiny set is 20 wide and .* 21; choose transcoders made for this model"
    if wrong != "gemma2":
        held = TranscoderSet(tiny.transcoders(model).layers[:2], held.read, held.write, origin="tiny set")
        words = "tiny set has 2 layers and .* has 3; choose transcoders made for this model"
    with pytest.raises(UnsupportedTranscoder, match=words):
        replace_locally(model, model.run(tiny.PROMPT), held, model.dtype)
