"""Jobs run in this process: the form that the command line and tests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.engine.jobs import find
from explorer.engine.state import EngineState
from explorer.engine.values import plain
from explorer.work import Progress, run


def run_job(
    name: str, state: EngineState, report: Callable[[Progress], None] | None = None, /, **values: object
) -> dict[str, Any]:
    """The result of a job, as the window would get it from the engine process.

    Errors are raised as they are. Whatever interrupts it (Ctrl-C, ``report`` raising) closes the job.
    """
    result: dict[str, Any] = plain(run(find(name)(state, **plain(values)), report))
    return result
