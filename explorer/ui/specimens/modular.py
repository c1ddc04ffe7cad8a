"""ModularPage: a model that adds modulo p, by waves that it came upon long after it knew its pairs by heart."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.specimens.catalogue import Specimen
from explorer.ui.background import Background
from explorer.ui.specimens.modular_change import EmbeddingChange
from explorer.ui.specimens.modular_extract import RestrictedView
from explorer.ui.specimens.modular_intervene import FrequenciesView
from explorer.ui.specimens.modular_model import ModularModel
from explorer.ui.specimens.modular_read import WavesView
from explorer.ui.specimens.page import SpecimenPage, scrolled


class ModularPage(SpecimenPage):
    """All verbs look at the same model; what all its pairs come to is computed once."""

    def __init__(self, specimen: Specimen) -> None:
        super().__init__(specimen)
        self._changes = Background(f"specimen {specimen.name}, changed", self)
        self.model = ModularModel(specimen.name, self.work)
        self.change = EmbeddingChange(self.model, self._changes)

    def read(self) -> QWidget:
        return scrolled(WavesView(self.model))

    def intervene(self) -> QWidget:
        return scrolled(FrequenciesView(self.change))

    def extract(self) -> QWidget:
        a, b, _ = self.specimen.prompt.split()
        return scrolled(RestrictedView(self.model, int(a), int(b)))

    def rest(self) -> None:
        super().rest()
        self._changes.close()
