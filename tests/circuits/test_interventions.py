"""Interventions in every mode: the peer's stored answers, the graph's edges, and the network's own hooks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.circuits.attribution import attribute
from explorer.circuits.direct import direct_logits
from explorer.circuits.graph import NodeKey, NodeKind
from explorer.circuits.intervening import changed_features, intervene, strengths_in, substitution, sweep_layers
from explorer.circuits.interventions import (
    Intervention,
    Unit,
    at,
    direction,
    error,
    feature,
    head,
    members,
    neuron,
    onward,
)
from explorer.circuits.modes import FREE, Mode, mode
from explorer.circuits.plan import plan
from explorer.circuits.rerun import rerun
from explorer.circuits.strengths import activations, pre_activations
from explorer.circuits.subject import Subject, prepare
from explorer.errors import GraphError
from explorer.io.transcoders import read
from explorer.models.loader import open_language_model
from explorer.transcoders.transcoder import ReadPoint, WritePoint
from explorer.work import run
from tests import tiny, tiny_models

SMALL = Path(__file__).parent.parent / "data" / "conformance"
FULL = os.environ.get("CIRCUIT_CONFORMANCE", "")
NEEDS_FULL = pytest.mark.skipif(not FULL, reason="Gemma-2 (30 MB) is not shipped; set CIRCUIT_CONFORMANCE")
GOLDENS = [
    ("gpt2_plt_relu_tl", "gpt2", "gpt2-plt-relu"),
    ("gpt2_clt_relu_tl", "gpt2", "gpt2-clt-relu"),
    pytest.param(("gemma2_plt_jump_tl", "gemma2", "gemma2-plt-jump"), marks=NEEDS_FULL),
]
RUNS = {"iter_frozen": "iterative", "iter_unfrozen": "free", "direct": "direct", "half": "constrained"}
FOUR = Mode((0, 1))
MODES = ("direct", "iterative", "free")


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@cache
def stored(golden: str, model: str, transcoders: str) -> tuple[dict[str, Any], Subject]:
    root = SMALL if model == "gpt2" else Path(FULL)
    with np.load(root / "golden" / f"{golden}.npz") as held:
        fields = {name: held[name] for name in held.files if held[name].dtype.kind != "U"}
    opened = open_language_model(root / model)
    return fields, prepare(opened, read(root / transcoders), tuple(fields["input_tokens"].tolist()))


def theirs(fields: dict[str, Any], what: str) -> list[Intervention]:
    values = fields["interv_vals5"].tolist() if what == "x5" else [0.0] * 3
    rows = fields["interv_feats"].tolist()
    return [feature(row[0], row[2], at(row[1])).to(value) for row, value in zip(rows, values, strict=True)]


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("what", ["ablate", "x5"])
@pytest.mark.parametrize("files", GOLDENS)
def test_logits_are_those_that_circuit_tracer_stored(files: tuple[str, str, str], what: str, name: str) -> None:
    fields, subject = stored(*files)
    layers = (0, subject.n_layers // 2 - 1) if name == "half" else None
    outcome = intervene(subject, theirs(fields, what), mode(RUNS[name], subject.n_layers, layers))
    golden = fields[f"iv_{what}_{name}_logits"]
    spread = golden.max() - golden.min()
    assert np.abs(outcome.before.numpy() - golden).max() > 1e-2 * spread
    np.testing.assert_allclose(outcome.now.numpy(), golden, rtol=0, atol=1e-5 * spread)


@pytest.mark.parametrize("what", ["ablate", "x5"])
@pytest.mark.parametrize("files", GOLDENS)
def test_activations_and_pre_activations_are_those_stored(files: tuple[str, str, str], what: str) -> None:
    fields, subject = stored(*files)
    passed = rerun(subject, plan(theirs(fields, what)), mode("direct", subject.n_layers), subject.n_pos - 1, keep=True)
    for layer, held in enumerate(subject.transcoders.layers):
        x = passed.reads[layer][-1:] if layer in passed.reads else subject.clean_read(layer, torch.tensor([-1]))
        for made, kind in ((activations(held, x), "acts"), (pre_activations(held, x), "preact_acts")):
            golden = fields[f"iv_{what}_direct_{kind}_last"][layer]
            np.testing.assert_allclose(made[0].numpy(), golden, rtol=0, atol=1e-5)


def subject_of(
    family: str = "gpt2", kind: str = "plt", dtype: str = "float64", **options: Any
) -> Subject:
    model = tiny.model(family, dtype)
    return prepare(model, tiny.transcoders(model, kind, **options), tiny.PROMPT)


@pytest.mark.parametrize("kind", ["plt", "clt"])
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_a_finite_difference_is_the_column_of_the_adjacency(family: str, kind: str, skip: bool) -> None:
    """I14: removing a source changes each later pre-activation and logit by minus its edge."""
    subject = subject_of(family, kind, skip=skip)
    graph = run(attribute(subject.local, tiny.logits(subject.model, subject.trace)))
    adjacency, nodes, last = graph.adjacency(), graph.nodes, subject.n_pos - 1
    block = graph.block(NodeKind.FEATURE)
    for source in (block.start, block.start + 7, graph.block(NodeKind.ERROR).start + 3):
        layer, pos, index = int(nodes.layer[source]), int(nodes.pos[source]), int(nodes.feature[source])
        place = feature(layer, index, at(pos)) if source < block.stop else error(layer, at(pos))
        passed = rerun(subject, plan([place.off()]), mode("direct", subject.n_layers), last, keep=True)
        for target in range(block.start, block.stop):
            column = -adjacency[target, source]
            change = 0.0
            t_layer, t_pos = int(nodes.layer[target]), int(nodes.pos[target])
            if t_layer in passed.reads and t_pos >= pos:
                held = subject.transcoders.layers[t_layer]
                moved = passed.reads[t_layer][t_pos - pos] - subject.clean_read(t_layer, torch.tensor([t_pos]))[0]
                change = float(moved @ held.W_enc[int(nodes.feature[target])])
            assert change == pytest.approx(column, abs=1e-6)  # some norms compute in float32
        moved = direct_logits(subject, plan([place.off()]), last)
        if not getattr(subject.model.config, "final_logit_softcapping", None):
            moved = moved - subject.trace.logits[last]
            for target in range(graph.block(NodeKind.LOGIT).start, len(graph)):
                if nodes.pos[target] == last:
                    edge = float(moved[nodes.feature[target]] - moved.mean())
                    assert edge == pytest.approx(-adjacency[target, source], abs=1e-6)


def everything(subject: Subject, last: int) -> list[list[Intervention]]:
    """One intervention of every kind alone, and all of them together."""
    drawn = torch.randn(subject.local.frozen.d_model, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    single = [
        feature(0, 5, onward(2)).to(2.0),
        feature(1, 3, at(3)).plus(0.7),
        error(1, at(4)).times(0.0),
        neuron(1, 7, at(4, 5)).plus(1.5),
        head(1, 1, at(3, 6)).times(-1.0),
        direction(1, drawn, at(last)).plus(2.0),
    ]
    return [[one] for one in single] + [single]


@pytest.mark.parametrize("write", [WritePoint.RESIDUAL, WritePoint.MLP_OUT])
@pytest.mark.parametrize("point", list(ReadPoint))
@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_the_direct_effect_is_the_run_with_everything_held(family: str, point: ReadPoint, write: WritePoint) -> None:
    """Two ways that share neither the folded weights nor the order of operations."""
    subject = subject_of(family, read=point, write=write, skip=True)
    last = subject.n_pos - 1
    for interventions in everything(subject, last):
        changes = plan(interventions)
        one = direct_logits(subject, changes, last)
        passed = rerun(subject, changes, mode("direct", subject.n_layers), last)
        two = subject.final(passed.last, torch.tensor([last]), frozen=True)[0]
        assert float((one - subject.trace.logits[last]).abs().max()) > 1e-4
        torch.testing.assert_close(one, two, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", list(tiny_models.MODELS))
def test_free_runs_are_what_the_network_makes_of_a_changed_mlp(name: str) -> None:
    """Every family, through hooks of the whole network: nothing cached, nothing cut."""
    model = tiny_models.model(name, "float64")
    subject = prepare(model, tiny.transcoders(model, write=WritePoint.MLP_OUT), tiny_models.PROMPT)
    last, held = subject.n_pos - 1, subject.transcoders.layers[1]
    positions = [3, 4, 5]
    vector = held.W_dec[4, 0]
    own = activations(held, subject.clean_read(1, torch.tensor(positions)), torch.tensor([4]))[:, 0]
    added = torch.zeros(subject.n_pos, model.d_model, dtype=torch.float64)
    added[positions] = (25.0 - own)[:, None] * vector
    with hooked(subject, 1, added):
        expected = model.network(subject.trace.token_ids[None], use_cache=False).logits[0, last]
    outcome = intervene(subject, [feature(1, 4, at(3, 5)).to(25.0)], FREE)
    spread = float(expected.max() - expected.min())
    assert float((outcome.before - expected).abs().max()) > 1e-3 * spread
    torch.testing.assert_close(outcome.now, expected, rtol=0, atol=1e-5 * spread)


@contextmanager
def hooked(subject: Subject, layer: int, added: Tensor) -> Iterator[None]:
    """While it lasts the MLP of ``layer`` writes ``added`` more."""

    def hook(module: Any, args: Any, output: Any) -> Any:
        y = output[0] if isinstance(output, tuple) else output
        y = y + added.view_as(y)
        return (y, *output[1:]) if isinstance(output, tuple) else y

    mlp = subject.live.blocks[layer].get_submodule(subject.model.family.mlp)
    with ExitStack() as stack, torch.no_grad():
        stack.callback(mlp.register_forward_hook(hook).remove)
        yield


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("family", ["gpt2", "gemma2"])
def test_an_answer_at_any_position_is_that_of_the_run_that_keeps_everything(family: str, name: str) -> None:
    subject = subject_of(family, "clt")
    how = mode(name, subject.n_layers)
    for interventions in everything(subject, 2):
        whole = rerun(subject, plan(interventions), how, subject.n_pos - 1, keep=True)
        for pos in range(whole.first, subject.n_pos):
            expected = subject.final(whole.last[pos - whole.first :][:1], torch.tensor([pos]), frozen=how.norms)[0]
            made = intervene(subject, interventions, how, at=pos).now
            torch.testing.assert_close(made, expected, rtol=0, atol=2e-6)
    assert torch.equal(intervene(subject, interventions, how, at=1).now, subject.trace.logits[1])


@pytest.mark.parametrize("name", MODES)
def test_strengths_left_as_they_are_change_nothing(name: str) -> None:
    subject = subject_of("llama", "clt")
    last, how = subject.n_pos - 1, mode(name, subject.n_layers)
    places = [feature(0, 5, at(2, last)), neuron(1, 7, at(4)), head(1, 1, at(3)), error(2, at(4))]
    outcome = intervene(subject, [place.times(1.0) for place in places], how)
    torch.testing.assert_close(outcome.now, outcome.before, rtol=0, atol=1e-6)
    assert len(outcome.notes) == len(places)


def test_operations_and_units_mean_what_they_say() -> None:
    subject = subject_of("llama")
    active = subject.local.features
    i = int((active.pos == 4).nonzero()[0])
    layer, index, own = int(active.layer[i]), int(active.feature[i]), float(active.activation[i])
    place = feature(layer, index, at(4))

    def now(*made: Intervention) -> Tensor:
        return intervene(subject, made).now

    expected = now(place.to(3 * own))
    for same in (
        [place.times(3.0)],
        [place.scaled(3.0)],
        [place.plus(2.0, Unit.OWN)],
        [place.plus(2 * own)],
        [place.of_maximum(0.5, 6 * own)],
        [place.to(9.0), place.to(own), place.scaled(3.0)],
    ):
        torch.testing.assert_close(now(*same), expected, rtol=0, atol=1e-6)


def test_toggles_hold_and_free_patterns_and_norms() -> None:
    subject = subject_of("llama")
    edit, n = [feature(0, 5, at(3)).to(4.0)], subject.n_layers
    answers = [
        intervene(subject, edit, mode("iterative", n, attention=attention, norms=norms)).now
        for attention in (False, True)
        for norms in (False, True)
    ]
    torch.testing.assert_close(answers[0], intervene(subject, edit, FREE).now)
    torch.testing.assert_close(answers[2], intervene(subject, edit).now)
    for i, one in enumerate(answers):
        assert all(float((one - two).abs().max()) > 1e-4 for two in answers[:i])


def test_a_sweep_ends_where_constrained_to_everything_behind_it() -> None:
    subject = subject_of("llama")
    edit = [feature(1, 5, at(3)).to(4.0)]
    swept = sweep_layers(subject, edit)
    assert [layer for layer, _ in swept] == [1, 2]
    first = intervene(subject, edit, Mode((1, 1))).now
    torch.testing.assert_close(swept[0][1].now, first)
    assert float((swept[1][1].now - first).abs().max()) > 1e-5


def test_changed_features_are_measured_where_the_network_has_them() -> None:
    subject = subject_of("llama", "clt")
    edit = [feature(0, 5, at(3)).to(6.0)]
    outcome = intervene(subject, edit, FREE, reads=True)
    found = changed_features(subject, outcome, 8)
    assert 0 < len(found) <= 8
    whole = rerun(subject, plan(edit), FREE, subject.n_pos - 1, keep=True)
    for one in found:
        held = subject.transcoders.layers[one.layer]
        assert one.now == pytest.approx(float(activations(held, whole.reads[one.layer])[one.pos - 3, one.feature]))
        assert one.now != one.before
        assert (one.layer, one.feature) != (0, 5)
    direct = changed_features(subject, intervene(subject, edit, mode("direct", 3), reads=True), 8)
    assert all(one.now == pytest.approx(one.predicted, abs=1e-6) for one in direct)
    with pytest.raises(GraphError, match="reads=True"):
        changed_features(subject, intervene(subject, edit))


def test_a_substitution_takes_strengths_from_another_prompt() -> None:
    subject = subject_of("llama")
    other = prepare(subject.model, subject.transcoders, (1, 5, 8, 30))
    a, b = feature(1, 3, at(6)), feature(1, 8, at(6))
    strength = strengths_in(other)
    row = (other.local.features.layer == 1) & (other.local.features.pos == 3) & (other.local.features.feature == 8)
    known = float(other.local.features.activation[row].sum())
    made = substitution([a, b], [b], strength, 1.5)
    expected = intervene(subject, [a.off(), b.to(1.5 * known)])
    torch.testing.assert_close(intervene(subject, made).now, expected.now)


def faults() -> Sequence[tuple[Intervention, str]]:
    good = feature(0, 5, at(3))
    drawn = torch.ones(18)
    return [
        (good.to(float("nan")), "The value for feature 5 of layer 0 at position 3 is nan; choose a number."),
        (good.to(float("inf")), "is inf; choose a number"),
        (good.times(1e9), "is out of range"),
        (feature(0, 5, at(7)).off(), r"Position 7 is outside the prompt \(0 to 6\)"),
        (feature(0, 5, at(3, 90)).off(), "Position 90 is outside the prompt"),
        (feature(0, 5, at(-1)).off(), "Position -1 is outside"),
        (feature(0, 5, at(4, 3)).off(), "The positions 4 to 3 are none"),
        (feature(0, 13, at(3)).off(), "There is no feature 13 in layer 0; it has features 0 to 12"),
        (feature(3, 0, at(3)).off(), "There is no layer 3; the model has layers 0 to 2"),
        (neuron(0, 29, at(3)).off(), "There is no neuron 29 in layer 0"),
        (head(0, 6, at(3)).off(), "There is no head 6 in layer 0; it has heads 0 to 5"),
        (good.of_maximum(1.0, None), "The dataset maximum of feature 5 of layer 0 at position 3 is not known"),
        (head(0, 1, at(3)).of_maximum(1.0, 2.0), "There is no dataset maximum of head 1"),
        (direction(0, drawn[:4], at(3)).plus(1.0), r"has shape \(4,\); the model needs \(18,\)"),
        (direction(0, 0 * drawn, at(3)).plus(1.0), "is zero or not finite"),
    ]


@pytest.mark.parametrize(("made", "sentence"), faults())
def test_what_cannot_be_made_is_one_sentence(made: Intervention, sentence: str) -> None:
    with pytest.raises(GraphError, match=sentence):
        intervene(subject_of("llama"), [feature(0, 1, at(3)).off(), made])


def test_modes_that_do_not_exist_are_refused() -> None:
    for wrong in (("loose", None), ("free", (0, 1)), ("constrained", (1, 3)), ("constrained", (2, 1))):
        with pytest.raises(GraphError):
            mode(wrong[0], 3, wrong[1])


def test_supernodes_without_members_are_refused() -> None:
    here, gone = NodeKey(NodeKind.FEATURE, 0, 3, 5), NodeKey(NodeKind.FEATURE, 1, 3, 6)
    assert members("Texas", [here], frozenset([here])) == (feature(0, 5, at(3)),)
    with pytest.raises(GraphError, match="1 of the 2 members of the supernode “Texas” is gone"):
        members("Texas", [here, gone], frozenset([here]))
    with pytest.raises(GraphError, match="All members of the supernode “Texas” are gone; group it again"):
        members("Texas", [])
