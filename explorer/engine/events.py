"""Events: what the engine's client tells its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

BUG = "Bug"
OUT_OF_MEMORY = "OutOfMemory"
PREPARING = ("hello", "warm")


@dataclass(frozen=True)
class Started:
    """The engine is up and takes requests."""

    pid: int
    version: str


@dataclass(frozen=True)
class ProgressEvent:
    """A request is at ``done`` of ``total``; ``left`` in seconds, None while not known.

    ``memory`` is what the engine holds, in bytes, 0 where its system does not say.
    """

    id: int
    done: int
    total: int
    text: str
    left: float | None
    memory: int


@dataclass(frozen=True)
class Partial:
    """What the result of a request would be by now; its answer is still to come."""

    id: int
    job: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """A request is done. ``stopped``: it had been cancelled, and this is what it has to give."""

    id: int
    job: str
    values: dict[str, Any]
    stopped: bool = False


@dataclass(frozen=True)
class Failed:
    """A request failed: ``error`` is a sentence for the user, ``details`` a traceback to copy.

    ``kind`` is the name of an ExplorerError, OUT_OF_MEMORY, or BUG. ``asks`` is the question of an Unsaid: path, name,
    question and choices.
    """

    id: int
    job: str
    kind: str
    error: str
    details: str = field(default="", repr=False)
    asks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Superseded:
    """A request gave way to a newer one of its lane."""

    id: int


@dataclass(frozen=True)
class CancelledEvent:
    """A request was cancelled and leaves nothing."""

    id: int


@dataclass(frozen=True)
class Died:
    """The engine ended without being told to; every request under way has been told Failed before.

    ``reason`` is a sentence for the user, ``log_tail`` the end of what this engine wrote to its log.
    """

    returncode: int
    reason: str
    log_tail: str = field(default="", repr=False)

    @property
    def killed(self) -> bool:
        """Ended by SIGKILL (137 through a shell or ssh): on Linux most often for lack of memory."""
        return self.returncode in (-9, 137)


Event = Started | ProgressEvent | Partial | Result | Failed | Superseded | CancelledEvent | Died


@dataclass(frozen=True)
class RestartPolicy:
    """Whether to start the engine again: not after ``limit`` deaths with no result between them.

    ``on_trial`` is an engine that a person chose and that has not answered yet: it may not die once.
    """

    deaths: int = 0
    limit: int = 3
    on_trial: bool = False

    def after(self, event: Event) -> RestartPolicy:
        """The policy once ``event`` has happened.

        The results of "hello" and "warm" do not count: an engine that dies of every real job still
        answers those after each start.
        """
        if isinstance(event, Died):
            return replace(self, deaths=self.deaths + 1)
        if isinstance(event, Result):
            deaths = self.deaths if event.job in PREPARING else 0
            return replace(self, deaths=deaths, on_trial=False)
        return self

    @property
    def gives_up(self) -> bool:
        """The engine keeps failing: only the user may start it again."""
        return self.deaths >= (1 if self.on_trial else self.limit)
