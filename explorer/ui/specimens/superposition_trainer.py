"""Trainer: the toy on show, trained anew at each change, or ten of them at once, one for each density."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from explorer.specimens.superposition import DENSITIES, Setting, Toy, train
from explorer.ui.background import Background
from explorer.work import Pause, Progress, Work

DENSITY = 0.05
REST = 150  # ms without a change before the training begins anew
SHOWN_EVERY, DRAWN_IN = 0.1, 0.03  # seconds between two pictures, and those in which the window draws undisturbed
MANY_SHOWN_EVERY, MANY_DRAWN_IN = 0.25, 0.06
STARTS_OF_MANY, MANY_FEATURES = 2, 10  # seeds for each density when all are trained, 1 if there are many features
Curve = tuple[tuple[int, ...], tuple[float, ...]]  # steps, and the loss at each


class Trainer(QObject):
    """Newest wins. ``asked`` says that something else is to be trained, ``trained`` that the toys are new."""

    asked = Signal()
    trained = Signal()

    def __init__(self, work: Background) -> None:
        super().__init__(work)
        self.setting, self.density = Setting(), DENSITY
        self.toy: Toy | None = None
        self.toys: tuple[Toy, ...] = ()
        self.curve: Curve = ((), ())
        self.step = 0
        self._curves: tuple[Curve, ...] = ()
        self._is_many = False
        self._done_for: dict[bool, object] = {}  # whether many: the setting that was trained to its end
        self._work = work
        self._timer = QTimer(self, singleShot=True, interval=REST)
        self._timer.timeout.connect(self._start)
        work.stepped.connect(self._step)
        work.done.connect(self._finish)

    @property
    def is_busy(self) -> bool:
        return self._work.is_busy or self._timer.isActive()

    @property
    def starts(self) -> int:
        """How many seeds each toy is the best of."""
        if not self._is_many:
            return self.setting.n_seeds
        return STARTS_OF_MANY if self.setting.n_features <= MANY_FEATURES else 1

    def ask(self, setting: Setting, density: float) -> None:
        """Train something else as soon as the hand rests."""
        self.setting, self.density = setting, density
        self.asked.emit()
        self._timer.start()

    def need(self, *, many: bool) -> None:
        """See to it that the toy, or one for each density, is trained as it is asked for."""
        if self._done_for.get(many) == self._wanted(many):
            self._timer.stop()
            self._work.close()
        elif not (self.is_busy and self._is_many == many):
            self._is_many = many
            self._start()
        self._is_many = many

    def take(self, at: int) -> None:
        """Put the toy of the density ``at`` on show as the one."""
        self.density = DENSITIES[at]
        self.toy, self.curve = self.toys[at], self._curves[at]
        if self._done_for.get(True) == self._wanted(True):
            self._done_for[False] = self._wanted(False)
        self.asked.emit()
        self.trained.emit()

    def rest(self) -> None:
        self._timer.stop()
        self._work.close()

    def _wanted(self, many: bool) -> object:
        return self.setting if many else (self.setting, self.density)

    def _start(self) -> None:
        self._timer.stop()
        self.step = 0
        if self._is_many:
            self._curves = (((), ()),) * len(DENSITIES)
            begin = partial(_begin, replace(self.setting, n_seeds=self.starts), DENSITIES)
        else:
            self.curve = ((), ())
            begin = partial(_begin, self.setting, (self.density,))
        self._work.start(begin)

    def _step(self, progress: Progress) -> None:
        self.step = progress.done
        if progress.partial is not None:
            self._put(progress.partial())

    def _finish(self, toys: tuple[Toy, ...]) -> None:
        self.step = self.setting.steps
        self._done_for[self._is_many] = self._wanted(self._is_many)
        self._put(toys)

    def _put(self, toys: tuple[Toy, ...]) -> None:
        if self._is_many:
            self.toys = toys
            self._curves = tuple(_longer(curve, self.step, toy) for curve, toy in zip(self._curves, toys, strict=True))
        else:
            self.toy = toys[0]
            self.curve = _longer(self.curve, self.step, toys[0])
        self.trained.emit()


def _longer(curve: Curve, step: int, toy: Toy) -> Curve:
    return (*curve[0], step), (*curve[1], toy.loss)


def _begin(setting: Setting, densities: Sequence[float], pause: Pause) -> Work[tuple[Toy, ...]]:
    """The training, whose partial values are made on its own thread, and only as often as they are looked at."""
    work = train(setting, densities)
    is_many = len(densities) > 1
    every, drawn_in = (MANY_SHOWN_EVERY, MANY_DRAWN_IN) if is_many else (SHOWN_EVERY, DRAWN_IN)
    shown = 0.0
    try:
        while True:
            progress = next(work)
            made = None
            if progress.partial is not None and time.monotonic() - shown >= every:
                made = partial(_same, progress.partial())
                shown = time.monotonic()
            yield replace(progress, partial=made)
            if made is not None:
                time.sleep(drawn_in)
    except StopIteration as stop:
        result: tuple[Toy, ...] = stop.value
        return result
    finally:
        work.close()


def _same(toys: tuple[Toy, ...]) -> tuple[Toy, ...]:
    return toys
