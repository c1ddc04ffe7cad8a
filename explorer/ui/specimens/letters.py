"""LettersPage: what comes after a letter: read it beside the names, cut it out, or take the rules from it."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.io import specimens
from explorer.specimens.catalogue import Specimen
from explorer.ui.specimens.letters_extract import RulesView
from explorer.ui.specimens.letters_intervene import LesionView
from explorer.ui.specimens.letters_lesion import Scar
from explorer.ui.specimens.letters_read import BeliefsView
from explorer.ui.specimens.page import SpecimenPage, scrolled


class LettersPage(SpecimenPage):
    """Nothing takes more than 20 ms, so that all is computed at once. The verbs share what is cut out."""

    def __init__(self, specimen: Specimen) -> None:
        super().__init__(specimen)
        self.logits, self.names = specimens.letters()
        self.scar = Scar(self.logits, self)

    def read(self) -> QWidget:
        return scrolled(BeliefsView(self.logits, self.names))

    def intervene(self) -> QWidget:
        return scrolled(LesionView(self.scar, self.names))

    def extract(self) -> QWidget:
        return scrolled(RulesView(self.scar, self.names))
