"""Background: work on a thread, so that it holds no window up; it can be cancelled at each step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from explorer.errors import Cancelled, ExplorerError
from explorer.work import Pause, Progress, Work, run

Begin = Callable[[Pause], Work[Any]]


@dataclass(frozen=True, eq=False)
class _Turn:
    begin: Begin
    stop: Event = field(default_factory=Event)

    def pause(self) -> None:
        if self.stop.is_set():
            raise Cancelled("Cancelled.")


class Background(QObject):
    """The newest work wins; of work that was given up nothing is heard."""

    stepped = Signal(object)  # Progress
    done = Signal(object)  # what the work returned
    failed = Signal(object)  # what was raised; a bug is raised in the window's thread too
    _stepped = Signal(object, object)  # a turn and its Progress
    _ended = Signal(object, object)  # a turn and its result, or what was raised

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._turn: _Turn | None = None
        self._stepped.connect(self._show_step, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._show_end, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        return self._turn is not None

    def start(self, begin: Begin) -> None:
        """Do the work that ``begin`` makes of a pause, which raises Cancelled once the work is given up."""
        self.close()
        self._turn = _Turn(begin)
        Thread(target=self._run, args=(self._turn,), name=self._name).start()

    def close(self) -> None:
        """Give the work up; its thread ends at its next step."""
        if self._turn is not None:
            self._turn.stop.set()
            self._turn = None

    def _run(self, turn: _Turn) -> None:
        def report(progress: Progress) -> None:
            turn.pause()
            self._stepped.emit(turn, progress)

        found: Any
        try:
            found = run(turn.begin(turn.pause), report)
        except Exception as error:  # noqa: BLE001 - a bug, too, is told by the window's thread
            found = error
        if not turn.stop.is_set():
            with suppress(RuntimeError):  # the window that asked is gone
                self._ended.emit(turn, found)

    def _show_step(self, turn: _Turn, step: Progress) -> None:
        if turn is self._turn:
            self.stepped.emit(step)

    def _show_end(self, turn: _Turn, found: Any) -> None:
        if turn is not self._turn:
            return
        self._turn = None
        if not isinstance(found, Exception):
            self.done.emit(found)
            return
        self.failed.emit(found)
        if not isinstance(found, ExplorerError):
            raise found
