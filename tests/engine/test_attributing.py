"""The attribute job: every kind of target, neurons, previews, and how soon it stops."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.influence import node_influence
from explorer.circuits.scores import worst_residual
from explorer.engine.client import EngineClient
from explorer.engine.events import CancelledEvent, ProgressEvent, Result, Started
from explorer.engine.inprocess import run_job
from explorer.engine.jobs import opening
from explorer.engine.jobs.attributing import attribute
from explorer.engine.jobs.opening import Setting, model_of, tokenize
from explorer.engine.state import EngineState
from explorer.errors import Cancelled, ExplorerError, GraphError, PromptError
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.io.transcoders import circuit_tracer
from tests import tiny
from tests.engine.conftest import Heard

PROMPT = [1, 17, 4, 30, 4, 22, 9]
SAMPLE = SAMPLES[0]
WHERE = {"model": str(model_folder(SAMPLE)), "transcoders": str(transcoder_folder(SAMPLE))}


@pytest.fixture(scope="module")
def state() -> EngineState:
    return EngineState()


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A tiny GPT-2 with cross-layer transcoders; it has no tokenizer."""
    folder = tmp_path_factory.mktemp("attributing") / "clt"
    circuit_tracer.write(tiny.transcoders(tiny.model("gpt2"), "clt"), folder, "tiny")
    return {"model": str(tiny.saved("gpt2")), "transcoders": str(folder), "dtype": "float64"}


def graph_of(state: EngineState, where: Mapping[str, Any], **more: Any) -> Graph:
    answer = run_job("attribute", state, None, **{"token_ids": PROMPT, **where, **more})
    return from_arrays(answer["head"], answer["arrays"])


def row(graph: Graph, node: int) -> np.ndarray:
    """The in-edges of ``node`` without logits, which differ in number."""
    return graph.adjacency()[node, : graph.block(NodeKind.LOGIT).start]


def logits(graph: Graph) -> list[int]:
    return graph.nodes.feature[graph.block(NodeKind.LOGIT)].tolist()


def test_an_answer_about_transcoders_leaves_the_open_model_as_it_is(state: EngineState, where: dict[str, str]) -> None:
    first = model_of(state, where["model"], Setting())
    assert model_of(state, where["model"], Setting(told={"k": "3"})) is first


def test_top_logits_by_mass(state: EngineState, where: dict[str, str]) -> None:
    graph = graph_of(state, where, targets={"kind": "logits", "logit_mass": 0.3, "max_logits": 30})
    chances = graph.probability[graph.block(NodeKind.LOGIT)]
    assert chances.sum() >= 0.3 > chances[:-1].sum()
    assert np.all(np.diff(chances) <= 0)
    assert len(logits(graph_of(state, where, targets={"max_logits": 2, "logit_mass": 1.0}))) == 2


def test_chosen_tokens_with_weights_at_any_position(state: EngineState, where: dict[str, str]) -> None:
    for pos, read in ((3, 3), (-2, len(PROMPT) - 2)):
        wanted = {"kind": "tokens", "tokens": [5, 9], "weights": [0.75, None], "pos": pos}
        graph = graph_of(state, where, targets=wanted)
        own = graph.block(NodeKind.LOGIT)
        assert logits(graph) == [5, 9]
        assert set(graph.nodes.pos[own].tolist()) == {read}
        assert graph.target_weight[own].tolist() == [0.75, graph.probability[own][1]]
        later = graph.nodes.pos[graph.rows.source[graph.edge_target >= own.start]]
        assert later.max() <= read
        assert worst_residual(graph) <= 1e-12


def test_a_contrast_is_the_difference_of_the_rows_of_its_tokens(state: EngineState, where: dict[str, str]) -> None:
    """I12, through the job."""
    pair = graph_of(state, where, targets={"kind": "contrast", "tokens": [5, 9], "pos": 4})
    both = graph_of(state, where, targets={"kind": "tokens", "tokens": [5, 9], "pos": 4})
    np.testing.assert_allclose(row(pair, -1), row(both, -2) - row(both, -1), rtol=0, atol=1e-12)
    assert pair.constant[-1] == pytest.approx(both.constant[-2] - both.constant[-1], abs=1e-12)
    assert pair.preactivation[-1] == pytest.approx(both.preactivation[-2] - both.preactivation[-1], abs=1e-12)
    assert pair.logit_tokens == ("<5> − <9>",)
    assert np.isnan(pair.probability[-1])


