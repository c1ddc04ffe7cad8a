"""SpecimenCards: the specimens on the welcome page, a card for each."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from explorer.specimens.catalogue import SPECIMENS, Specimen
from explorer.ui.panels.specimen_pictures import SpecimenPicture
from explorer.ui.widgets.card import Card

COLUMNS = 3


class SpecimenCards(QWidget):
    """``asked`` tells the name of the card that was clicked."""

    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        title, said = QLabel("Specimens"), QLabel("models small enough to be read whole")
        title.setProperty("role", "title")
        said.setProperty("role", "caption")
        head = QHBoxLayout()
        head.addWidget(title)
        head.addStretch()
        head.addWidget(said)
        grid = QGridLayout()
        grid.setSpacing(12)
        self.cards: list[Card] = []
        for at, specimen in enumerate(SPECIMENS):
            card = _card(specimen)
            card.clicked.connect(partial(self.asked.emit, specimen.name))
            grid.addWidget(card, at // COLUMNS, at % COLUMNS)
            grid.setColumnStretch(at % COLUMNS, 1)
            self.cards.append(card)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addLayout(grid)


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
