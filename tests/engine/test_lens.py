"""The jobs that look into a model without transcoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import GraphError, PromptError
from explorer.io.samples import SAMPLES, model_folder

SAMPLE = SAMPLES[0]
STATE = EngineState()


def asked(job: str, **values: Any) -> dict[str, Any]:
    return run_job(job, STATE, None, model=str(model_folder(SAMPLE)), **values)


def test_the_lens_ends_at_the_models_answer_and_shows_where_heads_look() -> None:
    found = asked("lens", text=SAMPLE.prompt, patterns=True)
    assert found["tokens"][-2:] == ["Dallas", "is"]
    assert found["top_texts"][-1][-1][0] == "Austin"
    assert found["probability"][-1, -1, 0] > 0.9
    assert found["top_ids"].shape == found["probability"].shape == (4, 11, 3)
    assert found["pattern"].shape == (3, 4, 11, 11)
    np.testing.assert_allclose(found["pattern"].sum(-1), 1, atol=1e-5)


def test_the_parts_of_a_lead_sum_to_it() -> None:
    found = asked("logit_attribution", text=SAMPLE.prompt, rival="Sacramento")
    assert (found["token_text"], found["rival_text"]) == ("Austin", "Sacramento")
    parts = found["embedding"] + found["position"] + found["constant"] + found["heads"].sum() + found["mlps"].sum()
    assert parts == pytest.approx(found["logit"], rel=1e-5)
    named = asked("logit_attribution", text=SAMPLE.prompt, token="Austin", rival="Sacramento")
    assert named["logit"] == found["logit"]
    assert asked("logit_attribution", text=SAMPLE.prompt)["rival_text"] == ""


def test_a_token_that_is_none_is_named() -> None:
    with pytest.raises(PromptError, match="is not one token"):
        asked("logit_attribution", text=SAMPLE.prompt, token="Austin Texas")


def test_every_head_has_three_scores() -> None:
    found = asked("head_scores")
    for name in ("previous", "induction", "copying"):
        assert found[name].shape == (3, 4)
        assert np.abs(found[name]).max() <= 1
    assert found["period"] == 24


@pytest.mark.slow
def test_the_city_passes_at_its_token_and_then_at_the_end() -> None:
    other = {"text": SAMPLE.prompt.replace("Dallas", "Oakland")}
    found = asked("patching", text=SAMPLE.prompt, other=other)
    assert (found["answer_text"], found["rival_text"]) == ("Austin", "Sacramento")
    assert found["stream"][0, -2] == pytest.approx(1, abs=1e-4)
    assert found["stream"][-1, -1] == pytest.approx(1, abs=1e-4)
    assert found["clean"] > 0 > found["corrupted"]


def test_prompts_of_other_lengths_are_refused() -> None:
    with pytest.raises(GraphError, match="choose two with equally many"):
        asked("patching", text=SAMPLE.prompt, other={"text": "Dallas is"})
