"""Effects: which features the interventions move, measured beside predicted; asked when the hand rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from explorer.circuits.graph import Floats
from explorer.circuits.spearman import RankAgreement, spearman
from explorer.session.interventions import Interventions
from explorer.session.outcome import Moved, outcome_of
from explorer.ui.asker import Asker
from explorer.ui.intervening import N_CHANGED, Intervening


class Effects(QObject):
    """``moved`` are the features that changed most, strongest first.

    ``direct`` measures in mode direct, where the prediction must come true: a test of the implementation. Otherwise
    the mode is the document's, and the prediction is a hypothesis.
    """

    changed = Signal()

    def __init__(self, intervening: Intervening, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._intervening = intervening
        self.moved: tuple[Moved, ...] = ()
        self.direct = False
        self.is_old = False
        self._asker = Asker(engine, "effects", self)
        self._asker.answered.connect(self._answered)
        self._asker.failed.connect(self._failed)
        intervening.settled.connect(self.ask)
        intervening.moved.connect(self._wait)

    def set_direct(self, direct: bool) -> None:
        self.direct = direct
        self.is_old = bool(self.moved)
        self.changed.emit()
        self.ask()

    def ask(self) -> None:
        if self._intervening.words or not self._intervening.active:
            return
        made = self._intervening.made
        if self.direct:
            made = replace(made, mode="direct", layers=None, attention=None, norms=None)
        about = (self._intervening.made, self.direct, self._intervening.asked_on)
        where = {"at": self._intervening.position, "top": 1, "changed": N_CHANGED}
        self._asker.ask("intervene", about, {**self._intervening.values(made), **where})

    @property
    def agreement(self) -> RankAgreement:
        """How well the order of measured changes follows that of the predicted ones."""
        return spearman(*differences(self.moved))

    def _wait(self) -> None:
        self._asker.stop()
        before = (self.moved, self.is_old)
        if not self._intervening.made.rows or self._intervening.outcome is None:
            self.moved = ()
        self.is_old = bool(self.moved)
        if (self.moved, self.is_old) != before:
            self.changed.emit()

    def _failed(self, about: object, sentence: str) -> None:
        """The dock's own question tells the sentence; no dots are left under it."""
        self.moved, self.is_old = (), False
        self.changed.emit()

    def _answered(self, about: tuple[Interventions, bool, object], values: dict[str, Any]) -> None:
        if about != (self._intervening.made, self.direct, self._intervening.asked_on):
            return
        self.moved, self.is_old = outcome_of(values, about[0]).changed, False
        self.changed.emit()


def differences(moved: Sequence[Moved]) -> tuple[Floats, Floats]:
    """The predicted and the measured changes of activation."""
    predicted = np.array([one.predicted - one.before for one in moved], dtype=np.float64)
    return predicted, np.array([one.now - one.before for one in moved], dtype=np.float64)
