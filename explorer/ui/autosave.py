"""Autosave: the window's unsaved edits in a journal, and the card that offers what a crash left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from explorer.circuits.graph import Graph
from explorer.errors import ExplorerError, SaveError
from explorer.io.journal import Journal, Recovery, discard, recoverable, restore
from explorer.session.edits import Edits
from explorer.ui.notices import STALE, Notice

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

NOTE_MS = 2000
KEY = "autosave"


class Autosave(QObject):
    """Notes the document's edits at most two seconds after the first of them; saved edits need no journal.

    A thread writes, because the graph, written with the first note, may be large.
    """

    _written = Signal(object)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._document = window.document
        self._saved = Edits()
        self._failing = False
        self._notes = _Notes()
        self._writer = ThreadPoolExecutor(1, "autosave")
        self._wait = QTimer(self, singleShot=True, interval=NOTE_MS)
        self._wait.timeout.connect(self.note)
        self._written.connect(self._look, Qt.ConnectionType.QueuedConnection)
        self._document.edits_changed.connect(self._edited)
        self._document.interventions_changed.connect(self._edited)
        self._document.leaving.connect(self._leave)
        self._document.path_changed.connect(self._maybe_saved)
        window.welcome.restore_asked.connect(self._restore)
        window.welcome.discard_asked.connect(self._discard)

    def offer(self) -> None:
        """Show on the welcome page the newest of what can be restored, if there is anything."""
        found = recoverable()
        if not found:
            self._window.welcome.hide_recovery()
            return
        newest = found[0]
        name = Path(newest.document).name or "New graph"
        now = datetime.now().astimezone()
        when = datetime.fromtimestamp(newest.time).astimezone()
        self._window.welcome.show_recovery(name, newest.n_edits, when, newest, now, crashed=newest.crashed)

    def note(self) -> None:
        """Write what is not saved; without such edits the journal goes."""
        document = self._document
        self._wait.stop()
        if document.own_graph is None or document.is_saved:
            self._do(self._notes.close)
        else:
            graph, path, saved, edits = document.own_graph, document.path, self._saved, document.edits
            self._do(lambda: self._notes.write(graph, path, saved, edits))

    def close(self) -> None:
        """The window is closed: what is not saved is offered at the next start."""
        self._leave()
        self._document.leaving.disconnect(self._leave)
        self._document.edits_changed.disconnect(self._edited)
        self._document.interventions_changed.disconnect(self._edited)
        self._document.path_changed.disconnect(self._maybe_saved)
        self._writer.submit(self._notes.close)
        self._writer.shutdown()

    def _leave(self) -> None:
        """Keep the journal of a document that is left with unsaved edits; thresholds alone are not worth it."""
        self._wait.stop()
        document = self._document
        if document.own_graph is None or not _has_work(self._saved, document.edits):
            self._do(self._notes.close)
            return
        graph, path, saved, edits = document.own_graph, document.path, self._saved, document.edits
        visible = self._window.isVisible()
        self._do(lambda: self._notes.leave(graph, path, saved, edits), self.offer if visible else None)
        if visible:
            name = path.name if path else "New graph"
            text = f"“{name}” was left with unsaved edits. They are kept, and the welcome page offers them."
            self._window.banner.show_notice(Notice(text, STALE, key="left"))

    def _edited(self) -> None:
        if not self._wait.isActive():
            self._wait.start()

    def _maybe_saved(self) -> None:
        if self._document.is_saved:
            self._saved = self._document.edits

    def _restore(self, recovery: Recovery) -> None:
        try:
            graph, saved, edits = restore(recovery)
        except ExplorerError as error:
            self._window.banner.show_notice(Notice(str(error), details=repr(error), key=KEY))
            return
        document = Path(recovery.document) if recovery.document else None
        self._document.open_graph(graph, saved, document)
        self._document.do("restore", edits)
        self._window.show_workspace()
        self.note()
        self._discard(recovery)

    def _discard(self, recovery: Recovery) -> None:
        """Remove the journal, after what was asked to be written before, and offer the next."""
        self._do(lambda: discard(recovery), self.offer)

    def _do(self, write: Callable[[], None], then: Callable[[], None] | None = None) -> None:
        future = self._writer.submit(write)
        future.add_done_callback(lambda done: self._written.emit((done, then)))

    def _look(self, written: tuple[Future[None], Callable[[], None] | None]) -> None:
        """Say it if edits cannot be kept, until they can."""
        future, then = written
        error = future.exception()
        if isinstance(error, SaveError):
            text = f"Edits are not kept against a crash: {error}"
            self._window.banner.show_notice(Notice(text, STALE, key=KEY))
        elif error is not None:
            raise error
        elif self._failing:
            self._window.banner.withdraw(KEY)
        self._failing = error is not None
        if then is not None:
            then()


class _Notes:
    """The journal of the graph that is open, on the writer's thread alone."""

    def __init__(self) -> None:
        self._journal: Journal | None = None
        self._graph: Graph | None = None

    def write(self, graph: Graph, path: Path | None, saved: Edits, edits: Edits) -> None:
        """Note ``edits``. Another graph gets a journal of its own before the old one goes."""
        old = self._journal
        if old is not None and graph is self._graph:
            old.note(edits)
            return
        self._journal, self._graph = Journal(graph, saved, path), graph
        self._journal.note(edits)
        if old is not None:
            old.close()

    def leave(self, graph: Graph, path: Path | None, saved: Edits, edits: Edits) -> None:
        """Note the last ``edits``; the journal stays to be offered."""
        self.write(graph, path, saved, edits)
        if self._journal is not None:
            self._journal.leave()
        self._journal = self._graph = None

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal = self._graph = None


def _has_work(saved: Edits, edits: Edits) -> bool:
    """Whether ``edits`` hold more than ``saved`` but for thresholds."""
    level = replace(edits, node_threshold=saved.node_threshold, edge_threshold=saved.edge_threshold)
    return replace(level, count_bias=saved.count_bias, drawn=saved.drawn) != saved
