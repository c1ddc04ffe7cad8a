"""JobWatch: what the window says about the engine and its jobs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from explorer.engine.child import STOPPED
from explorer.engine.trial import last_words
from explorer.ui.notices import DANGER, STALE, Notice

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

ENGINE, JOB, FIT = "engine", "job", "fit"
QUIET = ("tokenize", "fit")


class JobWatch(QObject):
    """Failures become notices, ends become messages of six seconds."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._began = time.monotonic()
        self._death = ("", "")  # the sentence and the details of the last one
        engine = window.engine
        engine.state_changed.connect(self._state)
        engine.job_started.connect(self._started)
        engine.job_finished.connect(self._finished)
        engine.job_failed.connect(self._failed)
        engine.job_cancelled.connect(self._cancelled)
        engine.died.connect(self._died)
        engine.fit_told.connect(self._fit_told)
        window.document.refused.connect(self._refused)

    def _started(self, job: str) -> None:
        self._began = time.monotonic()
        self._window.banner.withdraw(JOB)

    def _finished(self, job: str) -> None:
        graph = self._window.document.graph
        if job == "attribute" and graph is not None:
            took = time.monotonic() - self._began
            self._window.status.say(f"Done in {took:.1f} s. {len(graph):,} nodes, {graph.n_edges:,} links.")
        elif job == "open" and self._window.document.model is not None:
            self._window.status.say(f"“{self._window.document.model.name}” is open.")

    def _failed(self, job: str, sentence: str, details: str) -> None:
        if job == "warm" and sentence == STOPPED:  # its death is told
            return
        if job in QUIET:
            self._window.status.say(sentence, STALE)
            return
        self._window.banner.show_notice(Notice(sentence, DANGER, details, key=JOB))

    def _cancelled(self, job: str) -> None:
        self._window.status.say("Cancelled. Nothing was changed.")

    def _refused(self) -> None:
        self._window.status.say("This is a part of the graph; it can be edited when the run is done.", STALE)

    def _fit_told(self, warning: str) -> None:
        """Show what speaks against the transcoders that were opened last, if anything."""
        self._window.banner.withdraw(FIT)
        if warning:
            self._window.banner.show_notice(Notice(warning, STALE, key=FIT))

    def _died(self, sentence: str, details: str) -> None:
        self._death = (sentence, details)
        text = f"{sentence.rstrip('.')}. Your graph, labels and notes are safe; the run is not."
        self._window.banner.show_notice(Notice(text, STALE, details, key=ENGINE))

    def _state(self, state: str) -> None:
        if state == "failing":
            self._window.banner.show_notice(self._given_up())
        elif state == "ready" and self._window.banner.holds(ENGINE):
            self._window.banner.withdraw(ENGINE)
            self._window.status.say("The engine stopped and was started again. Your work is safe.", STALE)

    def _given_up(self) -> Notice:
        """Why no engine runs and what can be done; of a chosen engine that never answered, how it ended."""
        engine, (sentence, details) = self._window.engine, self._death
        own = (("Use the built-in engine", self._use_own),) if engine.command else ()
        why = "The engine stopped three times."
        if engine.command and not engine.versions:
            why = last_words(sentence, details)
        again = (*own, ("Start again", engine.restart))
        return Notice(f"{why} You can browse and export.", DANGER, f"{sentence}\n\n{details}", again, ENGINE)

    def _use_own(self) -> None:
        """From now on, not only this time."""
        self._window.change_settings(replace(self._window.settings, engine_command=""))
        if self._window.engine.command:  # it came from the command line
            self._window.engine.set_command("")
