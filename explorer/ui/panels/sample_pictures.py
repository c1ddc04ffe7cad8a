"""Pictures on the cards of the samples: drawings of what each is about, not data.

The painter is scaled by the text size, so fonts are those of 100 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from explorer.session.theme import Theme
from explorer.ui.theme import font
from explorer.ui.widgets.look import current_theme, px
from explorer.ui.widgets.scaling import at_least, fixed

WIDE, HIGH = 300, 160
BESIDE = 282


class SamplePicture(QWidget):
    """The drawing of a sample by its name, centred, on the colour of the canvas; above or ``beside`` the words."""

    def __init__(self, name: str, *, beside: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draw = PICTURES.get(name)
        self._beside = beside
        if beside:
            fixed(self, width=BESIDE if self._draw else 0)
            at_least(self, height=HIGH)
        else:
            fixed(self, height=HIGH if self._draw else 0)

    def paintEvent(self, event: object) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            corners = QPainterPath()
            more = (12, -2) if self._beside else (-2, 12)
            corners.addRoundedRect(QRectF(1, 1, self.width() + more[0], self.height() + more[1]), 7, 7)
            painter.setClipPath(corners)
            painter.fillRect(self.rect(), QColor(theme.surface_canvas))
            painter.setClipping(False)
            painter.setPen(QPen(QColor(theme.line), 1))
            if self._beside:
                painter.drawLine(self.width() - 1, 1, self.width() - 1, self.height() - 2)
            else:
                painter.drawLine(1, self.height() - 1, self.width() - 2, self.height() - 1)
            if self._draw is not None:
                scale = min(px(WIDE), self.width()) / WIDE
                painter.translate((self.width() - scale * WIDE) / 2, (self.height() - scale * HIGH) / 2)
                painter.scale(scale, scale)
                self._draw(painter, theme)


def two_hops(painter: QPainter, theme: Theme) -> None:
    """Dallas and capital meet in Texas, and come out as Austin."""
    words = (("the", 40), ("capital", 86), ("of", 128), ("…", 172), ("Dallas", 222), ("is", 270))
    painter.setFont(font("body"))
    painter.setPen(QColor(theme.text_2))
    for word, x in words:
        painter.drawText(QRectF(x - 40, 132, 80, 18), Qt.AlignmentFlag.AlignCenter, word)
    dallas, capital = QPointF(222, 124), QPointF(86, 124)
    one, two, three, top = QPointF(270, 94), QPointF(258, 76), QPointF(280, 76), QPointF(270, 56)
    blue = QColor(theme.sign_raise)
    for source, target, width in (
        (dallas, one, 3.6),
        (dallas, two, 2.6),
        (capital, two, 1.8),
        (capital, top, 1.6),
        (one, two, 2.4),
        (one, three, 2.0),
        (two, top, 2.4),
        (three, top, 1.8),
        (top, QPointF(248, 38), 3.4),
    ):
        painter.setPen(QPen(blue, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(_link(source, target))
    painter.setPen(QPen(QColor(theme.mark_ink), 1))
    painter.setBrush(blue)
    for centre in (one, two, three, top):
        painter.drawEllipse(centre, 4.9, 4.9)
    for centre in (dallas, capital):
        painter.drawRect(QRectF(centre.x() - 4.4, centre.y() - 4.4, 8.8, 8.8))
    painter.setBrush(QColor(theme.surface_panel))
    painter.setPen(QPen(QColor(theme.line_strong), 1))
    painter.drawRoundedRect(QRectF(214, 16, 64, 22), 5, 5)
    painter.setFont(font("strong"))
    painter.setPen(QColor(theme.text))
    painter.drawText(QRectF(214, 16, 64, 22), Qt.AlignmentFlag.AlignCenter, "Austin")


def _link(source: QPointF, target: QPointF) -> QPainterPath:
    path = QPainterPath(source)
    rise = (source.y() - target.y()) * 0.5
    path.cubicTo(source - QPointF(0, rise), target + QPointF(0, rise), target)
    return path


PICTURES: Mapping[str, Callable[[QPainter, Theme], None]] = {"us-cities": two_hops}
