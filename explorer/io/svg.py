"""Figures as SVG: every text one element, groups by id, and what made the figure in the metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape as _escape
from pathlib import Path

from explorer.io import atomic
from explorer.session.figure import Circle, Curve, Figure, Group, Ink, Item, Line, Polygon, Rect, Run, Text

FONTS = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans Condensed', sans-serif"
HALO = 4.0  # half of it is seen
_ALLOWED = "\t\n\r"


def write_svg(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path``, whole or not at all; SaveError if that cannot be done."""
    atomic.write(path, svg_text(figure).encode())


def svg_text(figure: Figure) -> str:
    """``figure`` as an SVG 1.1 document; the same figure always gives the same text."""
    return "\n".join([*_head(figure), *_clips(figure), *(_group(group) for group in figure.groups), "</svg>", ""])


def escape(text: str) -> str:
    """``text`` for an element or a quoted attribute; characters that XML forbids become U+FFFD."""
    legal = "".join(char if _is_legal(char) else "\N{REPLACEMENT CHARACTER}" for char in text)
    return _escape(legal)


def _is_legal(char: str) -> bool:
    code = ord(char)
    return char in _ALLOWED or (code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF))


def _head(figure: Figure) -> Iterator[str]:
    size = f'width="{_n(figure.width_mm)}mm" height="{_n(figure.height_mm)}mm"'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {_n(figure.width)} {_n(figure.height)}" '
        f'font-family="{FONTS}" role="img" '
        'aria-labelledby="title desc">'
    )
    yield f'<title id="title">{escape(figure.title)}</title>'
    yield f'<desc id="desc">{escape(figure.summary)}</desc>'
    record = json.dumps(dict(figure.provenance), ensure_ascii=False, sort_keys=True)
    yield f"<metadata>{escape(record)}</metadata>"
    yield f'<rect width="100%" height="100%" fill="{figure.background}"/>'


def _clips(figure: Figure) -> Iterator[str]:
    for group in figure.groups:
        if group.clip is not None:
            x, y, right, bottom = group.clip
            box = f'x="{_n(x)}" y="{_n(y)}" width="{_n(right - x)}" height="{_n(bottom - y)}"'
            yield f'<clipPath id="clip-{escape(group.id)}"><rect {box}/></clipPath>'


def _group(group: Group) -> str:
    id = escape(group.id)
    clip = f' clip-path="url(#clip-{id})"' if group.clip is not None else ""
    return "\n".join([f'<g id="{id}"{clip}>', *(_element(item) for item in group.items), "</g>"])


def _element(item: Item) -> str:
    match item:
        case Line(x1, y1, x2, y2, ink):
            return f'<path d="M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"{_ink(ink)}/>'
        case Curve(points, ink):
            x, y, *rest = (_n(value) for value in points)
            return f'<path d="M{x} {y}C{" ".join(rest)}"{_ink(ink)}/>'
        case Circle(x, y, r, ink):
            return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(r)}"{_ink(ink)}/>'
        case Rect(x, y, width, height, ink, radius):
            corner = f' rx="{_n(radius)}"' if radius else ""
            size = f'width="{_n(width)}" height="{_n(height)}"'
            return f'<rect x="{_n(x)}" y="{_n(y)}" {size}{corner}{_ink(ink)}/>'
        case Polygon(points, ink):
            return f'<path d="M{"L".join(f"{_n(x)} {_n(y)}" for x, y in points)}Z"{_ink(ink)}/>'
        case Text():
            return _text(item)


def _text(text: Text) -> str:
    place = f'x="{_n(text.x)}" y="{_n(text.y)}" font-size="{text.size}"'
    if text.anchor != "start":
        place += f' text-anchor="{text.anchor}"'
    if not text.upright:
        place += f' transform="rotate(-90 {_n(text.x)} {_n(text.y)})"'
    if text.halo:
        place += f' stroke="{text.halo}" stroke-width="{_n(HALO)}" stroke-linejoin="round" paint-order="stroke"'
    if len(text.runs) == 1:
        return f"<text {place}{_run(text.runs[0])}>{escape(text.text)}</text>"
    spans = "".join(f"<tspan{_run(run)}>{escape(run.text)}</tspan>" for run in text.runs)
    return f'<text {place} xml:space="preserve">{spans}</text>'


def _run(run: Run) -> str:
    weight = f' font-weight="{run.weight}"' if run.weight != 400 else ""
    underline = ' text-decoration="underline"' if run.underline else ""
    return f' fill="{run.fill}"{weight}{underline}'


def _ink(ink: Ink) -> str:
    parts = [f'fill="{ink.fill or "none"}"']
    if ink.fill and ink.fill_alpha < 1:
        parts.append(f'fill-opacity="{_n(ink.fill_alpha)}"')
    if ink.stroke:
        parts.append(f'stroke="{ink.stroke}" stroke-width="{_n(ink.width)}"')
        if ink.stroke_alpha < 1:
            parts.append(f'stroke-opacity="{_n(ink.stroke_alpha)}"')
        if ink.dash:
            parts.append(f'stroke-dasharray="{" ".join(_n(length) for length in ink.dash)}"')
    return " " + " ".join(parts)


def _n(value: float) -> str:
    """A number with at most two decimals, without trailing zeros or a negative zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
