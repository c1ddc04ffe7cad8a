"""What holds for every graph (I1 to I5, I9 to I12 of the mathematics), in both precisions."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch

from explorer.circuits.attribution import attribute
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.scores import scores
from explorer.circuits.targets import FeatureTarget, contrast
from explorer.models.loader import LanguageModel, open_language_model
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from explorer.work import run as finish
from tests import tiny
from tests.circuits.books import CHECKS, Run, limit, preactivations
from tests.oracle import open_norms

FAMILIES = ("llama", "gpt2", "gemma2")
CONFIGURATIONS = list(product(FAMILIES, ("float32", "float64"), ("plt", "clt"), (False, True)))


@cache
def opened(family: str, dtype: str) -> LanguageModel:
    """In float64 with norms that compute in float64, as transformers' do not."""
    model = open_language_model(tiny.saved(family), dtype=dtype)
    return open_norms(model) if dtype == "float64" else model


def traced(model: LanguageModel, held: TranscoderSet) -> Run:
    trace, local = tiny.replaced(model, held)
    targets = tiny.logits(model, trace)
    return Run(model, trace, local, targets, finish(attribute(local, targets)))


@cache
def made(family: str, dtype: str, kind: str, skip: bool) -> Run:
    model = opened(family, dtype)
    write = WritePoint.MLP_OUT if family == "gemma2" and kind == "plt" else WritePoint.RESIDUAL
    return traced(model, tiny.transcoders(model, kind, "jumprelu", write=write, skip=skip))


@pytest.fixture(params=CONFIGURATIONS, ids=lambda made: "-".join(str(part) for part in made))
def run(request: pytest.FixtureRequest) -> Run:
    return made(*request.param)


@pytest.mark.parametrize("name", list(CHECKS))
def test_invariant_holds(run: Run, name: str) -> None:
    fault, single, double = CHECKS[name]
    assert fault(run) <= limit(run, single, double)


def test_bfloat16_weights_keep_exact_books_in_float32() -> None:
    model = open_language_model(tiny.saved("llama"), dtype="bfloat16")
    trace, local = tiny.replaced(model, tiny.transcoders(model, skip=True), dtype=torch.float32)
    graph = finish(attribute(local, tiny.logits(model, trace)))
    assert CHECKS["I2 certificate"][0](Run(model, trace, local, (), graph)) <= 1e-5


def test_certificate_holds_in_float64_on_a_float32_pass() -> None:
    """The spot check: the same captured pass, computed again in double precision."""
    model = opened("gemma2", "float32")
    trace, local = tiny.replaced(model, tiny.transcoders(model, "clt", skip=True), dtype=torch.float64)
    graph = finish(attribute(local, tiny.logits(model, trace)))
    assert CHECKS["I2 certificate"][0](Run(model, trace, local, (), graph)) <= 1e-12


def test_frozen_model_is_affine(run: Run) -> None:
    """I5: the mixed second difference for large changes of embeddings and MLP outputs is rounding."""
    generator = torch.Generator().manual_seed(3)
    kwargs = {"generator": generator, "dtype": run.local.error.dtype}
    embedding = 10 * torch.randn(run.local.frozen.embedding.shape, **kwargs)
    mlp = 10 * torch.randn(run.local.error.shape, **kwargs)
    both = preactivations(run, embedding_added=embedding, mlp_added=mlp)
    one, other = preactivations(run, embedding_added=embedding), preactivations(run, mlp_added=mlp)
    mixed = both - one - other + preactivations(run)
    scale = max(np.abs(both).max(), np.abs(one).max(), np.abs(other).max())
    assert np.abs(mixed).max() <= limit(run, 1e-5, 1e-13) * scale


@pytest.mark.parametrize("chunk_rows", [pytest.param(1, marks=pytest.mark.slow), 40])
def test_chunk_size_changes_only_rounding(run: Run, chunk_rows: int) -> None:
    again = finish(attribute(run.local, run.targets, chunk_rows=chunk_rows))
    assert_same_up_to_rounding(again.adjacency(), run.graph.adjacency(), limit(run, 1e-6, 1e-14))


def test_order_of_targets_changes_only_their_order(run: Run) -> None:
    again = finish(attribute(run.local, run.targets[::-1]))
    order = np.arange(len(again))
    order[-len(run.targets) :] = order[-len(run.targets) :][::-1]
    assert_same_up_to_rounding(again.adjacency()[order], run.graph.adjacency(), limit(run, 1e-6, 1e-14))


