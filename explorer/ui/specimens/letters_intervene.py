"""LesionView: cut entries out of the matrix with the mouse, and see the scar in the words and the perplexity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import letters
from explorer.specimens.letters import CAP, CUT, TOKENS, Matrix
from explorer.ui.specimens.letters_lesion import Scar, lesion_words
from explorer.ui.specimens.letters_read import FULL_INK, after, following
from explorer.ui.specimens.letters_words import WordPairs
from explorer.ui.specimens.page import Heading, titled, words
from explorer.ui.widgets.choice import choice_of
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import probability, signed

N_WORDS = 14
SHOWN = (("after", "Belief after"), ("before", "Belief before"), ("change", "Change"))
VALUES = (("never", "never comes"), ("untrained", "is as before training"))
HINT = (
    "Click or drag over cells; a letter at the edge cuts its row or column, “.” all endings; again heals. "
    "Keys: Space, R for the row, C for the column, Ctrl+Z."
)


class LesionView(QWidget):
    """Both sides draw their words with the same chances, so that they differ by the lesion alone."""

    def __init__(self, scar: Scar, names: Sequence[str]) -> None:
        super().__init__()
        self.scar, self._counts, self._seed = scar, letters.counts(names), 0
        self.shown = choice_of("What the matrix shows", SHOWN)
        self.value = choice_of("What is cut out", VALUES)
        self.stop, self.undo, self.clear = (QPushButton(text) for text in ("Cut endings", "Undo", "Heal all"))
        self.again = QPushButton("Draw again")
        self.matrix = HeatMap("The matrix; what is cut out is crossed out", 11)
        self.title, self.state = Heading(), Heading()
        self.readout = words(HINT, "caption")
        self.before, self.after = _Side("Before"), _Side("After")
        self.pairs = WordPairs("Words before and after")
        self._say()
        self._lay_out()
        self._connect()
        self._show()

    def _say(self) -> None:
        """What the controls are for."""
        self.shown.setToolTip("Show the beliefs after or before the lesion, or after minus before")
        self.value.setToolTip(f"What is cut out has the logit {CUT:g} and never comes, or 0 as before training")
        self.stop.setToolTip("Cut the column of “.”, so that no name ever ends; again, heal it")
        self.undo.setToolTip("Take the last stroke back (Ctrl+Z)")
        self.clear.setToolTip("Put the whole matrix back")
        self.again.setToolTip("Draw other words, with the same chances before and after")

    def _connect(self) -> None:
        for signal, slot in (
            (self.matrix.pressed, self.scar.stroke),
            (self.matrix.released, self.scar.lift),
            (self.matrix.hovered, self._tell),
            (self.matrix.chosen, self._tell),
            (self.shown.currentIndexChanged, self._show),
            (self.value.currentIndexChanged, self._put),
            (self.stop.clicked, lambda: self._cut(-1, 0)),
            (self.undo.clicked, self.scar.undo),
            (self.clear.clicked, self.scar.clear),
            (self.again.clicked, self._draw_again),
            (self.scar.changed, self._show),
        ):
            signal.connect(slot)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        label = QLabel("What is cut out")
        label.setBuddy(self.value)
        for part in (self.shown, label, self.value, self.stop, self.undo, self.clear):
            buttons.addWidget(part)
        buttons.insertSpacing(1, 8)
        buttons.insertStretch(4)
        right = QWidget()
        column = QGridLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setVerticalSpacing(8)
        column.setHorizontalSpacing(12)
        column.addWidget(self.state, 0, 0, 1, 2)
        for at, side in enumerate((self.before, self.after)):
            column.addWidget(side, 1, at, Qt.AlignmentFlag.AlignTop)
            column.setColumnStretch(at, 1)
        column.addWidget(self.pairs, 2, 0, 1, 2)
        column.setRowStretch(2, 1)
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(titled(self.title, self.matrix), 6)
        row.addWidget(right, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addLayout(row, 1)
        below = QHBoxLayout()
        below.addWidget(self.readout, 1)
        below.addWidget(self.again)
        layout.addLayout(below)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, column = self.matrix.current
        if event.matches(QKeySequence.StandardKey.Undo):
            self.scar.undo()
        elif event.key() == Qt.Key.Key_R:
            self._cut(row, -1)
        elif event.key() == Qt.Key.Key_C:
            self._cut(-1, column)
        else:
            super().keyPressEvent(event)

    def _cut(self, row: int, column: int) -> None:
        self.scar.stroke(row, column)
        self.scar.lift()

    def _put(self) -> None:
        self.scar.put_to(CUT if self.value.currentData() == "never" else 0.0)

    def _draw_again(self) -> None:
        self._seed += 1
        self._show()

    def _show(self) -> None:
        whole, hurt = self.scar.whole, self.scar.logits
        self._show_matrix(letters.probabilities(whole), letters.probabilities(hurt))
        drawn = [letters.sample(logits, N_WORDS, np.random.default_rng(self._seed)) for logits in (whole, hurt)]
        self.pairs.show_words(*drawn)
        for side, logits, some in zip((self.before, self.after), (whole, hurt), drawn, strict=True):
            side.show_model(logits, self._counts, sum(word.ended for word in some))
        what = lesion_words(self.scar.lesion)
        times = self.after.perplexity / self.before.perplexity
        said = f"Without {what} the names surprise it {times:.3g} times as much"
        self.state.setText(said if what else "Nothing is cut out")
        self.undo.setEnabled(self.scar.can_undo)
        self.clear.setEnabled(bool(what))
        with QSignalBlocker(self.value):
            self.value.setCurrentIndex(int(self.scar.value != CUT))

    def _show_matrix(self, before: Matrix, after: Matrix) -> None:
        shown = str(self.shown.currentData())
        values = {"after": after, "before": before, "change": after - before}[shown]
        marked = None if shown == "before" else self.scar.cut
        self._beliefs = before, after
        self.matrix.show_values(values, TOKENS, TOKENS, limit=FULL_INK, marked=marked, has_sign=shown == "change")
        self.title.setText(self._most() if self.scar.cut.any() else "Paint a lesion: what is crossed out is gone")

    def _most(self) -> str:
        """Where the belief changes most."""
        change = self._beliefs[1] - self._beliefs[0]
        row, column = divmod(int(abs(change).argmax()), len(TOKENS))
        size = signed(float(change[row, column]))
        return f"The belief that changes most, by {size}: {after(row).lower()} comes {following(column)}"

    def _tell(self, row: int, column: int) -> None:
        if min(row, column) < 0:
            self.readout.setText(HINT)
            return
        one, two = (float(belief[row, column]) for belief in self._beliefs)
        what = f"{after(row)} comes {following(column)}: belief {probability(one)} before, {probability(two)} after"
        self.readout.setText(f"{what} ({signed(two - one)}{', cut out' if self.scar.cut[row, column] else ''})")


class _Side(QWidget):
    """Perplexity, the greedy word and how many sampled words end, of one matrix."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.perplexity = 0.0
        self.figure, self.greedy, self.ended = words("", "title"), words(), words("", "caption")
        self.figure.setToolTip("How many letters would be equally good guesses, at each place of the names")
        self.ended.setToolTip(f"A word that is longer than {CAP} letters is broken off")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for part in (words(name, "section"), self.figure, self.greedy, self.ended):
            layout.addWidget(part)

    def show_model(self, logits: Matrix, counts: Matrix, n_ended: int) -> None:
        self.perplexity = letters.perplexity(logits, counts)
        self.figure.setText(f"Perplexity {self.perplexity:,.4g}")
        self.greedy.setText(f"Likeliest: {greedy_words(logits)}")
        self.ended.setText(f"{n_ended} of {N_WORDS} words end")


def greedy_words(logits: Matrix) -> str:
    """The word of the likeliest letters, and the loop in which it goes round."""
    word, loop = letters.greedy(logits)
    return word + (f"… (“{loop}” for ever)" if loop else "")
