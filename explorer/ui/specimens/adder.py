"""AdderPage: 777 parameters that add two ten-digit numbers."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.io.specimens import network
from explorer.specimens.catalogue import Specimen
from explorer.ui.background import Background
from explorer.ui.specimens.adder_extract import WalkView
from explorer.ui.specimens.adder_intervene import AblationView
from explorer.ui.specimens.adder_read import SumView
from explorer.ui.specimens.adder_sum import ShownSum
from explorer.ui.specimens.page import SpecimenPage, scrolled


class AdderPage(SpecimenPage):
    """All verbs look at the same sum."""

    def __init__(self, specimen: Specimen) -> None:
        super().__init__(specimen)
        self.shown = ShownSum(network(specimen.name), self)
        self._works: list[Background] = []

    def read(self) -> QWidget:
        return self._held(SumView(self.shown))

    def intervene(self) -> QWidget:
        return self._held(AblationView(self.shown))

    def extract(self) -> QWidget:
        return self._held(WalkView(self.shown))

    def rest(self) -> None:
        for work in self._works:
            work.close()

    def _held(self, view: QWidget) -> QWidget:
        self._works += view.findChildren(Background)
        return scrolled(view)
