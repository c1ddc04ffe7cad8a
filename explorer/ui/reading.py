"""GraphReader: reads graphs on a thread of its own, so that a large file does not hold the window up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from explorer.errors import Cancelled, ExplorerError
from explorer.io import graphs
from explorer.session.look import Look, look
from explorer.work import Progress, run

READ = "read"


@dataclass(frozen=True, eq=False)
class Opened:
    """What was read from ``path``; the edits are those of the look."""

    path: Path
    seen: Look


@dataclass(frozen=True, eq=False)
class _Turn:
    path: Path
    stop: Event = field(default_factory=Event)

    def pause(self) -> None:
        if self.stop.is_set():
            raise Cancelled("Cancelled.")


class GraphReader(QObject):
    """The newest file wins. The signals of ``engine`` tell of a job called "read", as of those that it computes."""

    opened = Signal(object)  # Opened
    _stepped = Signal(object, object)  # a turn and its Progress
    _ended = Signal(object, object)  # a turn and its Opened, or what was raised

    def __init__(self, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._turn: _Turn | None = None
        self._stepped.connect(self._show_step, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._show_end, Qt.ConnectionType.QueuedConnection)

    @property
    def job(self) -> str:
        """"read" while a file is read, else an empty text."""
        return READ if self._turn is not None else ""

    def read(self, path: Path) -> None:
        """Read the graph in ``path``; ``opened`` brings it."""
        self.cancel()
        self._turn = _Turn(path)
        Thread(target=self._run, args=(self._turn,), name="read").start()
        self._engine.job_started.emit(READ)

    def cancel(self) -> None:
        """Stop reading: nothing comes of it from now on, the thread ends at its next step."""
        if self._turn is not None:
            self.close()
            self._engine.job_cancelled.emit(READ)

    def close(self) -> None:
        """Stop reading; nothing is emitted afterwards."""
        if self._turn is not None:
            self._turn.stop.set()
            self._turn = None

    def _run(self, turn: _Turn) -> None:
        def report(progress: Progress) -> None:
            turn.pause()
            self._stepped.emit(turn, progress)

        found: Opened | Exception
        try:
            found = Opened(turn.path, look(*run(graphs.reading(turn.path, turn.pause), report)))
        except Exception as error:  # noqa: BLE001 - a bug, too, is told by the window's thread
            found = error
        if not turn.stop.is_set():
            self._ended.emit(turn, found)

    def _show_step(self, turn: _Turn, step: Progress) -> None:
        if turn is self._turn:
            self._engine.progress.emit(READ, step.done, step.total, step.text, -1.0)

    def _show_end(self, turn: _Turn, found: Opened | Exception) -> None:
        if turn is not self._turn:
            return
        self._turn = None
        if isinstance(found, ExplorerError):
            self._engine.job_failed.emit(READ, str(found), repr(found))
            return
        self._engine.job_finished.emit(READ)
        if isinstance(found, Exception):
            raise found
        self.opened.emit(found)
