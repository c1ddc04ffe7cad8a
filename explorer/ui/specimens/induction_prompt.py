"""InductionPrompt: the prompt that all verbs of the induction page look at, and PromptRow, where it is written."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from explorer.errors import PromptError
from explorer.specimens import induction, repeats
from explorer.specimens.induction import Head
from explorer.specimens.network import Network
from explorer.ui.specimens.page import words
from explorer.ui.widgets.look import probability, set_property

PERIODS = 5, 16  # of random repeats, so that letters stay legible
ROWS, PERIOD = 8, 20  # enough to tell which head is the induction head


class InductionPrompt(QObject):
    """A text and what the model makes of it; ``fault`` is what is wrong with the text, which then is not read.

    ``changed`` tells another text, ``pointed`` another ``position``, ``turned`` another ``head``.
    """

    changed = Signal()
    pointed = Signal()
    turned = Signal()

    def __init__(self, network: Network, text: str, parent: QObject) -> None:
        super().__init__(parent)
        self.network = network
        self._rng = np.random.default_rng()
        rows = repeats.twice(ROWS, PERIOD, np.random.default_rng(0))
        self.induction = induction.scores(network, rows).induction
        self.head = self.induction
        self.text, self.fault, self.position = "", "", 0
        self.reading = induction.read(network, repeats.ids_of(text))
        self.ask(text)

    @property
    def tokens(self) -> list[str]:
        """Those of the text that was read last."""
        return spelled(self.reading.ids)

    def ask(self, text: str) -> None:
        """Read another text, if it is a prompt."""
        self.text, self.fault = text, ""
        try:
            self.reading = induction.read(self.network, repeats.ids_of(text))
            self.position = _most_telling(self.reading)
        except PromptError as error:
            self.fault = str(error)
        self.changed.emit()

    def ask_random(self) -> None:
        """Read different random tokens and the same again."""
        period = int(self._rng.integers(*PERIODS, endpoint=True))
        self.ask("".join(spelled(repeats.twice(1, period, self._rng)[0])))

    def point(self, position: int) -> None:
        if position != self.position:
            self.position = position
            self.pointed.emit()

    def turn(self, head: Head) -> None:
        if head != self.head:
            self.head = head
            self.turned.emit()

    def foreseen(self) -> str:
        """How many of the tokens that come as they came before are foreseen, and what comes next."""
        reading = self.reading
        last = len(reading.ids) - 1
        chance = probability(float(reading.probability[last].max()))
        said = f"it says {spelled(reading.said)[last]} ({chance}) comes next"
        if not reading.again:
            return f"Nothing goes on here as it went on before, so there is nothing to foresee; {said}."
        right, all_ = len(reading.foreseen), len(reading.again)
        return f"Where it goes on as it went on before, the model foresees {right} of {all_} tokens; {said}."


class PromptRow(QWidget):
    """The prompt in a field, a button for a random one, and what is wrong with it."""

    def __init__(self, prompt: InductionPrompt) -> None:
        super().__init__()
        self._prompt = prompt
        self.field = QLineEdit()
        self.field.setAccessibleName("Prompt")
        self.field.setToolTip(f"1 to {repeats.N_POS} letters and digits, a token each")
        self.random = QPushButton("Random repeat")
        self.random.setToolTip("Different random tokens, and the same again")
        self.count, self.fault = QLabel(), words("", "danger")
        self.count.setProperty("role", "caption")
        label = QLabel("Prompt")
        label.setBuddy(self.field)
        row = QHBoxLayout()
        row.setSpacing(8)
        for part in (label, self.field, self.count, self.random):
            row.addWidget(part, int(part is self.field))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.fault)
        self.field.textEdited.connect(prompt.ask)
        self.random.clicked.connect(prompt.ask_random)
        prompt.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        prompt = self._prompt
        if self.field.text() != prompt.text:
            self.field.setText(prompt.text)
        set_property(self.field, "faulty", bool(prompt.fault))
        self.fault.setText(prompt.fault)
        self.fault.setVisible(bool(prompt.fault))
        self.count.setText(f"{len(prompt.text)} of {repeats.N_POS} tokens")


def spelled(ids: np.ndarray) -> list[str]:
    return [repeats.TOKENS[token] for token in ids]


def _most_telling(reading: induction.Reading) -> int:
    """The first place where a repeat is foreseen, else the last token."""
    return next(iter(reading.foreseen), len(reading.ids) - 1)
