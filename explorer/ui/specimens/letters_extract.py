"""RulesView: the rules that the matrix holds, the surest first, and the words that they make."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import letters
from explorer.specimens.letters import TOKENS, Matrix
from explorer.ui.specimens.letters_chain import GreedyChain
from explorer.ui.specimens.letters_lesion import Scar
from explorer.ui.specimens.letters_read import EVENS, TEMPERATURES
from explorer.ui.specimens.letters_rules import RulesTable, rule_words
from explorer.ui.specimens.letters_words import WordPairs
from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.choice import choice_of
from explorer.ui.widgets.look import per_cent
from explorer.ui.widgets.step_slider import StepSlider

SHARES = tuple(round(0.05 * at, 2) for at in range(1, 20))
AT_LEAST = 0.25
N_WORDS, N_EXCEPTIONS = 16, 8
HINT = "The arrow keys go through the rules. Click a letter of the chain, or type one, to begin there."


class RulesView(QWidget):
    """The temperature divides the logits, of the rules and of the words."""

    def __init__(self, scar: Scar, names: Sequence[str]) -> None:
        super().__init__()
        self.scar, self._names, self._seed = scar, names, 0
        self._n_pairs = letters.counts(names).sum()
        self.at_least = StepSlider("Rules from", "The least confidence of a rule that is listed", SHARES)
        self.at_least.set_value(AT_LEAST)
        self.temperature = StepSlider("Temperature", EVENS, TEMPERATURES)
        self.temperature.set_value(1.0)
        self.hurt = QCheckBox("With the lesion")
        self.hurt.setToolTip("Take rules and words from the matrix with what Intervene cut out")
        options = [(letter, "the beginning" if letter == "." else letter) for letter in TOKENS]
        self.start = choice_of("Letter to begin with", options)
        self.again = QPushButton("Draw again")
        self.again.setToolTip("Draw other words, with the same chances at both temperatures")
        self.rules, self.chain = RulesTable(), GreedyChain()
        self.pairs = WordPairs("Words at temperature 1 and at the chosen one")
        self.title, self.greedy, self.at_one, self.at_this = (words("", "section") for _ in range(4))
        self.readout = words(HINT, "caption")
        self._lay_out()
        for changed in (self.at_least.changed, self.temperature.changed, self.hurt.toggled, scar.changed):
            changed.connect(self._show)
        self.start.currentIndexChanged.connect(self._show_words)
        self.chain.begun.connect(lambda letter: self.start.setCurrentIndex(self.start.findData(letter)))
        self.again.clicked.connect(self._draw_again)
        self.rules.pointed.connect(lambda rule: self.readout.setText(rule_words(rule)))
        self._show()

    @property
    def logits(self) -> Matrix:
        """The matrix that rules and words are taken from."""
        return self.scar.logits if self.hurt.isChecked() else self.scar.whole

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(self.at_least, 1)
        top.addWidget(self.temperature, 1)
        for part in (self.hurt, self.again):
            top.addWidget(part)
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(titled(self.title, self.rules), 6)
        row.addLayout(self._right(), 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addLayout(row, 1)
        layout.addWidget(self.readout)

    def _right(self) -> QVBoxLayout:
        """The greedy word above the drawn ones."""
        start = QHBoxLayout()
        label = QLabel("Begin with")
        label.setBuddy(self.start)
        start.addWidget(label)
        start.addWidget(self.start)
        start.addStretch()
        drawn = QGridLayout()
        drawn.setHorizontalSpacing(12)
        for at, title in enumerate((self.at_one, self.at_this)):
            drawn.addWidget(title, 0, at)
            drawn.setColumnStretch(at, 1)
        drawn.addWidget(self.pairs, 1, 0, 1, 2)
        drawn.setRowStretch(1, 1)
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addWidget(self.greedy)
        column.addLayout(start)
        column.addWidget(self.chain)
        column.addLayout(drawn, 1)
        return column

    def _draw_again(self) -> None:
        self._seed += 1
        self._show_words()

    def _show(self) -> None:
        self.hurt.setEnabled(bool(self.scar.cut.any()))
        if not self.hurt.isEnabled():
            with QSignalBlocker(self.hurt):
                self.hurt.setChecked(False)
        at_least, temperature = self.at_least.value(), self.temperature.value()
        found = letters.rulebook(self.logits, self._names, at_least, N_EXCEPTIONS, temperature)
        self.rules.show_rules(found)
        covered = per_cent(float(sum(rule.support for rule in found) / self._n_pairs))
        n = "1 rule foretells" if len(found) == 1 else f"{len(found)} rules foretell"
        self.title.setText(f"{n} {covered} of all letters in the names")
        self._show_words()

    def _show_words(self) -> None:
        logits, temperature, start = self.logits, self.temperature.value(), str(self.start.currentData())
        self.chain.show_word(logits, temperature, start)
        word, loop = letters.greedy(logits, start)
        said = f"{word}, then “{loop}” for ever" if loop else word
        self.greedy.setText(f"Always the likeliest letter: {said or 'no letter at all'}")
        chances = (np.random.default_rng(self._seed) for _ in range(2))
        at_one, at_this = (letters.sample(logits, N_WORDS, next(chances), heat) for heat in (1.0, temperature))
        self.pairs.show_words(at_one, at_this)
        self.at_one.setText("Words by chance")
        self.at_this.setText(f"At temperature {temperature:g}")
