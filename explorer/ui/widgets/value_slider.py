"""ValueSlider: a name, a slider in per cent, and its value beside it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from explorer.ui.widgets.look import font
from explorer.ui.widgets.scaling import at_most, on_text_size

STEPS = 1000


class ValueSlider(QWidget):
    """A fraction from 0 to ``most``, which is written as ``end`` there, if given.

    ``changed`` says each value while it is dragged, ``released`` that the hand rests.
    """

    changed = Signal(float)
    released = Signal()

    def __init__(
        self, name: str, described: str, parent: QWidget | None = None, *, most: float = 1.0, end: str = ""
    ) -> None:
        super().__init__(parent)
        self._most, self._end = most, end
        self._name = QLabel(name)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setSingleStep(10)
        self.slider.setPageStep(50)
        self.slider.setAccessibleName(described)
        self.slider.setMinimumWidth(64)
        at_most(self.slider, width=92)
        self._name.setBuddy(self.slider)
        self._value = QLabel()
        self._value.setProperty("role", "section")
        on_text_size(self, self._measure)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self._name, self.slider, self._value):
            layout.addWidget(part)
        self.slider.valueChanged.connect(self._tell)
        self.slider.sliderReleased.connect(self.released)

    def value(self) -> float:
        return self._most * self.slider.value() / STEPS

    def set_value(self, value: float) -> None:
        """Show ``value`` without telling."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(value / self._most * STEPS))
        self._write(value)

    def _measure(self) -> None:
        self._value.setMinimumWidth(QFontMetrics(font("strong")).horizontalAdvance("88.8 %"))

    def _tell(self, step: int) -> None:
        self._write(self.value())
        self.changed.emit(self.value())

    def _write(self, value: float) -> None:
        digits = 1 if self._most == 1.0 else 2
        text = f"{value * 100:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        self._value.setText(self._end if self._end and value >= self._most else f"{text} %")
