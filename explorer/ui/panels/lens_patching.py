"""The page of the patching map: where the difference between two prompts lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from explorer.session.lens_tables import Rows, patch_points, patching_table
from explorer.ui.panels.lens_page import LensPage, field, head_names, largest, scrolled
from explorer.ui.widgets.look import MINUS, plain, signed, token_text
from explorer.ui.widgets.number_grid import NumberGrid
from explorer.ui.widgets.shade_legend import ShadeLegend

NO_OTHER = "Type another prompt with equally many tokens to compare with this one."
SHARES = ("−1 or less", "0: nothing passes", "1 or more: all")
TIPS = (
    "A prompt with equally many tokens, from which one thing at a time is taken",
    "The token that the prompt is answered with; empty: its most probable",
    "The token that the other prompt is answered with; empty: its most probable",
)


class PatchingPage(LensPage):
    TITLE = "Patching"
    JOB = "patching"
    READING = "Taking one thing at a time from the other prompt…"

    def build(self) -> QVBoxLayout:
        label, self.other = field("Other prompt", "the same with a word changed", TIPS[0], 260)
        answer, self.token = field("Answer", "its own", TIPS[1], 80)
        rival, self.rival = field("Rival", "the other’s", TIPS[2], 80)
        asked = QHBoxLayout()
        for widget in (label, self.other, answer, self.token, rival, self.rival):
            asked.addWidget(widget, int(widget is self.other))
        for line in (self.other, self.token, self.rival):
            line.editingFinished.connect(self.look)
        self.grid = NumberGrid("What passes, tokens by layers", 62, name_width=136, signed=True)
        self.heads = NumberGrid("What passes through each head, layers down", 56, name_width=58, signed=True)
        self.heads.setToolTip("Click a head to see where it looks")
        self.legend = ShadeLegend()
        self.grid.chosen.connect(self._tell)
        self.grid.hovered.connect(self._tell)
        self.heads.chosen.connect(self._tell_head)
        self.heads.hovered.connect(self._tell_head)
        self.heads.activated.connect(self.head_taken)
        body, layout = QHBoxLayout(), QVBoxLayout()
        body.setSpacing(12)
        titles = ("Residual stream at one token", self.grid, 3), ("A head at all tokens", self.heads, 2)
        for title, grid, share in titles:
            part, name = QVBoxLayout(), QLabel(title)
            name.setProperty("role", "section")
            part.addWidget(name)
            part.addWidget(scrolled(grid), 1)
            body.addLayout(part, share)
        layout.addLayout(asked)
        layout.addLayout(body, 1)
        layout.addWidget(self.legend)
        self.setFocusProxy(self.other)
        return layout

    def request(self) -> dict[str, object]:
        names = {"answer": self.token.text(), "rival": self.rival.text()}
        return {**super().request(), "other": {"text": self.other.text()}, **names}

    def missing(self) -> str:
        return super().missing() or ("" if self.other.text() else NO_OTHER)

    def empty(self) -> None:
        for grid in (self.grid, self.heads):
            grid.show_cells((), (), (), np.zeros((0, 0)))
        self.legend.show_words("", "", "")

    def show_answer(self, values: dict[str, Any]) -> str:
        stream, heads = values["stream"].T, values["heads"]
        rows = [_pair(*both) for both in zip(values["tokens"], values["other"], strict=True)]
        self.heads.show_cells(*head_names(*heads.shape), _texts(heads), heads, largest(heads))
        self.grid.show_cells(rows, patch_points(stream.shape[1]), _texts(stream), stream, largest(stream))
        self.legend.show_words(*SHARES)
        lead = f"“{token_text(values['answer_text'])}” {MINUS} “{token_text(values['rival_text'])}”"
        clean, corrupted = signed(float(values["clean"])), signed(float(values["corrupted"]))
        return f"{lead}: {clean} with the prompt, {corrupted} with the other; how much passes when one thing is taken."

    def table(self) -> Rows:
        return patching_table(self.answer)

    def _tell(self, row: int, column: int) -> None:
        value = float(self.answer["stream"][column, row])
        place = f"{self.grid.columns[column]}, at “{self.grid.rows[row]}”"
        self.told.setText(f"{place}: {value:.4f} of the difference passes")

    def _tell_head(self, layer: int, head: int) -> None:
        value = float(self.answer["heads"][layer, head])
        self.told.setText(f"Head {layer}.{head}: {value:.4f} of the difference passes; click it to see where it looks")


def _pair(token: str, other: str) -> str:
    return token_text(token) if token == other else f"{token_text(token)} → {token_text(other)}"


def _texts(values: Any) -> list[list[str]]:
    return [[plain(float(value)) if abs(value) >= 0.005 else "0.00" for value in row] for row in values]
