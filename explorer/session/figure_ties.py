"""Links of the subgraph as items of a figure: width is the share, hue and dashes the sign; shares in per cent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from explorer.session.diagram import Diagram
from explorer.session.figure import Box as Area
from explorer.session.figure import Curve, Ink, Item, Polygon, Run, Text
from explorer.session.figure_boxes import Lens, Lit
from explorer.session.figure_text import visible
from explorer.session.plates import SMALL
from explorer.session.subgraph import BoxLink
from explorer.session.theme import Theme

WIDTH_OF_WHOLE, THINNEST, THICKEST = 36.0, 1.0, 6.0
ALPHA, REST, FAINT, STEEP = 0.95, 0.30, 0.45, 4.0
DASH = (7.0, 4.0)
ARROW = 7.0
SPOTS = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
GAP = 4.0  # between two shares
MINUS = "\N{MINUS SIGN}"


def tie_items(diagram: Diagram, lens: Lens, theme: Theme, lit: Lit) -> Iterator[Item]:
    """The links, weakest first, so that the strongest lie on top; those of what is lit above all others."""
    pairs = list(zip(diagram.links, diagram.routes, strict=True))
    for link, route in sorted(pairs, key=lambda pair: (touches(pair[0], lit), abs(pair[0].share))):
        ink = tie_ink(link.share, theme, _alpha(link, lit))
        points = _seen(route.points, lens)
        yield Curve(points, ink)
        if not route.rises:
            yield _arrow(points, Ink(fill=ink.stroke, fill_alpha=ink.stroke_alpha))


def tie_ink(share: float, theme: Theme, alpha: float = ALPHA) -> Ink:
    """How a link of that signed share is drawn."""
    width = min(max(WIDTH_OF_WHOLE * abs(share), THINNEST), THICKEST)
    dash = DASH if share < 0 else ()
    return Ink(stroke=theme.sign(share), width=width, stroke_alpha=alpha, dash=dash)


def share_texts(
    diagram: Diagram, lens: Lens, theme: Theme, links: Iterable[BoxLink], taken: Sequence[Area] = ()
) -> list[Text]:
    """Shares on ``links``, strongest first, clear of boxes and of each other; where none is clear, none is written."""
    size = lens.size(SMALL)
    full = [*taken, *(lens.area(area) for area in diagram.areas.values())]
    found: list[Text] = []
    routes = dict(zip(diagram.links, diagram.routes, strict=True))
    for link in links:
        words = f"{visible(link.label)} {percent(link.share)}".strip()
        for part in SPOTS:
            x, y = lens.point(*routes[link].at(part))
            run = Run(words, theme.sign(link.share), 600)
            text = Text(x, y + 0.36 * size, (run,), size, "middle", theme.surface_canvas)
            if not any(text.box.meets(other) for other in full):
                found.append(text)
                full.append(_with_gap(text.box))
                break
    return found


def _with_gap(box: Area) -> Area:
    return Area(box.x0 - GAP, box.y0 - GAP / 2, box.x1 + GAP, box.y1 + GAP / 2)


def percent(share: float) -> str:
    """A signed share in whole per cent: +11 %."""
    return f"{share:+.0%}".replace("-", MINUS).replace("%", " %")


def touches(link: BoxLink, lit: Lit) -> bool:
    """Whether a link belongs to a box that is selected or under the mouse."""
    ends = {link.source, link.target}
    return bool(ends & lit.selected) or lit.hovered in ends


def nearest_tie(diagram: Diagram, x: float, y: float, reach: float) -> BoxLink | None:
    """The link that runs within ``reach`` of a place; the nearest."""
    best, found = reach, None
    for link, route in zip(diagram.links, diagram.routes, strict=True):
        steps = [route.at(step / 40) for step in range(41)]
        for one, other in pairwise(steps):
            apart = _distance(x, y, one, other)
            if apart < best:
                best, found = apart, link
    return found


def _alpha(link: BoxLink, lit: Lit) -> float:
    if lit.selected or lit.hovered:
        return ALPHA if touches(link, lit) else REST
    return min(ALPHA, FAINT + STEEP * abs(link.share))


def _seen(points: Sequence[float], lens: Lens) -> tuple[float, ...]:
    shift = lens.dx, lens.dy
    return tuple(value * lens.scale + shift[at % 2] for at, value in enumerate(points))


def _arrow(points: Sequence[float], ink: Ink) -> Polygon:
    """A head at the end of a link that does not rise."""
    cx, cy, x, y = points[-4:]
    length = max(((x - cx) ** 2 + (y - cy) ** 2) ** 0.5, 1e-6)
    ux, uy = (x - cx) / length * ARROW, (y - cy) / length * ARROW
    return Polygon(((x, y), (x - ux - uy / 2, y - uy + ux / 2), (x - ux + uy / 2, y - uy - ux / 2)), ink)


def _distance(x: float, y: float, one: tuple[float, float], other: tuple[float, float]) -> float:
    """From a point to the stretch between two others."""
    ax, ay, bx, by = *one, *other
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = 0.0 if length == 0 else min(max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0.0), 1.0)
    return float(((x - ax - t * (bx - ax)) ** 2 + (y - ay - t * (by - ay)) ** 2) ** 0.5)
