"""What an imported graph JSON says beyond the graph: plain values beside it (``Graph.extra``), written again on export.

    top        members of the file that are not known here
    q_params   its qParams, less what became Edits
    nodes      field -> {"at": rows of the graph, "value": what stood there}
    links      the same, by edges
    layers     how layers with features of attention are counted (explorer.io.graph_json_own), or an empty text
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.circuits.graph import Graph
from explorer.io.graph_json_keys import Ints
from explorer.io.graph_json_nodes import Said


def packed(said: Said, place: Ints) -> dict[str, Any]:
    """``said`` by where each row of the file went (-1: nowhere)."""
    found: dict[str, Any] = {}
    for name, (rows, values) in said.columns.items():
        kept = [(int(place[row]), value) for row, value in zip(rows, values, strict=True) if place[row] >= 0]
        if kept:
            found[name] = {"at": [row for row, _ in kept], "value": [value for _, value in kept]}
    return found


def fields(graph: Graph, of: str) -> dict[int, dict[str, Any]]:
    """The fields of each row (``of`` nodes) or edge (links) that has any."""
    found: dict[int, dict[str, Any]] = {}
    for name, column in table(graph.extra.get(of)).items():
        held = table(column)
        for row, value in zip(held.get("at", ()), held.get("value", ()), strict=False):
            found.setdefault(row, {})[name] = value
    return found


def table(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a table of names and values, else an empty one."""
    return value if isinstance(value, Mapping) else {}
