"""Rows of a feature's neighbours: most active along with it, most alike; a row of one in the graph leads there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.circuits.graph import Graph, NodeKind
from explorer.features.evidence import Evidence
from explorer.io.feature_labels import Labels
from explorer.session.labels import Feature
from explorer.session.view import GraphView
from explorer.ui.panels.links_table import Row
from explorer.ui.widgets.look import probability
from explorer.ui.widgets.marks import mark_of
from explorer.ui.widgets.share_bar import Cell

TOGETHER = 5


def occurrences(graph: Graph, layer: int, feature: int) -> list[int]:
    """The nodes of ``graph`` that are this feature, at whatever token."""
    at = graph.nodes
    found = (at.kind == NodeKind.FEATURE) & (at.layer == layer) & (at.feature == feature)
    return [int(node) for node in np.flatnonzero(found)]


def neighbour_rows(
    view: GraphView, found: Evidence, similar: Sequence[tuple[int, float]], labels: Labels | None
) -> list[Row]:
    """What is active along with a feature, then what is written alike, all of its layer."""
    rows = [
        _row(view, (found.layer, who), f"with it {count}×", f"in {count} of its strongest examples", labels)
        for who, count in found.together[:TOGETHER]
    ]
    for who, cosine in similar:
        said = f"alike {probability(cosine)}"
        rows.append(_row(view, (found.layer, who), said, f"cosine of decoders {cosine:.3f}", labels))
    return rows


def _row(view: GraphView, feature: Feature, value: str, said: str, labels: Labels | None) -> Row:
    nodes = occurrences(view.graph, *feature)
    best = max(nodes, key=lambda node: float(view.influence[node]), default=None)
    own = labels.text(*feature) if labels is not None else ""
    number = f"L{feature[0]} / {feature[1]}"
    name = view.label(best) if best is not None else own or number
    where = f"in the graph {len(nodes)} times" if nodes else "not in the graph"
    mark = mark_of(view, best, 0.0) if best is not None else None
    cells = (
        Cell(name, "text" if nodes else "text_3", mark, "" if name == number else number, indent=not nodes),
        Cell(value, "text_2", right=True),
        Cell(),
        Cell(),
    )
    return Row(cells, f"{name}, feature {feature[1]} of layer {feature[0]}, {said}, {where}", best)
