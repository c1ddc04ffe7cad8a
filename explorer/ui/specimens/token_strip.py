"""TokenStrip: a prompt as a row of tokens, what a model says comes next, and arcs to what a head looks at."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.session.theme import Theme
from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, probability, px

NAMES, WIDEST, NARROWEST = 66, 60, 12  # px: the rows' names, and the cell of a token
ROW, BARS, ARCS = 24, 30, 76  # px: a row of letters, the bars of chances, the room of arcs
WRITTEN = 30  # px from which a cell has its chance in figures
SEEN, CLEAR = 0.03, 0.5  # shares of attention: drawn for the current token, and for any other


class TokenStrip(QWidget):
    """``pointed`` tells the position under the mouse, or that an arrow key made current."""

    pointed = Signal(int)

    def __init__(self, name: str, *, with_arcs: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._arcs = ARCS if with_arcs else 0
        self.tokens: Sequence[str] = ()
        self.said: Sequence[str] = ()
        self.chance: NDArray[np.float64] = np.zeros(0)
        self.right: frozenset[int] = frozenset()
        self.pattern: NDArray[np.float64] | None = None
        self.current = 0

    def show_tokens(
        self, tokens: Sequence[str], said: Sequence[str], chance: NDArray[np.float64], right: Collection[int]
    ) -> None:
        """What is said behind each token and its chance; it is marked where it is ``right``."""
        self.tokens, self.said, self.chance, self.right = tokens, said, chance, frozenset(right)
        self.pattern = None
        self.point(min(self.current, len(tokens) - 1))

    def show_pattern(self, pattern: NDArray[np.float64]) -> None:
        """``pattern`` is [query, key]: each arc leads from a token to one that is looked at."""
        self.pattern = pattern
        self.update()

    def point(self, at: int) -> None:
        """Make a position the current one, without telling."""
        self.current = at
        right = ", right" if at in self.right else ""
        self.setAccessibleDescription(f"{self.tokens[at]}, then {self.said[at]} {probability(self.chance[at])}{right}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(NAMES + WIDEST * 12), px(self._arcs + 2 * ROW + BARS + 6))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(NAMES + NARROWEST * max(len(self.tokens), 1)), self.sizeHint().height())

    def cell(self, at: int, row: int) -> QRectF:
        """Where a token is: row 0 has the prompt, row 1 what is said, row 2 the chance."""
        side = self._side()
        top = px(self._arcs) + px(ROW) * row
        return QRectF(px(NAMES) + at * side, top, side, px(BARS) if row == 2 else px(ROW))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = int((event.position().x() - px(NAMES)) // self._side())
        if 0 <= at < len(self.tokens) and at != self.current:
            self.point(at)
            self.pointed.emit(at)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouseMoveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = DIRECTIONS.get(Qt.Key(event.key()), (0, 0))[0]
        if not step or not self.tokens:
            super().keyPressEvent(event)
            return
        self.point(min(max(self.current + step, 0), len(self.tokens) - 1))
        self.pointed.emit(self.current)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.tokens:
            return
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._write_names(painter, theme)
            looked = self._paint_arcs(painter, theme) if self.pattern is not None else -1
            for at in range(len(self.tokens)):
                self._paint_token(painter, theme, at, looked)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(color(theme.select), 2 if self.hasFocus() else 1.5))
            whole = self.cell(self.current, 0) | self.cell(self.current, 2)
            painter.drawRoundedRect(whole.adjusted(0.5, 0.5, -0.5, px(3)), 3, 3)

    def _side(self) -> float:
        return min(float(px(WIDEST)), (self.width() - px(NAMES) - 2) / max(len(self.tokens), 1))

    def _write_names(self, painter: QPainter, theme: Theme) -> None:
        painter.setFont(font("caption"))
        painter.setPen(color(theme.text_2))
        for row, name in enumerate(("prompt", "says next", "chance")):
            where = QRectF(0, self.cell(0, row).top(), px(NAMES - 8), self.cell(0, row).height())
            painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)

    def _paint_token(self, painter: QPainter, theme: Theme, at: int, looked: int) -> None:
        prompt, said, chance = (self.cell(at, row) for row in range(3))
        inset = 1.5 if self._side() > px(16) else 0.5
        painter.fillRect(
            prompt.adjusted(inset, 2, -inset, -2), color(theme.select_tint if at == looked else theme.surface_sunken)
        )
        _write(painter, prompt, self.tokens[at], font("strong"), color(theme.select if at == looked else theme.text))
        if at in self.right:
            painter.fillRect(said.adjusted(inset, 2, -inset, -2), color(theme.mark_ink))
        _write(
            painter,
            said,
            self.said[at],
            font("strong" if at in self.right else "body"),
            color(theme.surface_panel if at in self.right else theme.text_2),
        )
        written = px(13) if self._side() >= px(WRITTEN) else 0
        room = chance.height() - written
        high = max(1.0, float(self.chance[at]) * room)
        middle, half = chance.center().x(), min(self._side() / 2 - inset, px(7))
        ink = color(theme.mark_ink if at in self.right else theme.error_mass)
        painter.fillRect(QRectF(middle - half, chance.top() + room - high, 2 * half, high), ink)
        if written:
            figures = QRectF(chance.left(), chance.bottom() - written, chance.width(), written + 2)
            _write(painter, figures, probability(float(self.chance[at])), font("caption"), color(theme.text_2))

    def _paint_arcs(self, painter: QPainter, theme: Theme) -> int:
        """The arcs of the current token in their share of ink, others' clear ones faintly; what is looked at most."""
        assert self.pattern is not None
        for query, row in enumerate(self.pattern):
            key = int(row.argmax())
            if query != self.current and row[key] >= CLEAR:
                self._arc(painter, query, key, QPen(color(theme.line_strong, 0.35), 1))
        own = self.pattern[self.current]
        for key in np.argsort(own).tolist():
            if own[key] >= SEEN:
                self._arc(painter, self.current, key, QPen(_mixed(theme, float(own[key])), 1 + 2.5 * float(own[key])))
        return int(own.argmax())

    def _arc(self, painter: QPainter, query: int, key: int, pen: QPen) -> None:
        start, end = (QPointF(self.cell(at, 0).center().x(), px(self._arcs) - 1) for at in (query, key))
        room, span = px(self._arcs) - 6, len(self.tokens) - 1
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if query == key:
            radius = min(self._side() / 3, px(6))
            painter.drawEllipse(start - QPointF(0, radius), radius, radius)
            return
        high = room * (0.2 + 0.8 * (query - key) / span)
        path = QPainterPath(start)
        lift = QPointF(0, -high * 4 / 3)  # the curve rises to three quarters of its control points
        path.cubicTo(start + lift, end + lift, end)
        painter.drawPath(path)


def _write(painter: QPainter, where: QRectF, text: str, face: QFont, ink: QColor) -> None:
    painter.setFont(face)
    painter.setPen(ink)
    wide = where.adjusted(-4, 0, 4, 0)  # a letter may touch its neighbours' cells
    painter.drawText(wide, Qt.AlignmentFlag.AlignCenter, text)


def _mixed(theme: Theme, share: float) -> QColor:
    return color(theme.select, 0.25 + 0.75 * share)