def test_directions_add_up(state: EngineState, where: dict[str, str]) -> None:
    """The row of a sum of directions is the sum of their rows; a token's own direction gives its row."""
    model = tiny.model("gpt2", "float64")
    a, b = (model.head.direction(token).numpy() for token in (5, 9))
    rows = [row(graph_of(state, where, targets={"kind": "direction", "vector": v}), -1) for v in (a, b, a + 2 * b)]
    np.testing.assert_allclose(rows[2], rows[0] + 2 * rows[1], rtol=0, atol=1e-12)
    token = graph_of(state, where, targets={"kind": "tokens", "tokens": [5]})
    np.testing.assert_allclose(rows[0], row(token, -1), rtol=0, atol=1e-12)


def test_several_targets_each_at_its_own_position_are_as_each_alone(
    state: EngineState, where: dict[str, str]
) -> None:
    """Rows do not depend on the other targets, and influence is linear in the weights."""
    vector = np.linspace(-1.0, 1.0, 21)
    items = [
        {"kind": "tokens", "tokens": [5, 9, 5], "positions": [2, None, 4], "weights": [0.5, 2.0, None], "pos": -1},
        {"kind": "contrast", "tokens": [5, 9], "pos": 3, "weight": 0.25},
        {"kind": "contrast", "tokens": [9, 7], "pos": -3},
        {"kind": "direction", "vector": vector, "pos": 1, "weight": 3.0, "name": "slope"},
    ]
    all_of_them = graph_of(state, where, targets={"kind": "several", "items": items})
    own = all_of_them.block(NodeKind.LOGIT)
    assert all_of_them.nodes.pos[own].tolist() == [2, 6, 4, 3, 4, 1]
    assert all_of_them.nodes.feature[own].tolist() == [5, 9, 5, 37, 38, 39]
    assert all_of_them.logit_tokens == ("<5>", "<9>", "<5>", "<5> − <9>", "<9> − <7>", "slope")
    weights = [0.5, 2.0, all_of_them.probability[own][2], 0.25, 1.0, 3.0]
    assert all_of_them.target_weight[own].tolist() == weights
    singles = [
        {"kind": "tokens", "tokens": [5], "pos": 2, "weights": [1.0]},
        {"kind": "tokens", "tokens": [9], "weights": [1.0]},
        {"kind": "tokens", "tokens": [5], "pos": 4, "weights": [1.0]},
        *({**item, "weight": 1.0} for item in items[1:]),
    ]
    influence = np.zeros(own.start)
    for at, single in enumerate(singles):
        alone = graph_of(state, where, targets=single)
        np.testing.assert_allclose(row(all_of_them, own.start + at), row(alone, -1), rtol=0, atol=1e-13)
        influence += weights[at] * node_influence(alone)[: own.start]
    np.testing.assert_allclose(node_influence(all_of_them)[: own.start], influence, rtol=1e-10, atol=1e-13)
    told = all_of_them.provenance["targets"]["items"]
    assert "vector" not in told[3]
    assert told[0] == items[0]
    assert worst_residual(all_of_them) <= 1e-12


@pytest.mark.parametrize("kind", ["tokens", "contrast", "logits"])
def test_features_are_targets_beside_tokens(state: EngineState, where: dict[str, str], kind: str) -> None:
    plain = graph_of(state, where)
    chosen = [plain.key(node) for node in (3, plain.count(NodeKind.FEATURE) - 1)]
    features = [[key.layer, key.pos, key.feature, weight] for key, weight in zip(chosen, (0.5, 2.0), strict=True)]
    graph = graph_of(state, where, targets={"kind": kind, "tokens": [5, 9], "features": features})
    nodes = [keys(graph).index(key) for key in chosen]
    assert graph.target_weight[nodes].tolist() == [0.5, 2.0]
    for node in nodes:
        np.testing.assert_allclose(row(graph, node), row(plain, node), rtol=0, atol=1e-14)
    assert len(logits(graph)) >= 1
    assert worst_residual(graph) <= 1e-12


def keys(graph: Graph) -> list[NodeKey]:
    return [graph.key(node) for node in range(len(graph))]


def test_a_feature_alone(state: EngineState, where: dict[str, str]) -> None:
    key = graph_of(state, where).key(10)
    graph = graph_of(state, where, targets={"kind": "features", "features": [[key.layer, key.pos, key.feature, 1.0]]})
    assert logits(graph) == []
    assert np.flatnonzero(graph.target_weight).tolist() == [10]


