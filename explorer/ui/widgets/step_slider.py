"""StepSlider: a name, a slider over given values, and the present one behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from explorer.ui.widgets.scaling import at_least


class StepSlider(QWidget):
    """``values`` are positive. ``changed`` tells each step of the hand; ``is_moved`` is whether there was one."""

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
