"""trial: a look at another engine before it is used: what it is, or what is wrong with it and what to do."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from explorer import __version__
from explorer.engine.child import STOPPED
from explorer.engine.client import EngineClient
from explorer.engine.command import command_of
from explorer.engine.events import Died, Event, Failed, ProgressEvent, Result, Started
from explorer.engine.log import last_line, trial_log
from explorer.errors import EngineError
from explorer.work import Pause, Progress, Work

PATIENCE = 60.0  # seconds; a cold disk takes half of them to read a torch for GPUs
TICK = 0.1  # seconds after which it is seen that the look was called off


def trial(command: str, pause: Pause, seconds: float = PATIENCE) -> Work[str]:
    """A sentence that says what the engine ``command`` is; EngineError says why it is none.

    The engine is started, asked for its versions and devices, and ended.
    """
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    client = EngineClient(command_of(command), trial_log(), heard.put)
    end = time.monotonic() + seconds
    version = ""
    try:
        client.start()
        with suppress(EngineError):  # it is gone already, which its last event tells
            client.request("warm", "")
        while True:
            pause()
            if time.monotonic() > end:
                raise EngineError(
                    f"There was no answer in {seconds:.0f} s; run the command in a terminal to see what it waits for."
                )
            with suppress(queue.Empty):
                match heard.get(timeout=TICK):
                    case Started() as started:
                        version = started.version
                    case ProgressEvent() as step:
                        yield Progress(step.done, step.total, step.text)
                    case Result() as result:
                        return found(version, result.values)
                    case Failed() as failed if failed.error != STOPPED:
                        raise EngineError(failed.error)
                    case Died() as died:
                        raise EngineError(last_words(died.reason, died.log_tail))
    finally:
        client.close()


def found(version: str, values: Mapping[str, Any]) -> str:
    """What an engine of ``version`` is that answered ``warm`` with ``values``."""
    torch = values.get("versions", {}).get("torch", "")
    devices = [f"{each['device']} {each['name']}" for each in values["devices"] if each["device"] != "cpu"]
    parts = [f"version {version}", *([f"torch {torch}"] if torch else []), *(devices or ["no GPU, CPU only"])]
    other = "" if version == __version__ else f" This window is version {__version__}; both should be the same."
    return f"That engine answers: {', '.join(parts)}.{other}"


def last_words(reason: str, log_tail: str) -> str:
    """Why a chosen engine never answered; if it ended, with the last line that it wrote."""
    if not reason.startswith("The engine stopped"):
        return reason
    how = reason.rstrip(".").replace("The engine stopped", "The chosen engine stopped before it answered")
    line = last_line(log_tail)
    return f"{how}; its last line was “{line}”." if line else f"{how}; run its command in a terminal to see why."
