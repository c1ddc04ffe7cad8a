"""Which mark is nearest: a grid of cells with the marks in each, so that a lookup takes microseconds."""

from __future__ import annotations

from collections import defaultdict
from math import ceil, floor

from explorer.circuits.graph import Bools, Graph, NodeKind
from explorer.session.layout import Layout

CELL = 16.0
REACH = 14.0
REACH_HIDDEN = 6.0


class Grid:
    """The marks of a layout by cell, outputs aside. Points along an error's bar count as the mark."""

    def __init__(self, graph: Graph, layout: Layout) -> None:
        self._cells: dict[tuple[int, int], list[tuple[float, float, int]]] = defaultdict(list)
        for node in range(graph.block(NodeKind.LOGIT).start):
            self._add(float(layout.x[node]), float(layout.y[node]), node)
        errors = graph.block(NodeKind.ERROR)
        for node in range(errors.start, errors.stop):
            self._add_line(
                float(layout.x[node]), float(layout.x[node] + layout.bar[node]), float(layout.y[node]), node
            )

    def nearest(self, x: float, y: float, scale_x: float, scale_y: float, shown: Bools) -> int | None:
        """The mark nearest to a place, within 14 px on the screen; hidden dots only if no mark is near.

        x, y are places of the layout; a step of 1 there is ``scale_x`` and ``scale_y`` px.
        """
        reach_x, reach_y = REACH / scale_x / CELL, REACH / scale_y / CELL
        if reach_x * reach_y > 4_000:
            return None
        best: tuple[float, int] | None = None
        dot: tuple[float, int] | None = None
        for column in range(floor(x / CELL - reach_x), ceil(x / CELL + reach_x) + 1):
            for row in range(floor(y / CELL - reach_y), ceil(y / CELL + reach_y) + 1):
                for mark_x, mark_y, node in self._cells.get((column, row), ()):
                    away = ((mark_x - x) * scale_x) ** 2 + ((mark_y - y) * scale_y) ** 2
                    if shown[node]:
                        best = min(best, (away, node)) if best else (away, node)
                    else:
                        dot = min(dot, (away, node)) if dot else (away, node)
        if best and best[0] <= REACH**2:
            return best[1]
        return dot[1] if dot and dot[0] <= REACH_HIDDEN**2 else None

    def _add(self, x: float, y: float, node: int) -> None:
        self._cells[floor(x / CELL), floor(y / CELL)].append((x, y, node))

    def _add_line(self, left: float, right: float, y: float, node: int) -> None:
        x = left + CELL / 2
        while x < right:
            self._add(x, y, node)
            x += CELL / 2
