"""ToyControls: what is trained: how rare features are, how much each counts, and how many share how many dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QSpinBox, QWidget

from explorer.ui.specimens.superposition_trainer import Trainer
from explorer.ui.widgets.scaling import at_least

DENSITIES = tuple(float(f"{value:.2g}") for value in np.geomspace(0.01, 1, 41))
IMPORTANCES = tuple(round(0.5 + at / 100, 2) for at in range(51))
MOST_FEATURES, MOST_DIMENSIONS = 20, 8


class ToyControls(QWidget):
    """Each change asks the trainer at once; all the pages' controls follow it. Where all densities are, none is set."""

    def __init__(self, trainer: Trainer, *, with_density: bool = True) -> None:
        super().__init__()
        self._trainer = trainer
        self.density = _Steps("Density", "How often a feature is there, logarithmic", DENSITIES)
        self.importance = _Steps("Importance", "How much each feature counts against the one before it", IMPORTANCES)
        self.features = _count("Features", 2, MOST_FEATURES)
        self.dimensions = _count("Dimensions", 1, MOST_DIMENSIONS)
        self.again = QPushButton("Another start")
        self.again.setToolTip("Train anew from other random weights")
        self.again.clicked.connect(self._start_elsewhere)
        self.density.setVisible(with_density)
        self._lay_out()
        for change in (self.density.changed, self.importance.changed):
            change.connect(self._ask)
        for box in (self.features, self.dimensions):
            box.valueChanged.connect(self._ask)
        trainer.asked.connect(self._follow)
        self._follow()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.density, 3)
        layout.addWidget(self.importance, 3)
        for name, box in (("Features", self.features), ("Dimensions", self.dimensions)):
            label = QLabel(name)
            label.setBuddy(box)
            layout.addWidget(label)
            layout.addWidget(box)
        layout.addWidget(self.again)

    def _ask(self) -> None:
        setting = replace(
            self._trainer.setting,
            n_features=self.features.value(),
            n_dimensions=min(self.dimensions.value(), self.features.value()),
            importance=self.importance.value(),
        )
        self._trainer.ask(setting, self.density.value() if self.density.is_moved else self._trainer.density)

    def _start_elsewhere(self) -> None:
        setting = self._trainer.setting
        self._trainer.ask(replace(setting, seed=setting.seed + 1), self._trainer.density)

    def _follow(self) -> None:
        setting = self._trainer.setting
        self.density.set_value(self._trainer.density)
        self.importance.set_value(setting.importance)
        with QSignalBlocker(self.features), QSignalBlocker(self.dimensions):
            self.features.setValue(setting.n_features)
            self.dimensions.setMaximum(min(MOST_DIMENSIONS, setting.n_features))
            self.dimensions.setValue(setting.n_dimensions)


class _Steps(QWidget):
    """A slider over given values, the present one written behind it."""

    changed = Signal()

    def __init__(self, name: str, described: str, values: Sequence[float]) -> None:
        super().__init__()
        self._values = values
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, len(values) - 1)
        self.slider.setPageStep(5)
        self.slider.setAccessibleName(described)
        self.slider.setToolTip(described)
        at_least(self.slider, width=56)
        self.said = QLabel()
        self.said.setProperty("role", "section")
        at_least(self.said, width=38)
        label = QLabel(name)
        label.setBuddy(self.slider)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(label)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.said)
        self.is_moved = False
        self.slider.valueChanged.connect(self._move)

    def value(self) -> float:
        return self._values[self.slider.value()]

    def set_value(self, value: float) -> None:
        """Show ``value``, between two steps if it is none of them, without telling."""
        self.is_moved = False
        with QSignalBlocker(self.slider):
            self.slider.setValue(int(np.abs(np.log(self._values) - np.log(value)).argmin()))
        self.said.setText(f"{value:g}")

    def _move(self) -> None:
        self.is_moved = True
        self.said.setText(f"{self.value():g}")
        self.changed.emit()


def _count(name: str, least: int, most: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setToolTip(f"{name}, {least} to {most}; the arrow keys and the wheel change it")
    box.setAccessibleName(name)
    return box
