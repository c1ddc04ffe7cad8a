"""Labels by a language model: what it says is a rule that is scored like the others, and wins or loses by its score."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import Cancelled, GraphError, LoadError, PromptError, UnsupportedModel
from explorer.io.feature_index import open_index
from explorer.io.feature_labels import OWN, Labels
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.work import Progress
from tests import tiny_models
from tests.speller import speller

SAMPLE = SAMPLES[0]
WHERE = {"model": str(model_folder(SAMPLE)), "transcoders": str(transcoder_folder(SAMPLE))}
MAINE, TEXAS = [1, 387], [0, 133]


@pytest.fixture(scope="module")
def state() -> EngineState:
    return EngineState()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    shutil.copytree(transcoder_folder(SAMPLE).parent / "features-plt", folder)
    return folder


def tell(state: EngineState, index: Path, who: Path, features: list[list[int]], report: Any = None) -> dict[str, Any]:
    values = {"index": str(index), "language_model": str(who), "features": features}
    return run_job("features_tell", state, report, **WHERE, **values)


def record(index: Path, feature: list[int]) -> dict[str, Any]:
    found = Labels(open_index(index)).automatic(*feature)
    assert found is not None
    return found


def test_what_it_says_wins_or_loses_by_its_score_and_all_rules_stay(
    state: EngineState, index: Path, tmp_path: Path
) -> None:
    before = {tuple(feature): record(index, feature) for feature in (MAINE, TEXAS)}
    answer = tell(state, index, speller(tmp_path / "speller", "Maine"), [MAINE, TEXAS, MAINE])
    assert answer == {"asked": 2, "best": 1, "language_model": "speller"}
    won, lost = record(index, MAINE), record(index, TEXAS)
    assert won["text"] == "Maine"
    assert won["rules"][0]["kind"] == "model"
    assert won["rules"][0]["precision"] > max(rule["precision"] for rule in before[tuple(MAINE)]["rules"][:-1])
    assert won["rules"][0]["evidence"].startswith("by “speller” from ")
    assert lost["text"] == before[tuple(TEXAS)]["text"]
    assert lost["rules"][0] == before[tuple(TEXAS)]["rules"][0]
    for feature, found in ((MAINE, won), (TEXAS, lost)):
        others = [rule for rule in found["rules"] if rule["kind"] != "model"]
        assert others == before[tuple(feature)]["rules"]
        assert len(others) == len(found["rules"]) - 1
        assert found["tags"] == before[tuple(feature)]["tags"]


@pytest.mark.slow
def test_another_model_takes_the_place_of_the_first_and_the_users_own_label_wins(
    state: EngineState, index: Path, tmp_path: Path
) -> None:
    before = record(index, MAINE)
    others = Labels(open_index(index)).records(1)
    tell(state, index, speller(tmp_path / "first", "Maine"), [MAINE])
    tell(state, index, speller(tmp_path / "second", "Idaho"), [MAINE])
    after = record(index, MAINE)
    assert after["text"] == before["text"]
    assert [rule["words"] for rule in after["rules"] if rule["kind"] == "model"] == ["Idaho"]
    changed = [at for at, one in enumerate(Labels(open_index(index)).records(1)) if one != others[at]]
    assert len(changed) == 1
    labels = Labels(open_index(index))
    labels.keep(OWN, {"1:387": "mine"})
    found = labels.record(*MAINE)
    assert found is not None
    assert (found["text"], found["source"], found["auto"]) == ("mine", "own", before["text"])


def test_what_was_answered_before_a_stop_is_kept(index: Path, tmp_path: Path) -> None:
    before, seen = record(index, [1, 696]), list[Progress]()

    def report(progress: Progress) -> None:
        seen.append(progress)
        if progress.done == 1:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        tell(EngineState(), index, speller(tmp_path / "speller", "Maine"), [MAINE, [1, 696]], report)
    assert seen[-1].text == "Asking “speller” about layer 1"
    assert (seen[-1].done, seen[-1].total) == (1, 2)
    assert record(index, MAINE)["text"] == "Maine"
    assert record(index, [1, 696]) == before


def test_what_cannot_be_asked_is_one_sentence(state: EngineState, index: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="There is no folder or file"):
        tell(state, index, tmp_path / "nowhere", [MAINE])
    with pytest.raises(PromptError, match="takes 200 tokens, too few for the question"):
        tell(state, index, speller(tmp_path / "short", "Maine", context=200), [MAINE])
    with pytest.raises(PromptError, match="has no tokenizer files"):
        tell(state, index, tiny_models.saved("llama"), [MAINE])
    with pytest.raises(GraphError, match="has layers 0 to 2"):
        tell(state, index, tmp_path, [[9, 1]])
    shutil.copytree(transcoder_folder(SAMPLE).parent / "features-clt", tmp_path / "other")
    with pytest.raises(LoadError, match="was made with other transcoders"):
        tell(state, tmp_path / "other", tmp_path, [MAINE])
