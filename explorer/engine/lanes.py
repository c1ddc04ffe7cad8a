"""Lanes: the engine's queue, in which the newest request of a lane wins."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True)
class Request:
    """One call of a job. A request in lane ``""`` is never superseded."""

    id: int
    job: str
    lane: str
    values: dict[str, Any] = field(default_factory=dict)


class Stop(Enum):
    """Why the running request is to stop."""

    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    CLOSED = "closed"


class Lanes:
    """Waiting requests and the running one; one thread takes, another puts, cancels and closes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, Request] = {}
        self._running: Request | None = None
        self._stop: Stop | None = None
        self._closed = False

    @property
    def stop(self) -> Stop | None:
        """Why the running request is to stop, or None if it may go on."""
        return self._stop

    def put(self, request: Request) -> Request | None:
        """Let ``request`` wait; returns the waiting one it supersedes, whose place it takes."""
        lane = request.lane or f"\0{request.id}"
        with self._changed:
            older = self._waiting.get(lane)
            self._waiting[lane] = request
            if self._running is not None and request.lane and self._running.lane == request.lane:
                self._stop = self._stop or Stop.SUPERSEDED
            self._changed.notify()
        return older

    def cancel(self, id: int) -> Request | None:
        """Stop that request if it runs; returns it if it was waiting and will now never run."""
        with self._changed:
            if self._running is not None and self._running.id == id:
                self._stop = self._stop or Stop.CANCELLED
            for lane, request in self._waiting.items():
                if request.id == id:
                    return self._waiting.pop(lane)
        return None

    def take(self) -> Request | None:
        """The next request, which runs from now to the next call; waits for one. None once closed."""
        with self._changed:
            self._running, self._stop = None, None
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            self._running = self._waiting.pop(next(iter(self._waiting)))
            return self._running

    def close(self) -> None:
        """Forget what waits, stop what runs; ``take`` returns None from now on."""
        with self._changed:
            self._closed = True
            self._stop = Stop.CLOSED
            self._changed.notify()
