"""The window of the logit lens: what the model would say at each token, in front of each block and at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout

from explorer.ui.asker import Asker
from explorer.ui.widgets.look import probability, px, token_text
from explorer.ui.widgets.number_grid import NumberGrid

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

EDGE = 40  # of the window that stays in sight
LANE = "lens"
READING = "Reading what each layer says…"
NO_PROMPT = "There is no prompt; type one in the window first."
NO_MODEL = "No model is open; open a model first."
NO_ENGINE = "The engine is not running; start it again, then read again."
CANCELLED = "Cancelled; read again to see the layers."


class LensWindow(QDialog):
    """Not modal; it reads again when the prompt or the model changes. It touches no document."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._document = window.document
        self._answer: dict[str, Any] = {}
        self.setWindowTitle("Lens")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.asker = Asker(window.engine, LANE, self)
        self.asker.answered.connect(self._show)
        self.asker.failed.connect(lambda about, sentence: self._say(sentence))
        self.asker.ended.connect(self._rest)
        self.words, self.told = QLabel(), QLabel()
        for label in (self.words, self.told):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.told.setAccessibleName("The most probable tokens at the chosen cell")
        self.again, self.cancel = QPushButton("Read again"), QPushButton("Cancel")
        self.again.setToolTip("Read the layers of the model and prompt that are open")
        self.cancel.setToolTip("Stop reading the layers")
        self.grid = NumberGrid("Logit lens, tokens by layers", 92)
        self.grid.chosen.connect(self._choose)
        self.grid.hovered.connect(self._tell)
        self.again.clicked.connect(self.read)
        self.cancel.clicked.connect(self._cancel)
        window.document.prompt_changed.connect(self.read)
        window.document.model_changed.connect(self.read)
        self._lay_out()
        self.resize(min(px(820), window.width() - EDGE), min(px(560), window.height() - EDGE))
        self.grid.setFocus()
        self.read()

    def read(self) -> None:
        """Ask for the lens of what is open; what was asked before is stopped."""
        self.asker.stop()
        self._answer = {}
        self.grid.show_cells((), (), (), np.zeros((0, 0)))
        self.told.clear()
        if self._document.model is None:
            self._say(NO_MODEL)
        elif not self._document.prompt.text:
            self._say(NO_PROMPT)
        else:
            text = self._document.prompt.text
            self.asker.ask("lens", (self._document.model.path, text), {"text": text})
            self._say(READING if self.asker.is_busy else NO_ENGINE)
        self._rest()

    def done(self, result: int) -> None:
        self.asker.stop()
        self._document.prompt_changed.disconnect(self.read)
        self._document.model_changed.disconnect(self.read)
        super().done(result)

    def _lay_out(self) -> None:
        self.area = QScrollArea()
        self.area.setWidget(self.grid)
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.again)
        top.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.area, 1)
        layout.addWidget(self.told)

    def _say(self, sentence: str) -> None:
        self.words.setText(sentence)

    def _rest(self) -> None:
        self.cancel.setEnabled(self.asker.is_busy)

    def _cancel(self) -> None:
        self.asker.stop()
        self._say(CANCELLED)

    def _show(self, about: object, values: dict[str, Any]) -> None:
        model = self._document.model
        if model is None or about != (model.path, self._document.prompt.text) or self.asker.waits:
            return
        self._answer = values
        texts = [[token_text(top[0]) for top in row] for row in zip(*values["top_texts"], strict=True)]
        points = len(values["top_texts"])
        columns = [f"Before layer {layer}" for layer in range(points - 1)] + ["Output"]
        self._say("The token that the model would say if it stopped there; a stronger shade is more probable.")
        rows = [token_text(token) for token in values["tokens"]]
        self.grid.show_cells(rows, columns, texts, values["probability"][:, :, 0].T)

    def _choose(self, row: int, column: int) -> None:
        at = self.grid.cell(row, column).center()
        self.area.ensureVisible(at.x(), at.y(), px(60), px(30))
        self._tell(row, column)

    def _tell(self, row: int, column: int) -> None:
        texts = self._answer["top_texts"][column][row]
        chances = self._answer["probability"][column, row]
        tops = (f"“{token_text(text)}” {probability(float(p))}" for text, p in zip(texts, chances, strict=True))
        self.told.setText(f"{self.grid.columns[column]}, at “{self.grid.rows[row]}”: " + ", ".join(tops))
