"""The right of the dock: which features the changes move, and the dose-response of a slider."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKey
from explorer.session.outcome import Moved
from explorer.ui.document import Document
from explorer.ui.dosing import Dosing
from explorer.ui.effects import Effects, differences
from explorer.ui.panels.dose import DosePlot
from explorer.ui.panels.effect_scatter import EffectScatter
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import set_property

NO_DOSE = "Choose “Dose-response” in the menu of a row."


class EffectColumn(QWidget):
    """A scatter of predicted and measured with what it comes to; or the plot of a dose-response."""

    answer_asked = Signal()

    def __init__(self, document: Document, effects: Effects, dosing: Dosing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._effects, self._dosing = document, effects, dosing
        self.features, self.dose = QPushButton("Effect on features"), QPushButton("Dose")
        self.answer = QPushButton("Next token")
        self.agreement = ElidedLabel()
        self.scatter, self.plot = EffectScatter(), DosePlot(dosing)
        self.knock_on, self.direct = QPushButton("knock-on"), QPushButton("direct")
        self.words, self.select, self.stop = QLabel(), QPushButton("Select"), QPushButton("Stop")
        self._build()
        self.features.clicked.connect(self._show_features)
        self.dose.clicked.connect(self.show_dose)
        self.answer.clicked.connect(self.answer_asked)
        self.knock_on.clicked.connect(self._choose)
        self.direct.clicked.connect(self._choose)
        self.scatter.chosen.connect(self._select_one)
        self.select.clicked.connect(self._select_all)
        self.stop.clicked.connect(dosing.stop)
        effects.changed.connect(self._show)
        dosing.changed.connect(self._show)
        document.view_changed.connect(self._show)
        self._show()

    def show_dose(self) -> None:
        self.pages.setCurrentIndex(1)
        self._show()

    def show_way(self, narrow: bool) -> None:
        """A way to the column that has no room beside this one."""
        self.answer.setVisible(narrow)

    def _show_features(self) -> None:
        self.pages.setCurrentIndex(0)
        self._show()

    def _choose(self) -> None:
        self._effects.set_direct(self.direct.isChecked())

    # what is selected

    def _select_one(self, one: Moved) -> None:
        self._select([one])

    def _select_all(self) -> None:
        self._select(self._effects.moved)

    def _select(self, moved: list[Moved] | tuple[Moved, ...]) -> None:
        graph = self._document.graph
        if graph is not None:
            self._document.select([graph.index[one.key] for one in moved if one.key in graph.index])

    # what is shown

    def _show(self) -> None:
        on_dose = self.pages.currentIndex() == 1
        self.features.setChecked(not on_dose)
        self.dose.setChecked(on_dose)
        moved = self._effects.moved
        self.scatter.show_moved(moved, self._document.view, self._effects.is_old)
        agreement = self._effects.agreement
        known = not math.isnan(agreement.rho) and not on_dose
        self.agreement.set_text(f"Spearman {agreement.rho:.2f}" if known else self._dose_words() if on_dose else "")
        self.words.setText("\n".join(self._words()))
        self.select.setVisible(any(one.key in self._index() for one in moved))
        self.stop.setVisible(on_dose and self._dosing.is_busy)

    def _index(self) -> Mapping[NodeKey, int]:
        graph = self._document.graph
        return {} if graph is None else graph.index

    def _dose_words(self) -> str:
        return self._dosing.fault or self._dosing.name or NO_DOSE

    def _words(self) -> list[str]:
        """How many, how sure, and the one that is farthest from what was predicted."""
        moved, agreement = self._effects.moved, self._effects.agreement
        if not moved:
            return ["no feature", "moved yet"]
        lines = [f"{len(moved)} features"]
        if not math.isnan(agreement.low):
            lines += ["95 % CI", f"{agreement.low:.2f} to {agreement.high:.2f}"]
        predicted, measured = differences(moved)
        far = moved[int(np.abs(measured - predicted).argmax())]
        return [*lines, "farthest off", f"L{far.layer}/{far.feature}"]

    # building

    def _build(self) -> None:
        for button in (self.features, self.dose, self.knock_on, self.direct, self.answer, self.select, self.stop):
            set_property(button, "inline", True)
        tabs, modes = QButtonGroup(self), QButtonGroup(self)
        for group, buttons in ((tabs, (self.features, self.dose)), (modes, (self.knock_on, self.direct))):
            for button in buttons:
                button.setCheckable(True)
                group.addButton(button)
        for button in (self.features, self.dose):
            set_property(button, "tab", True)
        self.knock_on.setChecked(True)
        self.knock_on.setToolTip("In the mode of the changes: tests the hypothesis that the graph is")
        self.direct.setToolTip("With everything else held: tests that graph and model agree at all")
        self.select.setToolTip("Select the changed features in the graph")
        self.answer.setIcon(icon("left"))
        self.agreement.setProperty("role", "caption")
        self.words.setProperty("role", "caption")
        self.pages = QStackedWidget()
        self.pages.addWidget(self._features())
        self.pages.addWidget(self._doses())
        head = QHBoxLayout()
        head.setSpacing(4)
        for part in (self.answer, self.features, self.dose):
            head.addWidget(part)
        head.addWidget(self.agreement, 1, Qt.AlignmentFlag.AlignRight)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 6)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self.pages, 1)

    def _features(self) -> QWidget:
        page, side = QWidget(), QVBoxLayout()
        side.setSpacing(4)
        for part in (self.knock_on, self.direct, self.words, self.select):
            side.addWidget(part)
        side.addStretch()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.scatter, 1)
        row.addLayout(side)
        return page

    def _doses(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignRight)
        return page
