"""ShadeLegend: what the signed shades of a NumberGrid mean, from the lowest to the highest."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.number_grid import DARKEST

BAR = 10


class ShadeLegend(QWidget):
    """A strip of shades with three words under it; nothing as long as there are no words."""

    def __init__(self) -> None:
        super().__init__()
        self.words: tuple[str, str, str] = ("", "", "")

    def show_words(self, lowest: str, middle: str, highest: str) -> None:
        self.words = lowest, middle, highest
        self.setAccessibleName(f"Shades: {lowest}, {middle}, {highest}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(260), px(BAR + 18))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not any(self.words):
            return
        theme = current_theme()
        with QPainter(self) as painter:
            strip = QRectF(0, 0, px(260), px(BAR))
            shades = QLinearGradient(strip.topLeft(), strip.topRight())
            shades.setColorAt(0.0, color(theme.sign_lower, DARKEST))
            shades.setColorAt(0.499, color(theme.sign_lower, 0.0))
            shades.setColorAt(0.501, color(theme.sign_raise, 0.0))
            shades.setColorAt(1.0, color(theme.sign_raise, DARKEST))
            painter.fillRect(strip, shades)
            painter.setPen(color(theme.line_strong))
            painter.drawRect(strip.adjusted(0, 0, -1, -1))
            painter.setFont(font("caption"))
            painter.setPen(color(theme.text_2))
            under = strip.translated(0, px(BAR + 2)).adjusted(0, 0, 0, px(6))
            sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
            for words, side in zip(self.words, sides, strict=True):
                painter.drawText(under, int(side | Qt.AlignmentFlag.AlignTop), words)