@pytest.mark.parametrize("kind", ["logits", "features"])
def test_the_strongest_features_for_a_feature(state: EngineState, where: dict[str, str], kind: str) -> None:
    key = graph_of(state, where).key(40)
    wanted = {"kind": kind, "features": [[key.layer, key.pos, key.feature, 1.0]]}
    graph = graph_of(state, where, targets=wanted, max_features=6)
    assert graph.count(NodeKind.FEATURE) == 6
    assert graph.target_weight[graph.index[key]] == 1.0
    assert worst_residual(graph) <= 1e-12


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ({"kind": "tokens", "tokens": [37]}, PromptError, "Token 37 is outside the vocabulary"),
        ({"kind": "contrast", "tokens": [5, -1]}, PromptError, "Token -1 is outside"),
        ({"kind": "contrast", "tokens": [5, 5]}, PromptError, "two different tokens"),
        ({"kind": "contrast", "tokens": [5]}, PromptError, "two different tokens"),
        ({"kind": "tokens", "texts": ["dog"]}, PromptError, "no tokenizer files"),
        ({"kind": "tokens", "tokens": []}, GraphError, "nothing to explain"),
        ({"kind": "tokens", "tokens": [5], "weights": [0.0]}, GraphError, "must be a number above 0"),
        ({"kind": "tokens", "tokens": [5], "weights": [float("nan")]}, GraphError, "must be a number above 0"),
        ({"kind": "tokens", "tokens": [5, 9], "positions": [1, 7]}, PromptError, "Position 7 is outside the prompt"),
        ({"kind": "tokens", "tokens": [5, 9], "positions": [1]}, PromptError, "2 weights and 1 positions"),
        ({"kind": "tokens", "tokens": [5, 5]}, PromptError, "at position 6 is asked for twice"),
        ({"kind": "contrast", "tokens": [5, 9], "weight": -1.0}, GraphError, "must be a number above 0"),
        ({"kind": "several", "items": [{"kind": "logits"}]}, GraphError, "which cannot be one"),
        ({"kind": "several", "items": []}, GraphError, "nothing to explain"),
        ({"kind": "features", "features": [[0, 3, 999, 1.0]]}, GraphError, "names feature 999, and there are 0 to"),
        ({"kind": "features", "features": [[0, 3, 1, -1.0]]}, GraphError, "must be a number above 0"),
        ({"kind": "direction", "vector": np.ones(20)}, PromptError, r"has shape \(20,\); the model needs \(21,\)"),
        ({"kind": "direction", "vector": np.zeros(21)}, PromptError, "zero or holds"),
        ({"kind": "direction", "vector": np.full(21, np.nan)}, PromptError, "not finite"),
        ({"kind": "neurons"}, GraphError, "no targets of the kind"),
        ({"pos": 7}, PromptError, "Position 7 is outside the prompt"),
        ({"pos": -8}, PromptError, "outside the prompt"),
        ({"logit_mass": 1.5}, GraphError, r"mass in \(0, 1\]"),
        ({"logit_mass": -0.1}, GraphError, r"mass in \(0, 1\]"),
        ({"max_logits": 0}, GraphError, "At least one logit"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_before_the_sweep(
    state: EngineState, where: dict[str, str], wanted: dict[str, Any], error: type[ExplorerError], words: str
) -> None:
    told: list[str] = []
    with pytest.raises(error, match=words):
        run_job(
            "attribute", state, lambda progress: told.append(progress.text), token_ids=PROMPT, targets=wanted, **where
        )
    assert not any("Tracing" in text for text in told)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
def test_neurons_of_a_model_without_transcoders(state: EngineState, family: str) -> None:
    where = {"model": str(tiny.saved(family)), "neurons": True, "neurons_per_cell": 5, "dtype": "float64"}
    graph = graph_of(state, where)
    made = graph.provenance
    assert worst_residual(graph) <= 1e-12
    assert graph.count(NodeKind.FEATURE) <= 5 * 3 * len(PROMPT)
    assert (made["transcoder_kind"], made["neurons_per_cell"], made["transcoders"]) == ("neurons", 5, "")
    assert made["error_nodes"] == "the neurons that were not kept"
    assert made["n_neurons"] == (84 if family == "gpt2" else 29) * 3 * len(PROMPT)
    assert ("gate" in made["edges_into_neurons"]) == (family != "gpt2")
    few = graph_of(state, where, max_features=9)
    assert few.count(NodeKind.FEATURE) == 9


def test_a_graph_of_neurons_is_checked_without_transcoders(state: EngineState) -> None:
    answer = run_job("attribute", state, None, token_ids=PROMPT, model=str(tiny.saved("gpt2")), neurons=True)
    found = run_job("check", state, None, model=str(tiny.saved("gpt2")), **answer)
    assert found["sources"] == 25
    assert found["worst"] <= 1e-5


@pytest.mark.parametrize("name", ["model", "transcoder"])
def test_a_check_says_which_weights_are_others_than_the_graph_was_made_with(
    state: EngineState, where: dict[str, str], name: str
) -> None:
    answer = run_job("attribute", state, None, token_ids=PROMPT, **where)
    assert run_job("check", state, None, **answer, **where)["changed"] == []
    provenance = {**answer["head"]["provenance"], f"{name}_sha256": "0" * 64}
    answer["head"] = {**answer["head"], "provenance": provenance}
    (changed,) = run_job("check", state, None, **answer, **where)["changed"]
    assert changed.startswith(name)


def test_a_graph_of_another_model_is_not_checked(state: EngineState, where: dict[str, str]) -> None:
    answer = run_job("attribute", state, None, token_ids=PROMPT, **where)
    other = {"model": str(tiny.saved("gpt2")), "transcoders": str(transcoder_folder(SAMPLE))}
    with pytest.raises(ExplorerError, match="choose transcoders made for this model"):
        run_job("check", state, None, **answer, **other)
    ids = np.roll(answer["arrays"]["token_ids"], 1)
    with pytest.raises(GraphError, match="features are not active in this model"):
        run_job("check", state, None, head=answer["head"], arrays={**answer["arrays"], "token_ids": ids}, **where)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "choose transcoders, or the model's own MLP neurons"),
        ({"neurons": True, "transcoders": "somewhere"}, "cannot be combined"),
        ({"neurons": True, "neurons_per_cell": 0}, "At least one neuron"),
        ({"neurons": True, "dtype": "int8"}, "no precision “int8”"),
    ],
)
def test_what_the_features_are_must_be_said(state: EngineState, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ExplorerError, match=words):
        run_job("attribute", state, None, token_ids=PROMPT, model=str(tiny.saved("llama")), **more)


