"""The page of head scores: previous token, induction and copying of each head."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from explorer.session.lens_tables import SCORES, Rows, scored, scores_table
from explorer.ui.panels.lens_list import RankedList
from explorer.ui.panels.lens_page import NO_MODEL, LensPage, grid_and_list, head_names
from explorer.ui.widgets.choice import choice_of
from explorer.ui.widgets.look import plain
from explorer.ui.widgets.number_grid import NumberGrid
from explorer.ui.widgets.shade_legend import ShadeLegend

NAMES = {"previous": "Previous token", "induction": "Induction", "copying": "Copying"}
SAYS = {
    "previous": "Mean attention to the token just before, on {period} random tokens that come twice.",
    "induction": "Mean attention to what followed the same token before, on {period} random tokens that come twice.",
    "copying": "Whether a head raises the token that it looks at, of its weights alone; {minus}1 lowers it.",
}


class HeadsPage(LensPage):
    TITLE = "Head scores"
    JOB = "head_scores"
    READING = "Scoring the heads…"

    def build(self) -> QVBoxLayout:
        self.score = choice_of("Score", NAMES.items(), "induction")
        self.score.setToolTip("What the heads are scored for")
        self.score.activated.connect(self._rank)
        asked = QHBoxLayout()
        asked.addWidget(QLabel("Score"))
        asked.addWidget(self.score)
        asked.addStretch()
        self.grid = NumberGrid("Score of each head, layers down", 62, name_width=64, signed=True)
        self.grid.setToolTip("Click a head to see where it looks")
        self.grid.chosen.connect(self._tell)
        self.grid.hovered.connect(self._tell)
        self.grid.activated.connect(self.head_taken)
        self.legend = ShadeLegend()
        self.list = RankedList("Heads, the highest score first", "head")
        self.list.head_taken.connect(self.head_taken)
        layout = QVBoxLayout()
        layout.addLayout(asked)
        layout.addLayout(grid_and_list(self.grid, self.legend, self.list), 1)
        self.setFocusProxy(self.grid)
        return layout

    def request(self) -> dict[str, object]:
        return {}

    def missing(self) -> str:
        return NO_MODEL if self.document.model is None else ""

    def empty(self) -> None:
        self.grid.show_cells((), (), (), np.zeros((0, 0)))
        self.list.show_parts(())
        self.legend.show_words("", "", "")

    def show_answer(self, values: dict[str, Any]) -> str:
        self._show_score()
        return self._says()

    def table(self) -> Rows:
        return scores_table(self.answer)

    def _rank(self) -> None:
        if self.answer:
            self._show_score()
            self.words.setText(self._says())

    def _says(self) -> str:
        return SAYS[self.score.currentData()].format(period=self.answer["period"], minus="−")

    def _show_score(self) -> None:
        values = self.answer[self.score.currentData()]
        ranked = scored(self.answer, self.score.currentData())
        texts = [[plain(float(value)) for value in row] for row in values]
        self.grid.show_cells(*head_names(*values.shape), texts, values, ranked[0].head)
        self.legend.show_words("−1", "0", "1")
        self.list.show_parts(ranked, 1.0)

    def _tell(self, layer: int, head: int) -> None:
        scores = (f"{NAMES[score].lower()} {plain(float(self.answer[score][layer, head]))}" for score in SCORES)
        self.told.setText(f"Head {layer}.{head}: " + ", ".join(scores) + "; click it to see where it looks")
