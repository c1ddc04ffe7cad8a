"""ModularModel: a model that adds modulo p, and what all its pairs come to, which is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from jaxtyping import Float
from numpy import ndarray
from PySide6.QtCore import QObject, Signal

from explorer.io import specimens
from explorer.specimens import modular
from explorer.specimens.modular import Answers, Outcome, Reading
from explorer.specimens.network import Network
from explorer.ui.background import Background
from explorer.work import Pause, Progress, Work


@dataclass(frozen=True)
class Found:
    """What all pairs tell; ``heights`` are those of the key waves in the logits."""

    outcome: Outcome
    reading: Reading
    answers: Answers
    heights: Float[ndarray, "key"]


class ModularModel(QObject):
    """``arrived`` says that ``found`` is there. Weights, spectrum and history are there from the start."""

    arrived = Signal()

    def __init__(self, name: str, work: Background) -> None:
        super().__init__(work)
        self.network, self.history = specimens.network(name), specimens.history(name)
        self.p = modular.modulus(self.network)
        self.table = self.network.weights["embed.weight"][: self.p]
        self.spectrum = modular.spectrum(self.table)
        self.key = modular.keys(self.spectrum)
        self.found: Found | None = None
        self._work = work
        work.done.connect(self._take)

    @property
    def n_frequencies(self) -> int:
        return len(self.spectrum)

    def need(self) -> None:
        """See to it that ``found`` comes."""
        if self.found is None and not self._work.is_busy:
            self._work.start(partial(_read, self.network))

    def _take(self, found: Found) -> None:
        self.found = found
        self.arrived.emit()


def _read(network: Network, pause: Pause) -> Work[Found]:
    yield Progress(0, 2, "Adding all pairs")
    outcome = modular.of_all(network, pause)
    yield Progress(1, 2, "Looking for waves")
    reading = modular.read(network, outcome)
    return Found(outcome, reading, modular.answered(outcome.logits), modular.heights(outcome.logits, reading.key))
