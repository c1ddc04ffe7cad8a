"""Layered layout: boxes in rows by the layer of what is in them, with few crossings and no overlap.

The usual steps (Sugiyama, Tagawa and Toda 1981): rows; in each row an order that crosses few links, by sweeps of
barycentres and exchanges of neighbours; then places, each as near to its links' other ends as the order allows. Nothing
is drawn by lot, so the same boxes always stand at the same places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from explorer.circuits.graph import Floats
from explorer.session.figure import Box as Area

ACROSS, BETWEEN = 26.0, 74.0  # least room between boxes of a row, and between rows
WIDEST = 1_100.0  # of a row; what is beyond it stands in a row of its own
LANE = 16.0  # what a link that passes a row takes there
LEAST = 0.025  # share of a link that counts in the order
MOST = 200  # so many of the strongest links count
SWEEPS, RELAXATIONS = 8, 24

Point = tuple[float, float]
Row = list[str]


@dataclass(frozen=True)
class Slab:
    """What is placed: how high it belongs (a layer), how far right (a token), and its size."""

    id: str
    level: float
    pos: float
    width: float
    height: float
    place: Point | None = None  # where a person has put its middle


@dataclass(frozen=True)
class Tie:
    """A link as the layout sees it."""

    source: str
    target: str
    share: float


def lay_out(slabs: Sequence[Slab], ties: Sequence[Tie], *, apart: float, widest: float = WIDEST) -> dict[str, Point]:
    """The middle of each box by its id, y down, the lowest row at 0; boxes that a person has put stay there.

    Levels that differ by at most ``apart`` may share a row, unless one box feeds the other. The lowest row is in the
    order of the tokens.
    """
    strong = sorted((tie for tie in ties if abs(tie.share) >= LEAST), key=lambda tie: -abs(tie.share))[:MOST]
    rows = _rows(slabs, {(tie.source, tie.target) for tie in strong}, apart, widest)
    size = {slab.id: slab.width for slab in slabs}
    near = _with_lanes(rows, strong, size)
    _order(rows, near)
    across = _places(rows, near, size)
    height = {slab.id: slab.height for slab in slabs}
    places = {}
    for y, row in zip(_heights(rows, height), rows, strict=True):
        places.update({id: (across[id], y) for id in row if id in height})
    return _give_way(slabs, places)


def area(slab: Slab, middle: Point) -> Area:
    """The space that a box takes around its middle."""
    x, y = middle
    return Area(x - slab.width / 2, y - slab.height / 2, x + slab.width / 2, y + slab.height / 2)


def _rows(slabs: Sequence[Slab], feeds: set[tuple[str, str]], apart: float, widest: float) -> list[Row]:
    """Rows from the bottom up, each in the order of the tokens."""
    rows: list[list[Slab]] = []
    for slab in sorted(slabs, key=lambda slab: (slab.level, slab.pos, slab.id)):
        row = rows[-1] if rows else []
        width = sum(other.width + ACROSS for other in row) + slab.width
        fed = any((other.id, slab.id) in feeds or (slab.id, other.id) in feeds for other in row)
        if not row or fed or width > widest or slab.level - row[0].level > apart:
            rows.append([])
        rows[-1].append(slab)
    return [[slab.id for slab in sorted(row, key=lambda slab: (slab.pos, slab.level, slab.id))] for row in rows]


Near = dict[str, dict[int, list[tuple[str, float]]]]  # by id and direction (-1 below, 1 above): neighbours and weights


def _with_lanes(rows: list[Row], ties: Iterable[Tie], size: dict[str, float]) -> Near:
    """The neighbours in the rows next to each box; a link that passes rows gets a place (a lane) in each of them."""
    at = {id: number for number, row in enumerate(rows) for id in row}
    near: Near = {id: {-1: [], 1: []} for id in at}
    for number, tie in enumerate(ties):
        low, high = sorted((tie.source, tie.target), key=lambda id: at[id])
        chain = [low]
        for row in range(at[low] + 1, at[high]):
            lane = f"lane {number} {row}"
            rows[row].append(lane)
            size[lane], near[lane] = LANE, {-1: [], 1: []}
            chain.append(lane)
        for one, other in pairwise([*chain, high]):
            near[one][1].append((other, abs(tie.share)))
            near[other][-1].append((one, abs(tie.share)))
    return near


def _order(rows: list[Row], near: Near) -> None:
    """Order each row but the lowest, in place, so that few links cross."""
    best, fewest = [list(row) for row in rows], np.inf
    for sweep in range(SWEEPS):
        up = sweep % 2 == 0
        for number in range(1, len(rows)) if up else range(len(rows) - 2, 0, -1):
            _sort(rows[number], rows[number - 1 if up else number + 1], near, -1 if up else 1)
        for number in range(1, len(rows)):
            _exchange(rows, number, near)
        crossings = sum(_crossings(low, high, near) for low, high in pairwise(rows))
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _sort(row: Row, beside: Row, near: Near, way: int) -> None:
    """Sort by the weighted mean place of the neighbours in the row ``beside``; without any, an id keeps its place."""
    at = {id: number / max(len(beside) - 1, 1) for number, id in enumerate(beside)}
    mean = {}
    for number, id in enumerate(row):
        weight = sum(share for _, share in near[id][way])
        own = number / max(len(row) - 1, 1)
        mean[id] = sum(at[other] * share for other, share in near[id][way]) / weight if weight else own
    row.sort(key=lambda id: mean[id])


def _exchange(rows: list[Row], number: int, near: Near) -> None:
    """Exchange neighbours of a row as long as that takes crossings away."""
    row = rows[number]
    at = {id: place for other in rows[max(number - 1, 0) : number + 2] for place, id in enumerate(other)}
    for _ in range(len(row)):
        better = False
        for left in range(len(row) - 1):
            one, other = row[left], row[left + 1]
            if sum(_between(near[one][way], near[other][way], at) for way in (-1, 1)) > 0:
                row[left], row[left + 1] = other, one
                better = True
        if not better:
            return


def _between(left: list[tuple[str, float]], right: list[tuple[str, float]], at: Mapping[str, int]) -> int:
    """Crossings of the links of two neighbours, less those that they would have the other way round."""
    return sum((at[a] > at[b]) - (at[a] < at[b]) for a, _ in left for b, _ in right)


def _crossings(low: Row, high: Row, near: Near) -> int:
    at = {id: place for place, id in enumerate(high)}
    ends = np.array([(place, at[other]) for place, id in enumerate(low) for other, _ in near[id][1]])
    if len(ends) < 2:
        return 0
    one, other = ends[:, None, :], ends[None, :, :]
    return int((((one - other)[..., 0] * (one - other)[..., 1]) < 0).sum()) // 2


def _places(rows: Sequence[Row], near: Near, size: Mapping[str, float]) -> dict[str, float]:
    """x of everything: as near to the neighbours' mean as the order and the sizes allow."""
    across: dict[str, float] = {}
    for row in rows:
        gaps = _gaps(row, size)
        start = np.concatenate([[0.0], np.cumsum(gaps)])
        across.update(zip(row, (start - start[-1] / 2).tolist(), strict=True))
    for turn in range(RELAXATIONS):
        for row in rows if turn % 2 else reversed(rows):
            wished, weight = [], []
            for id in row:
                ties = [*near[id][-1], *near[id][1]]
                total = sum(share for _, share in ties)
                wished.append(sum(across[other] * share for other, share in ties) / total if total else across[id])
                weight.append(total + 0.01)
            across.update(zip(row, _apart(np.array(wished), np.array(weight), _gaps(row, size)).tolist(), strict=True))
    return across


