"""GreedyChain: the word of the likeliest letters as a chain, with the loop in which it goes round."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.session.theme import Theme
from explorer.specimens import letters
from explorer.specimens.letters import TOKENS, Matrix
from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, per_cent, px

RADIUS, APART, LOOP = 13, 66, 34  # of a letter's ring; between two letters; how far the loop hangs down
HEAD, HEAD_WIDTH = 7.0, 3.5


class GreedyChain(QWidget):
    """``begun`` tells a letter to begin with, which was clicked, typed or walked to; "." for the beginning."""

    begun = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("The word of the likeliest letters")
        self.setToolTip("Click a letter, or type one, to begin with it; the arrow keys go through the alphabet")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.start, self.loop = ".", ""
        self.chain: list[str] = []
        self.sure: list[float] = []

    def show_word(self, logits: Matrix, temperature: float, start: str) -> None:
        """The likeliest letters from ``start`` on; how sure the model is of each at ``temperature``."""
        word, self.loop = letters.greedy(logits, start)
        self.start = start
        self.chain = [*("." * (start == ".")), *word, *("." * (not self.loop))]
        after = [*self.chain[1:], *self.loop[:1]]
        believes = letters.probabilities(logits, temperature)
        self.sure = [float(believes[TOKENS.index(a), TOKENS.index(b)]) for a, b in zip(self.chain, after, strict=False)]
        steps = (f"{letter} {per_cent(sure)}" for letter, sure in zip(after, self.sure, strict=True))
        self.setAccessibleDescription(", ".join([start, *steps]))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(300), px(2 * RADIUS + LOOP + 30))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(200), self.sizeHint().height())

    def place(self, at: int) -> QPointF:
        """The middle of the letter at that place of the chain."""
        room = (self.width() - 2 * px(RADIUS) - 6) / max(len(self.chain) - 1, 1)
        return QPointF(px(RADIUS) + 3 + at * min(room, px(APART)), px(RADIUS) + 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for at in range(len(self.chain) - 1):
                self._draw_step(painter, theme, at)
            if self.loop:
                self._draw_loop(painter, theme)
            for at, letter in enumerate(self.chain):
                self._draw_letter(painter, theme, at, letter)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for at, letter in enumerate(self.chain):
            if (self.place(at) - event.position()).manhattanLength() <= 1.4 * px(RADIUS):
                self.begun.emit(letter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        if direction is not None:
            self.begun.emit(TOKENS[(TOKENS.index(self.start) + sum(direction)) % len(TOKENS)])
        elif event.text() and event.text() in TOKENS:
            self.begun.emit(event.text())
        else:
            super().keyPressEvent(event)

    def _draw_letter(self, painter: QPainter, theme: Theme, at: int, letter: str) -> None:
        ring = QRectF(0, 0, 2 * px(RADIUS), 2 * px(RADIUS))
        ring.moveCenter(self.place(at))
        is_current = at == 0 and self.hasFocus()
        painter.setPen(QPen(color(theme.select if is_current else theme.line_strong), 2 if is_current else 1))
        painter.setBrush(color(theme.surface_sunken if letter == "." else theme.surface_canvas))
        painter.drawEllipse(ring)
        painter.setPen(color(theme.text))
        painter.setFont(font("strong"))
        painter.drawText(ring, Qt.AlignmentFlag.AlignCenter, letter)

    def _draw_step(self, painter: QPainter, theme: Theme, at: int) -> None:
        left = self.place(at) + QPointF(px(RADIUS) + 2, 0)
        right = self.place(at + 1) - QPointF(px(RADIUS) + 2, 0)
        if right.x() - left.x() < HEAD:
            return
        painter.setPen(QPen(color(theme.mark_ink), 1.5))
        painter.drawLine(left, right)
        self._draw_head(painter, theme, right, QPointF(1, 0))
        self._write(painter, theme, QPointF((left.x() + right.x()) / 2, left.y() - px(10)), self.sure[at])

    def _draw_loop(self, painter: QPainter, theme: Theme) -> None:
        """From the last letter back to the first of the loop, below."""
        down = QPointF(0, px(RADIUS) + 2)
        begin = self.place(len(self.chain) - 1) + down
        end = self.place(len(self.chain) - len(self.loop)) + down
        if len(self.loop) == 1:
            begin, end = begin + QPointF(px(6), 0), end - QPointF(px(6), 0)
        low = QPointF(0, px(LOOP))
        path = QPainterPath(begin)
        path.cubicTo(begin + low, end + low, end)
        painter.setPen(QPen(color(theme.mark_ink), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        self._draw_head(painter, theme, end, QPointF(0, -1))
        self._write(painter, theme, (begin + end) / 2 + low * 0.75 + QPointF(0, px(9)), self.sure[-1])

    def _draw_head(self, painter: QPainter, theme: Theme, tip: QPointF, to: QPointF) -> None:
        aside, back = QPointF(to.y(), to.x()) * HEAD_WIDTH, tip - to * HEAD
        painter.setBrush(color(theme.mark_ink))
        painter.drawPolygon(QPolygonF([tip, back + aside, back - aside]))

    def _write(self, painter: QPainter, theme: Theme, middle: QPointF, sure: float) -> None:
        """A share above an arrow, if there is room."""
        painter.setFont(font("caption"))
        text = per_cent(sure)
        width = painter.fontMetrics().horizontalAdvance(text) + 2
        if len(self.chain) > 1 and width > self.place(1).x() - self.place(0).x() - 2 * px(RADIUS) + 8:
            return
        painter.setPen(color(theme.text_2))
        where = QRectF(0, 0, width + 4, px(14))
        where.moveCenter(middle)
        painter.drawText(where, Qt.AlignmentFlag.AlignCenter, text)
