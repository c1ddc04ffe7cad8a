"""GraphView: what is drawn of a graph under given edits, resolved once and shared by every panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import BIAS_NAMES, BiasClass, Bools, Floats, Graph, NodeKey, NodeKind
from explorer.circuits.influence import edge_share, node_influence, row_mass, signed_influence
from explorer.circuits.pruning import Pruned, prune
from explorer.circuits.scores import Scores, part_scores
from explorer.session.edits import Edits
from explorer.session.rules import Rules


class HiddenBy(IntEnum):
    """The rule that hid a node; the first that applies, in this order."""

    NOTHING = 0
    HAND = 1
    KIND = 2
    LAYER = 3
    DENSITY = 4
    LEAST = 5
    INFLUENCE = 6
    NO_LINKS = 7


@dataclass(frozen=True, eq=False)
class GraphView:
    """A graph under edits.

    aimed        the graph with the targets that the rules name as the only ones; the graph itself without any
    shown        (n_nodes) drawn as a mark; the others are dots
    hidden_by    (n_nodes) HiddenBy
    links        (n_edges) drawn: both ends shown and the edge kept
    effect       (n_nodes) signed influence on the weighted targets over all paths
    share        (n_edges) signed share of an edge in its target's whole unpruned input (``mass``)
    idle         a sentence for each rule that cannot be applied to this graph
    named        what features are called that have no label of their own; no edit, and not saved
    """

    graph: Graph
    edits: Edits
    aimed: Graph
    pruned: Pruned
    shown: Bools
    hidden_by: NDArray[np.int8]
    links: Bools
    effect: Floats
    share: Floats
    mass: Floats
    density: Floats | None = None
    idle: tuple[str, ...] = ()
    named: Mapping[NodeKey, str] = field(default_factory=dict)

    @property
    def influence(self) -> Floats:
        return self.pruned.influence

    def label(self, node: int) -> str:
        """The node's own label, else what its feature is ``named``, else layer and index or its token."""
        key = self.graph.key(node)
        named = self.edits.labels.get(key)
        return named.text if named else self.named.get(key) or default_label(self.graph, node)

    def position(self, pos: int) -> str:
        """What the position of a column is called."""
        return str(pos)

    def status(self, node: int) -> str:
        """How the node's label came about (``edits.STATUSES``); "" if it goes by its place."""
        key = self.graph.key(node)
        named = self.edits.labels.get(key)
        return named.status if named else "auto" if key in self.named else ""

    def hidden_count(self, rule: HiddenBy) -> int:
        return int((self.hidden_by == rule).sum())

    def hidden_counts(self) -> dict[HiddenBy, int]:
        """How many nodes each rule hid first; rules that hid none are left out."""
        return {rule: self.hidden_count(rule) for rule in HiddenBy if rule and self.hidden_count(rule)}

    def scores(self) -> Scores:
        """Scores of what is shown: hidden features count as error, and only the rules' targets are explained."""
        return part_scores(self.aimed, self.shown, count_bias=self.edits.count_bias)


def resolve(
    graph: Graph, edits: Edits, old: GraphView | None = None, density: Floats | None = None
) -> GraphView:
    """The view of ``graph`` under ``edits``; what did not change is taken from ``old``.

    ``density`` (n_nodes) is the share of tokens on which a feature is active, NaN where it is not known; None if of no
    feature.
    """
    called = old.named if old is not None and old.graph is graph else {}
    if old is not None and (old.graph is not graph or old.edits.count_bias != edits.count_bias):
        old = None
    bias, rules = edits.count_bias, edits.rules
    mass = row_mass(graph, count_bias=bias) if old is None else old.mass
    share = edge_share(graph, mass) if old is None else old.share
    if old is not None and old.edits.rules.targets == rules.targets:
        aimed, effect, influence = old.aimed, old.effect, old.influence
    else:
        aimed = _aim(graph, rules)
        effect = signed_influence(aimed, count_bias=bias)
        influence = node_influence(aimed, count_bias=bias)
    excluded = _excluded(graph, rules, influence, density)
    thresholds = (edits.node_threshold, edits.edge_threshold)
    same = old is not None and old.edits.rules == rules and (rules.max_density is None or old.density is density)
    if old is not None and same and thresholds == (old.edits.node_threshold, old.edits.edge_threshold):
        pruned = old.pruned
    else:
        pruned = prune(aimed, *thresholds, count_bias=bias, allowed=excluded == 0, influence=influence)
    hidden_by = _hidden_by(graph, edits, pruned, excluded)
    shown = hidden_by == HiddenBy.NOTHING
    links = pruned.edges & shown[graph.edge_target] & shown[graph.rows.source]
    idle = _idle(graph, rules, density)
    return GraphView(graph, edits, aimed, pruned, shown, hidden_by, links, effect, share, mass, density, idle, called)


