"""The job sweep: constrained interventions with ever more layers held."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder

SAMPLE = SAMPLES[0]
WHERE: dict[str, Any] = {
    "model": str(model_folder(SAMPLE)),
    "transcoders": str(transcoder_folder(SAMPLE)),
    "text": SAMPLE.prompt,
    "interventions": [
        {"kind": "feature", "layer": 0, "index": 517, "pos": 10, "op": "set", "unit": "absolute", "value": 0.0}
    ],
}


def test_each_point_is_the_constrained_intervention_up_to_its_layer() -> None:
    state = EngineState()
    points = run_job("sweep", state, None, **WHERE)["points"]
    assert [point["value"] for point in points] == [0.0, 1.0, 2.0]
    for point in points[:-1]:  # all layers held are direct by name
        alone = run_job("intervene", state, None, mode="constrained", layers=[0, int(point["value"])], **WHERE)
        now = {row["token_id"]: row["now"] for row in alone["tokens"]}
        row = point["tokens"][0]
        assert row["probability"] == pytest.approx(now[row["token_id"]], abs=1e-6)
        assert point["kl"] == pytest.approx(alone["kl"], abs=1e-6)
