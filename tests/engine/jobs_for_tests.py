"""Small jobs with which the tests exercise the engine; the engine under test is given this table."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.engine.jobs import JOBS as SHIPPED
from explorer.engine.jobs.attributing import attribute
from explorer.engine.state import EngineState
from explorer.errors import LoadError, Unsaid
from explorer.work import Progress, Work

NAMES = (
    "echo", "steps", "stuck", "patient", "partial", "remember", "prints", "foreseen", "unsaid", "bug", "hungry",
    "unsendable", "loaded", "fast", "quits", "scribbles", "growing",
)  # fmt: skip
JOBS = {**SHIPPED, **{name: f"tests.engine.jobs_for_tests:{name}" for name in NAMES}}

Values = Mapping[str, object]


def echo(state: EngineState, **values: object) -> Work[Values]:
    """What it was given."""
    yield Progress(0, 1, "Echoing")
    return values


def steps(state: EngineState, mark: str = "", count: int = 10_000, seconds: float = 0.01) -> Work[Values]:
    """Many short steps; in ``state`` stays what was closed before its end."""
    try:
        for done in range(count):
            yield Progress(done, count, f"Step {done}")
            time.sleep(seconds)
    except GeneratorExit:
        state.models[f"closed {mark}"] = True
        raise
    return {"mark": mark}


def stuck(state: EngineState) -> Work[Values]:
    """One step that never ends and asks nothing."""
    yield Progress(0, 1, "Stuck")
    time.sleep(600)
    return {}


def patient(state: EngineState) -> Work[Values]:
    """One endless step that asks whether to stop."""
    yield Progress(0, 1, "Long step")
    while True:
        state.raise_if_stopped()
        time.sleep(0.005)


def partial(state: EngineState) -> Work[Values]:
    """Returns the part it has when it is asked to stop."""
    yield Progress(0, 0, "Counting")
    done = 0
    while not state.should_stop():
        done += 1
        time.sleep(0.005)
    return {"done": done, "complete": False}


def growing(state: EngineState, count: int, seconds: float) -> Work[Values]:
    """Many short steps after each of which there is a part of the result; tells how often it was asked for it."""
    asked = []

    def so_far(done: int) -> Values:
        asked.append(done)
        return {"numbers": np.arange(done)}

    for done in range(count):
        yield Progress(done, count, f"Step {done}", lambda done=done: so_far(done))  # type: ignore[misc]
        time.sleep(seconds)
    return {"numbers": np.arange(count), "asked": len(asked)}


def slow_attribute(state: EngineState, **values: Any) -> Work[Values]:
    """The real job in small chunks, a tenth of a second slower in each step; it can be stopped in between."""
    from explorer.circuits import attribution

    attribution.attribute.__kwdefaults__["chunk_rows"] = 20
    work = attribute(state, **values)
    try:
        while True:
            yield next(work)
            for _ in range(10):
                state.raise_if_stopped()
                time.sleep(0.01)
    except StopIteration as stop:
        made: Values = stop.value
        return made
    finally:
        work.close()


def remember(state: EngineState) -> Work[Values]:
    """What ``state`` holds."""
    yield Progress(0, 1, "Remembering")
    return {"models": sorted(state.models)}


def prints(state: EngineState) -> Work[Values]:
    """Writes to standard output in every way a library can, and reads from standard input."""
    yield Progress(0, 1, "Printing")
    print("printed by Python")  # noqa: T201
    os.write(1, b"written to descriptor 1\n")
    ctypes.CDLL(None).puts(b"put by C")
    ctypes.CDLL(None).fflush(None)
    subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
    print("warned by Python", file=sys.stderr)  # noqa: T201
    return {"read": sys.stdin.read()}


def foreseen(state: EngineState, path: str) -> Work[Values]:
    """Fails in a foreseen way."""
    yield Progress(0, 1, "Reading")
    raise LoadError(f"“{path}” is not a model: it has no config.json.")


def unsaid(state: EngineState, path: str) -> Work[Values]:
    """Finds that a file does not say something."""
    yield Progress(0, 1, "Reading")
    raise Unsaid(path, "kind", "which it is", ("one", "other"))


def bug(state: EngineState) -> Work[Values]:
    """Fails in an unforeseen way."""
    yield Progress(0, 1, "Dividing")
    return {"quotient": 1 / 0}


def hungry(state: EngineState) -> Work[Values]:
    """Asks for more memory than there is."""
    yield Progress(0, 1, "Allocating")
    return {"zeros": np.zeros(1 << 60, np.uint8)}


def unsendable(state: EngineState) -> Work[Values]:
    """Returns what cannot cross."""
    yield Progress(0, 1, "Returning")
    return {"state": state}


def loaded(state: EngineState) -> Work[Values]:
    """Which heavy packages are imported."""
    yield Progress(0, 1, "Looking")
    return {"heavy": [name for name in ("torch", "transformers", "PySide6") if name in sys.modules]}


def fast(state: EngineState, count: int) -> Work[Values]:
    """Thousands of steps in no time, then a long step with a text of its own."""
    for done in range(count):
        yield Progress(done, count, f"Fast {done}")
    yield Progress(0, 1, "Long")
    time.sleep(0.3)
    return {}


def quits(state: EngineState, code: int) -> Work[Values]:
    """Ends the process from within."""
    yield Progress(0, 1, "Quitting")
    os.write(2, b"these were its last words\n")
    os._exit(code)


def scribbles(state: EngineState) -> Work[Values]:
    """Writes rubbish into the protocol's own stream, as nothing should."""
    yield Progress(0, 1, "Scribbling")
    for descriptor in range(3, 10):
        try:
            os.write(descriptor, b"rubbish " * 100)
        except OSError:
            continue
    return {}
