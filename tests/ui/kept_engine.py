"""Kept: warm engine processes that tests lend each other, for to start one takes seconds of importing torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from explorer import __version__
from explorer.engine.child import Child
from explorer.engine.events import Event, Started
from explorer.engine.protocol import Message
from tests.leaks import KEPT_PROCESSES

PATIENCE = 60.0  # seconds until an engine that is given back has answered what it was asked


class Kept:
    """Stands for ``Child``: an engine that is closed while it is well is handed to the next that starts its command."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, ...], LentChild] = {}

    def __call__(self, command: list[str], log: Path, on_event: Callable[[Event], None]) -> Child:
        idle = self._idle.pop(tuple(command), None)
        if idle is not None and idle.alive:
            idle.lend(on_event)
            return idle
        return LentChild(self, command, log, on_event)

    def take_back(self, child: LentChild) -> bool:
        """Keep ``child`` if it is well and the only one of its command; whether it is kept."""
        if child.command in self._idle or not child.is_well():
            return False
        self._idle[child.command] = child
        KEPT_PROCESSES.add(child.pid)
        return True

    def close(self) -> None:
        """End the engines that are kept."""
        for child in self._idle.values():
            Child.end(child)


class LentChild(Child):
    """An engine process that goes back to ``kept`` when its client closes."""

    def __init__(self, kept: Kept, command: list[str], log: Path, on_event: Callable[[Event], None]) -> None:
        self.command = tuple(command)
        self._kept = kept
        super().__init__(command, log, on_event)

    def lend(self, on_event: Callable[[Event], None]) -> None:
        """Let another client hear it, as if it had just started."""
        self._on_event = on_event
        on_event(Started(self.pid, __version__))

    def is_well(self) -> bool:
        """Whether it is done with all that it was asked, once it is told to leave that."""
        if not self._heard:
            return False
        self._on_event = lambda event: None
        for id in list(self._jobs):
            self.tell(Message({"do": "cancel", "id": id}))
        end = time.monotonic() + PATIENCE
        while self._jobs and self.alive and time.monotonic() < end:
            time.sleep(0.01)
        return self.alive and not self._jobs

    def end(self, why: str = "") -> None:
        if why or not self._kept.take_back(self):
            super().end(why)
