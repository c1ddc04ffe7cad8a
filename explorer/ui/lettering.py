"""Lettering: fonts, colours and shaped texts that are painted again and again, made once."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QStaticText

from explorer.ui.theme import font


class Face(NamedTuple):
    """A font with what is asked of it for every text."""

    font: QFont
    metrics: QFontMetricsF
    px: int
    height: float
    ascent: float
    capitals: float


@lru_cache(maxsize=64)
def face_of(role: str, scale: float) -> Face:
    """The font of a role at a text size."""
    made = font(role, scale)
    metrics = QFontMetricsF(made)
    return Face(made, metrics, made.pixelSize(), metrics.height(), metrics.ascent(), metrics.capHeight())


@lru_cache(maxsize=256)
def ink_of(colour: str) -> QColor:
    return QColor(colour)


@lru_cache(maxsize=4_096)
def text_width(text: str, role: str, scale: float) -> float:
    return face_of(role, scale).metrics.horizontalAdvance(text)


@lru_cache(maxsize=4_096)
def cut(text: str, width: float, role: str, scale: float) -> str:
    """``text`` with an ellipsis at its end; empty if not even two characters fit."""
    short = face_of(role, scale).metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    return short if len(short) > 1 else ""


@lru_cache(maxsize=4_096)
def shaped(text: str, role: str, scale: float) -> QStaticText:
    """The text with its glyphs placed, which is most of the work of drawing it; drawn from its top left corner."""
    made = QStaticText(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    made.prepare(font=face_of(role, scale).font)
    return made
