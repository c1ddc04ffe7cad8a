"""The page of direct logit attribution: what each part of the model adds to the logit of a token."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from explorer.session.lens_tables import Rows, attribution_table, parts
from explorer.ui.panels.lens_list import RankedList
from explorer.ui.panels.lens_page import LensPage, field, grid_and_list, head_names, largest
from explorer.ui.widgets.choice import Choice
from explorer.ui.widgets.look import MINUS, px, residual, signed, token_text
from explorer.ui.widgets.number_grid import NumberGrid
from explorer.ui.widgets.shade_legend import ShadeLegend

TIPS = (
    "A token as it is written, blanks too; empty: the most probable",
    "The token whose logit is taken off; empty: none",
    "Behind which token of the prompt the model answers",
)


class AttributionPage(LensPage):
    TITLE = "Attribution"
    JOB = "logit_attribution"
    READING = "Taking the logit apart…"

    def build(self) -> QVBoxLayout:
        label, self.token = field("Logit of", "most probable", TIPS[0], 120)
        minus, self.rival = field("minus that of", "no other", TIPS[1], 120)
        self.at = Choice()
        self.at.setAccessibleName("Behind which token")
        self.at.setToolTip(TIPS[2])
        self.at.setMinimumWidth(px(140))
        asked = QHBoxLayout()
        for widget in (label, self.token, minus, self.rival, QLabel("behind"), self.at):
            asked.addWidget(widget)
        asked.addStretch()
        self.books = QLabel()
        self.books.setAccessibleName("Whether the parts sum to the logit")
        self.grid = NumberGrid("Heads and MLPs by layer", 62, name_width=64, signed=True)
        self.grid.setToolTip("Click a head to see where it looks")
        self.legend = ShadeLegend()
        self.list = RankedList("Parts, the largest first", "part")
        layout = QVBoxLayout()
        layout.addLayout(asked)
        layout.addWidget(self.books)
        layout.addLayout(grid_and_list(self.grid, self.legend, self.list), 1)
        self._connect()
        self.setFocusProxy(self.grid)
        return layout

    def _connect(self) -> None:
        for line in (self.token, self.rival):
            line.editingFinished.connect(self.look)
        self.at.activated.connect(self.look)
        self.grid.chosen.connect(self._tell)
        self.grid.hovered.connect(self._tell)
        self.grid.activated.connect(self._take)
        self.list.head_taken.connect(self.head_taken)

    def request(self) -> dict[str, object]:
        text, at = self.at.currentData() or ("", -1)
        here = self.document.prompt.text
        names = {"token": self.token.text(), "rival": self.rival.text()}
        return {"text": here, **names, "at": at if text == here else -1}

    def empty(self) -> None:
        self.grid.show_cells((), (), (), np.zeros((0, 0)))
        self.list.show_parts(())
        self.books.clear()
        self.legend.show_words("", "", "")

    def show_answer(self, values: dict[str, Any]) -> str:
        self._show_places(values)
        cells = np.column_stack([values["heads"], values["mlps"]])
        limit = float(np.abs(cells).max()) or 1.0
        rows, heads = head_names(*values["heads"].shape)
        texts = [[signed(float(value)) for value in row] for row in cells]
        self.grid.show_cells(rows, [*heads, "MLP"], texts, cells / limit, largest(cells))
        self.legend.show_words(signed(-limit), "0", signed(limit))
        self.list.show_parts(parts(values))
        total, logit = float(values["total"]), float(values["logit"])
        named = f"“{token_text(values['token_text'])}”"
        named += f" {MINUS} “{token_text(values['rival_text'])}”" if values["rival_text"] else ""
        self.books.setText(f"sum {signed(total)} = logit {signed(logit)}, off by {residual(abs(total - logit))}")
        return f"What each part adds to the logit of {named} behind “{token_text(values['tokens'][values['at']])}”."

    def table(self) -> Rows:
        return attribution_table(self.answer)

    def _show_places(self, values: dict[str, Any]) -> None:
        """The tokens to choose from; the last is asked for as -1, as it is when nothing was chosen."""
        text, last = self.document.prompt.text, len(values["tokens"]) - 1
        self.at.clear()
        for at, token in enumerate(values["tokens"]):
            self.at.addItem(f"{at} {token_text(token)}", (text, -1 if at == last else at))
        self.at.setCurrentIndex(values["at"])

    def _tell(self, row: int, column: int) -> None:
        is_mlp = column == len(self.grid.columns) - 1
        value = float(self.answer["mlps"][row] if is_mlp else self.answer["heads"][row, column])
        name = f"MLP {row}" if is_mlp else f"Head {row}.{column}"
        self.told.setText(f"{name}: {signed(value)}" + ("" if is_mlp else "; click it to see where it looks"))

    def _take(self, row: int, column: int) -> None:
        if column < len(self.grid.columns) - 1:
            self.head_taken.emit(row, column)
