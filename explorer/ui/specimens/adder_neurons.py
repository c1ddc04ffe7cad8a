"""NeuronCard and NeuronMaps: a neuron as a function of the two digits of a column and the carry into it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import signed
from explorer.ui.widgets.scaling import at_least

DIGITS = tuple("0123456789")
CARRIES = ("no carry", "a carry")
GAP, EDGE = 4, 6
MOST_LISTED = 3


class NeuronCard(QPushButton):
    """Checked is switched off. ``looked`` says that the mouse or the keyboard is at it."""

    looked = Signal()

    def __init__(self, neuron: int) -> None:
        super().__init__()
        self.neuron = neuron
        self.setCheckable(True)
        self.setProperty("chip", True)
        self.maps = [HeatMap("", 2) for _ in CARRIES]
        self.said = QLabel()
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for shown in self.maps:
            shown.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            row.addWidget(shown)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(EDGE, GAP, EDGE, EDGE)
        layout.setSpacing(GAP)
        layout.addWidget(self.said)
        layout.addLayout(row, 1)
        for part in (self.said, *self.maps):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        at_least(self, width=92)
        self.toggled.connect(self._write)
        self._write()

    def show_activations(self, values: NDArray[np.floating]) -> None:
        """``values`` are [a, b, carry]."""
        limit = float(np.nanmax(np.abs(values)))
        for carry, shown in enumerate(self.maps):
            shown.show_values(values[:, :, carry], limit=limit, has_sign=True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As high as two square maps beside each other and a line of text."""
        super().resizeEvent(event)
        side = (event.size().width() - 2 * EDGE - GAP) // 2
        self.setFixedHeight(side + self.said.sizeHint().height() + 2 * GAP + EDGE)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.looked.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.looked.emit()

    def _write(self) -> None:
        off = self.isChecked()
        self.said.setText(f"{self.neuron} off" if off else f"{self.neuron}")
        self.setAccessibleName(f"Neuron {self.neuron}, {'switched off' if off else 'as it is'}")
        self.setToolTip(f"Put neuron {self.neuron} {'back' if off else 'to its mean'}")


class NeuronMaps(QWidget):
    """A neuron large: both digits, without and with a carry; ``told`` says the cell that is looked at."""

    told = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.title = words("", "section")
        self.maps = [HeatMap(f"Activation by a in rows and b in columns, with {name}", 7) for name in CARRIES]
        self._neuron = 0
        self._values: NDArray[np.floating] = np.zeros((0, 0, 0))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for carry, shown in enumerate(self.maps):
            layout.addWidget(titled(words(f"with {CARRIES[carry]}", "caption"), shown))
            for signal in (shown.hovered, shown.chosen):
                signal.connect(partial(self._tell, carry))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(titled(self.title, row))

    def show_neuron(self, neuron: int, values: NDArray[np.floating]) -> None:
        """``values`` are [a, b, carry]."""
        self._neuron, self._values = neuron, values
        limit = float(np.nanmax(np.abs(values)))
        for carry, shown in enumerate(self.maps):
            shown.show_values(values[:, :, carry], DIGITS, DIGITS, limit=limit, has_sign=True)
        top, low = (_where(values, int(find(values))) for find in (np.nanargmax, np.nanargmin))
        self.title.setText(f"Neuron {neuron}: most at {top}, least at {low}")

    def _tell(self, carry: int, a: int, b: int) -> None:
        if min(a, b) < 0 or not self._values.size:
            self.told.emit("")
            return
        mean = signed(float(self._values[a, b, carry]))
        self.told.emit(f"Neuron {self._neuron} at {a} + {b} with {CARRIES[carry]} from below: {mean} on average.")


def _where(values: NDArray[np.floating], at: int) -> str:
    a, b, carry = np.unravel_index(at, values.shape)
    return f"{a} + {b}{' + carry' if carry else ''} ({signed(float(values[a, b, carry]))})"


def listed(neurons: Sequence[int]) -> str:
    """“neuron 3”, “neurons 3 and 5”, “4 neurons”."""
    if len(neurons) > MOST_LISTED:
        return f"{len(neurons)} neurons"
    if len(neurons) == 1:
        return f"neuron {neurons[0]}"
    return f"neurons {', '.join(map(str, neurons[:-1]))} and {neurons[-1]}"
