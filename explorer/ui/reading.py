"""GraphReader: looks into files and folders and reads graphs on a thread, so that large ones hold no window up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from explorer.errors import Cancelled, ExplorerError
from explorer.io import graphs
from explorer.io.descriptions import Description
from explorer.io.graph_json_story import OnlyAStory
from explorer.io.inspect import describe
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
    """``whole``: the graph is read, else what the path is."""

    path: Path
    whole: bool
    stop: Event = field(default_factory=Event)

    def pause(self) -> None:
        if self.stop.is_set():
            raise Cancelled("Cancelled.")


class GraphReader(QObject):
    """The newest file wins. The signals of ``engine`` tell of a job called "read", as of those that it computes."""

    opened = Signal(object)  # Opened
    described = Signal(object)  # Description
    held_a_story = Signal(object, object)  # the path of a saved subgraph, and the OnlyAStory that says so
    idle = Signal()  # after what was read has been taken
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
        self._begin(_Turn(path, whole=True))

    def describe(self, path: Path) -> None:
        """Find out what ``path`` is; ``described`` brings it."""
        self._begin(_Turn(path, whole=False))

    def _begin(self, turn: _Turn) -> None:
        self.cancel()
        self._turn = turn
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

        found: Opened | Description | Exception
        try:
            if turn.whole:
                found = Opened(turn.path, look(*run(graphs.reading(turn.path, turn.pause), report)))
            else:
                report(Progress(0, 0, f"Looking into “{turn.path.name}”"))
                found = describe(turn.path, turn.pause)
        except Exception as error:  # noqa: BLE001 - a bug, too, is told by the window's thread
            found = error
        if not turn.stop.is_set():
            self._ended.emit(turn, found)

    def _show_step(self, turn: _Turn, step: Progress) -> None:
        if turn is self._turn:
            self._engine.progress.emit(READ, step.done, step.total, step.text, -1.0)

    def _show_end(self, turn: _Turn, found: Opened | Description | Exception) -> None:
        if turn is not self._turn:
            return
        self._turn = None
        if isinstance(found, ExplorerError) and not isinstance(found, OnlyAStory):
            self._engine.job_failed.emit(READ, str(found), repr(found))
            self.idle.emit()
            return
        self._engine.job_finished.emit(READ)
        if isinstance(found, OnlyAStory):
            self.held_a_story.emit(turn.path, found)
        elif isinstance(found, Exception):
            raise found
        elif isinstance(found, Opened):
            self.opened.emit(found)
        else:
            self.described.emit(found)
        self.idle.emit()
