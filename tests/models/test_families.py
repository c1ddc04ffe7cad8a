"""Each row of FAMILIES, proven on a tiny random model: what is captured, frozen and attributed is the model's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.circuits.attribution import attribute
from explorer.circuits.doubling import double_source
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.scores import worst_residual
from explorer.models.families import FAMILIES
from explorer.models.loader import LanguageModel
from explorer.models.trace import Trace
from explorer.transcoders.transcoder import WritePoint
from explorer.work import run
from tests import tiny, tiny_models
from tests.frozen_network import FrozenNetwork

PRECISIONS = ("float32", "float64")


@dataclass(frozen=True)
class Case:
    """A tiny model's graph in one precision with one kind of transcoders."""

    model: LanguageModel
    trace: Trace
    local: LocalReplacementModel
    graph: Graph

    @property
    def targets(self) -> np.ndarray:
        kind = self.graph.nodes.kind
        return np.flatnonzero((kind == NodeKind.FEATURE) | (kind == NodeKind.LOGIT))


@cache
def case(name: str, dtype: str, kind: str = "clt") -> Case:
    model = tiny_models.model(name, dtype)
    activation = "jumprelu" if kind == "clt" else "relu"
    write = WritePoint.MLP_OUT if kind == "clt" else WritePoint.RESIDUAL
    skip = kind == "plt" and dtype == "float64"
    held = tiny.transcoders(model, kind, activation, write=write, skip=skip)
    trace, local = tiny.replaced(model, held, tiny_models.PROMPT)
    return Case(model, trace, local, run(attribute(local, tiny.logits(model, trace))))


each = pytest.mark.parametrize("name", list(tiny_models.MODELS))


@each
def test_capture_gives_the_logits_of_eager_attention_bit_for_bit(name: str) -> None:
    import transformers

    experts = {"experts_implementation": "eager"} if case(name, "float32").model.family.experts else {}
    eager = transformers.AutoModelForCausalLM.from_pretrained(
        tiny_models.saved(name), attn_implementation="eager", dtype=torch.float32, **experts
    )
    with torch.no_grad():
        logits = eager(torch.tensor([tiny_models.PROMPT]), use_cache=False).logits[0]
    assert torch.equal(case(name, "float32").trace.logits, logits)
    assert float(logits.std()) > 0.05


@each
def test_patterns_are_causal_and_not_flat(name: str) -> None:
    for layer in case(name, "float32").trace.layers:
        assert float(layer.pattern.triu(1).abs().max()) == 0.0
        assert float(layer.pattern.sum(-1).max()) <= 1.0 + 1e-6
        assert float(layer.pattern[:, 3:].max()) > 0.6


@each
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_frozen_model_replays_the_pass(name: str, dtype: str) -> None:
    found = case(name, dtype)
    assert found.local.fidelity() <= 1e-5
    _, last = found.local.replay()
    replayed = found.local.frozen.final_norm(last) @ found.model.head.W_U.T
    if found.model.head.b_U is not None:
        replayed = replayed + found.model.head.b_U
    scale = float(getattr(found.model.config, "logit_scale", None) or 1.0)
    torch.testing.assert_close(replayed, found.trace.head_out * scale, rtol=0, atol=1e-5)


@each
@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("float64", "plt"),
        ("float64", "clt"),
        ("float32", "clt"),
        pytest.param("float32", "plt", marks=pytest.mark.slow),
    ],
)
def test_the_books_balance(name: str, dtype: str, kind: str) -> None:
    assert worst_residual(case(name, dtype, kind).graph) <= (1e-5 if dtype == "float32" else 1e-12)


@each
@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_doubling_a_source_in_the_frozen_model_gives_its_column(name: str, kind: str) -> None:
    found = case(name, "float64", kind)
    adjacency = found.graph.adjacency()
    for source in _sources(found.graph):
        measured = double_source(found.local, found.model.head, found.graph, source)
        # a difference of pre-activations of about 1, so never nearer than their rounding
        limit = 1e-11 * _largest(measured) + 1e-14
        np.testing.assert_allclose(adjacency[:, source], measured, rtol=0, atol=limit)


