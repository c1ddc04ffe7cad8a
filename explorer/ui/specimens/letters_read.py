"""BeliefsView: the whole matrix, and one of its rows beside what the names say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from explorer.specimens import letters
from explorer.specimens.letters import TOKENS, Matrix
from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import per_cent, probability, px, signed
from explorer.ui.widgets.plot import Plot
from explorer.ui.widgets.scaling import on_text_size
from explorer.ui.widgets.step_slider import StepSlider

FIRST = "q"  # whose row needs no explanation
FULL_INK = 0.5  # few beliefs are surer, and most are far below
HINT = "Hover over a cell or a bar to read it. A click on a cell shows its row, one on a bar the row of its letter."
TEMPERATURES = tuple(round(0.1 * at, 1) for at in range(1, 31))
EVENS = "Below 1 the likely gets likelier, above 1 all evens out"
AXIS = 56  # wide, so that both plots have their letters at the same places


class BeliefsView(QWidget):
    """A click on a row, or an arrow key, shows that row; a click on a bar goes on to the row of its letter."""

    def __init__(self, logits: Matrix, names: Sequence[str]) -> None:
        super().__init__()
        self._logits, self._counts = logits, letters.counts(names)
        self._row = TOKENS.index(FIRST)
        self.temperature = StepSlider("Temperature", EVENS, TEMPERATURES)
        self.temperature.set_value(1.0)
        self.matrix = HeatMap("What comes next, letters in rows as they are now, in columns as they follow", 11)
        self.readout, self.title, self.off = words(HINT, "caption"), words("", "section"), words("", "section")
        self.row = Plot("Belief of the model beside the share in the names", "", "ink: model, grey: names")
        self.difference = Plot("Belief minus share", "next letter", "difference")
        at = np.arange(len(TOKENS))
        self.bars = self.row.bars(at - 0.2, at * 0.0, "mark_ink", width=0.4)
        self.shares = self.row.bars(at + 0.2, at * 0.0, "hidden", width=0.4)
        self.more = self.difference.bars(at, at * 0.0, "sign_raise")
        self.less = self.difference.bars(at, at * 0.0, "sign_lower")
        for plot in (self.row, self.difference):
            self._prepare(plot)
        on_text_size(self, self._align)
        self._lay_out()
        self.temperature.changed.connect(self._warm)
        self.matrix.chosen.connect(self._choose)
        self.matrix.pressed.connect(self._press)
        self.matrix.hovered.connect(self._tell)
        self._show()
        self.matrix.choose(self._row, TOKENS.index("u"))

    def _align(self) -> None:
        for plot in (self.row, self.difference):
            plot.getAxis("left").setWidth(px(AXIS))

    def _prepare(self, plot: Plot) -> None:
        """Letters below, nothing to drag, and the mouse reads and chooses a letter."""
        plot.name_ticks("bottom", list(enumerate(TOKENS)))
        plot.setMouseEnabled(x=False, y=False)
        plot.setXRange(-0.5, len(TOKENS) - 0.5, padding=0)
        plot.scene().sigMouseMoved.connect(lambda at: self._tell(self._row, letter_at(plot, at)))
        plot.scene().sigMouseClicked.connect(lambda click: self._walk(letter_at(plot, click.scenePos())))

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        for title, plot, share in ((self.title, self.row, 3), (self.off, self.difference, 2)):
            column.addWidget(title)
            column.addWidget(plot, share)
        said = f"Each row is a belief; full ink is {per_cent(FULL_INK)} or more, and “.” ends the name"
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(titled(said, self.matrix), 6)
        row.addWidget(right, 5)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.temperature, 1)
        top.addWidget(words(f"{EVENS}; the names stay as they are.", "caption"), 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addLayout(row, 1)
        layout.addWidget(self.readout)

    def _press(self, row: int, column: int) -> None:
        """A letter at the left, or a drag over cells."""
        if row >= 0 and row != self._row:
            self.matrix.choose(row, column if column >= 0 else self.matrix.current[1])

    def _walk(self, letter: int) -> None:
        if letter >= 0:
            self.matrix.choose(letter, self.matrix.current[1])

    def _choose(self, row: int, column: int) -> None:
        self._row = row
        self._show()
        self._tell(row, column)

    def _warm(self) -> None:
        self._show()
        self._tell(*self.matrix.current)

    def _show(self) -> None:
        temperature = self.temperature.value()
        self.matrix.show_values(letters.probabilities(self._logits, temperature), TOKENS, TOKENS, limit=FULL_INK)
        self.matrix.light(self._row)
        found = letters.believed(self._logits, self._counts, TOKENS[self._row], temperature)
        self.bars.setOpts(height=found.belief)
        self.shares.setOpts(height=found.frequency)
        self.more.setOpts(height=np.maximum(found.difference, 0))
        self.less.setOpts(height=np.minimum(found.difference, 0))
        best, worst = int(found.belief.argmax()), int(abs(found.difference).argmax())
        farthest = float(found.difference[worst])
        self.row.setYRange(0, 1.08 * float(max(found.belief.max(), found.frequency.max())), padding=0)
        self.difference.setYRange(-1.2 * abs(farthest), 1.2 * abs(farthest), padding=0)
        said = f"the model gives {following(best)} {probability(float(found.belief[best]))}"
        names = f"the names {probability(float(found.frequency[best]))}, of {found.n:,} places"
        self.title.setText(f"{after(self._row)} {said}, {names}")
        self.off.setText(f"Belief minus share: the farthest off is {following(worst)}, by {signed(farthest)}")

    def _tell(self, row: int, column: int) -> None:
        if min(row, column) < 0:
            self.readout.setText(HINT)
            return
        found = letters.believed(self._logits, self._counts, TOKENS[row], self.temperature.value())
        belief, share = probability(float(found.belief[column])), probability(float(found.frequency[column]))
        times = f"{int(self._counts[row, column])} of {found.n:,} times"
        difference = signed(float(found.difference[column]))
        what = f"{after(row)} comes {following(column)}"
        self.readout.setText(f"{what}: belief {belief}, names {share} ({times}), difference {difference}")


def after(row: int) -> str:
    return "At the beginning" if row == 0 else f"After {TOKENS[row]}"


def following(column: int) -> str:
    return "the end" if column == 0 else TOKENS[column]


def letter_at(plot: Plot, at: Any) -> int:
    """The letter whose bars are at a point of the scene, -1 for none."""
    box = plot.getPlotItem().getViewBox()
    letter = round(box.mapSceneToView(at).x())
    return letter if box.sceneBoundingRect().contains(at) and 0 <= letter < len(TOKENS) else -1
