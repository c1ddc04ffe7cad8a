"""CurvePlot: columns of a history over the steps of training, on logarithmic axes, read off step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from PySide6.QtCore import Signal

from explorer.shapes import Float
from explorer.ui.specimens.plot_reader import PlotReader
from explorer.ui.widgets.plot import Plot

DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Curve:
    """A column of the history, what it is called, and its ink; colours are for signs, so two more are ``dashed``."""

    column: str
    called: str
    ink: str
    dashed: bool = False


class CurvePlot(Plot):
    """``told`` says a step and its values in words, or nothing."""

    told = Signal(str)

    def __init__(
        self,
        name: str,
        history: dict[str, Float[ndarray, "step"]],
        curves: Sequence[Curve],
        *,
        is_loss: bool,
    ) -> None:
        super().__init__(name, "training step", "loss" if is_loss else "right", log_x=True)
        self.flex()
        self._is_loss = is_loss
        later = history["step"] > 0  # which a logarithmic axis has no room for
        self._steps = history["step"][later]
        self._values = {curve.called: history[curve.column][later] for curve in curves}
        for curve, values in zip(curves, self._values.values(), strict=True):
            y = np.log10(values) if is_loss else values
            self.line(self._steps, y, curve.ink, curve.called, dashed=curve.dashed)
        if is_loss:
            exponents = np.log10(np.concatenate(list(self._values.values())))
            low, high = float(exponents.min()), float(exponents.max())
            self.name_ticks("left", powers(low, high))
            self.setYRange(low, high)
            self.legend.setOffset((6, -4))  # where no loss is yet
        else:
            self.name_ticks("left", [(share, f"{100 * share:.0f} %") for share in (0, 0.25, 0.5, 0.75, 1)])
            self.setYRange(0, 1.02)
            self.legend.setOffset((-8, -8))  # the curves end at the top
        PlotReader(self, np.log10(self._steps)).pointed.connect(self._tell)

    def _tell(self, at: int) -> None:
        if at < 0:
            self.told.emit("")
            return
        values = ", ".join(f"{called} {self._written(float(of[at]))}" for called, of in self._values.items())
        self.told.emit(f"Step {self._steps[at]:,.0f}: {values}.")

    def _written(self, value: float) -> str:
        return f"{value:.2g}" if self._is_loss else f"{100 * value:.1f} %"


def powers(low: float, high: float) -> list[tuple[float, str]]:
    """Ticks of an axis of exponents, the even ones: 10⁻⁶, 10⁻⁴."""
    even = range(2 * math.ceil(low / 2), math.floor(high) + 1, 2)
    return [(at, "1" if at == 0 else f"10{str(at).translate(DIGITS)}") for at in even]
