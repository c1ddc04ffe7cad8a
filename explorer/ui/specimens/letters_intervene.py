"""LesionView: cut entries out of the matrix with the mouse, and see the scar in the words and the perplexity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import letters
from explorer.specimens.letters import CAP, CUT, TOKENS, Matrix
from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.heat_map import HeatMap

N_WORDS = 24
HINT = "Click or drag over cells, or a letter at the edge for its whole row or column; Space cuts the current cell."


class LesionView(QWidget):
    """Both sides draw their words with the same random numbers, so that they differ by the lesion alone."""

    def __init__(self, logits: Matrix, names: Sequence[str]) -> None:
        super().__init__()
        self._logits, self._counts = logits, letters.counts(names)
        self.cut = np.zeros(logits.shape, dtype=bool)
        self._past: list[np.ndarray] = []
        self._puts: bool | None = None  # what the stroke that goes on does: cuts, or heals
        self._seed = 0
        self.matrix = HeatMap("The matrix; cells that are cut out are crossed", 13)
        self.state = words("", "section")
        self.stop, self.undo, self.clear = (
            QPushButton(text) for text in ("Cut what ends names", "Undo the stroke", "Heal all")
        )
        self.again = QPushButton("Draw again")
        self.stop.setToolTip("Cut the column of “.”, so that no name ever ends")
        self.undo.setToolTip("Take the last stroke back")
        self.clear.setToolTip("Put the whole matrix back")
        self.again.setToolTip("Draw other words, with the same random numbers on both sides")
        self.columns = tuple(_Side(name) for name in ("Before", "After"))
        self._lay_out()
        self.matrix.pressed.connect(self._press)
        self.matrix.released.connect(self._release)
        self.stop.clicked.connect(self._stop)
        self.undo.clicked.connect(self._undo)
        self.clear.clicked.connect(self._clear)
        self.again.clicked.connect(self._draw_again)
        self._show()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        for button in (self.stop, self.undo, self.clear, self.again):
            buttons.addWidget(button)
        buttons.addStretch()
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.state)
        sides = QHBoxLayout()
        sides.setSpacing(24)
        for side in self.columns:
            sides.addWidget(side, 1)
        column.addLayout(sides)
        column.addStretch()
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(titled("Paint a lesion: what is crossed out can never follow", self.matrix), 1)
        row.addWidget(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addLayout(row, 1)
        layout.addWidget(words(HINT, "caption"))

    def _press(self, row: int, column: int) -> None:
        where = (row if row >= 0 else slice(None), column if column >= 0 else slice(None))
        if self._puts is None:
            self._past.append(self.cut)
            self._puts = not bool(self.cut[where].all())
        self.cut = self.cut.copy()
        self.cut[where] = self._puts
        self._show()

    def _release(self) -> None:
        self._puts = None

    def _stop(self) -> None:
        self._press(-1, 0)
        self._release()

    def _undo(self) -> None:
        if self._past:
            self.cut = self._past.pop()
            self._show()

    def _clear(self) -> None:
        self._past.append(self.cut)
        self.cut = np.zeros_like(self.cut)
        self._show()

    def _draw_again(self) -> None:
        self._seed += 1
        self._show()

    def _show(self) -> None:
        changed = np.where(self.cut, CUT, self._logits)
        self.matrix.show_values(letters.probabilities(changed), TOKENS, TOKENS, marked=self.cut)
        for side, logits in zip(self.columns, (self._logits, changed), strict=True):
            side.show_model(logits, self._counts, self._seed)
        n = int(self.cut.sum())
        cells = "1 cell is" if n == 1 else f"{n} cells are"
        before, after = (side.perplexity for side in self.columns)
        scar = f"{cells} cut out: the names surprise it {after / before:.3g} times as much"
        self.state.setText(scar if n else "Nothing is cut out yet")
        self.undo.setEnabled(bool(self._past))
        self.clear.setEnabled(n > 0)


class _Side(QWidget):
    """Perplexity, the greedy word and sampled words of one matrix."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.perplexity = 0.0
        self.figure, self.greedy, self.ended = words("", "title"), words(), words()
        self.words = QGridLayout()
        self.words.setHorizontalSpacing(12)
        self.labels = [ElidedLabel() for _ in range(N_WORDS)]
        for at, label in enumerate(self.labels):
            self.words.addWidget(label, at // 2, at % 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(words(name, "section"))
        for part in (self.figure, self.greedy, self.ended):
            layout.addWidget(part)
        layout.addLayout(self.words)

    def show_model(self, logits: Matrix, counts: Matrix, seed: int) -> None:
        self.perplexity = letters.perplexity(logits, counts)
        drawn = letters.sample(logits, N_WORDS, np.random.default_rng(seed))
        self.figure.setText(f"Perplexity {self.perplexity:,.4g}")
        self.greedy.setText(greedy_words(logits))
        n = sum(word.ended for word in drawn)
        self.ended.setText(f"{n} of {N_WORDS} drawn words end before {CAP} letters:")
        for label, word in zip(self.labels, drawn, strict=True):
            label.set_text(word.text + ("" if word.ended else "…"))


def greedy_words(logits: Matrix, start: str = ".") -> str:
    """What comes if always the likeliest letter is taken, and the loop in which it goes round."""
    word, loop = letters.greedy(logits, start)
    return f"Likeliest letter each time: {word}" + (f"… and “{loop}” for ever" if loop else "")
