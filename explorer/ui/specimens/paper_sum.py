"""PaperSum: a sum as it is written on paper, in columns that can be looked at one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.session.theme import Theme
from explorer.specimens import sums
from explorer.specimens.adder import Reading
from explorer.specimens.sums import N_DIGITS, N_OUT
from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, px

NAME, COLUMN, MOST = 64, 21, 34  # the names' width, the least and the largest of a column
HIGH, LOW = 32, 18  # of a line of digits and of a line about them


@dataclass(frozen=True)
class Line:
    """A text for each column, units first. ``bad`` columns are marked, ``faint`` ones count for nothing."""

    name: str
    texts: Sequence[str]
    is_small: bool = False
    bad: frozenset[int] = frozenset()
    faint: frozenset[int] = frozenset()


class PaperSum(QWidget):
    """``hovered`` tells the column under the mouse, or -1; ``chosen`` one that a click or an arrow key led to."""

    hovered = Signal(int)
    chosen = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.lines: Sequence[Line] = ()
        self.column = 0
        self._rule = 0

    def show_lines(self, lines: Sequence[Line], rule: int) -> None:
        """``lines`` below each other, a rule above the one at ``rule``."""
        self.lines, self._rule = lines, rule
        self.updateGeometry()
        self._describe()
        self.update()

    def light(self, column: int) -> None:
        self.column = column
        self._describe()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(NAME + (COLUMN + MOST) // 2 * N_OUT), self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(px(NAME + COLUMN * N_OUT), round(self._top(len(self.lines))) + px(4))

    def cell(self, line: int, column: int) -> QRectF:
        """Where a text is."""
        wide = min((self.width() - px(NAME)) / N_OUT, px(MOST))
        high = self._top(line + 1) - self._top(line)
        return QRectF(px(NAME) + (N_OUT - 1 - column) * wide, self._top(line), wide, high)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.lines:
            return
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            lit = (self.cell(0, self.column) | self.cell(len(self.lines) - 1, self.column)).adjusted(1, 1, -1, 1)
            painter.setBrush(color(theme.select_tint))
            painter.setPen(QPen(color(theme.select), 2 if self.hasFocus() else 1))
            painter.drawRoundedRect(lit, 4, 4)
            for at, line in enumerate(self.lines):
                self._write(painter, theme, at, line)
            painter.setPen(QPen(color(theme.text), 1.4))
            left, right = self.cell(self._rule, N_OUT - 1), self.cell(self._rule, 0)
            painter.drawLine(left.topLeft(), right.topRight())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        column = self._under(event.position())
        if column >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._choose(column)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.hovered.emit(self._under(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = DIRECTIONS.get(Qt.Key(event.key()), (0, 0))[0]
        if step:
            self._choose(min(max(self.column - step, 0), N_OUT - 1))
        else:
            super().keyPressEvent(event)

    def _choose(self, column: int) -> None:
        self.light(column)
        self.chosen.emit(column)

    def _under(self, at: QPointF) -> int:
        return next((column for column in range(N_OUT) if self._whole(column).contains(at)), -1)

    def _whole(self, column: int) -> QRectF:
        return self.cell(0, column) | self.cell(len(self.lines) - 1, column) if self.lines else QRectF()

    def _top(self, line: int) -> float:
        return px(2) + sum(px(LOW if each.is_small else HIGH) for each in self.lines[:line])

    def _write(self, painter: QPainter, theme: Theme, at: int, line: Line) -> None:
        painter.setFont(font("caption"))
        painter.setPen(color(theme.text_2))
        name = QRectF(0, self.cell(at, 0).top(), px(NAME - 6), self.cell(at, 0).height())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, line.name)
        painter.setFont(font("caption" if line.is_small else "page"))
        for column, text in enumerate(line.texts):
            is_bad, cell = column in line.bad, self.cell(at, column)
            ink = theme.danger if is_bad else theme.text_3 if column in line.faint else theme.text
            painter.setPen(color(ink))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, text)
            if is_bad and not line.is_small:
                painter.setPen(QPen(color(ink), 2))
                painter.drawLine(cell.bottomLeft() + QPointF(3, -2), cell.bottomRight() + QPointF(-3, -2))

    def _describe(self) -> None:
        column = [f"{line.name} {line.texts[self.column]}" for line in self.lines if line.texts[self.column]]
        self.setAccessibleDescription(f"Column {self.column}: {', '.join(column)}")


def lines_of(readings: Sequence[tuple[str, Reading]]) -> tuple[list[Line], int]:
    """The lines of one sum, with what each of its ``readings`` says, and where the rule is."""
    first = readings[0][1]
    a, b = first.a, first.b
    coming = sums.carries(np.array([a]), np.array([b]))[0]
    lines = [Line("carried", _filled(["1" if carry else "" for carry in coming.tolist()]), is_small=True)]
    lines += [Line(name, _number(value, sign), faint=_leading(value)) for name, value, sign in _operands(a, b)]
    for name, reading in readings:
        lines.append(Line(name, list(reading.said), bad=wrong(reading), faint=_leading(a + b, N_OUT)))
    return lines, 3


def chances(reading: Reading) -> Line:
    """How sure it is of each digit, in two decimals."""
    texts = [f"{chance:.2f}".lstrip("0").replace("1.00", "1.0") for chance in reading.probability.tolist()]
    return Line("chance", texts, is_small=True)


def right_digits(a: int, b: int) -> str:
    """The sum as the model is to say it: units first, the end behind eleven digits."""
    return f"{a + b:0{N_DIGITS + 1}d}"[::-1] + "."


def wrong(reading: Reading) -> frozenset[int]:
    """The columns that it says wrong."""
    pairs = zip(reading.said, right_digits(reading.a, reading.b), strict=True)
    return frozenset(column for column, (said, right) in enumerate(pairs) if said != right)


def _operands(a: int, b: int) -> tuple[tuple[str, int, str], ...]:
    return ("a", a, ""), ("b", b, "+")


def _number(value: int, sign: str) -> list[str]:
    return _filled([*f"{value:0{N_DIGITS}d}"[::-1], sign])


def _filled(texts: list[str]) -> list[str]:
    return texts + [""] * (N_OUT - len(texts))


def _leading(value: int, end: int = N_DIGITS) -> frozenset[int]:
    return frozenset(range(len(str(value)), end))
