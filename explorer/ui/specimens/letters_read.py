"""BeliefsView: the whole matrix, and one of its rows beside what the names say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from explorer.specimens import letters
from explorer.specimens.letters import TOKENS, Matrix
from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import probability, signed
from explorer.ui.widgets.plot import Plot

FIRST = "q"  # whose row needs no explanation
HINT = "Hover over a cell, or walk with the arrow keys; a click on a row shows it at the right."
TICKS = [(at, letter) for at, letter in enumerate(TOKENS)]


class BeliefsView(QWidget):
    """A click on a row, or an arrow key, shows that row."""

    def __init__(self, logits: Matrix, names: Sequence[str]) -> None:
        super().__init__()
        self._logits, self._counts = logits, letters.counts(names)
        self._believes = letters.probabilities(logits)
        self.matrix = HeatMap("What comes next, letters in rows as they are now, in columns as they follow", 13)
        self.matrix.show_values(self._believes, TOKENS, TOKENS)
        self.readout, self.title, self.off = words(HINT, "caption"), words("", "section"), words("", "section")
        self.row = Plot("Belief of the model beside the share in the names", "next letter", "belief; dots: the names")
        self.difference = Plot("Belief minus share", "next letter", "difference")
        at = np.arange(len(TOKENS))
        self.bars = self.row.bars(at, at * 0.0, "mark_ink")
        self.dots = self.row.points(at, at * 0.0, "sign_raise")
        self.more = self.difference.bars(at, at * 0.0, "sign_raise")
        self.less = self.difference.bars(at, at * 0.0, "sign_lower")
        for plot in (self.row, self.difference):
            plot.name_ticks("bottom", TICKS)
        self._lay_out()
        self.matrix.chosen.connect(self._choose)
        self.matrix.pressed.connect(self._press)
        self.matrix.hovered.connect(self._tell)
        self.matrix.choose(TOKENS.index(FIRST), TOKENS.index("u"))

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        for title, plot, share in ((self.title, self.row, 3), (self.off, self.difference, 2)):
            column.addWidget(title)
            column.addWidget(plot, share)
        row = QHBoxLayout()
        row.setSpacing(24)
        said = "Each row is a belief: the darker, the likelier comes that letter (“.” ends the name)"
        row.addWidget(titled(said, self.matrix), 1)
        row.addWidget(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row, 1)
        layout.addWidget(self.readout)

    def _press(self, row: int, column: int) -> None:
        if column < 0:
            self.matrix.choose(row, self.matrix.current[1])

    def _choose(self, row: int, column: int) -> None:
        found = letters.believed(self._logits, self._counts, TOKENS[row])
        best = int(found.belief.argmax())
        self.bars.setOpts(height=found.belief)
        self.dots.setData(np.arange(len(TOKENS)), found.frequency)
        self.more.setOpts(height=np.maximum(found.difference, 0))
        self.less.setOpts(height=np.minimum(found.difference, 0))
        said = f"the model gives {_shown(best)} {probability(float(found.belief[best]))}"
        names = f"the names {probability(float(found.frequency[best]))}, of {found.n:,} places"
        self.title.setText(f"{_after(row)} {said}, {names}")
        worst = int(abs(found.difference).argmax())
        size = signed(float(found.difference[worst]))
        self.off.setText(f"Belief minus share: the farthest off is {_shown(worst)}, by {size}")
        self._tell(row, column)

    def _tell(self, row: int, column: int) -> None:
        if min(row, column) < 0:
            self.readout.setText(HINT)
            return
        share = float(self._counts[row, column] / max(self._counts[row].sum(), 1))
        belief = probability(float(self._believes[row, column]))
        times = f"{int(self._counts[row, column])} of {int(self._counts[row].sum())} times"
        what = f"{_after(row)} comes {_shown(column)}"
        self.readout.setText(f"{what}: belief {belief}, names {probability(share)} ({times})")


def _after(row: int) -> str:
    return "At the beginning" if row == 0 else f"After {TOKENS[row]}"


def _shown(column: int) -> str:
    return "the end" if column == 0 else TOKENS[column]
