"""The jobs intervene and generate: requests as a slider makes them, state kept in between, one sentence for faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.circuits.intervening import intervene
from explorer.circuits.interventions import at, feature, head, onward
from explorer.circuits.modes import FREE
from explorer.circuits.subject import prepare
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import Cancelled, ExplorerError
from explorer.io import transcoders
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.models.loader import open_language_model
from explorer.work import Progress

SAMPLE = SAMPLES[0]
WHERE = {"model": str(model_folder(SAMPLE)), "transcoders": str(transcoder_folder(SAMPLE)), "text": SAMPLE.prompt}
EDIT = {"kind": "feature", "layer": 1, "index": 5, "pos": 10, "op": "set", "unit": "absolute", "value": 20.0}


@pytest.fixture(scope="module")
def state() -> EngineState:
    return EngineState()


def asked(state: EngineState, job: str = "intervene", **more: Any) -> dict[str, Any]:
    return run_job(job, state, None, **{**WHERE, **more})


def test_the_answer_is_that_of_the_python_interface(state: EngineState) -> None:
    model = open_language_model(model_folder(SAMPLE))
    subject = prepare(model, transcoders.read(transcoder_folder(SAMPLE)), model.tokenizer.encode(SAMPLE.prompt).ids)
    made = [feature(1, 5, at(10)).to(20.0), head(1, 2, onward(9)).times(0.0)]
    expected = intervene(subject, made, FREE)
    other = {"kind": "head", "layer": 1, "index": 2, "pos": [9, None], "generated": True, "value": 0}
    answer = asked(state, interventions=[EDIT, other], mode="free", all_logits=True, changed=4, top=5)
    for name in ("before", "now", "predicted"):
        np.testing.assert_allclose(answer["logits"][name], getattr(expected, name).detach().numpy(), atol=1e-4)
    row = answer["tokens"][0]
    assert row["now"] == pytest.approx(float(expected.now.softmax(-1).max()), abs=1e-5)
    assert row["now"] == max(one["now"] for one in answer["tokens"])
    assert any(one["text"] == "Austin" and one["before"] > 0.9 for one in answer["tokens"])
    assert len(answer["changed"]) == 4
    assert answer["kl"] > 0


def test_a_prompt_stays_ready_and_two_at_most_are_kept(state: EngineState) -> None:
    asked(state, interventions=[EDIT])
    (held,) = [one for key, one in state.subjects.items() if len(key[0]) == 11]
    asked(state, interventions=[{**EDIT, "value": 3.0}])
    assert held in state.subjects.values()
    asked(state, text="Fact: the capital of Texas is")
    assert held in state.subjects.values()
    asked(state, text="Fact: the capital of Ohio is")
    assert held not in state.subjects.values()
    assert len(state.subjects) == 2


def test_a_substitution_is_one_step(state: EngineState) -> None:
    """Features of the last token off and those of Oakland's prompt on: Sacramento, as the sample is made for."""
    prompt = OAKLAND
    model = open_language_model(model_folder(SAMPLE))
    held = transcoders.read(transcoder_folder(SAMPLE))
    groups = []
    for text in (SAMPLE.prompt, prompt):
        active = prepare(model, held, model.tokenizer.encode(text).ids).local.features
        rows = (active.pos == 10).nonzero()[:, 0].tolist()
        groups.append([{"layer": int(active.layer[i]), "index": int(active.feature[i]), "pos": 10} for i in rows])
    wanted = {"off": groups[0], "on": groups[1], "text": prompt, "factor": 1.0}
    answer = asked(state, substitution=wanted, mode="free")
    assert answer["tokens"][0]["text"] == "Sacramento"
    assert answer["tokens"][0]["before"] < 0.1 < answer["tokens"][0]["now"]


OAKLAND = "Fact: the capital of the state containing Oakland is"


