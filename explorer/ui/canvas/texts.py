"""Texts: every word the canvas paints goes through here, so that what was painted can be checked."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap, QStaticText

from explorer.ui.theme import font

HALO = 4.0


class TextBox(NamedTuple):
    """A painted text: where, what, its size in pixels, its colour and the colour behind it."""

    rect: QRectF
    text: str
    px: int
    foreground: str
    background: str


class Texts:
    """Draws texts and keeps their boxes. Coordinates are logical; the painter may be scaled by ``ratio``."""

    def __init__(self, painter: QPainter, background: str, scale: float = 1.0, ratio: float = 1.0) -> None:
        self.painter = painter
        self.boxes: list[TextBox] = []
        self._background = background
        self._scale = scale
        self._ratio = ratio

    def width(self, text: str, role: str = "caption") -> float:
        return text_width(text, role, self._scale)

    def box(self, text: str, x: float, y: float, role: str = "caption", align: str = "left") -> QRectF:
        """Where ``text`` would stand: ``x`` is its left, middle or right, ``y`` the middle of its capitals."""
        width, px = self.width(text, role), _font(role, self._scale).pixelSize()
        left = x - {"left": 0.0, "middle": width / 2, "right": width}[align]
        return QRectF(left, y - px / 2, width, px)

    def draw(
        self,
        text: str,
        x: float,
        y: float,
        ink: str,
        role: str = "caption",
        align: str = "left",
        background: str | None = None,
        halo: bool = False,
        underline: bool = False,
    ) -> QRectF:
        """Paint ``text`` and return its box."""
        box = self.box(text, x, y, role, align)
        back = background or self._background
        face = _font(role, self._scale)
        base = y + _metrics(role, self._scale).capHeight() / 2
        if halo:
            picture = _haloed(text, role, self._scale, ink, back, self._ratio)
            self.painter.drawPixmap(
                QPointF(box.left() - HALO, base - picture_ascent(role, self._scale)), picture
            )
        else:
            self.painter.setFont(face)
            self.painter.setPen(QColor(ink))
            top = base - _metrics(role, self._scale).ascent()
            self.painter.drawStaticText(QPointF(box.left(), top), _shaped(text, role, self._scale))
            if underline:
                self.painter.fillRect(QRectF(box.left(), round(base) + 1.5, box.width(), 1), QColor(ink))
        self.boxes.append(TextBox(box, text, face.pixelSize(), ink, back))
        return box

    def elided(self, text: str, width: float, role: str = "caption") -> str:
        """``text``, cut to a width with an ellipsis; empty if not even two characters fit."""
        if self.width(text, role) <= width:
            return text
        cut = _metrics(role, self._scale).elidedText(text, Qt.TextElideMode.ElideRight, width)
        return cut if len(cut) > 1 else ""

    def drop_under(self, rect: QRectF) -> None:
        """Forget the texts that something painted over ``rect`` covers."""
        self.boxes = [box for box in self.boxes if not box.rect.intersects(rect)]


@lru_cache(maxsize=4_096)
def text_width(text: str, role: str, scale: float) -> float:
    return _metrics(role, scale).horizontalAdvance(text)


def picture_ascent(role: str, scale: float) -> float:
    return _metrics(role, scale).ascent() + HALO


@lru_cache(maxsize=64)
def _font(role: str, scale: float) -> QFont:
    return font(role, scale)


@lru_cache(maxsize=64)
def _metrics(role: str, scale: float) -> QFontMetricsF:
    return QFontMetricsF(_font(role, scale))


@lru_cache(maxsize=4_096)
def _shaped(text: str, role: str, scale: float) -> QStaticText:
    """The text with its glyphs placed, which is most of the work of drawing it."""
    shaped = QStaticText(text)
    shaped.setTextFormat(Qt.TextFormat.PlainText)
    shaped.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    shaped.prepare(font=_font(role, scale))
    return shaped


@lru_cache(maxsize=256)
def _haloed(text: str, role: str, scale: float, ink: str, back: str, ratio: float) -> QPixmap:
    """The text with an outline in the ground's colour, so that it can be read over links."""
    width = text_width(text, role, scale) + 2 * HALO
    height = _metrics(role, scale).height() + 2 * HALO
    picture = QPixmap(int(width * ratio) + 1, int(height * ratio) + 1)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    path = QPainterPath()
    path.addText(QPointF(HALO, picture_ascent(role, scale)), _font(role, scale), text)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(QColor(back), HALO)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, pen)
    painter.setFont(_font(role, scale))
    painter.setPen(QColor(ink))
    painter.drawText(QPointF(HALO, picture_ascent(role, scale)), text)
    painter.end()
    return picture
