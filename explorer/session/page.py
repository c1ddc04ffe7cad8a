"""Page: what a figure is put on: its size, how large its words are, its theme, and what stands below it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.errors import ExplorerError
from explorer.session.figure import PX_PER_MM, Figure, moved
from explorer.session.theme import THEMES, Theme

MM_PER_INCH, MM_PER_POINT = 25.4, 25.4 / 72
NATURAL_MM = 190.0  # two columns of a journal
WORDS = 11  # pixels of the smallest words of every figure
POINTS = WORDS / PX_PER_MM / MM_PER_POINT  # what they are on paper at a zoom of 1
LIMITS: Mapping[str, tuple[float, float]] = {
    "width_mm": (40.0, 1000.0),
    "height_mm": (30.0, 1000.0),
    "font_pt": (5.0, 30.0),
    "dpi": (50, 1200),
}
UNITS = ("mm", "in", "px")
SUFFIXES = (".svg", ".pdf", ".png", ".html")


@dataclass(frozen=True)
class Option:
    """A choice of Page: its field, what the window calls it, and the sentence that explains it everywhere."""

    field: str
    words: str
    help: str
    unit: str = ""

    @property
    def flag(self) -> str:
        """On the command line."""
        name = {"font_pt": "font-size"}.get(self.field, self.field.removesuffix("_mm"))
        return f"--no-{name}" if self.field in ("legend", "caption") else f"--{name}"


OPTIONS = (
    Option("width_mm", "Width", "of the page: 90mm, 3.5in, 1200px or 90 (mm); 0 is what the figure needs", "mm"),
    Option("height_mm", "Height", "of the page, written as the width; 0 is what the figure needs", "mm"),
    Option("font_pt", "Font size", "of the smallest words, in points", "pt"),
    Option("dpi", "Resolution", "of a PNG and of px, in dots per inch", "dots per inch"),
    Option("theme", "Theme", "print (on white), light or dark"),
    Option("legend", "Legend", "what marks and lines mean"),
    Option("caption", "Caption", "what is drawn, by which rule, and how it was made"),
)


@dataclass(frozen=True)
class Page:
    """Sizes in millimetres, 0 for what the figure needs; ``font_pt`` of the smallest words in points.

    A figure that may be as wide as it needs is laid out for NATURAL_MM, which most need not leave.

    ``dpi`` counts for PNG alone. ``caption`` says what is drawn, by which rule, and how it was made.
    """

    width_mm: float = 0.0
    height_mm: float = 0.0
    font_pt: float = 8.0
    dpi: int = 300
    theme: str = "print"
    legend: bool = True
    caption: bool = True

    @property
    def zoom(self) -> float:
        """Of a figure whose smallest words are then as large as asked."""
        return self.font_pt / POINTS

    @property
    def colours(self) -> Theme:
        return next(theme for theme in THEMES if theme.name == self.theme)

    @property
    def wide_mm(self) -> float:
        """The width that a figure is laid out for: words twice as large have half the room."""
        return (self.width_mm or NATURAL_MM) / self.zoom

    @property
    def high_mm(self) -> float | None:
        """The height that a figure is laid out for; None for what it needs."""
        return self.height_mm / self.zoom if self.height_mm else None


@dataclass(frozen=True)
class Wish:
    """How a person wants a figure: of which view, in which format, its sizes in which unit, and the last folder."""

    view: str = ""
    suffix: str = ".svg"
    unit: str = "mm"
    folder: str = ""
    page: Page = field(default_factory=Page)


def checked(page: Page) -> Page:
    """``page``; ExplorerError unless every value of it is within its limits."""
    if page.theme not in {theme.name for theme in THEMES}:
        raise ExplorerError(f"“{page.theme}” is no theme; choose light, dark or print.")
    for option in OPTIONS:
        if option.field not in LIMITS:
            continue
        value, (least, most) = getattr(page, option.field), LIMITS[option.field]
        free = option.unit == "mm" and value == 0
        if not free and not least <= value <= most:
            raise ExplorerError(
                f"The {option.words.lower()} is {value:g} {option.unit}; choose one from {least:g} to {most:g}."
            )
    return page


def per_unit(unit: str, dpi: float) -> float:
    """Millimetres of one ``unit``; pixels have the size that ``dpi`` gives them."""
    return {"mm": 1.0, "in": MM_PER_INCH, "px": MM_PER_INCH / dpi}[unit]


def length_mm(text: str, dpi: float) -> float:
    """A length as people write it, in millimetres; ExplorerError if it is none."""
    number = text.strip().lower()
    unit = next((unit for unit in UNITS if number.endswith(unit)), "")
    try:
        return float(number.removesuffix(unit)) * per_unit(unit or "mm", dpi)
    except (ValueError, ZeroDivisionError):
        raise ExplorerError(f"“{text}” is no length; write 90mm, 3.5in or 1200px.") from None


def put_on(figure: Figure, page: Page) -> Figure:
    """``figure`` in the middle of a page of that very size, its words as large as asked or, without room, smaller."""
    zoom = page.zoom
    for size, needed in ((page.width_mm, figure.width), (page.height_mm, figure.height)):
        if size:
            zoom = min(zoom, size * PX_PER_MM / needed)
    width = page.width_mm * PX_PER_MM / zoom if page.width_mm else figure.width
    height = page.height_mm * PX_PER_MM / zoom if page.height_mm else figure.height
    left, top = (width - figure.width) / 2, (height - figure.height) / 2
    groups = figure.groups
    if max(left, top) > 0.5:
        groups = tuple(
            replace(
                group,
                items=tuple(moved(item, left, top) for item in group.items),
                clip=group.clip.moved(left, top) if group.clip is not None else None,
            )
            for group in groups
        )
    return replace(figure, width=width, height=height, groups=groups, zoom=zoom)


def words_pt(figure: Figure) -> float:
    """How large the smallest words of ``figure`` are on paper, in points."""
    return POINTS * figure.zoom


def too_small(figure: Figure, page: Page) -> str:
    """That the words of ``figure`` had to be smaller than asked, and what to do; or an empty text."""
    points = words_pt(figure)
    if points > page.font_pt - 0.25:
        return ""
    return f"Words of {points:.1f} pt: no room for larger ones; leave the page’s size to the figure, or choose more."


def page_of(table: Any) -> Page:
    """The page that a settings file holds; what is missing or out of its limits is as it is by default."""
    page = Page()
    for name, default in vars(page).items():
        value: Any = table.get(name) if isinstance(table, dict) else None
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if type(value) is type(default):
            with suppress(ExplorerError):
                page = checked(replace(page, **{name: value}))
    return page


def wish_of(table: Any) -> Wish:
    """The wish that a settings file holds; what is missing or unknown is as it is by default."""
    plain = Wish()
    if not isinstance(table, dict):
        return plain
    texts = {name: table[name] for name in ("view", "suffix", "unit", "folder") if isinstance(table.get(name), str)}
    found = replace(plain, page=page_of(table.get("page")), **texts)
    known = found.suffix in SUFFIXES and found.unit in UNITS
    return found if known else replace(found, suffix=plain.suffix, unit=plain.unit)
