"""DosePlot: probabilities over a slider's range, and how odd the continuation is to the clean model."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.ui.dosing import Dosing, Point
from explorer.ui.widgets.look import current_theme, font, plain, px, token_text

LISTED = 3
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
LEFT, BELOW, RIGHT = 18, 16, 112


class DosePlot(QWidget):
    """A line for each of the tokens that vary most, from 0 to 1, and in grey the logarithm of the perplexity.

    An upright line stands where the slider is.
    """

    def __init__(self, dosing: Dosing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dosing = dosing
        self.setMinimumSize(px(150), px(90))
        self.setAccessibleName("Dose-response")
        dosing.changed.connect(self._show)

    def _show(self) -> None:
        self.setAccessibleDescription("; ".join(_spoken(one, self._dosing.texts) for one in self._dosing.points))
        self.update()

    def lines(self) -> list[tuple[str, list[float]]]:
        """The tokens that vary most, with their probability at each point."""
        points, texts = self._dosing.points, self._dosing.texts
        values = {token: [one.chances[token] for one in points] for token in texts}
        most = sorted(values, key=lambda token: min(values[token], default=0) - max(values[token], default=0))[:LISTED]
        return [(texts[token], values[token]) for token in most]

    # painting

    def _box(self) -> QRectF:
        return QRectF(px(LEFT), 4, self.width() - px(LEFT + RIGHT), self.height() - px(BELOW) - 6)

    def _ends(self) -> tuple[float, float]:
        points = self._dosing.points
        low, high = self._dosing.ends
        return (low, high) if points and high > low else (0.0, 1.0)

    def _x(self, box: QRectF, value: float) -> float:
        low, high = self._ends()
        return box.left() + (value - low) / (high - low) * box.width()

    def _line(self, box: QRectF, heights: list[float]) -> QPolygonF:
        pairs = zip(self._dosing.points, heights, strict=True)
        return QPolygonF([QPointF(self._x(box, one.value), box.bottom() - y * box.height()) for one, y in pairs])

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, box = current_theme(), self._box()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(box, QColor(theme.surface_canvas))
            painter.setPen(QPen(QColor(theme.line), 1))
            painter.drawRect(box)
            if not self._dosing.points:
                return
            self._paint_scale(painter, box)
            painter.setOpacity(0.5 if self._dosing.is_old else 1.0)
            self._paint_odd(painter, box)
            lines = self.lines()
            for at, (_, values) in enumerate(lines):
                painter.setPen(QPen(QColor(theme.text), 1.6, STYLES[at]))
                painter.drawPolyline(self._line(box, values))
            self._paint_legend(painter, box, [text for text, _ in lines])

    def _paint_scale(self, painter: QPainter, box: QRectF) -> None:
        theme, value = current_theme(), self._dosing.value
        painter.setFont(font("caption"))
        painter.setPen(QColor(theme.text_3))
        side = QRectF(0, 0, box.left() - 4, px(14))
        right, centre = int(Qt.AlignmentFlag.AlignRight), int(Qt.AlignmentFlag.AlignHCenter)
        painter.drawText(side.translated(0, box.top() - 3), right, "1")
        painter.drawText(side.translated(0, box.bottom() - px(12)), right, "0")
        low, high = self._ends()
        for at in (low, (low + high) / 2, high):
            words = QRectF(self._x(box, at) - 24, box.bottom() + 1, 48, px(14))
            painter.drawText(words, centre, plain(at).removesuffix(".00"))
        if not math.isnan(value):
            painter.setPen(QPen(QColor(theme.select), 1.4))
            x = self._x(box, value)
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))

    def _odd(self) -> list[float]:
        known = [one.perplexity for one in self._dosing.points if one.perplexity is not None]
        return known if len(known) == len(self._dosing.points) else []

    def _paint_odd(self, painter: QPainter, box: QRectF) -> None:
        odd = self._odd()
        if odd:
            top = max(math.log(max(odd)), 1e-6)
            painter.setPen(QPen(QColor(current_theme().error_mass), 1.2))
            painter.drawPolyline(self._line(box, [max(0.0, math.log(one)) / top for one in odd]))

    def _paint_legend(self, painter: QPainter, box: QRectF, texts: list[str]) -> None:
        theme, metrics = current_theme(), painter.fontMetrics()
        rows = [(token_text(text).strip(), theme.text, STYLES[at]) for at, text in enumerate(texts)]
        if odd := self._odd():
            rows.append((f"perplexity ≤ {max(odd):.2g}", theme.error_mass, STYLES[0]))
        for at, (text, ink, style) in enumerate(rows):
            y = box.top() + px(8) + at * px(16)
            painter.setPen(QPen(QColor(ink), 1.6, style))
            painter.drawLine(QPointF(box.right() + 6, y), QPointF(box.right() + 20, y))
            painter.setPen(QColor(theme.text))
            room = self.width() - box.right() - 26
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(room))
            painter.drawText(QPointF(box.right() + 24, y + metrics.ascent() / 2 - 1), shown)


def _spoken(point: Point, texts: dict[int, str]) -> str:
    token = max(point.chances, key=lambda one: point.chances[one])
    return f"at {point.value:.2f} “{texts.get(token, '').strip()}” {point.chances[token]:.3f}"
