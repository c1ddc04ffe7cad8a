"""SuperpositionPage: more features than dimensions, trained while one looks on."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.specimens.catalogue import Specimen
from explorer.ui.specimens.page import SpecimenPage, scrolled
from explorer.ui.specimens.superposition_extract import DensitiesView
from explorer.ui.specimens.superposition_intervene import HoleView
from explorer.ui.specimens.superposition_read import ToyView
from explorer.ui.specimens.superposition_trainer import Trainer


class SuperpositionPage(SpecimenPage):
    """All verbs look at the same trained toy."""

    def __init__(self, specimen: Specimen) -> None:
        super().__init__(specimen)
        self.trainer = Trainer(self.work)

    def read(self) -> QWidget:
        return scrolled(ToyView(self.trainer))

    def intervene(self) -> QWidget:
        return scrolled(HoleView(self.trainer))

    def extract(self) -> QWidget:
        view = DensitiesView(self.trainer)
        view.opened.connect(lambda: self.turned.emit("read"))
        return scrolled(view)

    def rest(self) -> None:
        self.trainer.rest()
