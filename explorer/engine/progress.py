"""Progress on its way to the window: at most 20 reports a second, with the time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from explorer.work import Progress

INTERVAL = 0.05


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

    def put(self, progress: Progress) -> None:
        """Let the window see ``progress``, or a newer one, soon."""
        left = self._forecast.left(progress, time.monotonic())
        with self._changed:
            self._newest = (progress, left)
            self._changed.notify()

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