@pytest.mark.parametrize("max_features", [0, 12])
def test_bfloat16_is_a_preview_with_its_measured_residual(
    state: EngineState, where: dict[str, str], max_features: int
) -> None:
    exact = graph_of(state, where, max_features=max_features)
    preview = graph_of(state, where, dtype="bfloat16", max_features=max_features)
    made = preview.provenance
    assert "preview" not in exact.provenance
    assert (made["preview"], made["dtype"]) == (True, "bfloat16")
    assert made["residual"] == worst_residual(preview)
    assert 1e-5 < made["residual"] < 0.2
    theirs = exact.adjacency()[-1, exact.block(NodeKind.EMBEDDING)]
    ours = preview.adjacency()[-1, preview.block(NodeKind.EMBEDDING)]
    np.testing.assert_allclose(ours, theirs, atol=0.2 * np.abs(theirs).max())


class Stopped:
    """A state whose job is stopped from the ``after``-th time on that it asks."""

    def __init__(self, after: int = 0) -> None:
        self.asked = 0
        self._after = after

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self._after


def hooks(network: torch.nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) for module in network.modules())


@pytest.mark.parametrize("after", [3, 31])
def test_reading_a_model_stops_between_two_tensors(after: int) -> None:
    """While they are read, and while they are looked through for numbers that are not finite; there are 30."""
    from transformers.utils import logging

    state = EngineState(should_stop=Stopped(after))
    job = attribute(state, **WHERE, text=SAMPLE.prompt)
    assert next(job).text.startswith("Reading")
    with pytest.raises(Cancelled):
        next(job)
    assert state.should_stop.asked == after + 1
    assert state.models == {}
    assert logging.set_tqdm_hook(None) is None


def test_a_model_written_anew_is_read_anew(tmp_path: Path) -> None:
    shutil.copytree(WHERE["model"], tmp_path / "model")
    state, where = EngineState(), {"model": str(tmp_path / "model")}
    before = run_job("open", state, None, **where)
    (first,) = state.models.values()
    run_job("open", state, None, **where)
    assert list(state.models.values()) == [first]
    weights = tmp_path / "model" / "model.safetensors"
    os.utime(weights, ns=(0, weights.stat().st_mtime_ns + 1))
    assert run_job("open", state, None, **where) == before
    (second,) = state.models.values()
    assert second is not first


def test_what_is_told_twice_is_opened_once() -> None:
    state, where = EngineState(), {"model": WHERE["model"], "transcoders": WHERE["transcoders"]}
    run_job("open", state, None, **where, told={})
    (first,) = state.models.values()
    state.told = {key: {"k": "64"} for key in (*state.models, *state.transcoders)}
    run_job("open", state, None, **where, told={"k": "64"})
    assert list(state.models.values()) == [first]


