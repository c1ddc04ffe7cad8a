"""The job that sweeps layers: constrained interventions with ever more MLPs held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.engine.jobs.dosing import Dose, points_of
from explorer.engine.jobs.intervening import divergence
from explorer.engine.jobs.opening import stopping
from explorer.engine.jobs.subjects import asked
from explorer.engine.state import EngineState
from explorer.work import Progress, Work


def sweep(state: EngineState, *, at: int = -1, top: int = 10, **what: Any) -> Work[Mapping[str, object]]:
    """``points`` as of a dose-response, whose ``value`` is the last layer of which the MLP is held.

    The first is the lowest layer that is changed (circuits.intervening.sweep_layers). ``what`` is as for intervene; its
    mode is not used.
    """
    from explorer.circuits.intervening import sweep_layers

    wanted = yield from asked(state, **what)
    yield Progress(0, 0, "Measuring")
    with stopping(state, wanted.subject.model):
        swept = sweep_layers(wanted.subject, wanted.made, at=at, pause=state.raise_if_stopped)
    made = [
        Dose(float(last), one.now.double().cpu().softmax(-1), divergence(one.before, one.now), None)
        for last, one in swept
    ]
    return points_of(wanted.subject.model, made, top)
