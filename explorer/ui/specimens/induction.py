"""InductionPage: two layers of attention that go on as it went on before."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.io import specimens
from explorer.specimens.catalogue import Specimen
from explorer.ui.background import Background
from explorer.ui.specimens.induction_extract import ScoresView
from explorer.ui.specimens.induction_intervene import HeadsView
from explorer.ui.specimens.induction_prompt import InductionPrompt
from explorer.ui.specimens.induction_read import RepeatView
from explorer.ui.specimens.page import SpecimenPage, scrolled


class InductionPage(SpecimenPage):
    """All verbs look at the same prompt and head."""

    def __init__(self, specimen: Specimen) -> None:
        super().__init__(specimen)
        self.network = specimens.network(specimen.name)
        self.prompt = InductionPrompt(self.network, specimen.prompt, self)
        self.scoring = Background(f"specimen {specimen.name}: scores", self)

    def read(self) -> QWidget:
        return scrolled(RepeatView(self.prompt))

    def intervene(self) -> QWidget:
        return scrolled(HeadsView(self.prompt, self.work))

    def extract(self) -> QWidget:
        return scrolled(ScoresView(self.prompt, self.scoring))

    def rest(self) -> None:
        super().rest()
        self.scoring.close()
