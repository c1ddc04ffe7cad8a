from __future__ import annotations

import inspect

import pytest

from explorer.engine.jobs import JOBS, find


@pytest.mark.parametrize("name", JOBS)
def test_every_job_is_there_and_takes_the_state_first(name: str) -> None:
    job = find(name)
    assert inspect.isgeneratorfunction(job)
    assert next(iter(inspect.signature(job).parameters)) == "state"
    assert job.__doc__
