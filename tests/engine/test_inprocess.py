from __future__ import annotations

import numpy as np
import pytest

from explorer.engine.inprocess import run_job
from explorer.engine.jobs import JOBS
from explorer.engine.state import EngineState
from explorer.errors import EngineError, LoadError
from explorer.work import Progress
from tests.engine import jobs_for_tests
from tests.engine.conftest import Engine


@pytest.fixture(autouse=True)
def own_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, place in jobs_for_tests.JOBS.items():
        monkeypatch.setitem(JOBS, name, place)


def test_both_forms_give_the_same_result(engine: Engine) -> None:
    values = {"name": "a", "pair": (1, np.float32(0.5)), "graph": {"row": np.arange(3)}}
    here, there = run_job("echo", EngineState(), **values), engine.result("echo", **values)
    np.testing.assert_array_equal(here.pop("graph")["row"], there.pop("graph")["row"])
    assert here == there == {"name": "a", "pair": [1, 0.5]}


def test_progress_is_reported_and_may_interrupt() -> None:
    state = EngineState()
    told: list[Progress] = []

    def report(progress: Progress) -> None:
        told.append(progress)
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job("steps", state, report, mark="it", seconds=0.0)
    assert [progress.done for progress in told] == [0, 1, 2, 3]
    assert state.models == {"closed it": True}


def test_errors_are_raised_as_they_are() -> None:
    with pytest.raises(LoadError, match="“here” is not a model"):
        run_job("foreseen", EngineState(), path="here")
    with pytest.raises(ZeroDivisionError):
        run_job("bug", EngineState())
    with pytest.raises(EngineError, match="knows no job"):
        run_job("nothing", EngineState())


def test_jobs_share_the_state_they_are_given() -> None:
    assert run_job("remember", EngineState(models={"a": 1})) == {"models": ["a"]}
