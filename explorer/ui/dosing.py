"""Dosing: what the model answers over the range of one row's slider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from explorer.session.dial import dial, title, values_over
from explorer.session.interventions import Interventions, change
from explorer.ui.asker import Asker
from explorer.ui.intervening import TOP, Intervening

N_VALUES = 25
N_GENERATED = 8  # tokens whose perplexity is measured


@dataclass(frozen=True)
class Point:
    """What came of one value: probabilities by token id, and the clean model's perplexity of what followed."""

    value: float
    chances: dict[int, float]
    perplexity: float | None


class Dosing(QObject):
    """``points`` of row ``row`` of ``made``, as they come in; empty until one is asked for."""

    changed = Signal()

    def __init__(self, intervening: Intervening, engine: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._intervening = intervening
        self.row = -1
        self.name = ""
        self.fault = ""
        self.made = Interventions()
        self.ends = (0.0, 0.0)  # of the slider that is measured
        self.origin: tuple[object, ...] = ()
        self.points: tuple[Point, ...] = ()
        self.texts: dict[int, str] = {}
        self._asker = Asker(engine, "dose", self)
        self._asker.partial.connect(self._heard)
        self._asker.answered.connect(self._heard)
        self._asker.failed.connect(self._failed)
        self._asker.ended.connect(self.changed)
        intervening.moved.connect(self._moved)

    @property
    def is_busy(self) -> bool:
        return self._asker.is_busy

    @property
    def is_old(self) -> bool:
        """Whether something else than the value of its row has changed since."""
        made = self._intervening.made
        if not 0 <= self.row < len(made.rows) or self.origin != self._intervening.asked_on:
            return True
        return change(made, self.row, value=0.0) != change(self.made, self.row, value=0.0)

    @property
    def value(self) -> float:
        """Where the row's slider stands now; NaN if what is shown is of other interventions."""
        return float("nan") if self.is_old else self._intervening.made.rows[self.row].value

    def measure(self, row: int) -> None:
        """Measure over the slider of ``row``, which is made even if it is off."""
        if self._intervening.words:
            return
        self._asker.stop()
        self.origin = self._intervening.asked_on
        made = change(self._intervening.made, row, on=True)
        held = made.rows[row]
        range_ = dial(held, self._intervening.graph)
        self.row, self.made, self.points, self.fault, self.texts = row, made, (), "", {}
        self.name, self.ends = title(held, self._intervening.view), (range_.low, range_.high)
        values = {
            "row": sum(one.on for one in made.rows[:row]),
            "values": list(values_over(range_.low, range_.high, N_VALUES)),
            "n": N_GENERATED,
            "at": self._intervening.position,
            "top": TOP,
        }
        self._asker.ask("dose", (made, row, self.origin), {**self._intervening.values(made), **values})
        self.changed.emit()

    def stop(self) -> None:
        self._asker.stop()

    def _moved(self) -> None:
        """What the hand does comes first: no more is measured; the points that are there stay."""
        self._asker.stop()
        self.changed.emit()

    def _heard(self, about: object, values: dict[str, Any]) -> None:
        if about != (self.made, self.row, self.origin):
            return
        self.texts = {row["token_id"]: row["text"] for point in values["points"][:1] for row in point["tokens"]}
        self.points = tuple(_point(point) for point in values["points"])
        self.changed.emit()

    def _failed(self, about: object, sentence: str) -> None:
        self.fault = sentence
        self.changed.emit()


def _point(values: dict[str, Any]) -> Point:
    chances = {row["token_id"]: float(row["probability"]) for row in values["tokens"]}
    return Point(float(values["value"]), chances, values["perplexity"])
