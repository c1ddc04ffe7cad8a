"""Progress on its way to the window: at most 20 reports a second, with the time left; how often a partial result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from explorer.work import Progress

INTERVAL = 0.05
WORTH = 1.0  # seconds that a job must still need for a partial result to be worth while
BETWEEN = 0.3  # seconds between two of them, and
BY_COST = 50  # this many times what the last one took, and
BY_AGE = 0.15  # this part of the time since the job began


class Forecast:
    """Seconds a job still needs, from its own mean rate since its present phase began.

    A phase begins where ``total`` changes or ``done`` goes back.
    """

    def __init__(self) -> None:
        self._total = -1
        self._first = (0, 0.0)
        self._last = 0

    def left(self, progress: Progress, now: float) -> float | None:
        """Seconds left, or None while nothing can be said."""
        if progress.total != self._total or progress.done < self._last:
            self._total, self._first = progress.total, (progress.done, now)
        self._last = progress.done
        done, since = self._first
        if progress.total <= 0 or progress.done <= done:
            return None
        return (now - since) / (progress.done - done) * max(0, progress.total - progress.done)


class Pace:
    """When a partial result may be made: early, ever less often, and never for a job that is nearly done."""

    def __init__(self, now: float) -> None:
        self._began = self._next = now

    def allows(self, now: float, left: float | None) -> bool:
        """Whether to make one at ``now``, with ``left`` seconds to go (None: not known)."""
        return now >= self._next and left is not None and left >= WORTH

    def took(self, start: float, end: float) -> None:
        """One was made between ``start`` and ``end``."""
        self._next = end + max(BETWEEN, BY_COST * (end - start), BY_AGE * (end - self._began))


class Reporter:
    """Sends a job's newest Progress at most every ``INTERVAL``, from a thread of its own.

    The thread is what lets the last report before a long step arrive, however quickly it followed on
    another one. ``send`` gets the request's id, the progress and the seconds left.
    """

    def __init__(self, send: Callable[[int, Progress, float | None], None]) -> None:
        self._send = send
        self._changed = threading.Condition()
        self._id = 0
        self._forecast = Forecast()
        self._newest: tuple[Progress, float | None] | None = None
        threading.Thread(target=self._run, name="progress", daemon=True).start()

    def begin(self, id: int) -> None:
        """What is put from now on belongs to the request ``id``."""
        self._id, self._forecast = id, Forecast()

    def put(self, progress: Progress) -> float | None:
        """Let the window see ``progress``, or a newer one, soon; returns the seconds left."""
        left = self._forecast.left(progress, time.monotonic())
        with self._changed:
            self._newest = (progress, left)
            self._changed.notify()
        return left

    def end(self) -> None:
        """Drop what was not sent; nothing of the request is sent after this returns."""
        with self._changed:
            self._newest = None

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._newest is None:
                    self._changed.wait()
                (progress, left), self._newest = self._newest, None
                self._send(self._id, progress, left)
            time.sleep(INTERVAL)
