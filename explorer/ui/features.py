"""Features: what the open model's features are, transcoders or its own neurons; offered, and remembered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from explorer.session.model_info import NEURONS
from explorer.ui.notices import STALE, Notice

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

KEY = "features"


class Features(QObject):
    """Asks once a model is open without features, and opens a model again with those that it had."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def opened(self) -> None:
        """Remember the model that was opened; if it has no features, say in one sentence what it can do."""
        window, model = self._window, self._window.document.model
        window.banner.withdraw(KEY)
        self._remember()
        if model is not None and not model.transcoder_kind:
            words = f"“{model.name}” has no transcoders yet: choose some, or take its own MLP neurons as features."
            answers = (("Use its neurons", self.use_neurons), ("Choose transcoders…", window.files.ask_transcoders))
            window.banner.show_notice(Notice(words, STALE, actions=answers, key=KEY))

    def use_neurons(self) -> None:
        """Take the open model's own MLP neurons as features."""
        self._window.engine.use_neurons()
        self._window.banner.withdraw(KEY)
        self._remember()

    def open_recent(self, path: str) -> None:
        """Open what was open before, a model with the features that it had."""
        window = self._window
        had = next((each.features for each in window.settings.recent if each.path == path), "")
        if had == NEURONS and Path(path).exists():
            window.open_model(path, neurons=True)
        elif had and Path(had).exists() and Path(path).exists():
            window.open_model(path, had)
        else:
            window.files.open_path(Path(path))

    def are_neurons_of_graph(self) -> bool:
        """Whether the graph that is browsed without its model was made with the model's own neurons."""
        graph = self._window.document.graph
        browsed = graph is not None and self._window.document.model is None
        return browsed and graph is not None and graph.provenance.get("transcoder_kind") == NEURONS

    def _remember(self) -> None:
        model = self._window.document.model
        if model is not None:
            size = "model, its own neurons" if model.has_neurons else "model"
            self._window.remember(Path(model.path), self._window.document.prompt.text, size, model.features)
