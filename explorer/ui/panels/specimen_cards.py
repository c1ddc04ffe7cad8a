"""SpecimenCards: the specimens on the welcome page, a card for each."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from explorer.specimens.catalogue import SPECIMENS, Specimen
from explorer.ui.panels.specimen_pictures import SpecimenPicture
from explorer.ui.widgets.card import Card
from explorer.ui.widgets.look import px

COLUMNS = 3
LEAST = 170  # px that a card needs


class SpecimenCards(QWidget):
    """``asked`` tells the name of the card that was clicked."""

    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        title, said = QLabel("Specimens"), QLabel("models small enough to be read whole")
        title.setProperty("role", "title")
        said.setProperty("role", "caption")
        said.setWordWrap(True)
        said.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.addWidget(title)
        head.addWidget(said, 1)
        self._grid = QGridLayout()
        self._grid.setSpacing(12)
        self._columns = 0
        self.cards: list[Card] = []
        for specimen in SPECIMENS:
            card = _card(specimen)
            card.clicked.connect(partial(self.asked.emit, specimen.name))
            self.cards.append(card)
        self.arrange(COLUMNS * px(LEAST))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addLayout(self._grid)

    def arrange(self, room: int) -> None:
        """Put as many cards beside each other as ``room`` px are wide enough for."""
        columns = min(max(room // px(LEAST), 1), COLUMNS)
        if columns == self._columns:
            return
        self._columns = columns
        for at, card in enumerate(self.cards):
            self._grid.addWidget(card, at // columns, at % columns)
        for column in range(COLUMNS):
            self._grid.setColumnStretch(column, int(column < columns))


def _card(specimen: Specimen) -> Card:
    card = Card(specimen.title)
    card.setToolTip(specimen.description)
    text = QVBoxLayout()
    text.setSpacing(3)
    for words, role in ((specimen.title, "section"), (specimen.facts, "caption")):
        label = QLabel(words)
        label.setProperty("role", role)
        label.setWordWrap(True)
        text.addWidget(label)
    text.addStretch()
    row = QHBoxLayout()
    row.setContentsMargins(12, 10, 10, 10)
    row.setSpacing(12)
    row.addWidget(SpecimenPicture(specimen.name), 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(text, 1)
    card.hold(row)
    card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return card
