"""The page of the logit lens: what the model would say at each token, in front of each block and at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QVBoxLayout

from explorer.session.lens_tables import Rows, logits_table, points_of
from explorer.ui.panels.lens_page import LensPage, scrolled
from explorer.ui.widgets.look import probability, token_text
from explorer.ui.widgets.number_grid import NumberGrid

SAYS = "The token that the model would say if it stopped there; a stronger shade is more probable."


class LogitsPage(LensPage):
    TITLE = "Logit lens"
    JOB = "lens"
    READING = "Reading what each layer says…"

    def build(self) -> QVBoxLayout:
        self.grid = NumberGrid("Logit lens, tokens by layers", 92)
        self.grid.chosen.connect(self._tell)
        self.grid.hovered.connect(self._tell)
        layout = QVBoxLayout()
        layout.addWidget(scrolled(self.grid), 1)
        self.setFocusProxy(self.grid)
        return layout

    def empty(self) -> None:
        self.grid.show_cells((), (), (), np.zeros((0, 0)))

    def show_answer(self, values: dict[str, Any]) -> str:
        texts = [[token_text(top[0]) for top in row] for row in zip(*values["top_texts"], strict=True)]
        rows = [token_text(token) for token in values["tokens"]]
        self.grid.show_cells(rows, points_of(len(values["top_texts"])), texts, values["probability"][:, :, 0].T)
        return SAYS

    def table(self) -> Rows:
        return logits_table(self.answer)

    def _tell(self, row: int, column: int) -> None:
        texts = self.answer["top_texts"][column][row]
        chances = self.answer["probability"][column, row]
        tops = (f"“{token_text(text)}” {probability(float(p))}" for text, p in zip(texts, chances, strict=True))
        self.told.setText(f"{self.grid.columns[column]}, at “{self.grid.rows[row]}”: " + ", ".join(tops))
