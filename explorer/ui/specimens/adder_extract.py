"""WalkView: what there is to say about a sum, column by column, each claim checked on the model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import adder
from explorer.specimens.adder import Claim
from explorer.specimens.sums import N_DIGITS, N_OUT
from explorer.ui.specimens.adder_read import attention_map, attention_title, attention_words, show_attention
from explorer.ui.specimens.adder_sum import NAMES, ShownSum, SumFields, column_words
from explorer.ui.specimens.page import titled, words
from explorer.ui.specimens.paper_sum import Line, PaperSum, lines_of
from explorer.ui.widgets.look import set_property

TICK, CROSS = "✓", "✗"
KINDS = ("looks", "adds", "carry")  # of claims about a column, in their order
STEPS = {Qt.Key.Key_Left: 1, Qt.Key.Key_Right: -1, Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1}
HINT = "Next goes one column to the left, as the model does; the arrow keys go both ways."


class WalkView(QWidget):
    """One column at a time, lit in the sum and in the attention, with a tick or a cross before each claim."""

    def __init__(self, shown: ShownSum) -> None:
        super().__init__()
        self._shown = shown
        self.claims: list[Claim] = []
        self.fields = SumFields(shown)
        self.paper = PaperSum("The sum, and below each column whether the claims about it hold")
        self.attention = attention_map()
        self.previous, self.next = QPushButton("Previous"), QPushButton("Next")
        self.titles = {name: words("", "section") for name in ("paper", "attention")}
        self.column = words("", "title")
        self.rows = [_ClaimRow() for _ in KINDS]
        self.readout = words(HINT, "caption")
        self._lay_out()
        self._connect()
        self._show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.step(step)

    def step(self, by: int) -> None:
        """Look at the column that is ``by`` to the left."""
        self._shown.look_at(min(max(self._shown.column + by, 0), N_OUT - 1))

    def _press(self, button: QPushButton, by: int) -> None:
        """A click of the mouse also leads the arrow keys to the sum."""
        self.step(by)
        if not button.hasFocus():
            self.paper.setFocus()

    def _connect(self) -> None:
        for button, by in ((self.previous, -1), (self.next, 1)):
            button.clicked.connect(lambda _=False, button=button, by=by: self._press(button, by))
        self.paper.chosen.connect(self._shown.look_at)
        self.paper.hovered.connect(self._tell_column)
        self.attention.chosen.connect(lambda row, _: self._shown.look_at(row))
        for signal in (self.attention.hovered, self.attention.chosen):
            signal.connect(self._tell_attention)
        self._shown.changed.connect(self._show)
        self._shown.looked.connect(self._show_column)

    def _lay_out(self) -> None:
        for button, tip in ((self.previous, "The column to the right"), (self.next, "The column to the left")):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setToolTip(f"{tip} (arrow key)")
        steps = QHBoxLayout()
        steps.setSpacing(8)
        steps.addWidget(self.column, 1)
        steps.addWidget(self.previous)
        steps.addWidget(self.next)
        said = QVBoxLayout()
        said.setSpacing(10)
        said.addLayout(steps)
        for row in self.rows:
            said.addWidget(row)
        said.addStretch(1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(16)
        grid.addWidget(titled(self.titles["paper"], self.paper), 0, 0)
        grid.addLayout(said, 1, 0)
        grid.addWidget(titled(self.titles["attention"], self.attention), 0, 1, 2, 1)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)
        grid.setRowStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.fields)
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)

    def _show(self) -> None:
        reading = self._shown.reading
        self.claims = adder.walkthrough(self._shown.network, reading.a, reading.b)
        lines, rule = lines_of([("sum", reading)])
        self.paper.show_lines([*lines, *checks(self.claims)], rule)
        show_attention(self.attention, reading)
        self.titles["attention"].setText(attention_title(reading))
        n = sum(claim.holds for claim in self.claims)
        failing = [f"{NAMES[at]}" for at in sorted({claim.column for claim in self.claims if not claim.holds})]
        where = f"; look at the {' and the '.join(failing)}" if failing else ""
        self.titles["paper"].setText(f"{n} of {len(self.claims)} claims about this sum hold{where}")
        self._show_column(self._shown.column)

    def _show_column(self, column: int) -> None:
        self.paper.light(column)
        self.attention.light(column)
        self.previous.setEnabled(column > 0)
        self.next.setEnabled(column < N_OUT - 1)
        name = NAMES[column][0].upper() + NAMES[column][1:]
        self.column.setText(name if column <= N_DIGITS else "The end")
        about = [claim for claim in self.claims if claim.column == column]
        for row, claim in zip(self.rows, [*about, *[None] * (len(KINDS) - len(about))], strict=True):
            row.show_claim(claim)
        if not about:
            self.rows[0].say("Nothing is claimed about the end: the model says “.” and is done.")

    def _tell_column(self, column: int) -> None:
        self.readout.setText(column_words(self._shown.reading, column) if column >= 0 else HINT)

    def _tell_attention(self, row: int, column: int) -> None:
        self.readout.setText(attention_words(self._shown.reading, row, column) or HINT)


class _ClaimRow(QWidget):
    """A tick or a cross, the claim, and what was measured."""

    def __init__(self) -> None:
        super().__init__()
        self.mark, self.text, self.measured = QLabel(), words("", "section"), words("", "second")
        self.mark.setProperty("role", "title")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        grid.addWidget(self.mark, 0, 0, 2, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.text, 0, 1)
        grid.addWidget(self.measured, 1, 1)
        grid.setColumnStretch(1, 1)

    def show_claim(self, claim: Claim | None) -> None:
        """A claim; None leaves the row empty."""
        self.setVisible(claim is not None)
        if claim is not None:
            self._write(TICK if claim.holds else CROSS, claim.text, f"Measured: {claim.measured}")
            set_property(self.mark, "role", "title" if claim.holds else "danger")
            self.mark.setAccessibleName("holds" if claim.holds else "does not hold")

    def say(self, text: str) -> None:
        self._write("", text, "")
        self.show()

    def _write(self, *texts: str) -> None:
        for label, text in zip((self.mark, self.text, self.measured), texts, strict=True):
            label.setText(text)


def checks(claims: Sequence[Claim]) -> list[Line]:
    """A line for each kind of claim: below each column a tick if it holds, else a cross."""
    lines = []
    for at, kind in enumerate(KINDS):
        about = [[claim for claim in claims if claim.column == column][at : at + 1] for column in range(N_OUT)]
        texts = ["".join(TICK if claim.holds else CROSS for claim in found) for found in about]
        bad = frozenset(column for column, text in enumerate(texts) if text == CROSS)
        lines.append(Line(kind, texts, is_small=True, bad=bad))
    return lines
