"""ShownSum: the sum that all views of the adder look at, and the fields in which it is written."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from explorer.errors import ExplorerError, PromptError
from explorer.specimens import adder, sums
from explorer.specimens.adder import Reading
from explorer.specimens.network import Network
from explorer.specimens.sums import N_DIGITS, N_PROMPT
from explorer.ui.specimens.page import words
from explorer.ui.widgets.look import probability, set_property
from explorer.ui.widgets.scaling import fixed

FIRST = (4999999999, 1234567891)
LONGEST = 40  # characters of a field
NAMES = (
    *("units", "tens", "hundreds", "thousands", "ten thousands", "hundred thousands", "millions", "ten millions"),
    *("hundred millions", "billions", "ten billions", "end"),
)
SHORT = ("units", "tens", "10²", "10³", "10⁴", "10⁵", "10⁶", "10⁷", "10⁸", "10⁹", "10¹⁰", "end")


class ShownSum(QObject):
    """``changed`` says that it is another sum, ``looked`` that another column is looked at."""

    changed = Signal()
    looked = Signal(int)

    def __init__(self, network: Network, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.network = network
        self.reading = adder.read(network, *FIRST)
        self.column = 1
        self._rng = np.random.default_rng()

    def put(self, a: int, b: int) -> None:
        """Another sum; PromptError if the model cannot take it."""
        self.reading = adder.read(self.network, a, b)
        self.changed.emit()

    def look_at(self, column: int) -> None:
        if column != self.column:
            self.column = column
            self.looked.emit(column)

    def draw(self, *, carries: bool) -> None:
        """A random sum, or one whose carry runs far."""
        a, b = (sums.carry_sums if carries else sums.random_sums)(1, self._rng)
        self.put(int(a[0]), int(b[0]))


class SumFields(QWidget):
    """Two fields for whole numbers and what is wrong with them; each change counts at once."""

    def __init__(self, shown: ShownSum) -> None:
        super().__init__()
        self._shown = shown
        self.a, self.b = _field("First number"), _field("Second number")
        self.random, self.carry = QPushButton("Random sum"), QPushButton("Long carry")
        self.random.setToolTip("Draw two ten-digit numbers")
        self.carry.setToolTip("Draw a sum in which a carry runs through many columns")
        self.state = words("", "section")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.a, QLabel("+"), self.b, self.random, self.carry):
            layout.addWidget(part)
        layout.addWidget(self.state, 1)
        for field in (self.a, self.b):
            field.textEdited.connect(self._put)
        self.random.clicked.connect(lambda: shown.draw(carries=False))
        self.carry.clicked.connect(lambda: shown.draw(carries=True))
        shown.changed.connect(self._follow)
        self._follow()

    def _put(self) -> None:
        try:
            self._shown.put(whole_number(self.a.text()), whole_number(self.b.text()))
        except ExplorerError as error:
            self._say(str(error), "danger")

    def _follow(self) -> None:
        reading = self._shown.reading
        for field, value in ((self.a, reading.a), (self.b, reading.b)):
            if not _says(field, value):  # else it stays as it was typed
                with QSignalBlocker(field):
                    field.setText(str(value))
        is_right = reading.answer == str(reading.a + reading.b)
        self._say(f"= {reading.answer}, {'right' if is_right else f'but it is {reading.a + reading.b}'}", "section")

    def _say(self, text: str, role: str) -> None:
        self.state.setText(text)
        set_property(self.state, "role", role)


def whole_number(text: str) -> int:
    """The number in a field, blanks and commas left aside; PromptError if it is none."""
    bare = text.replace(" ", "").replace(",", "")
    if not bare.isdecimal():
        raise PromptError(f"“{text}” is not a whole number; write up to {N_DIGITS} digits.")
    return int(bare)


def column_words(reading: Reading, column: int) -> str:
    """What is added in a column, what the model says there, and where it looks."""
    name = NAMES[column][0].upper() + NAMES[column][1:]
    said = f"the model says {reading.said[column]} (probability {probability(float(reading.probability[column]))})"
    place = adder.places(column)
    looks = " and ".join(
        f"at the {reading.tokens[at]} of {key} with {probability(float(reading.pattern[column, at]))}"
        for key, at in place.items()
        if key in ("a", "b")
    )
    return f"{name}: {said}" + (f" and looks {looks}." if looks else ".")


def position_words(reading: Reading, position: int) -> str:
    """Which token stands at a position: “the 9 of a, tens”."""
    token = f"the {reading.tokens[position]}"
    if position >= N_PROMPT:
        return f"{token} of the sum, {NAMES[position - N_PROMPT]}"
    for start, name in ((0, "a"), (N_DIGITS + 1, "b")):
        if start <= position < start + N_DIGITS:
            return f"{token} of {name}, {NAMES[start + N_DIGITS - 1 - position]}"
    return f"the sign {reading.tokens[position]}"


def _says(field: QLineEdit, value: int) -> bool:
    try:
        return whole_number(field.text()) == value
    except PromptError:
        return False


def _field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setToolTip(f"{name}: a whole number of up to {N_DIGITS} digits")
    field.setMaxLength(LONGEST)
    fixed(field, width=106)
    return field
