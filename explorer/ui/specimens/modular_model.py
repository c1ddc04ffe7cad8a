"""ModularModel: a model that adds modulo p, and what all its pairs come to, which is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from numpy import ndarray
from PySide6.QtCore import QObject, Signal

from explorer.io import specimens
from explorer.shapes import Float
from explorer.specimens import modular
from explorer.specimens.modular import Answers, Outcome, Reading
from explorer.specimens.network import Network
from explorer.ui.background import Background
from explorer.work import Pause, Progress, Work

Parts = dict[str, Answers]  # by the names of modular.parts


@dataclass(frozen=True)
class Found:
    """What all pairs tell; ``heights`` are those of the key waves in the logits."""

    outcome: Outcome
    reading: Reading
    heights: Float[ndarray, "key"]


class ModularModel(QObject):
    """``arrived`` says that ``found`` is there, or ``parts``. Weights, spectrum and history are from the start."""

    arrived = Signal()

    def __init__(self, name: str, work: Background) -> None:
        super().__init__(work)
        self.network, self.history = specimens.network(name), specimens.history(name)
        self.p = modular.modulus(self.network)
        self.table = self.network.weights["embed.weight"][: self.p]
        self.spectrum = modular.spectrum(self.table)
        self.key = modular.keys(self.spectrum)
        self.found: Found | None = None
        self.parts: Parts | None = None
        self._with_parts = False
        self._work = work
        work.done.connect(self._take)

    @property
    def n_frequencies(self) -> int:
        return len(self.spectrum)

    def need(self, *, parts: bool = False) -> None:
        """See to it that ``found`` comes, and ``parts`` after it if they are wanted."""
        self._with_parts = parts or self._with_parts
        if self._work.is_busy:
            return
        if self.found is None:
            self._work.start(partial(_read, self.network))
        elif self.parts is None and self._with_parts:
            self._work.start(partial(_take_apart, self.found))

    def _take(self, result: Found | Parts) -> None:
        if isinstance(result, Found):
            self.found = result
            self.need()
        else:
            self.parts = result
        self.arrived.emit()


def _read(network: Network, pause: Pause) -> Work[Found]:
    yield Progress(0, 2, "Adding all pairs")
    outcome = modular.of_all(network, pause)
    yield Progress(1, 2, "Looking for waves")
    reading = modular.read(network, outcome)
    return Found(outcome, reading, modular.heights(outcome.logits, reading.key))


def _take_apart(found: Found, pause: Pause) -> Work[Parts]:
    yield Progress(0, 1, "Taking waves out of the logits")
    return modular.parts(found.outcome.logits, found.reading.key)
