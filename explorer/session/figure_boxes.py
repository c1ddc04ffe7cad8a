"""Boxes of the subgraph as items of a figure, in the window and on paper: name, a dot per member, layers, influence."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from explorer.circuits.graph import Floats, NodeKind
from explorer.session.diagram import Diagram
from explorer.session.figure import Box as Area
from explorer.session.figure import Ink, Item, Rect, Run, Text
from explorer.session.figure_links import heads
from explorer.session.figure_marks import fill, mark, strengths
from explorer.session.figure_text import text_width, visible
from explorer.session.layered import Point
from explorer.session.plates import (
    DOT,
    DOT_APART,
    FLOOR,
    LEADING,
    LINES,
    NAME,
    PAD_X,
    PAD_Y,
    SMALL,
    Measure,
    Plate,
    odds,
    shortened,
    wrapped,
)
from explorer.session.subgraph import Box
from explorer.session.theme import Theme, blend, group_colour

RADIUS, SQUARE = 8.0, 3.0
RING, HOVER_RING = 3.5, 3.5
STRIPE = 4.0
TIGHT, BY_STRIPE = 5.0, 11.0  # least room beside a name, and beside one with the colour of its supernode
LEAST_DOTS = 0.55  # of the size as designed; below it a box holds its name only


@dataclass(frozen=True)
class Lens:
    """``seen = place * scale + offset``; words are written in their size at that scale, but never below 11 px."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def point(self, x: float, y: float) -> Point:
        return x * self.scale + self.dx, y * self.scale + self.dy

    def area(self, area: Area) -> Area:
        return Area(*self.point(area.x0, area.y0), *self.point(area.x1, area.y1))

    def back(self, x: float, y: float) -> Point:
        """The place that is seen at a point."""
        return (x - self.dx) / self.scale, (y - self.dy) / self.scale

    def size(self, pixels: int) -> int:
        return max(FLOOR, round(pixels * self.scale))


@dataclass(frozen=True)
class Lit:
    """What is emphasised: the selected boxes, the one under the mouse, and the one that a drag would join."""

    selected: frozenset[str] = frozenset()
    hovered: str = ""
    joined: str = ""


def box_items(diagram: Diagram, lens: Lens, theme: Theme, lit: Lit, measure: Measure = text_width) -> Iterator[Item]:
    """All boxes, those that are selected on top."""
    strength = strengths(diagram.view)
    for box in sorted(diagram.drawn.boxes, key=lambda box: box.id in lit.selected):
        seen = lens.area(diagram.areas[box.id])
        yield from _frame(diagram, box, seen, theme, lit)
        if box.kind == NodeKind.LOGIT:
            yield from _output(diagram, box, seen, lens, theme, measure)
        else:
            yield from _words(diagram, box, diagram.plates[box.id], seen, lens, theme, strength, measure)


def _frame(diagram: Diagram, box: Box, seen: Area, theme: Theme, lit: Lit) -> Iterator[Item]:
    chosen = box.id in lit.selected
    ground = theme.select_tint if chosen else theme.surface_panel
    if box.colour and not chosen:
        ground = blend(group_colour(box.colour, theme), ground, 0.10)
    aim = box.kind == NodeKind.LOGIT and box.rows[0] in heads(diagram.view.graph)
    ink = Ink(fill=ground, stroke=theme.mark_ink if aim else theme.line_strong, width=1.4 if aim else 1.0)
    radius = _radius(box, seen)
    yield _rect(seen, ink if not chosen else replace(ink, stroke=theme.select), radius)
    if box.colour:
        stripe = Area(seen.x0 + 4, seen.y0 + 7, seen.x0 + 4 + STRIPE, seen.y1 - 7)
        yield _rect(stripe, Ink(fill=group_colour(box.colour, theme)), STRIPE / 2)
    ring = Ink(stroke=theme.select, width=2.0)
    if box.id in lit.joined:
        yield _rect(_wider(seen, RING), replace(ring, dash=(5.0, 3.0)), radius + RING)
    elif chosen:
        yield _rect(_wider(seen, RING), ring, radius + RING)
    elif box.id == lit.hovered:
        yield _rect(_wider(seen, HOVER_RING), Ink(stroke=theme.mark_ink, dash=(3.0, 2.5)), radius + HOVER_RING)


