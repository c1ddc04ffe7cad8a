"""GraphReader: looks into files and folders and reads graphs on a thread, so that large ones hold no window up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from explorer.errors import ExplorerError
from explorer.io import graphs
from explorer.session.look import Look, look
from explorer.ui.background import Background
from explorer.work import Pause, Progress, Work

if TYPE_CHECKING:
    from explorer.io.descriptions import Description

READ = "read"


@dataclass(frozen=True, eq=False)
class Opened:
    """What was read from ``path``; the edits are those of the look."""

    path: Path
    seen: Look


class GraphReader(QObject):
    """The newest file wins. The signals of ``engine`` tell of a job called "read", as of those that it computes."""

    opened = Signal(object)  # Opened
    described = Signal(object)  # Description
    held_a_story = Signal(object, object)  # the path of a saved subgraph, and the OnlyAStory that says so
    idle = Signal()  # after what was read has been taken

    def __init__(self, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._path = Path()
        self._work = Background(READ, self)
        self._work.stepped.connect(self._show_step)
        self._work.done.connect(self._take)
        self._work.failed.connect(self._fail)

    @property
    def job(self) -> str:
        """"read" while a file is read, else an empty text."""
        return READ if self._work.is_busy else ""

    def read(self, path: Path) -> None:
        """Read the graph in ``path``; ``opened`` brings it."""
        self._begin(path, _opening)

    def describe(self, path: Path) -> None:
        """Find out what ``path`` is; ``described`` brings it."""
        self._begin(path, _looking)

    def _begin(self, path: Path, work: Callable[[Path, Pause], Work[Any]]) -> None:
        self.cancel()
        self._path = path
        self._work.start(partial(work, path))
        self._engine.job_started.emit(READ)

    def cancel(self) -> None:
        """Stop reading: nothing comes of it from now on, the thread ends at its next step."""
        if self._work.is_busy:
            self.close()
            self._engine.job_cancelled.emit(READ)

    def close(self) -> None:
        """Stop reading; nothing is emitted afterwards."""
        self._work.close()

    def _show_step(self, step: Progress) -> None:
        self._engine.progress.emit(READ, step.done, step.total, step.text, -1.0)

    def _take(self, found: Opened | Description) -> None:
        self._engine.job_finished.emit(READ)
        if isinstance(found, Opened):
            self.opened.emit(found)
        else:
            self.described.emit(found)
        self.idle.emit()

    def _fail(self, error: Exception) -> None:
        from explorer.io.graph_json_story import OnlyAStory

        if isinstance(error, OnlyAStory):
            path = self._path
            self._engine.job_finished.emit(READ)
            self.held_a_story.emit(path, error)
        elif isinstance(error, ExplorerError):
            self._engine.job_failed.emit(READ, str(error), repr(error))
        else:
            self._engine.job_finished.emit(READ)
            return
        self.idle.emit()


def _opening(path: Path, pause: Pause) -> Work[Opened]:
    graph, edits = yield from graphs.reading(path, pause)
    return Opened(path, look(graph, edits))


def _looking(path: Path, pause: Pause) -> Work[Description]:
    from explorer.io.inspect import describe

    yield Progress(0, 0, f"Looking into “{path.name}”")
    return describe(path, pause)
