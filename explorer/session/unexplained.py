"""What of a node's input, or of a place in the graph, is error, in words; kept for as long as the graph lives."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.unexplained import Unexplained, unexplained
from explorer.session.view import GraphView

MEANING = (
    "Of the node's input, Σ|in|: what comes straight from errors, and what comes from errors if all inputs are "
    "followed down to tokens and errors. What the file leaves out counts as error."
)
OF_CELL = "Share of the outputs that count, over all paths, that begins at the error of this layer and token."

_held: WeakKeyDictionary[Graph, dict[bool, Unexplained]] = WeakKeyDictionary()


def unexplained_of(view: GraphView) -> Unexplained:
    """The shares of error in the whole graph, for the outputs that count; worked out once for each graph."""
    held = _held.setdefault(view.aimed, {})
    bias = view.edits.count_bias
    if bias not in held:
        held[bias] = unexplained(view.aimed, count_bias=bias)
    return held[bias]


def cell_share(view: GraphView, node: int) -> float:
    """The share (0 to 1) of the outputs that count that enters at the error node ``node``."""
    whole = float(np.abs(view.aimed.target_weight).sum())
    return float(view.influence[node]) / whole if whole > 0 else 0.0


def unexplained_line(view: GraphView, node: int) -> tuple[str, str]:
    """What is unexplained of a feature or an output, or enters at an error, and what that means; "" for others.

    "unexplained: 5 % directly, 12 % in all".
    """
    kind = view.graph.nodes.kind[node]
    if kind == NodeKind.ERROR:
        return f"unexplained here: {_per_cent(cell_share(view, node))} of the outputs", OF_CELL
    if kind not in (NodeKind.FEATURE, NodeKind.LOGIT):
        return "", ""
    found = unexplained_of(view)
    direct, deep = _per_cent(float(found.direct[node])), _per_cent(float(found.deep[node]))
    return f"unexplained: {direct} directly, {deep} in all", MEANING


def _per_cent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"