def test_a_slider_asks_once_a_second_whether_files_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed model is read anew by the first request after that, and at once by a job that opens."""
    now = [100.0]
    monkeypatch.setattr(opening.time, "monotonic", lambda: now[0])
    shutil.copytree(WHERE["model"], tmp_path / "model")
    state, where = EngineState(), {"model": str(tmp_path / "model"), "transcoders": WHERE["transcoders"]}
    edit = {"layer": 1, "index": 5, "pos": 3, "value": 0.0}

    def opened_after(job: str, seconds: float, **more: Any) -> object:
        weights = tmp_path / "model" / "model.safetensors"
        os.utime(weights, ns=(0, weights.stat().st_mtime_ns + 1))
        now[0] += seconds
        run_job(job, state, None, **where, **more)
        (model,) = state.models.values()
        return model

    slider = {"text": SAMPLE.prompt, "interventions": [edit]}
    first = opened_after("intervene", 0.0, **slider)
    assert opened_after("intervene", 0.9, **slider) is first
    second = opened_after("intervene", 0.2, **slider)
    assert second is not first
    assert opened_after("open", 0.1) is not second


def test_a_running_prompt_stops_between_two_blocks(state: EngineState, where: dict[str, str]) -> None:
    graph_of(state, where)
    (model,) = state.models.values()
    stopped = EngineState(state.models, state.transcoders, Stopped(after=1))
    job = attribute(stopped, **where, token_ids=PROMPT)
    assert [next(job).text for _ in range(2)][1] == "Running the prompt"
    with pytest.raises(Cancelled):
        next(job)
    assert hooks(model.network) == 0


def test_predicting_the_next_token_stops_between_two_blocks() -> None:
    opened = EngineState()
    run_job("open", opened, None, model=WHERE["model"])
    job = tokenize(EngineState(opened.models, {}, Stopped()), model=WHERE["model"], text=SAMPLE.prompt)
    next(job)
    with pytest.raises(Cancelled):
        next(job)


@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_reading_transcoders_stops_between_two_layers(kind: str) -> None:
    opened = EngineState()
    run_job("open", opened, None, model=WHERE["model"])
    n_parts = 4  # three blocks and the unembedding
    state = EngineState(opened.models, {}, Stopped(after=n_parts + 1))
    job = attribute(state, model=WHERE["model"], transcoders=str(transcoder_folder(SAMPLE, kind)), text=SAMPLE.prompt)
    assert [next(job).text for _ in range(3)][-1] == "Reading transcoders"
    with pytest.raises(Cancelled):
        next(job)
    assert state.should_stop.asked == n_parts + 2
    assert state.transcoders == {}


def test_replacing_stops_between_two_layers(state: EngineState, where: dict[str, str]) -> None:
    graph_of(state, where)
    stopped = EngineState(state.models, state.transcoders, Stopped(after=4))
    job = attribute(stopped, **where, token_ids=PROMPT)
    assert [next(job).text for _ in range(4)][-1] == "Finding active features"
    with pytest.raises(Cancelled):
        next(job)


@pytest.mark.parametrize("stage", [pytest.param("Reading", marks=pytest.mark.slow), "Tracing"])
def test_cancelling_on_the_sample_ends_the_job_soon(
    stage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through a real engine process: nothing but the cancellation follows, and the engine goes on."""
    heard = Heard()
    client = EngineClient(None, tmp_path / "engine.log", heard.hear)
    try:
        client.start()
        heard.first(Started)
        assert isinstance(heard.answer(client.request("warm", "")), Result)
        long = {"token_ids": list(range(2, 62)), "neurons": True, "neurons_per_cell": 100}
        id = client.request("attribute", "", model=WHERE["model"], threads=1, **long)
        heard.first(ProgressEvent, lambda event: event.id == id and event.text.startswith(stage))
        before = time.perf_counter()
        client.cancel(id)
        answer = heard.answer(id)
        seconds = time.perf_counter() - before
        with capsys.disabled():
            sys.stdout.write(f" [{stage}: cancelled after {1e3 * seconds:.0f} ms]")
        assert answer == CancelledEvent(id)
        after = heard.events[heard.events.index(answer) :]
        assert [event for event in after if getattr(event, "id", 0) == id] == [answer]
        again = heard.answer(client.request("attribute", "", **WHERE, text=SAMPLE.prompt))
        assert isinstance(again, Result)
    finally:
        client.close()
