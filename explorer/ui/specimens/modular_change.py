"""EmbeddingChange: frequencies taken out of a model's embedding, and what all its pairs come to without them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from numpy import ndarray
from PySide6.QtCore import QObject, Signal

from explorer.shapes import Float, Int
from explorer.specimens import modular
from explorer.specimens.modular import Answers
from explorer.specimens.network import Network
from explorer.ui.background import Background
from explorer.ui.specimens.modular_model import ModularModel
from explorer.work import Pause, Progress, Work


@dataclass(frozen=True)
class Sums:
    """What becomes of all pairs: each one's loss, and how far its answer is off."""

    answers: Answers
    losses: Float[ndarray, "pair"]
    distances: Int[ndarray, "pair"]


class EmbeddingChange(QObject):
    """``asked`` says that other frequencies are to be out, ``arrived`` that ``before`` or ``after`` is new.

    ``after`` is what was last computed; it is for the frequencies ``computed``.
    """

    asked = Signal()
    arrived = Signal()

    def __init__(self, model: ModularModel, work: Background) -> None:
        super().__init__(work)
        self.model = model
        self.out: frozenset[int] = frozenset()
        self.before: Sums | None = None
        self.after: Sums | None = None
        self.computed: frozenset[int] = frozenset()
        self._work = work
        work.done.connect(self._take)
        model.arrived.connect(self._begin)

    def take_out(self, frequencies: Iterable[int]) -> None:
        """Take those out and no others."""
        self.out = frozenset(frequencies)
        self._work.close()
        self.asked.emit()
        self.need()

    def toggle(self, k: int) -> None:
        self.take_out(self.out ^ {k})

    def need(self) -> None:
        """See to it that ``before`` and ``after`` come."""
        self.model.need()
        if not self.out and self.before is not None:
            self._take((self.out, self.before))
        elif self.out != self.computed and not self._work.is_busy:
            self._work.start(partial(_change, self.model.network, self.out))

    def _begin(self) -> None:
        found = self.model.found
        if found is None or self.before is not None:
            return
        self.before = sums_of(found.outcome.logits)
        if self.out:
            self.arrived.emit()
        else:
            self._take((self.out, self.before))

    def _take(self, found: tuple[frozenset[int], Sums]) -> None:
        self.computed, self.after = found
        self.arrived.emit()


def sums_of(logits: Float[ndarray, "pair p"]) -> Sums:
    return Sums(modular.answered(logits), modular.losses(logits), modular.distances(logits))


def _change(network: Network, out: frozenset[int], pause: Pause) -> Work[tuple[frozenset[int], Sums]]:
    yield Progress(0, 1, "Adding all pairs")
    return out, sums_of(modular.of_all(modular.without(network, sorted(out)), pause).logits)
