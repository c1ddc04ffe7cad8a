"""EngineClient: the window's end of the engine.

It knows no Qt. ``on_event`` is called on a thread of the client, one event at a time and in order. A
bridge to Qt is a QObject with a ``Signal(object)`` that passes ``signal.emit`` as ``on_event``: Qt
queues a signal emitted on another thread to the receiver's own, so slots run on the window's thread.
The bridge does nothing else there: what ``on_event`` takes, the next event waits; if it raises, the
engine is given up. No event comes after ``close`` has returned.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from explorer.engine.child import Child
from explorer.engine.command import default_command
from explorer.engine.events import Event
from explorer.engine.log import default_log
from explorer.engine.protocol import Message
from explorer.engine.values import pack
from explorer.errors import EngineError


class EngineClient:
    """Asks an engine process for jobs and tells what became of them.

    Every request ends in exactly one event: Result, Failed, Superseded or CancelledEvent. A death is
    told once, as Died, after Failed for each request it took along. All methods may be called from any
    thread; none waits for the engine except ``restart`` (for its end) and ``close`` (a second at most
    for it to leave, then it is killed).
    """

    def __init__(
        self, command: Sequence[str] | None, log: Path | None, on_event: Callable[[Event], None]
    ) -> None:
        self._command = list(command) if command else default_command()
        self._log = log or default_log()
        self._on_event = on_event
        self._ids = itertools.count(1)
        self._lock = threading.RLock()
        self._child: Child | None = None
        self._closed = False

    @property
    def alive(self) -> bool:
        """Whether requests are taken. Started tells when the first is answered."""
        child = self._child
        return child is not None and child.alive

    @property
    def log(self) -> Path:
        return self._log

    @property
    def pid(self) -> int:
        """The process id of the engine, dead or alive; 0 before the first start."""
        child = self._child
        return 0 if child is None else child.pid

    def use(self, command: Sequence[str]) -> None:
        """Start ``command`` from the next start on; empty: our own."""
        self._command = list(command) or default_command()

    def start(self) -> None:
        """Start the engine if it is not running. Raises EngineError if it cannot be started."""
        with self._lock:
            if not self.alive and not self._closed:
                self._child = Child(self._command, self._log, self._on_event)

    def request(self, job: str, lane: str, **values: object) -> int:
        """Ask for a job; returns the id its events carry.

        A newer request of the same lane supersedes this one; lane ``""`` is never superseded. Arrays
        among ``values`` must not change until it is answered. Raises EngineError if no engine runs.
        """
        packed, arrays = pack(values)
        child = self._child
        if child is None:
            raise EngineError("The engine is not running: start it again.")
        id = next(self._ids)
        head = {"do": "run", "id": id, "job": job, "lane": lane, "values": packed}
        child.ask(id, job, Message(head, arrays))
        return id

    def cancel(self, id: int) -> None:
        """Stop that request at its next step; no matter if it is answered already."""
        if (child := self._child) is not None:
            child.tell(Message({"do": "cancel", "id": id}))

    def restart(self) -> None:
        """Kill the engine if it runs and start another; what was under way is told Failed."""
        with self._lock:
            if self._child is not None:
                self._child.end("The engine was started again before this was done.")
                self._child = None
            self.start()

    def close(self) -> None:
        """End the engine and tell nothing more."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.end()
