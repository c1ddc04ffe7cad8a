"""The job dose, against single interventions and generations."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import Cancelled, ExplorerError
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.work import Progress

SAMPLE = SAMPLES[0]
WHERE = {"model": str(model_folder(SAMPLE)), "transcoders": str(transcoder_folder(SAMPLE)), "text": SAMPLE.prompt}
STEER = {"kind": "feature", "layer": 1, "index": 5, "pos": 10, "op": "set", "unit": "absolute", "value": 20.0}
HEAD = {"kind": "head", "layer": 1, "index": 2, "pos": [9, None], "op": "set", "unit": "own", "value": 0.5}
VALUES = [0.0, 20.0, 400.0]
OTHER = {"text": "Fact: the capital of the state containing Oakland is"}


@pytest.fixture(scope="module")
def state() -> EngineState:
    torch.set_num_threads(1)
    return EngineState()


def dosed(state: EngineState, report: Any = None, **more: Any) -> list[dict[str, Any]]:
    values = {"interventions": [HEAD, STEER], "row": 1, "values": VALUES, "mode": "free", "n": 3, **more}
    points: list[dict[str, Any]] = run_job("dose", state, report, **{**WHERE, **values})["points"]
    return points


def test_each_point_is_what_intervene_and_generate_say(state: EngineState) -> None:
    points = dosed(state)
    assert [point["value"] for point in points] == VALUES
    for point in points:
        made = [HEAD, {**STEER, "value": point["value"]}]
        how = {**WHERE, "interventions": made, "mode": "free"}
        single = run_job("intervene", state, None, **how, top=10)
        chances = {row["token_id"]: row["probability"] for row in point["tokens"]}
        for row in single["tokens"][:10]:
            assert chances[row["token_id"]] == pytest.approx(row["now"], abs=1e-6)
        assert point["kl"] == pytest.approx(single["kl"], rel=1e-4)
        said = run_job("generate", state, None, **how, n=3, temperature=0)
        assert point["perplexity"] == pytest.approx(said["perplexity"], rel=1e-4)
    assert points[0]["kl"] < points[2]["kl"]
    assert points[0]["perplexity"] < points[2]["perplexity"]


def test_every_point_names_the_same_tokens(state: EngineState) -> None:
    points = dosed(state, top=2, n=0)
    named = [[row["token_id"] for row in point["tokens"]] for point in points]
    assert named[0] == named[1] == named[2]
    assert 2 < len(named[0]) <= 6
    assert points[0]["perplexity"] is None


def test_points_come_one_by_one(state: EngineState) -> None:
    seen: list[int] = []

    def report(progress: Progress) -> None:
        if progress.partial is not None:
            seen.append(len(progress.partial()["points"]))

    dosed(state, report, n=0)
    assert seen == [1, 2, 3]


def test_a_patch_is_dosed_by_its_share(state: EngineState) -> None:
    patch = {"kind": "residual", "layer": 1, "pos": [0, 10], "op": "set", "unit": "other"}
    points = dosed(state, interventions=[patch], row=0, values=[0, 0.5, 1], other=OTHER, n=0)
    assert points[0]["kl"] == pytest.approx(0.0, abs=1e-6)
    assert next(row for row in points[2]["tokens"] if row["text"] == "Sacramento")["probability"] > 0.5


def test_it_stops_in_between(state: EngineState) -> None:
    def report(progress: Progress) -> None:
        if progress.partial is not None:
            state.should_stop = lambda: True

    try:
        with pytest.raises(Cancelled):
            dosed(state, report)
    finally:
        state.should_stop = lambda: False


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"row": 2}, "There is no intervention 2; there are 2"),
        ({"row": -1}, "There is no intervention -1"),
        ({"values": []}, "takes 1 to 1000 values; got 0"),
        ({"values": [1.0, float("nan")]}, "nan is no dose"),
        ({"values": ["much"]}, "'much' is no dose"),
        ({"values": [1e9]}, "is out of range"),
        ({"n": -1}, "-1 tokens cannot be generated"),
        ({"interventions": [{**STEER, "pos": 40}], "row": 0}, "Position 40 is outside"),
    ],
)
def test_faults_are_one_sentence(state: EngineState, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ExplorerError, match=sentence):
        dosed(state, **wrong)
