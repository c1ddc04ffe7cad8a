"""Figure: a picture as a list of simple shapes and texts, which writers turn into SVG, PNG and PDF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from explorer.session.figure_text import text_width

PX_PER_MM = 720 / 190
ASCENT = 0.76  # of the size, above the baseline: capitals of Inter reach 0.73
DESCENT = 0.22


class Box(NamedTuple):
    """A rectangle from (x0, y0), top left, to (x1, y1)."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: Box) -> bool:
        """Whether the insides have a point in common."""
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1

    def within(self, other: Box) -> bool:
        return other.x0 <= self.x0 and other.y0 <= self.y0 and self.x1 <= other.x1 and self.y1 <= other.y1

    def moved(self, x: float, y: float) -> Box:
        """As large, and so much further right and down."""
        return Box(self.x0 + x, self.y0 + y, self.x1 + x, self.y1 + y)


@dataclass(frozen=True)
class Ink:
    """How a shape is filled and outlined; None is not at all. ``dash`` are lengths of strokes and gaps."""

    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    fill_alpha: float = 1.0
    stroke_alpha: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    ink: Ink


@dataclass(frozen=True)
class Curve:
    """Cubics joined end to end: a start, then two control points and an end for each, as x, y, x, y, ..."""

    points: tuple[float, ...]
    ink: Ink


@dataclass(frozen=True)
class Circle:
    x: float
    y: float
    r: float
    ink: Ink


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    ink: Ink
    radius: float = 0.0


@dataclass(frozen=True)
class Polygon:
    points: tuple[tuple[float, float], ...]
    ink: Ink


@dataclass(frozen=True)
class Run:
    """A stretch of a text in one weight (400 or 600) and colour."""

    text: str
    fill: str
    weight: int = 400
    underline: bool = False


@dataclass(frozen=True)
class Text:
    """One line of text at its baseline; ``anchor`` is start, middle or end.

    ``halo`` is the colour of a rim that lifts the text off what is behind it. ``upright`` False turns the text
    a quarter to the left, so that it reads upwards.
    """

    x: float
    y: float
    runs: tuple[Run, ...]
    size: int
    anchor: str = "start"
    halo: str | None = None
    upright: bool = True

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def width(self) -> float:
        return sum(text_width(run.text, self.size, run.weight) for run in self.runs)

    @property
    def box(self) -> Box:
        """The space that the text takes."""
        before = self.width * {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        after = self.width - before
        up, down = ASCENT * self.size, DESCENT * self.size
        if self.upright:
            return Box(self.x - before, self.y - up, self.x + after, self.y + down)
        return Box(self.x - up, self.y - after, self.x + down, self.y + before)


Item = Line | Curve | Circle | Rect | Polygon | Text


@dataclass(frozen=True)
class Group:
    """Items under one name, drawn in order; what lies outside of ``clip`` is not seen."""

    id: str
    items: tuple[Item, ...]
    clip: Box | None = None


@dataclass(frozen=True)
class Figure:
    """A picture of ``width`` by ``height`` pixels; PX_PER_MM of them are ``zoom`` millimetres on paper.

    ``summary`` says in words what is seen, for readers who do not see it; ``provenance`` holds values that JSON
    can write.
    """

    width: float
    height: float
    background: str
    title: str
    summary: str
    groups: tuple[Group, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    zoom: float = 1.0

    @property
    def width_mm(self) -> float:
        return self.width / PX_PER_MM * self.zoom

    @property
    def height_mm(self) -> float:
        return self.height / PX_PER_MM * self.zoom

    def texts(self) -> Iterator[Text]:
        """Every text, in the order of drawing."""
        for group in self.groups:
            for item in group.items:
                if isinstance(item, Text):
                    yield item

    def group(self, name: str) -> Group:
        """The group of that id; KeyError if the figure has none."""
        for group in self.groups:
            if group.id == name:
                return group
        raise KeyError(name)


def moved(item: Item, x: float, y: float) -> Item:
    """``item`` so many pixels further right and down."""
    match item:
        case Line():
            return replace(item, x1=item.x1 + x, x2=item.x2 + x, y1=item.y1 + y, y2=item.y2 + y)
        case Curve(points):
            return replace(item, points=tuple(value + (y if at % 2 else x) for at, value in enumerate(points)))
        case Polygon(points):
            return replace(item, points=tuple((px + x, py + y) for px, py in points))
        case _:
            return replace(item, x=item.x + x, y=item.y + y)
