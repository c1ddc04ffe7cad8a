"""RulesView: the rules that the matrix holds, the surest first, and the words that they make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import letters
from explorer.specimens.letters import TOKENS, Matrix, Rule
from explorer.ui.specimens.letters_intervene import greedy_words
from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.choice import choice_of
from explorer.ui.widgets.look import per_cent
from explorer.ui.widgets.step_slider import StepSlider
from explorer.ui.widgets.two_lines import TwoLineList, TwoLines

TEMPERATURES = tuple(round(0.1 * at, 1) for at in range(1, 31))
SHARES = tuple(round(0.05 * at, 2) for at in range(1, 20))
AT_LEAST = 0.25
N_WORDS = 40
EVENS = "Below 1 the likely gets likelier, above 1 all evens out"


class RulesView(QWidget):
    """The temperature divides the logits, of the rules and of the words."""

    def __init__(self, logits: Matrix, names: Sequence[str]) -> None:
        super().__init__()
        self._logits, self._names, self._seed = logits, names, 0
        self.at_least = StepSlider("Rules from", "The least confidence of a rule that is listed", SHARES)
        self.at_least.set_value(AT_LEAST)
        self.temperature = StepSlider("Temperature", EVENS, TEMPERATURES)
        self.temperature.set_value(1.0)
        options = [(letter, "the beginning" if letter == "." else letter) for letter in TOKENS]
        self.start = choice_of("Letter to begin with", options)
        self.again = QPushButton("Draw again")
        self.again.setToolTip("Draw other words")
        self.rules = TwoLineList("Rules, the surest first")
        self.title, self.greedy, self.drawn = words("", "section"), words("", "title"), words()
        self._lay_out()
        self.at_least.changed.connect(self._show)
        self.temperature.changed.connect(self._show)
        self.start.currentIndexChanged.connect(self._show)
        self.again.clicked.connect(self._draw_again)
        self._show()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(self.at_least, 1)
        top.addWidget(self.temperature, 1)
        top.addWidget(self.again)
        start = QHBoxLayout()
        label = QLabel("Begin with")
        label.setBuddy(self.start)
        start.addWidget(label)
        start.addWidget(self.start)
        start.addStretch()
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(words("Always the likeliest letter", "section"))
        column.addLayout(start)
        column.addWidget(self.greedy)
        column.addSpacing(12)
        column.addWidget(words("Words drawn by chance", "section"))
        column.addWidget(self.drawn)
        column.addStretch()
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(titled(self.title, self.rules), 1)
        row.addWidget(right, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addLayout(row, 1)

    def _draw_again(self) -> None:
        self._seed += 1
        self._show()

    def _show(self) -> None:
        temperature = self.temperature.value()
        found = letters.rulebook(self._logits, self._names, self.at_least.value(), temperature=temperature)
        self.rules.show_rows(map(_row, found))
        covered = sum(rule.support for rule in found) / letters.counts(self._names).sum()
        n = "1 rule foretells" if len(found) == 1 else f"{len(found)} rules foretell"
        self.title.setText(f"{n} {per_cent(float(covered))} of all letters in the names")
        self.greedy.setText(greedy_words(self._logits, str(self.start.currentData())))
        drawn = letters.sample(self._logits, N_WORDS, np.random.default_rng(self._seed), temperature)
        self.drawn.setText(", ".join(word.text + ("" if word.ended else "…") for word in drawn))


def _row(rule: Rule) -> TwoLines:
    before = "At the beginning" if rule.before == "." else f"After {rule.before}"
    after = "the name ends" if rule.after == "." else f"comes {rule.after}"
    against = f"; not in {', '.join(rule.exceptions)}" if rule.exceptions else ", without exception"
    detail = f"{rule.support} of {rule.n} in the names{against}"
    return TwoLines(f"{before} {after}", per_cent(rule.confidence), detail, whole=f"{before} {after}: {detail}")
