"""ToyControls: what is trained: how rare features are, how much each counts, and how many share how many dimensions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSpinBox, QWidget

from explorer.ui.specimens.superposition_trainer import Trainer
from explorer.ui.widgets.step_slider import StepSlider

DENSITIES = tuple(float(f"{value:.2g}") for value in np.geomspace(0.01, 1, 41))
IMPORTANCES = tuple(round(0.5 + at / 100, 2) for at in range(51))
MOST_FEATURES, MOST_DIMENSIONS = 20, 8


class ToyControls(QWidget):
    """Each change asks the trainer at once; all the pages' controls follow it. Where all densities are, none is set."""

    def __init__(self, trainer: Trainer, *, with_density: bool = True) -> None:
        super().__init__()
        self._trainer = trainer
        self.density = StepSlider("Density", "How often a feature is there, logarithmic", DENSITIES)
        self.importance = StepSlider("Importance", "What each feature counts against the one before it", IMPORTANCES)
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

    def beside(self, state: QLabel) -> QHBoxLayout:
        """A row of what is said of the training and the button for another one; beside the sliders it has no room."""
        row = QHBoxLayout()
        row.addWidget(state, 1)
        row.addWidget(self.again)
        return row

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


def _count(name: str, least: int, most: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setToolTip(f"{name}, {least} to {most}; the arrow keys and the wheel change it")
    box.setAccessibleName(name)
    return box