def test_rows_carried_down_to_the_embeddings_change_only_rounding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.circuits.sources.EMBEDDED_BUDGET", 1)
    again = finish(attribute(run.local, run.targets))
    assert_same_up_to_rounding(again.adjacency(), run.graph.adjacency(), limit(run, 1e-6, 1e-14))


def assert_same_up_to_rounding(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> None:
    largest = np.maximum(np.abs(theirs).max(1, keepdims=True), 1e-30)
    assert (np.abs(ours - theirs) / largest).max() <= tolerance


@pytest.mark.parametrize("family", FAMILIES)
def test_contrast_is_the_difference_of_its_tokens(family: str) -> None:
    """I12, edges, constants and pre-activations alike."""
    run = made(family, "float64", "clt", True)
    (pair,) = (contrast(run.model.head, run.targets[0].pos, run.targets[0].token_id, run.targets[1].token_id),)
    graph = finish(attribute(run.local, (pair,)))
    first = run.graph.block(NodeKind.LOGIT).start
    rows = run.graph.adjacency()[[first, first + 1], :first]
    np.testing.assert_allclose(graph.adjacency()[-1, :first], rows[0] - rows[1], rtol=0, atol=1e-13)
    assert graph.preactivation[-1] == pytest.approx(run.graph.preactivation[first] - run.graph.preactivation[first + 1])


@pytest.mark.parametrize("tokens", [(5,), (5, 6), (5, 6, 7, 8, 9, 10, 11, 12, 13)])
@pytest.mark.parametrize("zero", [0, 1, 4])
def test_any_prompt_length_and_any_number_of_silent_positions(tokens: tuple[int, ...], zero: int) -> None:
    model = opened("gpt2", "float64")
    trace, local = tiny.replaced(model, tiny.transcoders(model, "clt", zero_positions=zero), tokens)
    targets = tiny.logits(model, trace)[:3]
    graph = finish(attribute(local, targets))
    run = Run(model, trace, local, targets, graph)
    assert [name for name, (fault, _, double) in CHECKS.items() if not fault(run) <= double] == []
    assert graph.count(NodeKind.FEATURE) == 0 or graph.nodes.pos[graph.block(NodeKind.FEATURE)].min() >= zero


def test_dead_transcoders_leave_everything_to_the_errors() -> None:
    """I11: without features the replacement score is the tokens' own share of the logits."""
    model = opened("llama", "float64")
    dead = tuple(
        Transcoder(t.W_enc * 0, t.b_enc * 0 - 1, t.W_dec, t.b_dec * 0, Activation("relu"))
        for t in tiny.transcoders(model).layers
    )
    run = traced(model, TranscoderSet(dead, ReadPoint.MLP_IN, WritePoint.MLP_OUT))
    assert run.graph.count(NodeKind.FEATURE) == 0
    rows, weight = np.abs(run.graph.adjacency()[-4:]), run.graph.target_weight[-4:]
    tokens, errors = (rows[:, run.graph.block(kind)].sum(1) for kind in (NodeKind.EMBEDDING, NodeKind.ERROR))
    share = weight @ (tokens / (tokens + errors)) / weight.sum()
    assert scores(run.graph).replacement == pytest.approx(share)


def test_perfect_transcoders_leave_nothing_to_the_errors() -> None:
    """I11: a ReLU MLP is its own transcoder, so both scores are 1."""
    model = open_language_model(tiny.saved("gpt2", activation_function="relu"), dtype="float64")
    layers = []
    for block in model.network.get_submodule(model.family.blocks).children():
        hidden, out = block.get_submodule("mlp.c_fc"), block.get_submodule("mlp.c_proj")
        weights = [hidden.weight.T, hidden.bias, out.weight[:, None], out.bias]
        layers.append(Transcoder(*(weight.detach().contiguous() for weight in weights), Activation("relu")))
    run = traced(model, TranscoderSet(tuple(layers), ReadPoint.MLP_IN, WritePoint.MLP_OUT, zero_positions=0))
    assert float(run.local.error.abs().max()) < 1e-12
    found = scores(run.graph)
    assert [found.replacement, found.completeness, found.completeness_paper] == pytest.approx([1, 1, 1])


def test_a_feature_can_be_the_target() -> None:
    run = made("llama", "float64", "plt", False)
    node = run.graph.count(NodeKind.FEATURE) - 1
    key = run.graph.key(node)
    graph: Graph = finish(attribute(run.local, (), (FeatureTarget(key.layer, key.pos, key.feature, 0.5),)))
    assert graph.count(NodeKind.LOGIT) == 0
    assert graph.target_weight[node] == 0.5
    assert graph.target_weight.sum() == 0.5
    np.testing.assert_array_equal(graph.inputs(node)[1], run.graph.inputs(node)[1])