def test_the_other_prompts_stream_gives_its_answer(state: EngineState) -> None:
    """Activation patching of every position behind layer 1: the other prompt's own logits, and half way between."""
    whole = {"kind": "residual", "layer": 1, "pos": [0, None], "op": "set", "unit": "other", "value": 1.0}
    there = {"other": {"text": OAKLAND}, "mode": "free", "all_logits": True}
    expected = asked(state, text=OAKLAND, all_logits=True)["logits"]["before"]
    now = asked(state, interventions=[whole], **there)
    np.testing.assert_allclose(now["logits"]["now"], expected, atol=1e-3)
    assert now["tokens"][0]["text"] == "Sacramento"
    ids = open_language_model(model_folder(SAMPLE)).tokenizer.encode(OAKLAND).ids
    again = asked(state, interventions=[whole], **{**there, "other": {"token_ids": list(ids)}})
    np.testing.assert_array_equal(again["logits"]["now"], now["logits"]["now"])
    one = {**whole, "pos": 10, "other_pos": -1, "value": 0.5}
    assert 0.0 < asked(state, interventions=[one], **there)["kl"] < now["kl"]


def test_a_direction_comes_from_a_file(state: EngineState, tmp_path: Path) -> None:
    vector = np.random.default_rng(0).normal(size=open_language_model(model_folder(SAMPLE)).d_model)
    np.save(tmp_path / "steer.npy", vector)
    made = {"kind": "direction", "layer": 1, "pos": 10, "op": "add", "unit": "absolute", "value": 3.0}
    one = asked(state, interventions=[{**made, "file": str(tmp_path / "steer.npy")}])
    two = asked(state, interventions=[{**made, "vector": vector}])
    assert one["tokens"] == two["tokens"]
    assert one["kl"] > 1e-3
    for file, sentence in (("gone.npy", "There is no file"), ("steer.npy", r"has shape \(3,\)")):
        np.save(tmp_path / "steer.npy", np.ones(3))
        with pytest.raises(ExplorerError, match=sentence):
            asked(state, interventions=[{**made, "file": str(tmp_path / file)}])


@pytest.mark.parametrize(
    ("made", "other", "sentence"),
    [
        ({"unit": "other"}, None, "There is no other prompt to take feature 5 of layer 1 at position 10 from"),
        ({"unit": "other"}, {"text": ""}, "There is no other prompt"),
        ({"unit": "other"}, {"text": "Fact: Austin"}, "The other prompt has no position 10"),
        ({"unit": "other", "other_pos": 90}, {"text": OAKLAND}, "Position 90 is outside the other prompt"),
        ({"unit": "other", "other_pos": "last"}, {"text": OAKLAND}, "'last'; choose a whole number"),
        ({"unit": "other", "index": 10**6}, {"text": OAKLAND}, "There is no feature 1000000"),
        ({"unit": "other", "pos": 11}, {"text": OAKLAND}, "Position 11 is outside the prompt"),
        ({"unit": "other", "value": float("nan")}, {"text": OAKLAND}, "is nan; choose a number"),
        ({"kind": "residual"}, {"text": OAKLAND}, "only patched from another prompt"),
        ({"kind": "residual", "unit": "other", "op": "add"}, {"text": OAKLAND}, "only patched from another prompt"),
        ({"kind": "direction"}, None, "The direction of layer 1 has no file"),
        ({"unit": "other"}, {"token_ids": [10**6]}, "Token 1000000 is outside"),
    ],
)
def test_what_has_no_counterpart_is_one_sentence(
    state: EngineState, made: dict[str, Any], other: dict[str, Any] | None, sentence: str
) -> None:
    with pytest.raises(ExplorerError, match=sentence) as found:
        asked(state, interventions=[{**EDIT, **made}], other=other)
    assert str(found.value).endswith(".")
    assert "\n" not in str(found.value)


def test_a_supernode_is_all_of_its_members(state: EngineState) -> None:
    keys = [str(NodeKey(NodeKind.FEATURE, 1, 10, index)) for index in (5, 6)]
    group = {"kind": "supernode", "name": "Texas", "members": keys, "unit": "absolute", "value": 9.0}
    single = [{**EDIT, "index": index, "value": 9.0} for index in (5, 6)]
    one, two = (asked(state, interventions=made)["tokens"] for made in ([group], single))
    assert one == two


