"""TokenEdit: a line of text that shows itself as the tokenizer cut it, one chip a token."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from explorer.session.prompt import Prompt
from explorer.session.segments import Segment, segments
from explorer.session.theme import Theme
from explorer.ui.widgets.look import current_theme, font, px, token_text

GAP = 4.0
PAD = 5.0
SIDE = 8.0
DOT = "·"


@dataclass(frozen=True)
class Chip:
    """A segment at its place: ``left`` is where its box begins, ``text_left`` where its first character stands."""

    segment: Segment
    left: float
    right: float
    text_left: float


class TokenEdit(QLineEdit):
    """Editing is QLineEdit's own; painting and the mouse are ours, because the chips stretch the text.

    A leading space is a faint dot, a line break its name. ``current`` marks the token of the selected node.
    Shift+Return writes a line break.
    """

    run_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prompt = Prompt("")
        self._special = ""
        self._current: int | None = None
        self._offset = 0.0
        self._blink_on = True
        self._blink = QTimer(self)
        self._blink.timeout.connect(self._toggle_caret)
        self.setAccessibleName("Prompt")
        self.setPlaceholderText("Type a prompt")
        self.setMinimumWidth(160)
        self.cursorPositionChanged.connect(self._moved)
        self.textChanged.connect(self._moved)

    def show_prompt(self, prompt: Prompt, special: str) -> None:
        """Show how ``prompt`` was cut; ``special`` is what the tokens in front are, "start of text"."""
        self._prompt, self._special = prompt, special
        self.update()

    def show_current(self, pos: int | None) -> None:
        if pos != self._current:
            self._current = pos
            self.update()

    def chips(self) -> list[Chip]:
        """The chips of the text, from left to right; positions are without scrolling."""
        metrics = QFontMetricsF(font("body"))
        left = SIDE + sum(width + GAP for _, _, width in self._special_chips())
        found = []
        for segment in segments(self._prompt, self.text()):
            shown = _shown(segment)
            pad = PAD if segment.pos >= 0 else 0.0
            right = left + metrics.horizontalAdvance(shown) + 2 * pad
            found.append(Chip(segment, left, right, left + pad))
            left = right + GAP
        return found

    # Qt's side

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.insert("\n")
            else:
                self.run_asked.emit()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._blink_on = True
        period = QApplication.cursorFlashTime()
        if period > 0:
            self._blink.start(period // 2)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._blink.stop()
        self.update()

    def hideEvent(self, event: object) -> None:
        self._blink.stop()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        at = self._position(event.position())
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.cursorForward(True, at - self.cursorPosition())
        else:
            self.setCursorPosition(at)
            self.deselect()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.cursorForward(True, self._position(event.position()) - self.cursorPosition())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = self._position(event.position())
        for chip in self.chips():
            if chip.segment.start <= at <= chip.segment.end:
                self.setSelection(chip.segment.start, chip.segment.end - chip.segment.start)
                return

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_frame(painter, theme)
            painter.setClipRect(self.rect().adjusted(4, 2, -4, -2))
            painter.translate(-self._offset, 0)
            for text, left, width in self._special_chips():
                self._paint_special(painter, text, left, width, theme)
            chips = self.chips()
            for chip in chips:
                self._paint_chip(painter, chip, theme)
            if not self.text():
                painter.setPen(QColor(theme.text_3))
                painter.setFont(font("body"))
                left = SIDE + sum(width + GAP for _, _, width in self._special_chips()) + 4
                painter.drawText(self._line(left, self.width()), _LEFT, self.placeholderText())
            if self.hasFocus() and self._blink_on:
                x = self._caret(chips)
                painter.setPen(QPen(QColor(theme.text), 1.4))
                half = px(9)
                middle = self.height() / 2
                painter.drawLine(QPointF(x, middle - half), QPointF(x, middle + half))

    # painting

    def _paint_frame(self, painter: QPainter, theme: Theme) -> None:
        focused = self.hasFocus()
        width = 2 if focused else 1
        painter.setPen(QPen(QColor(theme.select if focused else theme.line_strong), width))
        painter.setBrush(QColor(theme.surface_canvas))
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 6, 6)

    def _special_chips(self) -> list[tuple[str, float, float]]:
        """(text, left, width) of the chips of special tokens."""
        found, left = [], SIDE
        bold, small = QFontMetricsF(font("body")), QFontMetricsF(font("caption"))
        for token in self._prompt.tokens[: self._prompt.n_special]:
            width = bold.horizontalAdvance(token) + 2 * PAD + 2
            if self._special:
                width += small.horizontalAdvance(f" {self._special}") + 2
            found.append((token, left, width))
            left += width + GAP
        return found

    def _paint_special(self, painter: QPainter, text: str, left: float, width: float, theme: Theme) -> None:
        current = self._current is not None and self._current < self._prompt.n_special
        pen = QPen(QColor(theme.select if current else theme.line_strong), 1, Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([3, 2])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self._box(left, left + width), 4, 4)
        painter.setPen(QColor(theme.text_2))
        painter.setFont(font("body"))
        painter.drawText(self._line(left + PAD, left + width), _LEFT, text)
        past = QFontMetricsF(font("body")).horizontalAdvance(text) + PAD
        painter.setFont(font("caption"))
        painter.setPen(QColor(theme.text_3))
        painter.drawText(self._line(left + past, left + width), _LEFT, f" {self._special}")

    def _paint_chip(self, painter: QPainter, chip: Chip, theme: Theme) -> None:
        current = chip.segment.pos >= 0 and chip.segment.pos == self._current
        if chip.segment.pos >= 0:
            painter.setPen(QPen(QColor(theme.select), 1.4) if current else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.select_tint if current else theme.surface_sunken))
            painter.drawRoundedRect(self._box(chip.left, chip.right), 4, 4)
        self._paint_selected(painter, chip, theme)
        face = font("strong" if current else "body")
        painter.setFont(font("body"))
        shown, left = _shown(chip.segment), chip.text_left
        if shown.startswith(DOT) and chip.segment.words.startswith(" "):
            advance = QFontMetricsF(font("body")).horizontalAdvance(DOT)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.text_3))
            painter.drawEllipse(QPointF(left + advance / 2, self.height() / 2), 1.1, 1.1)
            left += advance
            shown = shown[1:]
        painter.setFont(face)
        named = chip.segment.pos >= 0 and not chip.segment.words.strip()
        painter.setPen(QColor(theme.select if current else theme.text_3 if named else theme.text))
        painter.drawText(self._line(left, chip.right + 40), _LEFT, shown)

    def _paint_selected(self, painter: QPainter, chip: Chip, theme: Theme) -> None:
        if not self.hasSelectedText():
            return
        start = max(self.selectionStart(), chip.segment.start)
        end = min(self.selectionEnd(), chip.segment.end)
        if start < end:
            left, right = self._x(chip, start), self._x(chip, end)
            painter.fillRect(QRectF(left, self.height() / 2 - px(10), right - left, 2 * px(10)), theme.line)

    def _box(self, left: float, right: float) -> QRectF:
        half = px(11)
        return QRectF(left + 0.5, self.height() / 2 - half + 0.5, right - left - 1, 2 * half - 1)

    def _line(self, left: float, right: float) -> QRectF:
        return QRectF(left, 0, max(right - left, 0), self.height())

    # from character to pixel and back

    def _x(self, chip: Chip, at: int) -> float:
        """Where the caret stands before character ``at`` of the text, within ``chip``."""
        shown = _shown(chip.segment)
        part = (at - chip.segment.start) / max(chip.segment.end - chip.segment.start, 1)
        count = at - chip.segment.start if len(shown) == len(chip.segment.words) else round(part * len(shown))
        return chip.text_left + QFontMetricsF(font("body")).horizontalAdvance(shown[:count])

    def _caret(self, chips: list[Chip]) -> float:
        at = self.cursorPosition()
        for chip in chips:
            if at <= chip.segment.end:
                last = at == chip.segment.end and chip.segment.pos >= 0
                return chip.right + GAP / 2 if last else self._x(chip, at)
        return (chips[-1].right if chips else SIDE + sum(w + GAP for _, _, w in self._special_chips())) + 3

    def _position(self, point: QPointF) -> int:
        x = point.x() + self._offset
        for chip in self.chips():
            if x < chip.right:
                spots = range(chip.segment.start, chip.segment.end + 1)
                return min(spots, key=lambda at: abs(self._x(chip, at) - x))
        return len(self.text())

    def _moved(self) -> None:
        """Keep the caret within the frame."""
        x, room = self._caret(self.chips()), self.width() - 2 * SIDE
        self._offset = min(self._offset, max(x - SIDE, 0.0))
        self._offset = max(self._offset, x - room, 0.0)
        if self.cursorPosition() == 0:
            self._offset = 0.0
        self._blink_on = True
        self.update()

    def _toggle_caret(self) -> None:
        self._blink_on = not self._blink_on
        self.update()


def _shown(segment: Segment) -> str:
    """What a segment's chip says."""
    if segment.pos < 0:
        return segment.words.replace("\n", "⏎")
    words = token_text(segment.words)
    return DOT + words[1:] if words.startswith(" ") else words


_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