def _gaps(row: Row, size: Mapping[str, float]) -> Floats:
    """(len(row) - 1) least distance of the middles of neighbours."""
    room = {id: (size[id] + (ACROSS if size[id] > LANE else LANE / 2)) / 2 for id in row}
    return np.array([room[one] + room[other] for one, other in pairwise(row)])


def _apart(wished: Floats, weight: Floats, gaps: Floats) -> Floats:
    """The places nearest to ``wished`` (weighted least squares) that keep their order and the gaps.

    With the gaps taken off this is isotonic regression, solved by pooling neighbours that are out of order.
    """
    offset = np.concatenate([[0.0], np.cumsum(gaps)])
    pools: list[tuple[float, float, int]] = []
    for value, size in zip((wished - offset).tolist(), weight.tolist(), strict=True):
        mean, total, count = value, size, 1
        while pools and pools[-1][0] > mean:
            other, before, n = pools.pop()
            mean, total, count = (mean * total + other * before) / (total + before), total + before, count + n
        pools.append((mean, total, count))
    places: Floats = np.repeat([mean for mean, _, _ in pools], [count for _, _, count in pools]) + offset
    return places


def _heights(rows: Sequence[Row], height: Mapping[str, float]) -> list[float]:
    """y of each row's middle."""
    tall = [max(height[id] for id in row if id in height) for row in rows]
    found = [0.0] if rows else []
    for low, high in pairwise(tall):
        found.append(found[-1] - low / 2 - high / 2 - BETWEEN)
    return found


def _give_way(slabs: Sequence[Slab], places: Mapping[str, Point]) -> dict[str, Point]:
    """Put boxes where a person has put them; the others move aside by as little as keeps them clear."""
    found = {slab.id: slab.place for slab in slabs if slab.place is not None}
    taken = [area(slab, slab.place) for slab in slabs if slab.place is not None]
    if not taken:
        return dict(places)
    for slab in slabs:
        if slab.place is None:
            found[slab.id] = _clear(slab, places[slab.id], taken)
            taken.append(area(slab, found[slab.id]))
    return found


def _clear(slab: Slab, middle: Point, taken: Sequence[Area]) -> Point:
    """The place nearest to ``middle`` in its row where the box meets none of ``taken``."""
    x, y = middle
    room = slab.width / 2 + ACROSS / 2
    spots = [x, *(other.x0 - room for other in taken), *(other.x1 + room for other in taken)]
    free = [spot for spot in spots if not any(area(slab, (spot, y)).meets(other) for other in taken)]
    return min(free, key=lambda spot: (abs(spot - x), spot)), y
