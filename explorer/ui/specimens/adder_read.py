"""SumView: a sum as the adder works it out, where it looks for each digit, and all its weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from explorer.specimens import adder
from explorer.specimens.adder import PLACES, Reading
from explorer.specimens.network import Network
from explorer.specimens.sums import N_DIGITS
from explorer.ui.background import Background
from explorer.ui.specimens.adder_sum import NAMES, SHORT, ShownSum, SumFields, column_words, position_words
from explorer.ui.specimens.adder_weights import WeightsView
from explorer.ui.specimens.page import titled, words
from explorer.ui.specimens.paper_sum import PaperSum, chances, lines_of
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import per_cent, probability
from explorer.work import Pause, Progress, Work

N_SUMS = 500  # of the mean attention
SHORT_PLACES = ("a", "b", "a →", "b →", "sum →", "other")  # PLACES, an arrow for the column to the right
HINT = "Hover over a digit or a cell, or walk with the arrow keys, to read it. Blue is positive, orange negative."


class SumView(QWidget):
    """The column that is looked at is lit in the sum and in the attention."""

    def __init__(self, shown: ShownSum) -> None:
        super().__init__()
        self._shown = shown
        self.work = Background("specimen adder: alignment", self)
        self.fields = SumFields(shown)
        self.paper = PaperSum("The sum, column by column")
        self.attention = attention_map()
        self.alignment = HeatMap("Mean attention of each digit of the sum, by what it looks at", 9, square=False)
        self.weights = WeightsView(shown.network)
        self.titles = {name: words("", "section") for name in ("paper", "attention", "alignment")}
        self.alignment.setToolTip("→ is the column to the right, which is said before")
        self.titles["alignment"].setText(f"Where each digit looks on average: measured on {N_SUMS} sums …")
        self.readout = words(HINT, "caption")
        self.table: NDArray[np.floating] | None = None
        self._lay_out()
        for signal in (self.paper.hovered, self.paper.chosen):
            signal.connect(self._tell_column)
        self.paper.chosen.connect(shown.look_at)
        self.attention.chosen.connect(lambda row, _: shown.look_at(row))
        for heat_map, tell in ((self.attention, self._tell_attention), (self.alignment, self._tell_alignment)):
            heat_map.hovered.connect(tell)
            heat_map.chosen.connect(tell)
        self.weights.told.connect(lambda text: self.readout.setText(text or HINT))
        self.work.done.connect(self._show_alignment)
        shown.changed.connect(self._show)
        shown.looked.connect(self._light)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.table is None and not self.work.is_busy:
            network = self._shown.network
            self.work.start(lambda pause: _align(network, pause))

    def _lay_out(self) -> None:
        self.alignment.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(12)
        grid.addWidget(titled(self.titles["paper"], self.paper), 0, 0)
        grid.addWidget(titled(self.titles["alignment"], self.alignment), 1, 0)
        grid.addWidget(titled(self.titles["attention"], self.attention), 0, 1, 2, 1)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)
        grid.setRowStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.fields)
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)
        layout.addWidget(titled(self.weights.title, self.weights))

    def _show(self) -> None:
        reading = self._shown.reading
        lines, rule = lines_of([("sum", reading)])
        self.paper.show_lines([*lines, chances(reading)], rule)
        show_attention(self.attention, reading)
        least = int(reading.probability.argmin())
        chance = 100 * float(reading.probability[least])
        self.titles["paper"].setText(f"Said from the units on; least sure of the {NAMES[least]}: {chance:.2f} %")
        self.titles["attention"].setText(attention_title(reading))
        self._light(self._shown.column)

    def _light(self, column: int) -> None:
        for picture in (self.paper, self.attention, self.alignment):
            picture.light(column)

    def _show_alignment(self, table: NDArray[np.floating]) -> None:
        self.table = table
        self.alignment.show_values(table, SHORT, SHORT_PLACES, limit=1.0)
        own = [per_cent(float(share)) for share in table[:N_DIGITS, :2].mean(0)]
        self.titles["alignment"].setText(
            f"On average over {N_SUMS} sums a digit looks at its own column: {own[0]} at a, {own[1]} at b"
        )

    def _tell_column(self, column: int) -> None:
        self.readout.setText(column_words(self._shown.reading, column) if column >= 0 else HINT)

    def _tell_attention(self, row: int, column: int) -> None:
        self.readout.setText(attention_words(self._shown.reading, row, column) or HINT)

    def _tell_alignment(self, row: int, column: int) -> None:
        if self.table is None or min(row, column) < 0:
            self.readout.setText(HINT)
            return
        weight = probability(float(self.table[row, column]))
        self.readout.setText(f"For the {NAMES[row]}: {PLACES[column]} has {weight} of the attention, on average.")


def attention_map() -> HeatMap:
    heat_map = HeatMap("Attention: digits of the sum in rows, positions in columns", 9, square=False)
    heat_map.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
    return heat_map


def show_attention(heat_map: HeatMap, reading: Reading) -> None:
    heat_map.show_values(reading.pattern, SHORT, reading.tokens, limit=1.0)


def attention_title(reading: Reading) -> str:
    """How much of the attention the ten columns with two digits have for themselves."""
    places = [adder.places(column) for column in range(N_DIGITS)]
    own = [reading.pattern[at, [place["a"], place["b"]]].sum() for at, place in enumerate(places)]
    return f"Attention: each digit looks at the two above it, with {per_cent(float(np.mean(own)))} on average"


def attention_words(reading: Reading, row: int, column: int) -> str:
    """What a cell of the attention says; "" outside."""
    if min(row, column) < 0:
        return ""
    weight = probability(float(reading.pattern[row, column]))
    said = f"{NAMES[row]} ({reading.said[row]})"
    return f"To say the {said} it looks at {position_words(reading, column)}, with {weight}."


def _align(network: Network, pause: Pause) -> Work[NDArray[np.floating]]:
    yield Progress(0, 1, "Looking at sums")
    pause()
    return adder.alignment(network, N_SUMS)
