"""Look: everything that is derived from a graph when it is first shown, as one value that a thread can make."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.circuits.graph import Graph
from explorer.circuits.scores import Scores, scores, worst_residual
from explorer.session.edits import Edits
from explorer.session.view import GraphView, resolve


@dataclass(frozen=True, eq=False)
class Look:
    """A graph's view under the edits of that moment, its scores, and the worst residual of its books."""

    view: GraphView
    scores: Scores
    residual: float

    @property
    def graph(self) -> Graph:
        return self.view.graph


def look(graph: Graph, edits: Edits) -> Look:
    """The first look at ``graph``; with a million links it takes a good part of a second."""
    return Look(resolve(graph, edits), scores(graph, count_bias=edits.count_bias), worst_residual(graph))
