"""GraphView: what is drawn of a graph under given edits, resolved once and shared by every panel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import BIAS_NAMES, BiasClass, Bools, Floats, Graph, NodeKey, NodeKind
from explorer.circuits.influence import edge_share, row_mass, signed_influence
from explorer.circuits.pruning import Pruned, prune
from explorer.session.edits import Edits


class HiddenBy(IntEnum):
    """The rule that hid a node; the first that applies, in this order."""

    NOTHING = 0
    HAND = 1
    INFLUENCE = 2
    NO_LINKS = 3


@dataclass(frozen=True, eq=False)
class GraphView:
    """A graph under edits.

    shown        (n_nodes) drawn as a mark; the others are dots
    hidden_by    (n_nodes) HiddenBy
    links        (n_edges) drawn: both ends shown and the edge kept
    effect       (n_nodes) signed influence on the weighted targets over all paths
    share        (n_edges) signed share of an edge in its target's whole unpruned input (``mass``)
    """

    graph: Graph
    edits: Edits
    pruned: Pruned
    shown: Bools
    hidden_by: NDArray[np.int8]
    links: Bools
    effect: Floats
    share: Floats
    mass: Floats

    @property
    def influence(self) -> Floats:
        return self.pruned.influence

    def label(self, node: int) -> str:
        """The node's own label, or what it is called without one."""
        named = self.edits.labels.get(self.graph.key(node))
        return named.text if named else default_label(self.graph, node)

    def hidden_count(self, rule: HiddenBy) -> int:
        return int((self.hidden_by == rule).sum())


def resolve(graph: Graph, edits: Edits, old: GraphView | None = None) -> GraphView:
    """The view of ``graph`` under ``edits``; what did not change is taken from ``old``."""
    same = old is not None and old.graph is graph and old.edits.count_bias == edits.count_bias
    thresholds = (edits.node_threshold, edits.edge_threshold)
    if old is not None and same and thresholds == (old.edits.node_threshold, old.edits.edge_threshold):
        pruned = old.pruned
    else:
        pruned = prune(graph, *thresholds, count_bias=edits.count_bias)
    if old is not None and same:
        effect, share, mass = old.effect, old.share, old.mass
    else:
        effect = signed_influence(graph, count_bias=edits.count_bias)
        mass = row_mass(graph, count_bias=edits.count_bias)
        share = edge_share(graph, mass)
    hidden_by = _hidden_by(graph, edits, pruned)
    shown = hidden_by == HiddenBy.NOTHING
    links = pruned.edges & shown[graph.edge_target] & shown[graph.rows.source]
    return GraphView(graph, edits, pruned, shown, hidden_by, links, effect, share, mass)


def rows_of(graph: Graph, keys: frozenset[NodeKey] | tuple[NodeKey, ...]) -> NDArray[np.int64]:
    """The rows of those ``keys`` that the graph has."""
    return np.array([graph.index[key] for key in keys if key in graph.index], dtype=np.int64)


def default_label(graph: Graph, node: int) -> str:
    """What a node without a label is called."""
    key = graph.key(node)
    if key.kind == NodeKind.FEATURE:
        return f"L{key.layer} / {key.feature}"
    if key.kind == NodeKind.ERROR:
        return "error"
    if key.kind == NodeKind.EMBEDDING:
        return f"“{_shown(graph.tokens[key.pos])}”"
    if key.kind == NodeKind.BIAS:
        return BIAS_NAMES[BiasClass(key.feature)]
    return f"“{_shown(graph.logit_tokens[node - graph.block(NodeKind.LOGIT).start])}”"


def _shown(token: str) -> str:
    """A token in a label: without blanks around it, a line break by its name."""
    return token.strip(" ").replace("\n", "newline").replace("\t", "tab") or "space"


def place(graph: Graph, node: int) -> str:
    """Where a node is, as the tables write it: L17·12 for a feature or error, the position for a token."""
    key = graph.key(node)
    if key.kind in (NodeKind.FEATURE, NodeKind.ERROR):
        return f"L{key.layer}·{key.pos}"
    return "" if key.kind == NodeKind.BIAS else str(key.pos)


def _hidden_by(graph: Graph, edits: Edits, pruned: Pruned) -> NDArray[np.int8]:
    rule = np.where(pruned.nodes, HiddenBy.NOTHING, np.where(pruned.above, HiddenBy.NO_LINKS, HiddenBy.INFLUENCE))
    rule[rows_of(graph, edits.hidden)] = HiddenBy.HAND
    rule[rows_of(graph, edits.pinned)] = HiddenBy.NOTHING
    return rule.astype(np.int8)
