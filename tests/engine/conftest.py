"""A real engine process with the jobs of the tests, and what it told."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import pytest

from explorer.engine.client import EngineClient
from explorer.engine.events import CancelledEvent, Event, Failed, ProgressEvent, Result, Started, Superseded

PROGRAM = "from explorer.engine.server import main; from tests.engine.jobs_for_tests import JOBS; main(JOBS)"
COMMAND = [sys.executable, "-c", PROGRAM]
TIMEOUT = 30.0

E = TypeVar("E", bound=Event)
Answer = Result | Failed | Superseded | CancelledEvent


class Heard:
    """Every event in order; waits for those that have not come."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def hear(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def first(self, kind: type[E], fits: Callable[[E], bool] = lambda event: True, after: int = 0) -> E:
        """The first event of ``kind`` that fits, from number ``after`` on."""

        def found() -> E | None:
            return next((e for e in self.events[after:] if isinstance(e, kind) and fits(e)), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, TIMEOUT), self.events
            event = found()
        assert event is not None
        return event

    def all(self, kind: type[E]) -> list[E]:
        with self._changed:
            return [event for event in self.events if isinstance(event, kind)]

    def answers(self, id: int) -> list[Answer]:
        return [event for kind in Answer.__args__ for event in self.all(kind) if event.id == id]

    def answer(self, id: int) -> Answer:
        """The one answer to a request."""

        def answered() -> bool:
            return any(isinstance(event, Answer) and event.id == id for event in self.events)

        with self._changed:
            assert self._changed.wait_for(answered, TIMEOUT), self.events
        (answer,) = self.answers(id)
        return answer

    def running(self, id: int) -> None:
        """Wait until the request has told progress."""
        self.first(ProgressEvent, lambda event: event.id == id)


class Engine(EngineClient):
    """A client that keeps what it heard and can wait for a result."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.heard = Heard()
        super().__init__(command, log, self.heard.hear)

    def result(self, job: str, **values: object) -> dict[str, object]:
        answer = self.heard.answer(self.request(job, "", **values))
        assert isinstance(answer, Result), answer
        return answer.values


@pytest.fixture
def idle(tmp_path: Path) -> Generator[Engine]:
    """An engine that is not started yet."""
    engine = Engine(COMMAND, tmp_path / "logs" / "engine.log")
    yield engine
    engine.close()


@pytest.fixture
def engine(idle: Engine) -> Engine:
    idle.start()
    idle.heard.first(Started)
    return idle
