"""FeatureAnswer: what the engine says of one feature: its like, its logits by layer, a text of the user's."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from explorer.features.evidence import Weighed
from explorer.session.labels import Feature, set_of
from explorer.ui.asker import Asker
from explorer.ui.document import Document

N_SIMILAR = 6
N_TOKENS = 10
OTHERS = "The open transcoders are not those of this graph; open its own to test a text."

Logits = tuple[tuple[Weighed, ...], tuple[Weighed, ...]]  # top and bottom


class FeatureAnswer(QObject):
    """The newest answer on ``feature``; empty until it comes. ``logits`` by target layer, and ``all`` of them."""

    changed = Signal()

    def __init__(self, document: Document, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._engine = document, engine
        self.feature: Feature | None = None
        self.text = ""
        self.fault = ""
        self._clear()
        self._asker = Asker(engine, "feature", self)
        self._asker.answered.connect(self._answered)
        self._asker.failed.connect(self._failed)
        document.model_changed.connect(self._ask_anew)
        engine.state_changed.connect(self._ask_anew)

    @property
    def words(self) -> str:
        """Why nothing is asked, or an empty text."""
        model, graph = self._document.model, self._document.own_graph
        if model is None or not model.transcoder_path:
            return "Open the model with its transcoders to test a text of your own."
        if graph is None or graph.n_layers != model.n_layers:
            return OTHERS
        return "" if self._engine.state == "ready" else "The engine is not ready yet."

    @property
    def is_busy(self) -> bool:
        return self._asker.is_busy

    def ask(self, feature: Feature | None, text: str) -> None:
        """Ask for ``feature``, and for what it does on ``text`` if there is one."""
        if (feature, text) == (self.feature, self.text):
            return
        if feature != self.feature:
            self._clear()
        self.feature, self.text = feature, text
        self._ask()

    def _clear(self) -> None:
        self.similar: tuple[tuple[int, float], ...] = ()
        self.logits: dict[str, Logits] = {}
        self.tokens: tuple[str, ...] = ()
        self.activations: tuple[float, ...] = ()

    def _ask_anew(self) -> None:
        self._clear()
        self._ask()

    def _ask(self) -> None:
        self.fault = ""
        if self.feature is None or self.words:
            self._asker.stop()
        else:
            layer, feature = self.feature
            values = {"layer": layer, "feature": feature, "text": self.text, "n": N_TOKENS}
            self._asker.ask("feature", (self.feature, self.text), values)
        self.changed.emit()

    def _answered(self, about: object, values: dict[str, Any]) -> None:
        graph = self._document.own_graph
        if graph is None or about != (self.feature, self.text):
            return
        sha = set_of(graph)
        if sha and sha != values.get("transcoder_sha256", sha):
            self._clear()
            self.fault = OTHERS
        else:
            self.similar = tuple((int(one["feature"]), float(one["cosine"])) for one in values["similar"][:N_SIMILAR])
            self.logits = {str(one["target"]): (_words(one["top"]), _words(one["bottom"])) for one in values["logits"]}
            test = values.get("test", {"tokens": (), "activations": ()})
            self.tokens = tuple(map(str, test["tokens"]))
            self.activations = tuple(map(float, test["activations"]))
        self.changed.emit()

    def _failed(self, about: object, sentence: str) -> None:
        if about == (self.feature, self.text):
            self.fault = sentence
            self.changed.emit()


def _words(listed: list[dict[str, Any]]) -> tuple[Weighed, ...]:
    return tuple(Weighed(int(one["token_id"]), str(one["text"]), float(one["value"])) for one in listed)
