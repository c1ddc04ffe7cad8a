"""Measured effects against hooks of the network itself, replaced runs against the model, controls by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from explorer.circuits.attribution import attribute
from explorer.circuits.controls import matched, p_value
from explorer.circuits.faithfulness import KINDS, faithfulness
from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.interventions import Intervention, at, error, feature
from explorer.circuits.measured import explained, state_after, state_of
from explorer.circuits.modes import FREE, mode
from explorer.circuits.neurons import neurons_of
from explorer.circuits.predicted import predict
from explorer.circuits.replaced import everything, only, replaced_logits
from explorer.circuits.replacement import replace_locally
from explorer.circuits.subject import Subject, prepare, subject_of
from explorer.circuits.targets import chosen_tokens
from explorer.errors import GraphError
from explorer.work import run
from tests import tiny

LAST = len(tiny.PROMPT) - 1


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def made(family: str, kind: str) -> tuple[Subject, Graph]:
    of = tiny.model(family, "float64")
    subject = prepare(of, tiny.transcoders(of, kind, zero_positions=1), tiny.PROMPT)
    targets = chosen_tokens(of.head, subject.trace.logits, LAST, [3, 11], [0.5, 0.25])
    return subject, run(attribute(subject.local, targets))


def off(key: NodeKey) -> Intervention:
    where = at(key.pos)
    place = feature(key.layer, key.feature, where) if key.kind == NodeKind.FEATURE else error(key.layer, where)
    return place.times(0.0)


@pytest.mark.parametrize(("family", "kind"), [("llama", "plt"), ("gpt2", "clt"), ("gemma2", "plt")])
def test_the_direct_effect_is_the_edge(family: str, kind: str) -> None:
    """The live layers with everything held know nothing of the adjoint that made the edges."""
    subject, graph = made(family, kind)
    of, how = explained(graph, tiny.D_VOCAB), mode("direct", tiny.N_LAYERS)
    clean = state_after(subject, of, [], how).logit
    rows = np.arange(0, graph.count(NodeKind.FEATURE) + graph.count(NodeKind.ERROR), 7)
    predicted = predict(graph, [rows[i : i + 1] for i in range(len(rows))]).direct
    measured = [state_after(subject, of, [off(graph.key(int(row)))], how).logit - clean for row in rows]
    np.testing.assert_allclose(measured, predicted, rtol=0, atol=2e-7)
    assert np.abs(predicted).max() > 1e-3


def test_a_state_is_read_off_the_models_own_logits() -> None:
    subject, graph = made("llama", "plt")
    of = explained(graph, tiny.D_VOCAB)
    key = graph.key(int(np.flatnonzero(graph.nodes.layer[graph.block(NodeKind.FEATURE)] == 1)[0]))
    rows = subject.transcoders.layers[1].decoder_rows(torch.tensor([key.feature]))[0, 0]
    strength = float(graph.nodes.activation[graph.index[key]])
    network = subject.model.network

    def less(module: object, inputs: object, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[0, key.pos] -= strength * rows
        return output

    hook = network.get_submodule("model.layers.1.mlp").register_forward_hook(less)  # type: ignore[attr-defined]
    logits = network(torch.tensor([tiny.PROMPT])).logits[0, LAST]
    hook.remove()
    found = state_after(subject, of, [off(key)], FREE)
    clean = subject.trace.logits[LAST]
    chance, now = clean.softmax(-1), logits.softmax(-1)
    assert found.logit == pytest.approx(float((2 * logits[3] + logits[11]) / 3 - logits.mean()), abs=1e-5)
    assert found.probability == pytest.approx(float(now[3]), abs=1e-6)
    assert found.kl == pytest.approx(float((chance * (chance / now).log()).sum()), abs=1e-6)


@pytest.mark.parametrize(("family", "kind"), [("llama", "plt"), ("gpt2", "clt"), ("gemma2", "plt")])
def test_with_everything_acting_the_replaced_run_is_the_model(family: str, kind: str) -> None:
    subject, _ = made(family, kind)
    for name in ("direct", "iterative", "free"):
        found = replaced_logits(subject, everything(subject), mode(name, tiny.N_LAYERS), [LAST])[LAST]
        torch.testing.assert_close(found, subject.uncapped[LAST], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_with_everything_held_a_circuit_alone_gives_its_edges(kind: str) -> None:
    """What is outside is off: the logit loses the edges of all that is outside, and of nothing else."""
    subject, graph = made("llama", kind)
    of, how = explained(graph, tiny.D_VOCAB), mode("direct", tiny.N_LAYERS)
    n = graph.count(NodeKind.FEATURE) + graph.count(NodeKind.ERROR)
    kept = [graph.key(row) for row in range(0, n, 3)]
    outside = np.array([row for row in range(n) if row % 3])
    last = tiny.N_LAYERS - 1
    late = [key for key in kept if key.layer == last]  # nothing can change in front of layer 0's features alone
    whole = state_of(subject, of, {LAST: subject.uncapped[LAST]}).logit
    alone = state_of(subject, of, replaced_logits(subject, only(subject, kept), how, [LAST])).logit
    assert alone != pytest.approx(whole, abs=1e-3)
    early = [graph.key(row) for row in range(n) if graph.nodes.layer[row] < last]
    found = state_of(subject, of, replaced_logits(subject, only(subject, [*early, *late]), how, [LAST])).logit
    gone = np.array([row for row in outside if graph.nodes.layer[row] == last])
    assert found - whole == pytest.approx(predict(graph, [gone]).direct[0], abs=1e-6)


def test_the_rest_can_be_as_in_another_prompt() -> None:
    """With nothing kept the MLPs write exactly what they write there; a prompt of another length is refused."""
    subject, _ = made("llama", "plt")
    same = prepare(subject.model, subject.transcoders, tiny.PROMPT)
    found = replaced_logits(subject, only(subject, [], same), FREE, [LAST])[LAST]
    torch.testing.assert_close(found, subject.uncapped[LAST], atol=1e-5, rtol=1e-5)
    with pytest.raises(GraphError, match="has 5 tokens and this one 7"):
        only(subject, [], prepare(subject.model, subject.transcoders, tiny.PROMPT[:5]))


def test_a_models_own_neurons_answer_as_it_does_and_held_ones_do_not() -> None:
    of = tiny.model("llama", "float64")
    trace = of.run(tiny.PROMPT)
    subject = subject_of(of, trace, replace_locally(of, trace, neurons_of(of, trace, 5), of.dtype))
    for start in range(tiny.N_LAYERS):
        for found in faithfulness(subject, start, "random", 0.5, draws=3):
            assert found.cosine == pytest.approx(1.0, abs=1e-6)
            assert found.nmse < 1e-8
            assert found.held_nmse > 1e-4
            assert found.n == 3


def test_pushes_are_drawn_alike_for_the_same_seed_and_only_from_what_is_there() -> None:
    subject, _ = made("gpt2", "clt")
    assert faithfulness(subject, 0, "decoder", 0.1) == ()
    for kind in KINDS:
        assert faithfulness(subject, 1, kind, 0.1, 2, 5) == faithfulness(subject, 1, kind, 0.1, 2, 5)
    assert faithfulness(subject, 1, "random", 0.1, 2, 5) != faithfulness(subject, 1, "random", 0.1, 2, 6)


def key(feature: int, layer: int = 0, pos: int = 1) -> NodeKey:
    return NodeKey(int(NodeKind.FEATURE), layer, pos, feature)


def test_controls_share_layer_and_position_and_are_near_in_activation() -> None:
    live = [(key(number), float(number)) for number in range(20)] + [(key(30, layer=2), 1.0)]
    found = matched([key(10), key(4), key(30, layer=2), NodeKey(1, 0, 1, -1)], live, draws=40, seed=1)
    assert found.members == (key(10), key(4))  # the one of layer 2 has no counterpart
    assert all(len(draw) == 2 and not {key(10), key(4)} & set(draw) for draw in found.draws)
    used = {one.feature for draw in found.draws for one in draw}
    assert used <= {1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13}
    assert matched([key(10)], live, 5, seed=1) == matched([key(10)], live, 5, seed=1)


def test_a_p_value_counts_the_circuit_itself_among_the_draws() -> None:
    assert p_value(-3.0, [1.0, -4.0, 2.0, 0.5]) == pytest.approx(2 / 5)
    assert p_value(-3.0, []) == 1.0
