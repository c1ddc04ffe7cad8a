"""The attribute job: what it refuses rather than draw a wrong graph."""

from __future__ import annotations

import pytest

from explorer.circuits.replacement import LocalReplacementModel
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import UnsupportedModel
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder


def test_a_model_that_was_not_frozen_as_it_runs_gives_no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalReplacementModel, "fidelity", lambda _self: 0.01)
    where = {"model": str(model_folder(SAMPLES[0])), "transcoders": str(transcoder_folder(SAMPLES[0]))}
    with pytest.raises(UnsupportedModel, match="not frozen as it runs"):
        run_job("attribute", EngineState(), None, text="the capital of Texas is", **where)
