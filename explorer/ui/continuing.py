"""Continuing: what the model goes on to say, without and with the interventions, token by token."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from explorer.session.interventions import Interventions
from explorer.ui.asker import Asker
from explorer.ui.intervening import Intervening

BOTH = ("without", "with")


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; ``temperature`` 0 takes the most probable one."""

    n: int = 8
    seed: int = 0
    temperature: float = 0.0
    top_p: float = 1.0


@dataclass(frozen=True)
class Said:
    """A continuation as far as it has come: tokens with their probabilities, and the clean model's perplexity of it."""

    text: str = ""
    tokens: tuple[tuple[str, float], ...] = ()
    perplexity: float | None = None


class Continuing(QObject):
    """``said`` has both texts. The clean one is kept as long as prompt and sampling are the same."""

    changed = Signal()

    def __init__(self, intervening: Intervening, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._intervening = intervening
        self.sampling = Sampling()
        self.said: dict[str, Said | None] = dict.fromkeys(BOTH)
        self.fault = ""
        self._clean_of: tuple[object, ...] = ()
        self._asker = Asker(engine, "generate", self)
        self._asker.partial.connect(self._heard)
        self._asker.answered.connect(self._answered)
        self._asker.failed.connect(self._failed)
        self._asker.ended.connect(self.changed)
        intervening.settled.connect(self.generate)
        intervening.moved.connect(self.forget)

    @property
    def is_busy(self) -> bool:
        return self._asker.is_busy

    def set_sampling(self, **values: Any) -> None:
        self.sampling = replace(self.sampling, **values)
        self.forget()
        self.generate()

    def generate(self) -> None:
        """Both texts anew, the clean one only if it is not there."""
        if self._intervening.words or not self._intervening.active:
            return
        self.fault = ""
        missing = self.said["without"] is None or self._clean_of != self._clean_key()
        self._ask("without" if missing else "with")
        self.changed.emit()

    def stop(self) -> None:
        self._asker.stop()

    def forget(self) -> None:
        """The interventions, or what they are made on, changed: the text with them is not theirs any more."""
        self._asker.stop()
        before = (dict(self.said), self.fault)
        self.said["with"], self.fault = None, ""
        if self._clean_of != self._clean_key():
            self.said["without"] = None
        if (self.said, self.fault) != before:
            self.changed.emit()

    def _clean_key(self) -> tuple[object, ...]:
        return (*self._intervening.origin, self.sampling)

    def _ask(self, which: str) -> None:
        made = Interventions() if which == "without" else self._intervening.made
        about = (which, self._intervening.made, self._clean_key())
        self._asker.ask("generate", about, {**self._intervening.values(made), **asdict(self.sampling)})

    def _heard(self, about: tuple[str, Interventions, object], values: dict[str, Any]) -> None:
        if about[1:] == (self._intervening.made, self._clean_key()):
            self.said[about[0]] = said_of(values)
            self.changed.emit()

    def _answered(self, about: tuple[str, Interventions, object], values: dict[str, Any]) -> None:
        self._heard(about, values)
        if about[1:] != (self._intervening.made, self._clean_key()):
            return
        if about[0] == "without":
            self._clean_of = self._clean_key()
            self._ask("with")

    def _failed(self, about: object, sentence: str) -> None:
        self.fault = sentence
        self.changed.emit()


def said_of(values: dict[str, Any]) -> Said:
    """The continuation in an answer of the engine, or in a part of it."""
    tokens = tuple((str(row["text"]), float(row["probability"])) for row in values["tokens"])
    perplexity = values.get("perplexity")
    return Said(str(values["text"]), tokens, None if perplexity is None else float(perplexity))