@each
def test_doubling_a_source_in_the_network_itself_gives_its_column(name: str) -> None:
    found = case(name, "float64")
    adjacency, frozen = found.graph.adjacency(), FrozenNetwork(found.model, tiny_models.PROMPT)
    for source in _sources(found.graph):
        measured = _added(found, frozen, source, times=1000.0) / 1000.0  # linear; norms in float32 are noisy
        theirs = adjacency[found.targets, source]
        np.testing.assert_allclose(theirs, measured, rtol=0, atol=1e-5 * _largest(measured))


@each
def test_without_freezing_the_network_answers_otherwise(name: str) -> None:
    found = case(name, "float64")
    adjacency, live = found.graph.adjacency(), FrozenNetwork(found.model, tiny_models.PROMPT, frozen=False)
    off = []
    for source in _sources(found.graph):
        measured = _added(found, live, source, times=1.0)
        off.append(np.abs(adjacency[found.targets, source] - measured).max() / _largest(measured))
    assert max(off) > 0.1


@each
def test_bfloat16_weights_keep_exact_books_in_float32(name: str) -> None:
    """What is then off is the model's own rounding, which the fidelity says."""
    model = tiny_models.model(name, "bfloat16")
    trace, local = tiny.replaced(model, tiny.transcoders(model), tiny_models.PROMPT, torch.float32)
    assert worst_residual(run(attribute(local, tiny.logits(model, trace)))) <= 1e-5
    assert local.fidelity() <= 3e-2


def test_every_row_has_a_tiny_model() -> None:
    assert {tiny_models.config(name).model_type for name in tiny_models.MODELS} == set(FAMILIES)


def _largest(values: np.ndarray) -> float:
    largest = float(np.abs(values).max())
    assert largest > 0.0
    return largest


def _sources(graph: Graph) -> list[int]:
    """Features of the first and second layer, errors and embeddings; position 0 among the embeddings."""
    nodes, generator = graph.nodes, np.random.default_rng(0)
    chosen = []
    for kind, layer, count in (
        (NodeKind.FEATURE, 0, 3),
        (NodeKind.FEATURE, 1, 3),
        (NodeKind.ERROR, 0, 1),
        (NodeKind.ERROR, 1, 1),
        (NodeKind.EMBEDDING, -1, 2),
    ):
        inside = (nodes.kind == kind) & (nodes.layer == layer)
        early = (nodes.pos >= 2) & (nodes.pos <= 5)
        chosen += generator.choice(np.flatnonzero(inside & early), count, replace=False).tolist()
    first = int(np.flatnonzero(nodes.kind == NodeKind.EMBEDDING)[0])
    return [*chosen, first]


def _added(found: Case, network: FrozenNetwork, source: int, times: float) -> np.ndarray:
    """How much each target moves when ``source`` is added ``times`` times more, measured in the network."""
    mlp, embedding = _vectors(found, source)
    added = network.run(None if mlp is None else times * mlp, None if embedding is None else times * embedding)
    return _read(found, *added) - _read(found, *network.clean)


def _vectors(found: Case, source: int) -> tuple[Tensor | None, Tensor | None]:
    nodes, local = found.graph.nodes, found.local
    layer, pos = int(nodes.layer[source]), int(nodes.pos[source])
    if nodes.kind[source] == NodeKind.EMBEDDING:
        embedding = torch.zeros_like(found.trace.embedding)
        embedding[pos] = found.trace.embedding[pos]
        return None, embedding
    mlp = torch.zeros_like(local.error)
    if nodes.kind[source] == NodeKind.ERROR:
        mlp[layer, pos] = local.error[layer, pos]
    else:
        rows = local.transcoders.layers[layer].W_dec[int(nodes.feature[source])]
        mlp[layer:, pos] = rows * float(nodes.activation[source])
    return mlp, None


def _read(found: Case, reads: Tensor, head_out: Tensor) -> np.ndarray:
    """Pre-activations of the features and centred logits, in the order of the targets."""
    nodes, values = found.graph.nodes, []
    scale = float(getattr(found.model.config, "logit_scale", None) or 1.0)
    for node in found.targets:
        layer, pos, index = int(nodes.layer[node]), int(nodes.pos[node]), int(nodes.feature[node])
        if nodes.kind[node] == NodeKind.FEATURE:
            values.append(float(reads[layer, pos] @ found.local.transcoders.layers[layer].W_enc[index]))
        else:
            values.append(float(head_out[pos, index] - head_out[pos].mean()) * scale)
    return np.array(values)
