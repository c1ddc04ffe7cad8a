"""SumProbe: the logits of one sum, beside the waves that they are made of."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from explorer.specimens.network import run
from explorer.ui.specimens.modular_model import ModularModel
from explorer.ui.specimens.page import words
from explorer.ui.specimens.plot_reader import PlotReader
from explorer.ui.widgets.look import plain, px
from explorer.ui.widgets.plot import Plot
from explorer.ui.widgets.scaling import at_least

ABOVE = 0.4  # of the waves' height, for the legend


class SumProbe(QWidget):
    """Two numbers to be moved; ``told`` says what is read off the plot in words, or nothing.

    ``logits`` are centred; ``waves`` are [key wave, c], each as high as it stands in the logits of all pairs.
    """

    told = Signal(str)

    def __init__(self, model: ModularModel, a: int, b: int) -> None:
        super().__init__()
        self._model = model
        self.a, self.b = (_slider(f"{name} number", model.p - 1, at) for name, at in (("First", a), ("Second", b)))
        self.said = words("", "section")
        self.plot = Plot("Logits of one sum, and the waves in them", "answer c", "logit, less the mean")
        self._each = [self.plot.line([], [], "line_strong", width=1) for _ in model.key]
        self._logits = self.plot.line([], [], "text", "the model's logits")
        self._sum = self.plot.line([], [], "select", "sum of the key waves", width=1.4)
        self._answer = self.plot.down(0.0)
        self.plot.legend.setColumnCount(2)
        self.logits, self.waves = np.zeros(model.p), np.zeros((len(model.key), model.p))
        self._lay_out()
        for slider in (self.a, self.b):
            slider.valueChanged.connect(self._show)
        model.arrived.connect(self._show)
        PlotReader(self.plot, np.arange(float(model.p))).pointed.connect(self._tell)
        self._show()

    def _lay_out(self) -> None:
        self.plot.flex()
        self.numbers = [QLabel(), QLabel()]
        row = QHBoxLayout()
        row.setSpacing(8)
        for name, slider, number in zip(("a", "b"), (self.a, self.b), self.numbers, strict=True):
            label = QLabel(name)
            label.setBuddy(slider)
            number.setProperty("role", "section")
            at_least(number, width=26)
            for part in (label, slider, number):
                row.addWidget(part)
        row.addSpacing(px(8))
        row.addWidget(self.said, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.plot, 1)

    def _show(self) -> None:
        model, p, a, b = self._model, self._model.p, self.a.value(), self.b.value()
        logits = run(model.network, np.array([[a, b, p]])).logits[0, -1]
        self.logits, c = logits - logits.mean(), np.arange(p)
        said, right = int(logits.argmax()), (a + b) % p
        for number, value in zip(self.numbers, (a, b), strict=True):
            number.setText(str(value))
        self._logits.setData(c, self.logits)
        self._answer.setValue(said)
        text = f"{a} + {b} = {right} mod {p}: the model says {said}{'' if said == right else ', which is wrong'}"
        if model.found is not None:
            angle = 2 * np.pi * np.outer(model.key, right - c) / p
            self.waves = model.found.heights[:, None] * np.cos(angle)
            for line, wave in zip(self._each, self.waves, strict=True):
                line.setData(c, wave)
            whole = self.waves.sum(0)
            self._sum.setData(c, whole)
            highest = float(model.found.heights.sum())
            self.plot.setYRange(-highest, (1 + ABOVE) * highest)
            share = 1 - ((self.logits - whole) ** 2).sum() / (self.logits**2).sum()
            text += f"; {len(self.waves)} waves agree there and explain {100 * share:.1f} % of its logits"
        self.said.setText(text)

    def _tell(self, c: int) -> None:
        waves = " + ".join(
            f"{plain(float(wave[c]))} (k = {k})" for k, wave in zip(self._model.key, self.waves, strict=True)
        )
        whole = plain(float(self.waves[:, c].sum()))
        self.told.emit("" if c < 0 else f"c = {c}: logit {plain(float(self.logits[c]))}, waves {waves} = {whole}.")


def _slider(name: str, highest: int, value: int) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, highest)
    slider.setValue(value)
    slider.setPageStep(10)
    slider.setAccessibleName(name)
    slider.setToolTip(f"{name}: drag it and see the waves move along")
    at_least(slider, width=140)
    return slider
