"""The page of attention patterns: every head as a small picture, the chosen one as a table query by key."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout

from explorer.session.lens_tables import Rows, pattern_table
from explorer.ui.panels.lens_page import LensPage, head_names, scrolled
from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme, token_text
from explorer.ui.widgets.number_grid import NumberGrid
from explorer.ui.widgets.scaling import at_least, at_most
from explorer.ui.widgets.shaded import shaded

SIDE = 54
LEAST = 0.005  # of attention that is written into its cell
SAYS = "Each row is a token that looks, each column one that it looks at; a stronger shade is more attention."


class HeadPictures(NumberGrid):
    """The patterns of all heads, layer by head."""

    def __init__(self) -> None:
        super().__init__("Heads, layers down", SIDE, SIDE, name_width=58)
        self.setToolTip("Click a head to see its pattern")
        self._patterns: NDArray[np.uint8] = np.zeros((0, 0, 0, 0), dtype=np.uint8)

    def show_patterns(self, pattern: NDArray[np.floating], current: tuple[int, int]) -> None:
        """``pattern`` is [layer, head, query, key]."""
        self._patterns = (255 * np.clip(pattern, 0, 1)).astype(np.uint8)
        n_layers, n_heads = pattern.shape[:2]
        texts = [[f"head {layer}.{head}" for head in range(n_heads)] for layer in range(n_layers)]
        self.show_cells(*head_names(n_layers, n_heads), texts, np.zeros((n_layers, n_heads)), current)

    def paint_cell(self, painter: QPainter, where: QRect, row: int, column: int) -> None:
        theme = current_theme()
        image = shaded(self._patterns[row, column] / 255, theme)
        painter.drawImage(QRectF(where.adjusted(3, 3, -3, -3)), image)
        painter.setPen(color(theme.line))
        painter.drawRect(where.adjusted(2, 2, -3, -3))


class AttentionPage(LensPage):
    TITLE = "Attention"
    JOB = "lens"
    READING = "Reading where each head looks…"

    def build(self) -> QHBoxLayout:
        self.head = (0, 0)
        self.heads = HeadPictures()
        self.heads.chosen.connect(self._show_head)
        self.grid = NumberGrid("Attention, query by key", 50, name_width=84)
        self.grid.chosen.connect(self._tell)
        self.grid.hovered.connect(self._tell)
        small, large = scrolled(self.heads), scrolled(self.grid)
        at_least(small, width=SIDE * 4 + 74)
        at_most(small, width=SIDE * 4 + 74)
        layout = QHBoxLayout()
        layout.setSpacing(12)
        layout.addWidget(small)
        layout.addWidget(large, 1)
        self.setFocusProxy(self.heads)
        return layout

    def request(self) -> dict[str, object]:
        return {**super().request(), "patterns": True}

    def turn_to(self, layer: int, head: int) -> None:
        """Show a head now, or as soon as its pattern is there."""
        self.head = (layer, head)
        if self.answer:
            self.heads.choose(layer, head)

    def empty(self) -> None:
        self.heads.show_cells((), (), (), np.zeros((0, 0)))
        self.grid.show_cells((), (), (), np.zeros((0, 0)))

    def show_answer(self, values: dict[str, Any]) -> str:
        n_layers, n_heads = values["pattern"].shape[:2]
        self.heads.show_patterns(values["pattern"], (min(self.head[0], n_layers - 1), min(self.head[1], n_heads - 1)))
        return SAYS

    def table(self) -> Rows:
        return pattern_table(self.answer, *self.head)

    def _show_head(self, layer: int, head: int) -> None:
        self.head = (layer, head)
        pattern = self.answer["pattern"][layer, head]
        tokens = [token_text(token) for token in self.answer["tokens"]]
        texts = [[f"{share:.2f}" if share >= LEAST else "" for share in row] for row in pattern]
        is_same = len(self.grid.rows) == len(tokens)
        current = self.grid.current if is_same else (len(tokens) - 1, int(pattern[-1].argmax()))
        self.grid.show_cells(tokens, tokens, texts, pattern, current)

    def _tell(self, query: int, key: int) -> None:
        layer, head = self.head
        share = float(self.answer["pattern"][layer, head, query, key])
        names = f"“{self.grid.rows[query]}” ({query}) looks at “{self.grid.columns[key]}” ({key})"
        self.told.setText(f"Head {layer}.{head}: {names} with {share:.4f}")
