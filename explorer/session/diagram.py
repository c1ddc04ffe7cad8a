"""Diagram: the subgraph laid out: what is on each box, where it stands, and how the links run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.circuits.graph import NodeKind
from explorer.session.figure import Box as Area
from explorer.session.figure_text import text_width
from explorer.session.layered import Point, Slab, Tie, area, lay_out
from explorer.session.plates import Measure, Plate, plate
from explorer.session.routes import Route, routes
from explorer.session.subgraph import Box, BoxLink, Subgraph
from explorer.session.view import GraphView, rows_of

OUTPUTS = 4
OVER = 0.025  # links of a smaller share are not drawn, unless one asks for them
ROW_OF_LAYERS, LEAST_ROW = 0.1, 0.75  # layers whose boxes may share a row: a part of all


@dataclass(frozen=True, eq=False)
class Diagram:
    """``middles`` by box id in pixels at 100 %, y down; links whose share is under ``over`` are not drawn."""

    view: GraphView
    drawn: Subgraph
    plates: Mapping[str, Plate]
    middles: Mapping[str, Point]
    over: float = OVER

    @cached_property
    def areas(self) -> dict[str, Area]:
        """Where each box is."""
        return {slab.id: area(slab, self.middles[slab.id]) for slab in slabs(self.view, self.drawn, self.plates)}

    @cached_property
    def links(self) -> tuple[BoxLink, ...]:
        """The links that are drawn, strongest first."""
        return tuple(link for link in self.drawn.links if abs(link.share) >= max(self.over, 1e-9))

    @cached_property
    def routes(self) -> list[Route]:
        """(links) how they run."""
        return routes(self.areas, [Tie(link.source, link.target, link.share) for link in self.links])

    @property
    def bounds(self) -> Area:
        """The space that all boxes take."""
        if not self.areas:
            return Area(0.0, 0.0, 1.0, 1.0)
        edges = np.array(list(self.areas.values()))
        low, high = edges[:, :2].min(axis=0).tolist(), edges[:, 2:].max(axis=0).tolist()
        return Area(low[0], low[1], high[0], high[1])

    def at(self, x: float, y: float) -> Box | None:
        """The box at a point."""
        point = Area(x, y, x + 1e-6, y + 1e-6)
        return next((box for box in reversed(self.drawn.boxes) if self.areas[box.id].meets(point)), None)


def diagram(view: GraphView, drawn: Subgraph, over: float = OVER, measure: Measure = text_width) -> Diagram:
    """``drawn`` laid out; what a person has put somewhere stays there."""
    plates = {box.id: plate(view.graph, box, measure) for box in drawn.boxes}
    ties = [Tie(link.source, link.target, link.share) for link in drawn.links]
    apart = max(LEAST_ROW, ROW_OF_LAYERS * view.graph.n_layers)
    return Diagram(view, drawn, plates, lay_out(slabs(view, drawn, plates), ties, apart=apart), over)


def main_outputs(view: GraphView, drawn: Subgraph) -> Subgraph:
    """``drawn`` with the strongest few of the outputs that nobody has pinned; no share hangs on the others."""
    outputs = [box for box in drawn.boxes if box.kind == NodeKind.LOGIT]
    weight = np.abs(view.graph.target_weight)
    outputs.sort(key=lambda box: -float(weight[box.rows[0]]))
    pinned = set(rows_of(view.graph, view.edits.pinned).tolist())
    gone = {box.id for box in outputs[OUTPUTS:] if box.rows[0] not in pinned}
    boxes = tuple(box for box in drawn.boxes if box.id not in gone)
    return Subgraph(boxes, tuple(link for link in drawn.links if gone.isdisjoint((link.source, link.target))))


def slabs(view: GraphView, drawn: Subgraph, plates: Mapping[str, Plate]) -> list[Slab]:
    """What the layout is told of each box: outputs belong above all layers."""
    found = []
    for box in drawn.boxes:
        rows = list(box.rows)
        level = float(view.graph.nodes.layer[rows].mean())
        if box.kind == NodeKind.LOGIT:
            level = 2.0 * view.graph.n_layers + 2.0
        pos = float(view.graph.nodes.pos[rows].mean())
        words = plates[box.id]
        found.append(Slab(box.id, level, pos, words.width, words.height, box.place))
    return found
