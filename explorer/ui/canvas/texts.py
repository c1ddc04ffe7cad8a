"""Texts: every word the canvas paints goes through here, so that what was painted can be checked."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap

from explorer.ui.lettering import cut, face_of, ink_of, shaped, text_width

HALO = 4.0  # px around a text's picture
AROUND = tuple((x, y) for x in range(-2, 3) for y in range(-2, 3) if 1 <= x * x + y * y <= 5 and abs(x * y) != 1)


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
        width, px = self.width(text, role), face_of(role, self._scale).px
        left = x if align == "left" else x - width if align == "right" else x - width / 2
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
        face = face_of(role, self._scale)
        base = y + face.capitals / 2
        if halo:
            picture = _haloed(text, role, self._scale, ink, back, self._ratio)
            self.painter.drawPixmap(QPointF(box.left() - HALO, base - face.ascent - HALO), picture)
        else:
            self.painter.setFont(face.font)
            self.painter.setPen(ink_of(ink))
            self.painter.drawStaticText(QPointF(box.left(), base - face.ascent), shaped(text, role, self._scale))
            if underline:
                self.painter.fillRect(QRectF(box.left(), round(base) + 1.5, box.width(), 1), ink_of(ink))
        self.boxes.append(TextBox(box, text, face.px, ink, back))
        return box

    def elided(self, text: str, width: float, role: str = "caption") -> str:
        """``text``, cut to a width with an ellipsis; empty if not even two characters fit."""
        if self.width(text, role) <= width:
            return text
        return cut(text, round(width, 1), role, self._scale)

    def wipe(self, rect: QRectF) -> None:
        """Paint over the texts that reach into ``rect``, down to their descenders, and forget them."""
        for box in self.boxes:
            if box.rect.intersects(rect):
                self.painter.fillRect(box.rect.adjusted(-1, -1, 1, 2), ink_of(self._background))
        self.drop_under(rect)

    def drop_under(self, rect: QRectF) -> None:
        """Forget the texts that something painted over ``rect`` covers."""
        self.boxes = [box for box in self.boxes if not box.rect.intersects(rect)]


@lru_cache(maxsize=256)
def _haloed(text: str, role: str, scale: float, ink: str, back: str, ratio: float) -> QPixmap:
    """The text with an outline in the ground's colour, so that it can be read over links."""
    face = face_of(role, scale)
    width = text_width(text, role, scale) + 2 * HALO
    height = face.metrics.height() + 2 * HALO
    picture = QPixmap(int(width * ratio) + 1, int(height * ratio) + 1)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setFont(face.font)
    letters, top = shaped(text, role, scale), QPointF(HALO, HALO)
    painter.setPen(ink_of(back))
    for dx, dy in AROUND:
        painter.drawStaticText(top + QPointF(dx, dy), letters)
    painter.setPen(ink_of(ink))
    painter.drawStaticText(top, letters)
    painter.end()
    return picture
