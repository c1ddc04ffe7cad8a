"""LensPage: what the pages of the lens window share: a question to the engine, and its answer as a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from explorer.session.lens_tables import Rows, tab_separated
from explorer.ui.asker import Asker
from explorer.ui.document import Document
from explorer.ui.widgets.look import px
from explorer.ui.widgets.number_grid import NumberGrid

LANE = "lens"
NO_PROMPT = "There is no prompt; type one in the window first."
NO_MODEL = "No model is open; open a model first."
NO_ENGINE = "The engine is not running; start it again, then read again."
CANCELLED = "Cancelled; read again to see it."
COPIED = "Copied as a table."


class LensPage(QWidget):
    """Asks its job when it is looked at and what is shown is of something else; it touches no document.

    A page says what its job takes (``request``), what it shows of an answer (``show_answer``, ``empty``) and the table
    that is copied (``table``); its focus goes to what it builds as its focus proxy. ``head_taken`` tells a layer and
    head whose pattern is to be seen.
    """

    TITLE = ""
    JOB = ""
    READING = ""
    head_taken = Signal(int, int)

    def __init__(self, document: Document, engine: Any) -> None:
        super().__init__()
        self.document = document
        self.answer: dict[str, Any] = {}
        self._of: object = None  # what is shown or asked
        self.asker = Asker(engine, LANE, self)
        self.asker.answered.connect(self._hear)
        self.asker.failed.connect(self._fail)
        self.asker.ended.connect(self._rest)
        self.words, self.told = _label(), _label()
        self.told.setAccessibleName("The chosen cell")
        self.again, self.cancel = QPushButton("Read again"), QPushButton("Cancel")
        self.copy = QPushButton("Copy as table")
        self.again.setToolTip("Compute this page once more, for the model and prompt that are open")
        self.cancel.setToolTip("Stop computing this page")
        self.copy.setToolTip("Put all numbers of this page into the clipboard, with tabs between columns")
        for button, does in ((self.again, self.read), (self.cancel, self._cancel), (self.copy, self._copy)):
            button.setAutoDefault(False)  # Enter belongs to fields and tables
            button.clicked.connect(does)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        head = QHBoxLayout()
        for widget in (self.again, self.cancel, self.copy):
            head.addWidget(widget)
        head.insertWidget(0, self.words, 1)
        layout.addLayout(head)
        layout.addLayout(self.build(), 1)
        layout.addWidget(self.told)
        self.empty()
        self._rest()

    # what a page says

    def build(self) -> QVBoxLayout | QHBoxLayout:
        raise NotImplementedError

    def request(self) -> dict[str, object]:
        """What the job takes, after the model."""
        return {"text": self.document.prompt.text}

    def missing(self) -> str:
        """Why the job cannot be asked now, or an empty text."""
        if self.document.model is None:
            return NO_MODEL
        return "" if self.document.prompt.text else NO_PROMPT

    def show_answer(self, values: dict[str, Any]) -> str:
        """Show what came; the sentence above it."""
        raise NotImplementedError

    def empty(self) -> None:
        """Show nothing."""
        raise NotImplementedError

    def table(self) -> Rows:
        raise NotImplementedError

    # what happens to it

    def look(self) -> None:
        """Ask, if what is shown or asked is not of what is open."""
        if self._of != self._about():
            self.read()

    def leave(self) -> None:
        """Stop what is under way: the page is looked at no longer."""
        if self.asker.is_busy:
            self.forget()

    def forget(self) -> None:
        """What is shown is of another model; ask when the page is looked at."""
        self.asker.stop()
        self._of = None

    def read(self) -> None:
        """Ask for what is open; what was asked before is stopped."""
        self.asker.stop()
        self.answer, self._of = {}, None
        self.told.clear()
        self.empty()
        why = self.missing()
        if not why:
            self._of = self._about()
            self.asker.ask(self.JOB, self._of, self.request())
            why = self.READING if self.asker.is_busy else NO_ENGINE
        self.words.setText(why)
        self._rest()

    def _about(self) -> object:
        model = self.document.model
        return (None if model is None else model.path, self.request())

    def _hear(self, about: object, values: dict[str, Any]) -> None:
        if about == self._of and not self.asker.waits:
            self.answer = values
            self.words.setText(self.show_answer(values))

    def _fail(self, about: object, sentence: str) -> None:
        if not self.asker.waits:
            self.words.setText(sentence)

    def _rest(self) -> None:
        self.cancel.setEnabled(self.asker.is_busy)
        self.copy.setEnabled(bool(self.answer))

    def _cancel(self) -> None:
        self.forget()
        self.words.setText(CANCELLED)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(tab_separated(self.table()))
        self.words.setText(COPIED)


def scrolled(grid: NumberGrid) -> QScrollArea:
    """``grid`` in an area that follows its current cell."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(grid)
    grid.setAutoFillBackground(False)

    def follow(row: int, column: int) -> None:
        at, head = grid.cell(row, column), grid.cell(-1, -1)
        margins = head.width() + at.width() // 2, head.height() + at.height() // 2
        area.ensureVisible(at.center().x(), at.center().y(), *margins)

    def follow_current() -> None:
        if grid.rows and grid.columns:
            follow(*grid.current)

    grid.chosen.connect(follow)
    for bar in (area.horizontalScrollBar(), area.verticalScrollBar()):
        bar.valueChanged.connect(grid.update)  # its names stay in sight
        bar.rangeChanged.connect(follow_current)  # a bar that comes takes room
    return area


def grid_and_list(grid: NumberGrid, legend: QWidget, ranked: QWidget) -> QHBoxLayout:
    """``grid`` with its legend, and the same as a list beside it."""
    left, both = QVBoxLayout(), QHBoxLayout()
    left.addWidget(scrolled(grid), 1)
    left.addWidget(legend)
    both.addLayout(left, 1)
    both.addWidget(ranked, 1)
    return both


def head_names(n_layers: int, n_heads: int) -> tuple[list[str], list[str]]:
    """What rows and columns of a grid of heads are called."""
    return [f"Layer {layer}" for layer in range(n_layers)], [f"Head {head}" for head in range(n_heads)]


def largest(values: NDArray[np.floating]) -> tuple[int, int]:
    """The cell whose value is largest, whatever its sign."""
    row, column = np.unravel_index(np.abs(values).argmax(), values.shape)
    return int(row), int(column)


def field(name: str, hint: str, tip: str, width: int) -> tuple[QLabel, QLineEdit]:
    """A line to type in, with its label."""
    label, line = QLabel(name), QLineEdit()
    line.setPlaceholderText(hint)
    line.setAccessibleName(name)
    line.setToolTip(tip)
    line.setMinimumWidth(px(width))
    label.setBuddy(line)
    return label, line


def _label() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
