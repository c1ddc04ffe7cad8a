"""What own painting needs to know: the theme, the text size, and how numbers are written.

Both are read off the application, where ``theme.apply`` put them, so no panel is told of a change: it is
painted again.
"""

from __future__ import annotations

import math

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QWidget

from explorer.session.theme import DARK, LIGHT, Theme
from explorer.ui import theme as themes

MINUS = "\u2212"
NEWLINES = {"\n": "newline", "\r\n": "newline", "\t": "tab", "\r": "return"}


def current_theme() -> Theme:
    """The theme in which the application shows itself."""
    return DARK if QApplication.palette().window().color().lightnessF() < 0.5 else LIGHT


def text_scale() -> float:
    """The text size, 1.0 for 100 %."""
    pixels = QApplication.font().pixelSize()
    return pixels / themes.ROLES["body"][0] if pixels > 0 else 1.0


def font(role: str = "body") -> QFont:
    """The font of a role at the present text size."""
    return themes.font(role, text_scale())


def px(length: float) -> int:
    """A length of the design (rows, columns) at the present text size."""
    return round(length * text_scale())


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet asks for, and let it look again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def signed(value: float) -> str:
    """Two decimals with their sign (U+2212), more for small ones: +2.12, +0.003."""
    if value == 0 or math.isnan(value):
        return "0.00" if value == 0 else "\u2013"
    text = f"{abs(value):.2f}" if abs(value) >= 0.005 else f"{abs(value):.1g}"
    return (MINUS if value < 0 else "+") + text.replace("e-0", "e-")


def plain(value: float) -> str:
    """Two decimals, with a sign only if negative."""
    return signed(value).removeprefix("+")


def per_cent(share: float) -> str:
    """A share as whole per cent; what would round to 0 is written as < 1 %."""
    whole = round(abs(share) * 100)
    return "< 1 %" if whole == 0 and share != 0 else f"{whole} %"


def probability(value: float) -> str:
    """Three decimals, without the leading nought: .875."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def residual(value: float) -> str:
    """A residual as 4e-7."""
    return f"{value:.0e}".replace("e-0", "e-") if value else "0"


def token_text(token: str) -> str:
    """A token for one line: a newline by its name, the rest as it is."""
    return NEWLINES.get(token, token.replace("\n", "⏎").replace("\t", "⇥"))
