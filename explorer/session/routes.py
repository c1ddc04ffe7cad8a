"""Routes: how links run, from the top of the source to the bottom of the target, around other boxes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from explorer.circuits.graph import Floats
from explorer.session.figure import Box as Area
from explorer.session.layered import Point, Tie

CLEAR = 9.0  # kept from boxes in the way
BESIDE = 6.0  # between links that pass a box on one side
PORT, PORT_EDGE = 20.0, 16.0  # most room between links at a side, least from a corner
TURNS = 3  # detours within detours
BEND = 0.5  # how far the tangents at the ends reach
SAMPLES = np.linspace(0.0, 1.0, 25)


@dataclass(frozen=True)
class Route:
    """A link's way as joined cubics (``figure.Curve.points``).

    ``rises`` is False where the target does not stand above the source, so that the end needs an arrow.
    """

    points: tuple[float, ...]
    rises: bool = True

    def at(self, part: float) -> Point:
        """The point after that part (0 to 1) of the way, each cubic counted alike."""
        n = (len(self.points) - 2) // 6
        cubic = min(int(part * n), n - 1)
        x, y = _cubic(self.points[6 * cubic : 6 * cubic + 8], np.array([part * n - cubic]))
        return float(x[0]), float(y[0])


def routes(areas: Mapping[str, Area], ties: Sequence[Tie]) -> list[Route]:
    """The way of each of ``ties`` between the boxes at ``areas``."""
    ways = [_way(areas[tie.source], areas[tie.target]) for tie in ties]
    starts, ends = _ports(areas, ties, ways)
    found = []
    used: Counter[tuple[Area, bool]] = Counter()
    for at, (tie, way) in enumerate(zip(ties, ways, strict=True)):
        if way == 0:
            found.append(Route(_across(areas[tie.source], areas[tie.target]), rises=False))
            continue
        others = [area for id, area in areas.items() if id not in (tie.source, tie.target)]
        stops = [starts[at], *_stops(starts[at], ends[at], others, used, TURNS), ends[at]]
        found.append(Route(_joined(stops), rises=way > 0))
    return found


def _way(source: Area, target: Area) -> int:
    """1 if the target stands above, -1 below, 0 beside."""
    if target.y1 <= source.y0:
        return 1
    return -1 if target.y0 >= source.y1 else 0


def _ports(areas: Mapping[str, Area], ties: Sequence[Tie], ways: Sequence[int]) -> tuple[list[Point], list[Point]]:
    """Where each link begins and ends: side by side along the boxes, in the order of their other ends."""
    sides: dict[tuple[str, bool], list[tuple[float, int, bool]]] = defaultdict(list)
    for at, (tie, way) in enumerate(zip(ties, ways, strict=True)):
        source, target = areas[tie.source], areas[tie.target]
        sides[tie.source, way > 0].append((target.x0 + target.x1, at, True))
        sides[tie.target, way < 0].append((source.x0 + source.x1, at, False))
    ports: dict[tuple[int, bool], Point] = {}
    for (id, is_top), links in sides.items():
        box = areas[id]
        step = min(PORT, (box.x1 - box.x0 - 2 * PORT_EDGE) / max(len(links) - 1, 1))
        first = (box.x0 + box.x1 - step * (len(links) - 1)) / 2
        for number, (_, at, starts) in enumerate(sorted(links)):
            ports[at, starts] = first + number * step, box.y0 if is_top else box.y1
    return [ports[at, True] for at in range(len(ties))], [ports[at, False] for at in range(len(ties))]


def _stops(
    start: Point, end: Point, boxes: Sequence[Area], used: Counter[tuple[Area, bool]], turns: int
) -> list[Point]:
    """Points between which the link runs past what would be in its way, beside those that pass there (``used``)."""
    hit = _first_hit(start, end, boxes) if turns else None
    if hit is None:
        return []
    box, x = hit
    left, right = box.x0 - CLEAR - BESIDE * used[box, True], box.x1 + CLEAR + BESIDE * used[box, False]
    sides = (left, right) if x - left <= right - x else (right, left)
    free = [side for side in sides if not any(o.x0 < side < o.x1 and o.y0 < box.y1 and box.y0 < o.y1 for o in boxes)]
    aside = (free or list(sides))[0]
    used[box, aside == left] += 1
    low, high = sorted((start[1], end[1]))
    near, far = (box.y1, box.y0) if start[1] > end[1] else (box.y0, box.y1)
    one, other = (aside, min(max(near, low), high)), (aside, min(max(far, low), high))
    before, after = _stops(start, one, boxes, used, turns - 1), _stops(other, end, boxes, used, turns - 1)
    return [*before, one, other, *after]


def _first_hit(start: Point, end: Point, boxes: Sequence[Area]) -> tuple[Area, float] | None:
    """The first box that the plain way meets, and at which x."""
    if not boxes:
        return None
    x, y = _cubic(_joined([start, end]), SAMPLES)
    edges = np.array(boxes)
    inside = (x > edges[:, :1] - CLEAR / 2) & (x < edges[:, 2:3] + CLEAR / 2) & (y > edges[:, 1:2]) & (y < edges[:, 3:])
    if not inside.any():
        return None
    when = int(inside.any(axis=0).argmax())
    return boxes[int(inside[:, when].argmax())], float(x[when])


def _joined(stops: Sequence[Point]) -> tuple[float, ...]:
    """A way through ``stops``, upright at each."""
    points: list[float] = [*stops[0]]
    for (x0, y0), (x1, y1) in pairwise(stops):
        bend = BEND * (y1 - y0)
        points += [x0, y0 + bend, x1, y1 - bend, x1, y1]
    return tuple(points)


def _across(source: Area, target: Area) -> tuple[float, ...]:
    """From side to side of boxes that stand beside each other."""
    leftwards = target.x0 + target.x1 < source.x0 + source.x1
    x0, x1 = (source.x0, target.x1) if leftwards else (source.x1, target.x0)
    y0, y1 = (source.y0 + source.y1) / 2, (target.y0 + target.y1) / 2
    bend = BEND * (x1 - x0)
    return x0, y0, x0 + bend, y0, x1 - bend, y1, x1, y1


def _cubic(points: Sequence[float], t: Floats) -> tuple[Floats, Floats]:
    x0, y0, x1, y1, x2, y2, x3, y3 = points
    a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
    return a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3
