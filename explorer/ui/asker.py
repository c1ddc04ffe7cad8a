"""Asker: one line of questions to the engine, of which the newest alone waits."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from explorer.engine.events import BUG, CancelledEvent, Event, Failed, Partial, Result, Superseded

BROKEN = "The engine failed on this; its log says where."


class Asker(QObject):
    """Asks for jobs in a lane: one is under way, and of those asked meanwhile the newest follows it.

    So a slider that is dragged faster than the model runs still shows how it moves. ``about`` is handed back with the
    answer.
    """

    partial = Signal(object, object)  # about, values
    answered = Signal(object, object)  # about, values
    failed = Signal(object, str)  # about, a sentence
    ended = Signal()  # nothing is under way any more

    def __init__(self, engine: Any, lane: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._lane = engine, lane
        self._request = 0
        self._about: object = None
        self._waiting: tuple[str, object, dict[str, object]] | None = None
        engine.answered.connect(self._hear)

    @property
    def is_busy(self) -> bool:
        return bool(self._request)

    @property
    def waits(self) -> bool:
        """Whether something newer than what is under way will be asked."""
        return self._waiting is not None

    def ask(self, job: str, about: object, values: dict[str, object]) -> None:
        """Ask now, or as soon as what is under way is answered."""
        if self._request:
            self._waiting = (job, about, values)
            return
        self._waiting = None
        self._about = about
        self._request = self._engine.ask_quietly(job, self._lane, **values)

    def stop(self) -> None:
        """Ask nothing more, and let what is under way stop at its next step."""
        self._waiting = None
        if self._request:
            self._engine.stop(self._request)

    def _hear(self, event: Event) -> None:
        if not self._request or getattr(event, "id", 0) != self._request:
            return
        if isinstance(event, Partial):
            self.partial.emit(self._about, event.values)
            return
        if not isinstance(event, Result | Failed | Superseded | CancelledEvent):
            return
        about, self._request = self._about, 0
        if isinstance(event, Result) and not event.stopped:
            self.answered.emit(about, event.values)
        elif isinstance(event, Failed):
            self.failed.emit(about, BROKEN if event.kind == BUG else event.error)
        if self._waiting is not None and not self._request:
            self.ask(*self._waiting)
        if not self._request:
            self.ended.emit()

