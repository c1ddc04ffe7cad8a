"""Theme: the colours of the window and of figures, and the steps in which strength and size are drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.circuits.graph import Ints

RAMP = (0.16, 0.34, 0.55, 0.78, 1.0)
RAMP_BELOW = (0.05, 0.10, 0.25, 0.50)
RADII = (2.4, 3.1, 3.9, 4.9, 6.2)
RADIUS_OF_WHOLE = 58.0
TOKEN_STEP = 2


@dataclass(frozen=True)
class Theme:
    """Colours as #RRGGBB. Hue means data: ``sign_*`` only ever mean sign, ``select`` only the current thing.

    Contrast on every surface: text, signs, select, stale and danger at least 4.5; mark_ink, line_strong and
    error_mass at least 3; ``line`` and ``hidden`` are decoration.
    """

    name: str
    surface_window: str
    surface_panel: str
    surface_canvas: str
    surface_sunken: str
    line: str
    line_strong: str
    text: str
    text_2: str
    text_3: str
    mark_ink: str
    sign_raise: str
    sign_lower: str
    select: str
    select_tint: str
    error_mass: str
    hidden: str
    stale: str
    danger: str

    def colours(self) -> dict[str, str]:
        """Each token's colour by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "name"}

    def sign(self, value: float) -> str:
        """The colour of an effect of that sign."""
        return self.sign_lower if value < 0 else self.sign_raise


LIGHT = Theme(
    name="light",
    surface_window="#F3F3F1",
    surface_panel="#FFFFFF",
    surface_canvas="#FCFCFB",
    surface_sunken="#EAEAE7",
    line="#DCDCD8",
    line_strong="#7E828A",
    text="#1A1C1F",
    text_2="#464B52",
    text_3="#60656D",
    mark_ink="#2A2D31",
    sign_raise="#1764AE",
    sign_lower="#B34700",
    select="#1A6650",
    select_tint="#E3F1EC",
    error_mass="#7F848B",
    hidden="#B7BABE",
    stale="#6B5A00",
    danger="#B3261E",
)
DARK = Theme(
    name="dark",
    surface_window="#131517",
    surface_panel="#1B1E21",
    surface_canvas="#16181A",
    surface_sunken="#25282C",
    line="#33373C",
    line_strong="#7C838C",
    text="#ECEDEE",
    text_2="#BCC1C7",
    text_3="#959CA5",
    mark_ink="#C9CDD2",
    sign_raise="#66B2F7",
    sign_lower="#F09A4C",
    select="#6DF5BC",
    select_tint="#1E352C",
    error_mass="#868D96",
    hidden="#4A5056",
    stale="#DDC46A",
    danger="#FF8A80",
)
PRINT = Theme(
    name="print",
    surface_window="#FFFFFF",
    surface_panel="#FFFFFF",
    surface_canvas="#FFFFFF",
    surface_sunken="#F2F2F2",
    line="#D0D0D0",
    line_strong="#8A8A8A",
    text="#000000",
    text_2="#333333",
    text_3="#595959",
    mark_ink="#222222",
    sign_raise="#0F5A9E",
    sign_lower="#A84200",
    select="#000000",
    select_tint="#FFFFFF",
    error_mass="#808080",
    hidden="#BFBFBF",
    stale="#5C4D00",
    danger="#A31515",
)
THEMES = (LIGHT, DARK, PRINT)
GROUP_COLOURS = {  # what a person gives a supernode, in light (and print) and in dark; no hue that means sign
    "slate": ("#64748B", "#94A3B8"),
    "teal": ("#0E7C7B", "#4FB8B5"),
    "violet": ("#6D4BB4", "#B39CEB"),
    "rose": ("#B0416F", "#E893B4"),
    "olive": ("#6B7A1E", "#B7C46A"),
    "sand": ("#8A7350", "#D0BC96"),
}


def group_colour(name: str, theme: Theme) -> str:
    """The colour of a supernode in ``theme``."""
    return GROUP_COLOURS[name][theme is DARK]


def ramp_step(relative: ArrayLike) -> Ints:
    """The step of RAMP, 0 to 4, of sizes relative to the strongest on the same side."""
    return np.searchsorted(np.array(RAMP_BELOW), np.abs(np.asarray(relative, dtype=np.float64)), side="right")


def size_step(share: ArrayLike) -> Ints:
    """The step of RADII, 0 to 4, of shares of the total influence: a mark's area is its influence."""
    radius = RADIUS_OF_WHOLE * np.sqrt(np.maximum(np.asarray(share, dtype=np.float64), 0.0))
    middles = np.convolve(RADII, [0.5, 0.5], mode="valid")
    return np.searchsorted(middles, radius, side="right")


def blend(over: str, under: str, alpha: float) -> str:
    """The colour seen where ``over`` lies on ``under`` with opacity ``alpha``."""
    parts = zip(rgb(over), rgb(under), strict=True)
    return "#" + "".join(f"{round(a * alpha + b * (1 - alpha)):02X}" for a, b in parts)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def rgb(colour: str) -> NDArray[np.int64]:
    """Red, green and blue of a colour, each 0 to 255."""
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])


def _luminance(colour: str) -> float:
    part = rgb(colour) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))