def _output(
    diagram: Diagram, box: Box, seen: Area, lens: Lens, theme: Theme, measure: Measure
) -> Iterator[Item]:
    """Its token, and as many digits of its probability as fit beside it."""
    words = diagram.plates[box.id]
    size = lens.size(NAME)
    aim = box.rows[0] in heads(diagram.view.graph)
    weight = 600 if aim else 400
    room = seen.x1 - seen.x0 - 8
    left = room - measure(words.lines[0], size, weight)
    chances = (f" {chance}" for digits in (3, 2) if (chance := odds(box, digits)))
    chance = next((chance for chance in chances if measure(chance, size, 400) <= left), "")
    token = shortened(words.lines[0], room, size, measure, weight) or words.lines[0][:1]
    runs = [Run(token, theme.text, weight, underline=aim)]
    if chance:
        runs.append(Run(chance, theme.text_2))
    yield Text((seen.x0 + seen.x1) / 2, (seen.y0 + seen.y1) / 2 + 0.36 * size, tuple(runs), size, "middle")


def _words(
    diagram: Diagram,
    box: Box,
    plate: Plate,
    seen: Area,
    lens: Lens,
    theme: Theme,
    strength: Floats,
    measure: Measure,
) -> Iterator[Item]:
    """Name, dots and caption; where it is small, what does not fit is left out, the name last."""
    size, small = lens.size(NAME), lens.size(SMALL)
    leading = max(LEADING * lens.scale, 1.25 * size)
    lines, foot, left, right = _fitted(box, plate, seen, lens, measure)
    top = seen.y0 + (PAD_Y * lens.scale if foot else (seen.y1 - seen.y0 - leading * len(lines)) / 2)
    for number, line in enumerate(lines):
        y = top + leading * (number + 0.5) + 0.36 * size
        words = shortened(line, right - left + 2, size, measure)
        yield Text(left, y, (Run(words, theme.text, 600),), size)
    if not foot:
        return
    y = seen.y1 - (PAD_Y + LEADING * (0.5 if plate.beside else 1.5)) * lens.scale
    end = yield from _dots(diagram, box, plate, Area(left, y, right, y), lens, theme, strength)
    base = y if plate.beside else y + LEADING * lens.scale
    space = right - (end if plate.beside else left)
    caption = plate.caption if measure(plate.caption, small, 400) <= space else plate.caption.split(" · ")[0]
    if measure(caption, small, 400) <= space:
        run = (Run(caption, theme.text_2),)
        at, anchor = (right, "end") if plate.beside else (left, "start")
        yield Text(at, base + 0.36 * small, run, small, anchor)


def _fitted(
    box: Box, plate: Plate, seen: Area, lens: Lens, measure: Measure
) -> tuple[tuple[str, ...], float, float, float]:
    """Lines of the name, the height that dots and caption keep, and where words begin and end.

    Where the name would be cut for want of room, dots and caption give theirs to it.
    """
    pad, foot = PAD_X * min(lens.scale, 1.0), (1 if plate.beside else 2) * LEADING * lens.scale
    if lens.scale >= 1.0:
        return plate.lines, foot, seen.x0 + pad, seen.x1 - pad
    size = lens.size(NAME)
    leading = max(LEADING * lens.scale, 1.25 * size)
    for kept, side in ((foot, pad), (0.0, min(pad, TIGHT))):
        left, right = seen.x0 + (max(side, BY_STRIPE) if box.colour else side), seen.x1 - side
        room = max(1, int((seen.y1 - seen.y0 - kept - 6) / leading))
        lines = tuple(wrapped(visible(box.name), right - left, size, measure, min(room, LINES)))
        whole = len(lines) == LINES or not lines[-1].endswith("…")
        if kept and whole and lens.scale >= LEAST_DOTS:
            break
    return lines, kept, left, right


def _dots(
    diagram: Diagram, box: Box, plate: Plate, row: Area, lens: Lens, theme: Theme, strength: Floats
) -> Generator[Item, None, float]:
    """A mark per member from left to right in the order of layers; returns where they end."""
    nodes, x = diagram.view.graph.nodes, row.x0 + DOT * lens.scale
    members = sorted(box.rows, key=lambda n: (int(nodes.layer[n]), int(nodes.pos[n]), n))
    for n in members[: plate.n_dots]:
        yield mark(NodeKind(int(nodes.kind[n])), x, row.y0, DOT * lens.scale, fill(float(strength[n]), theme))
        x += DOT_APART * lens.scale
    if plate.more:
        small = lens.size(SMALL)
        text = Text(x - DOT * lens.scale, row.y0 + 0.36 * small, (Run(plate.more, theme.text_2),), small)
        yield text
        x += text.width + 4
    return x


def _radius(box: Box, seen: Area) -> float:
    if box.kind == NodeKind.LOGIT:
        return (seen.y1 - seen.y0) / 2
    return SQUARE if box.kind == NodeKind.EMBEDDING else RADIUS


def _rect(seen: Area, ink: Ink, radius: float) -> Rect:
    return Rect(seen.x0, seen.y0, seen.x1 - seen.x0, seen.y1 - seen.y0, ink, radius)


def _wider(seen: Area, by: float) -> Area:
    return Area(seen.x0 - by, seen.y0 - by, seen.x1 + by, seen.y1 + by)