def rule_words(edits: Edits, rule: HiddenBy) -> str:
    """What a rule hides, as a list of rules says it: "beyond 80 % of influence"."""
    rules = edits.rules
    first, last = rules.layers or (0, 0)
    words = {
        HiddenBy.HAND: "by hand",
        HiddenBy.KIND: "of a kind that is left out",
        HiddenBy.LAYER: f"outside layers {first} to {last}",
        HiddenBy.DENSITY: f"active on more than {_per_cent(rules.max_density or 0.0)} of tokens",
        HiddenBy.LEAST: f"under {_per_cent(rules.min_influence)} of influence",
        HiddenBy.INFLUENCE: f"beyond {_per_cent(edits.node_threshold)} of influence",
        HiddenBy.NO_LINKS: "no links left",
    }
    return words.get(rule, "")


def _per_cent(share: float) -> str:
    return f"{100 * share:.3g} %"


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
        return f"“{shown_token(graph.tokens[key.pos])}”"
    if key.kind == NodeKind.BIAS:
        return BIAS_NAMES[BiasClass(key.feature)]
    return f"“{shown_token(graph.logit_tokens[node - graph.block(NodeKind.LOGIT).start])}”"


def shown_token(token: str) -> str:
    """A token in a label: without blanks around it, a line break by its name."""
    return token.strip(" ").replace("\n", "newline").replace("\t", "tab") or "space"


def place(graph: Graph, node: int) -> str:
    """Where a node is, as the tables write it: L17·12 for a feature or error, the position for a token."""
    key = graph.key(node)
    if key.kind in (NodeKind.FEATURE, NodeKind.ERROR):
        return f"L{key.layer}·{key.pos}"
    return "" if key.kind == NodeKind.BIAS else str(key.pos)


def _aim(graph: Graph, rules: Rules) -> Graph:
    """``graph`` with the weights of the rules' targets; itself if it has none of them."""
    held = [(graph.index[key], weight) for key, weight in rules.targets if key in graph.index]
    if not held:
        return graph
    weights = np.zeros(len(graph))
    for row, weight in held:
        weights[row] = weight
    return replace(graph, target_weight=weights)


def _excluded(graph: Graph, rules: Rules, influence: Floats, density: Floats | None) -> NDArray[np.int8]:
    """(n_nodes) the first of the rules beyond the thresholds that leaves a node out; outputs are never left out."""
    nodes = graph.nodes
    rule = np.zeros(len(graph), dtype=np.int8)
    loose = np.isin(nodes.kind, [NodeKind.FEATURE, NodeKind.ERROR])
    if rules.min_influence > 0:
        rule[loose & (influence < rules.min_influence * influence.sum())] = HiddenBy.LEAST
    if rules.max_density is not None and density is not None:
        rule[(nodes.kind == NodeKind.FEATURE) & (density > rules.max_density)] = HiddenBy.DENSITY
    if rules.layers is not None:
        rule[loose & ((nodes.layer < rules.layers[0]) | (nodes.layer > rules.layers[1]))] = HiddenBy.LAYER
    rule[np.isin(nodes.kind, list(rules.kinds)) & (nodes.kind != NodeKind.LOGIT)] = HiddenBy.KIND
    return rule


def _idle(graph: Graph, rules: Rules, density: Floats | None) -> tuple[str, ...]:
    said = []
    if rules.max_density is not None:
        features = graph.nodes.kind == NodeKind.FEATURE
        unknown = int(features.sum() if density is None else np.isnan(density[features]).sum())
        if unknown:
            said.append(f"How often {unknown:,} features are active is not known; the rule on density leaves them in.")
    missing = sum(key not in graph.index for key, _ in rules.targets)
    if missing == len(rules.targets) > 0:
        said.append("The graph has none of the targets that the rules name; its own count.")
    elif missing:
        said.append(f"The graph does not have {missing} of the {len(rules.targets)} targets that the rules name.")
    return tuple(said)


def _hidden_by(graph: Graph, edits: Edits, pruned: Pruned, excluded: NDArray[np.int8]) -> NDArray[np.int8]:
    rule = np.where(pruned.nodes, HiddenBy.NOTHING, np.where(pruned.above, HiddenBy.NO_LINKS, HiddenBy.INFLUENCE))
    rule = np.where(~pruned.nodes & (excluded != 0), excluded, rule)
    rule[rows_of(graph, edits.hidden)] = HiddenBy.HAND
    rule[rows_of(graph, edits.pinned)] = HiddenBy.NOTHING
    return rule.astype(np.int8)
