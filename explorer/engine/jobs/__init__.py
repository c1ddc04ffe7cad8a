"""The table of jobs, and how one is found.

A job is a function ``job(state: EngineState, **request) -> Work[Mapping[str, object]]``: a generator of
Progress. It takes and returns what may cross (see engine/values.py). Two ways to end early:

- it is closed at its next ``yield`` when it is cancelled or superseded; nothing is kept;
- it asks ``state.should_stop()`` itself, inside long steps, and either calls
  ``state.raise_if_stopped()`` or returns what it has so far, which then reaches the window as a
  Result whose ``stopped`` is True.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from explorer.errors import EngineError
from explorer.work import Work

Job = Callable[..., Work[Mapping[str, object]]]

# Modules are imported when their job is first asked for, so the engine starts at once. The table stays
# a literal: explorer.spec reads its values, because PyInstaller cannot see imports by name.
JOBS: dict[str, str] = {
    "hello": "explorer.engine.machine:hello",
    "warm": "explorer.engine.machine:warm",
    "open": "explorer.engine.jobs.opening:open_model",
    "tokenize": "explorer.engine.jobs.opening:tokenize",
    "fit": "explorer.engine.jobs.fitting:fit",
    "attribute": "explorer.engine.jobs.attributing:attribute",
    "check": "explorer.engine.jobs.checking:check",
    "intervene": "explorer.engine.jobs.intervening:intervene",
    "generate": "explorer.engine.jobs.intervening:generate",
    "lens": "explorer.engine.jobs.lens:lens",
    "logit_attribution": "explorer.engine.jobs.lens:logit_attribution",
    "head_scores": "explorer.engine.jobs.lens:head_scores",
    "patching": "explorer.engine.jobs.lens:patching",
    "features_build": "explorer.engine.jobs.features:features_build",
    "features_label": "explorer.engine.jobs.labelling:features_label",
    "features_tell": "explorer.engine.jobs.telling:features_tell",
    "feature": "explorer.engine.jobs.one_feature:feature",
    "dose": "explorer.engine.jobs.dosing:dose",
    "sweep": "explorer.engine.jobs.sweeping:sweep",
    "validate": "explorer.engine.jobs.validating:validate",
}


def find(name: str, jobs: Mapping[str, str] = JOBS) -> Job:
    """The job of that name."""
    if name not in jobs:
        raise EngineError(f"The engine knows no job “{name}”: window and engine are of different versions.")
    module, function = jobs[name].split(":")
    job: Job = getattr(import_module(module), function)
    return job
