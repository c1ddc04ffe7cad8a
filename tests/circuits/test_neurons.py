"""Graphs of a model's own MLP neurons: every dense family, books, edges measured, neurons as the network has them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from explorer.circuits.aim import aim
from explorer.circuits.attribution import attribute
from explorer.circuits.doubling import double_source
from explorer.circuits.expansion import attribute_strongest
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.influence import row_mass
from explorer.circuits.neurons import neurons_of
from explorer.circuits.replacement import LocalReplacementModel, replace_locally
from explorer.circuits.scores import scores, worst_residual
from explorer.circuits.targets import chosen_tokens
from explorer.errors import GraphError, UnsupportedModel
from explorer.models.loader import LanguageModel
from explorer.models.mlp import mlps
from explorer.models.trace import Trace
from explorer.work import run
from tests import tiny_models
from tests.thinned import thinned

EXPERTS = ("gpt_oss", "mixtral", "qwen3_moe")
DENSE = [name for name in tiny_models.MODELS if name not in EXPERTS]
PLAIN = ("phi", "tiny", "tiny without norms", "tiny parallel")
GATED = [name for name in DENSE if not name.startswith(("gpt", "opt")) and name not in PLAIN]
PER_CELL = 7

Made = tuple[LanguageModel, Trace, LocalReplacementModel, Graph]


@cache
def made(name: str, dtype: str, per_cell: int = PER_CELL) -> Made:
    model = tiny_models.model(name, dtype)
    trace = model.run(tiny_models.PROMPT)
    local = replace_locally(model, trace, neurons_of(model, trace, per_cell), model.dtype)
    return model, trace, local, run(attribute(local, chosen_tokens(model.head, trace.logits, 8, [3, 20])))


@pytest.mark.parametrize("name", DENSE)
def test_the_books_balance(name: str) -> None:
    assert worst_residual(made(name, "float64")[3]) <= 1e-12


@pytest.mark.parametrize("name", thinned(DENSE, 5))
def test_the_books_balance_in_single_precision(name: str) -> None:
    assert worst_residual(made(name, "float32")[3]) <= 1e-5


@pytest.mark.parametrize("name", DENSE)
def test_a_source_added_once_more_moves_each_target_by_its_edge(name: str) -> None:
    model, _, local, graph = made(name, "float64")
    adjacency, mass = graph.adjacency(), row_mass(graph, count_bias=True)
    fed = mass > 0
    for source in range(0, graph.block(NodeKind.BIAS).start, 17):
        moved = double_source(local, model.head, graph, source)
        assert (np.abs(moved - adjacency[:, source])[fed] / mass[fed]).max() <= 1e-12


@pytest.mark.parametrize("name", DENSE)
def test_activations_are_what_the_network_multiplies_its_down_projection_with(name: str) -> None:
    """The input of the last module of each MLP in a pass of the network itself."""
    model, _, local, _ = made(name, "float64")
    seen: list[Tensor] = []
    for layer, block in enumerate(model.network.get_submodule(model.family.blocks).children()):
        out = block.get_submodule(model.family.neurons_out)
        hook = out.register_forward_hook(lambda _module, args, _out: seen.append(args[0].detach()))
        with torch.no_grad():
            model.network(torch.tensor([tiny_models.PROMPT]), use_cache=False)
        hook.remove()
        own, features = local.features.of_layer(layer), local.features
        hidden = seen[-1].reshape(len(tiny_models.PROMPT), -1)
        known = hidden[features.pos[own], features.feature[own]]
        torch.testing.assert_close(features.activation[own], known, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", DENSE)
def test_a_target_is_the_gradient_of_its_neuron_with_gate_and_norm_held(name: str) -> None:
    """Autograd on the layer as it is written, against the direction that the sweep starts from."""
    model, _, local, _ = made(name, "float64")
    targets, features = aim(local, ()), local.features
    mids, _ = local.replay()
    for layer, weights in enumerate(mlps(model)):
        x = mids[layer].clone().requires_grad_()
        norm = local.frozen.layers[layer].mlp_norm
        read = x if norm is None else norm(x)
        value = read @ weights.W_in.T + (0 if weights.b_in is None else weights.b_in)
        if weights.W_gate is not None:
            held = local.frozen.layers[layer].resid_mid
            held = held if norm is None else norm(held)
            gate = weights.act(held @ weights.W_gate.T + (0 if weights.b_gate is None else weights.b_gate))
            value = gate.detach() * value
        for row in range(len(features))[features.of_layer(layer)][::5]:
            pos, neuron = int(features.pos[row]), int(features.feature[row])
            (gradient,) = torch.autograd.grad(value[pos, neuron], x, retain_graph=True)
            aimed = targets.aimed(torch.tensor([row]))
            torch.testing.assert_close(aimed.seed[0], gradient[pos], rtol=1e-10, atol=1e-12)
            assert float(aimed.preactivation[0]) == pytest.approx(value[pos, neuron].item(), rel=1e-5, abs=1e-6)


def test_gated_families_are_told_from_plain_ones() -> None:
    assert [name for name in DENSE if mlps(tiny_models.model(name))[0].W_gate is not None] == GATED


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "gpt_neox parallel", "opt-350m"])
def test_with_all_neurons_nothing_is_left_to_the_errors(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.transcoders.neurons.FLOOR", 0.0)
    model = tiny_models.model(name, "float64")
    trace = model.run(tiny_models.PROMPT)
    local = replace_locally(model, trace, neurons_of(model, trace, 1000), torch.float64)
    graph = run(attribute(local, chosen_tokens(model.head, trace.logits, 8, [3])))
    assert float(local.error.abs().max()) < 1e-5  # norms of some families compute in float32
    found = scores(graph)
    assert [found.replacement, found.completeness] == pytest.approx([1, 1], abs=1e-5)


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_what_is_not_kept_lies_in_the_errors(name: str) -> None:
    """Fewer neurons: the rows of the logits lose exactly what the errors gain."""
    few, many = made(name, "float64", 2)[3], made(name, "float64", 9)[3]
    for graph in (few, many):
        assert graph.zero_positions == 0
    logit = -1
    row = [graph.adjacency()[logit] for graph in (few, many)]
    kinds = [[float(r[g.block(kind)].sum()) for kind in NodeKind] for r, g in zip(row, (few, many), strict=True)]
    assert sum(kinds[0][:2]) == pytest.approx(sum(kinds[1][:2]), abs=1e-12)
    assert kinds[0][0] != pytest.approx(kinds[1][0])
    assert kinds[0][2:] == pytest.approx(kinds[1][2:], abs=1e-12)


def test_the_strongest_neurons_alone_have_balanced_books() -> None:
    model, trace, local, full = made("llama", "float64")
    graph = run(attribute_strongest(local, chosen_tokens(model.head, trace.logits, 8, [3, 20]), 20))
    assert graph.count(NodeKind.FEATURE) == 20 < full.count(NodeKind.FEATURE)
    assert worst_residual(graph) <= 1e-12
    source = int(np.argmax(np.abs(graph.adjacency()[-1, :20])))
    moved = double_source(local, model.head, graph, source)
    assert moved[-1] == pytest.approx(graph.adjacency()[-1, source], rel=1e-9)


@pytest.mark.parametrize("name", EXPERTS)
def test_experts_have_no_neurons_of_their_own(name: str) -> None:
    model = tiny_models.model(name)
    with pytest.raises(UnsupportedModel, match="experts of its own choice"):
        neurons_of(model, model.run(tiny_models.PROMPT), PER_CELL)


def test_an_mlp_of_another_form_is_refused() -> None:
    """Up and gate exchanged: act(up) * gate is not what the network computes."""
    model = tiny_models.model("llama")
    family = replace(model.family, neurons_in="mlp.gate_proj", neurons_gate="mlp.up_proj")
    with pytest.raises(UnsupportedModel, match="layer 0 of “llama” do not add up"):
        neurons_of(replace(model, family=family), model.run(tiny_models.PROMPT), PER_CELL)


def muted(*layers: int) -> LanguageModel:
    """A tiny model in which the MLPs of ``layers`` write zeros."""
    model = tiny_models.model("tiny without norms", "float64")
    network = deepcopy(model.network)
    for layer in layers:
        nn.init.zeros_(network.blocks[layer].mlp.down.weight)
        nn.init.zeros_(network.blocks[layer].mlp.down.bias)
    return replace(model, network=network)


def test_an_mlp_that_writes_nothing_has_no_active_neurons_and_the_books_balance() -> None:
    model = muted(1)
    trace = model.run(tiny_models.PROMPT)
    local = replace_locally(model, trace, neurons_of(model, trace, PER_CELL), torch.float64)
    of_mute = local.features.of_layer(1)
    assert of_mute.start == of_mute.stop < len(local.features)
    assert worst_residual(run(attribute(local, chosen_tokens(model.head, trace.logits, 8, [3])))) <= 1e-12


def test_a_model_of_attention_alone_is_told_to_have_no_neurons() -> None:
    model = muted(*range(len(mlps(tiny_models.model("tiny without norms")))))
    with pytest.raises(UnsupportedModel, match="write nothing, so there are no neurons"):
        neurons_of(model, model.run(tiny_models.PROMPT), PER_CELL)


def test_at_least_one_neuron_must_be_kept() -> None:
    model = tiny_models.model("llama")
    with pytest.raises(GraphError, match="At least one neuron"):
        neurons_of(model, model.run(tiny_models.PROMPT), 0)