def test_generation_tells_its_tokens_one_by_one(state: EngineState) -> None:
    seen: list[int] = []

    def report(progress: Progress) -> None:
        if progress.partial is not None:
            seen.append(len(progress.partial()["tokens"]))

    answer = run_job("generate", state, report, **WHERE, n=3, temperature=0)
    assert seen == [1, 2, 3][: len(seen)]
    assert answer["tokens"][0]["text"] == "Austin"
    assert answer["text"].startswith("Austin")
    assert 1.0 <= answer["perplexity"] < 1.5
    changed = asked(state, "generate", n=3, temperature=0, interventions=[{**EDIT, "value": 400.0}])
    assert changed["tokens"] != answer["tokens"]


def test_it_stops_in_between(state: EngineState) -> None:
    asked(state)
    asks = iter([False, True])
    state.should_stop = lambda: next(asks, True)
    try:
        with pytest.raises(Cancelled):
            asked(state, interventions=[EDIT], mode="free")
    finally:
        state.should_stop = lambda: False


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"value": float("nan")}, "is nan; choose a number"),
        ({"value": "much"}, "'much'; choose a number"),
        ({"value": None}, "None; choose a number"),
        ({"pos": 11}, r"Position 11 is outside the prompt \(0 to 10\)"),
        ({"pos": "last"}, "'last' is none"),
        ({"index": 10**6}, "There is no feature 1000000 in layer 1"),
        ({"layer": 7}, "There is no layer 7"),
        ({"kind": "thought"}, "There is no kind “thought”; choose one of feature"),
        ({"op": "divide"}, "There is no operation “divide”"),
        ({"unit": "maximum"}, "The dataset maximum .* is not known"),
        ({"kind": "supernode", "name": "Texas", "members": []}, "All members of the supernode “Texas” are gone"),
    ],
)
def test_faults_are_one_sentence_and_change_nothing(state: EngineState, wrong: dict[str, Any], sentence: str) -> None:
    before = asked(state, interventions=[EDIT])["tokens"]
    with pytest.raises(ExplorerError, match=sentence):
        asked(state, interventions=[{**EDIT, **wrong}])
    assert asked(state, interventions=[EDIT])["tokens"] == before


def test_modes_and_their_layers_are_checked(state: EngineState) -> None:
    for wrong in ({"mode": "wild"}, {"mode": "free", "layers": [0, 1]}, {"mode": "constrained", "layers": [0]}):
        with pytest.raises(ExplorerError):
            asked(state, interventions=[EDIT], **wrong)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_generation_stops_between_two_tokens_and_leaves_no_hook(state: EngineState) -> None:
    def stop(progress: Progress) -> None:
        if progress.partial is not None:
            state.should_stop = lambda: True

    try:
        with pytest.raises(Cancelled):
            run_job("generate", state, stop, **WHERE, n=20, interventions=[EDIT], mode="free")
    finally:
        state.should_stop = lambda: False
    (model,) = state.models.values()
    assert not any(module._forward_pre_hooks for module in model.network.modules())
    assert asked(state, interventions=[EDIT])["tokens"]


def test_a_new_prompt_stops_between_two_blocks(state: EngineState) -> None:
    """While it is run, replaced, and run once more for what stays ready."""
    asked(state)
    for after in (1, 6, 12):
        count = iter(range(after))
        state.should_stop = lambda count=count: next(count, None) is None
        try:
            with pytest.raises(Cancelled):
                asked(state, text=f"Fact: the capital of Ohio {after} is")
        finally:
            state.should_stop = lambda: False
    assert not any(module._forward_pre_hooks for module in next(iter(state.models.values())).network.modules())


def test_changes_of_other_transcoders_are_refused(state: EngineState) -> None:
    with pytest.raises(ExplorerError, match="of other features than those that are open"):
        asked(state, interventions=[EDIT], made_with="0" * 64)
    own = transcoders.read(transcoder_folder(SAMPLE)).sha256
    assert asked(state, interventions=[EDIT], made_with=own)["tokens"]


@pytest.mark.parametrize("job", ["intervene", "generate"])
def test_an_overflow_is_said_instead_of_answered(state: EngineState, job: str) -> None:
    width = open_language_model(model_folder(SAMPLE)).d_model
    huge = {"kind": "direction", "layer": 1, "pos": 10, "op": "add", "unit": "absolute", "value": 1e6}
    with pytest.raises(ExplorerError, match="overflows under these changes"):
        asked(state, job, interventions=[{**huge, "vector": np.full(width, 1e36, np.float32)}])
