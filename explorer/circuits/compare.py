"""Two graphs side by side: which nodes and links are the same thing, and what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Floats, Graph, Ints, NodeKind, Weights
from explorer.circuits.influence import node_influence

SET = "transcoder_sha256"


class Status(IntEnum):
    """In which of the two graphs something is."""

    BOTH = 0
    ONLY_A = 1
    ONLY_B = 2


@dataclass(frozen=True, eq=False)
class Comparison:
    """n nodes that are in A or B: first those of A, in its order, then those of B alone; m links between them.

    row_a, row_b                 (n) the node's row in each graph, -1 where it is not
    status                       (n) Status
    activation_a, activation_b   (n) NaN where there is none
    influence_a, influence_b     (n) in shares of the influence of all nodes of a graph; absent counts as 0
    target, source               (m) ends of the links, as nodes above
    edge_a, edge_b               (m) the link's row in each graph, -1 where it is not
    weight_a, weight_b           (m) direct effects; 0 where there is no such link
    link_status                  (m) Status
    role                         (n_pos of B) the position of A that a position of B stands for; -1 for none
    said                         sentences on what could not be compared, and on what differs as a whole
    """

    row_a: Ints
    row_b: Ints
    status: NDArray[np.int8]
    activation_a: Floats
    activation_b: Floats
    influence_a: Floats
    influence_b: Floats
    target: Ints
    source: Ints
    edge_a: Ints
    edge_b: Ints
    weight_a: Floats
    weight_b: Floats
    link_status: NDArray[np.int8]
    role: Ints
    said: tuple[str, ...]

    @property
    def activation(self) -> Floats:
        """(n) B less A; NaN unless both have one."""
        return self.activation_b - self.activation_a

    @property
    def influence(self) -> Floats:
        """(n) B less A."""
        return self.influence_b - self.influence_a

    @property
    def weight(self) -> Floats:
        """(m) direct effect in B less that in A."""
        return self.weight_b - self.weight_a


def compare(a: Graph, b: Graph, *, count_bias: bool = False, same_features: bool | None = None) -> Comparison:
    """The nodes and links of ``a`` and ``b`` together.

    Features are the same if layer, index and role of the token are, outputs if their token is, errors by layer and
    role, biases by class. ``same_features`` says whether an index means the same feature in both; by default it does
    unless the graphs name two sets of transcoders.
    """
    one_set = _one_set(a, b)
    features = one_set is not False if same_features is None else same_features
    role = roles(a.tokens, b.tokens)
    index_a = {key: row for row, key in enumerate(_keys(a, np.arange(a.n_pos), 0, features))}
    names_b = _keys(b, np.where(role >= 0, role, a.n_pos + np.arange(b.n_pos)), 1, features)
    in_a = np.array([index_a.get(key, -1) for key in names_b], dtype=np.int64)
    alone = np.flatnonzero(in_a < 0)
    row_a = np.concatenate([np.arange(len(a)), np.full(len(alone), -1)])
    row_b = np.full(len(row_a), -1)
    row_b[in_a[in_a >= 0]] = np.flatnonzero(in_a >= 0)
    row_b[len(a) :] = alone
    node_b = in_a.copy()
    node_b[alone] = len(a) + np.arange(len(alone))
    ends, edge_a, edge_b = _links(a, b, node_b, len(row_a))
    return Comparison(
        row_a=row_a,
        row_b=row_b,
        status=_status(row_a, row_b),
        activation_a=_at(a.nodes.activation, row_a, np.nan),
        activation_b=_at(b.nodes.activation, row_b, np.nan),
        influence_a=_at(_share(a, count_bias), row_a, 0.0),
        influence_b=_at(_share(b, count_bias), row_b, 0.0),
        target=ends[0],
        source=ends[1],
        edge_a=edge_a,
        edge_b=edge_b,
        weight_a=_at(a.rows.weight, edge_a, 0.0),
        weight_b=_at(b.rows.weight, edge_b, 0.0),
        link_status=_status(edge_a, edge_b),
        role=role,
        said=_said(a, b, features, one_set is not None, role),
    )


def roles(a: tuple[str, ...], b: tuple[str, ...]) -> Ints:
    """(len(b)) the position in ``a`` that each position of ``b`` stands for, -1 for none.

    Prompts of one length stand for each other position by position. Otherwise equal tokens do, and where one piece was
    put in the place of another, its tokens if there are as many, or else its last token.
    """
    if len(a) == len(b):
        return np.arange(len(b))
    role = np.full(len(b), -1)
    for what, a_first, a_end, b_first, b_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if what in ("equal", "replace"):
            n = a_end - a_first if a_end - a_first == b_end - b_first else 1
            role[b_end - n : b_end] = np.arange(a_end - n, a_end)
    return role


def _keys(graph: Graph, role: Ints, side: int, same_features: bool) -> list[tuple[int, ...]]:
    """What each node is in both graphs; features of another set are nobody else's.

    Nodes of one graph that are the same in all this, as an imported file may have them, are told apart by number.
    """
    nodes = graph.nodes
    place = np.where(nodes.pos >= 0, np.append(role, -1)[nodes.pos], -1)
    kinds = nodes.kind
    layer = np.where(np.isin(kinds, [NodeKind.FEATURE, NodeKind.ERROR]), nodes.layer, -1)
    place = np.where(kinds == NodeKind.LOGIT, -1, place)
    name = np.where(np.isin(kinds, [NodeKind.ERROR, NodeKind.EMBEDDING]), -1, nodes.feature)
    own = np.where((kinds == NodeKind.FEATURE) & (not same_features), side, -1)
    keys = zip(kinds.tolist(), layer.tolist(), place.tolist(), name.tolist(), own.tolist(), strict=True)
    seen: Counter[tuple[int, ...]] = Counter()
    numbered: list[tuple[int, ...]] = []
    for key in keys:
        numbered.append((*key, seen[key]))
        seen[key] += 1
    return numbered


def _links(a: Graph, b: Graph, node_b: Ints, n: int) -> tuple[tuple[Ints, Ints], Ints, Ints]:
    """Targets and sources of the links of either graph, and the row that each has in ``a`` and in ``b``."""
    pairs = [
        a.edge_target.astype(np.int64) * n + a.rows.source,
        node_b[b.edge_target] * n + node_b[b.rows.source],
    ]
    both = np.sort(np.concatenate(pairs))  # union1d hashes, which takes seconds for a million
    every = both[np.diff(both, prepend=-1) != 0]
    rows = [np.full(len(every), -1), np.full(len(every), -1)]
    for side, held in enumerate(pairs):
        rows[side][np.searchsorted(every, held)] = np.arange(len(held))
    return (every // max(n, 1), every % max(n, 1)), rows[0], rows[1]


def _status(row_a: Ints, row_b: Ints) -> NDArray[np.int8]:
    return np.where(row_b < 0, Status.ONLY_A, np.where(row_a < 0, Status.ONLY_B, Status.BOTH)).astype(np.int8)


def _share(graph: Graph, count_bias: bool) -> Floats:
    influence = node_influence(graph, count_bias=count_bias)
    total = float(influence.sum())
    return influence / (total if total > 0 else 1.0)


def at_rows(values: NDArray[Any], rows: Ints, absent: float | int) -> NDArray[Any]:
    """``values`` at ``rows``; ``absent`` where a row is -1."""
    return np.append(values, np.array(absent, dtype=values.dtype))[rows]


def _at(values: Weights, rows: Ints, absent: float) -> Floats:
    return at_rows(values.astype(np.float64), rows, absent)


def _one_set(a: Graph, b: Graph) -> bool | None:
    """Whether both graphs have one set of transcoders, as far as they say; None where that is not known."""
    for named in ([graph.provenance.get(SET) for graph in (a, b)], [_told(graph) for graph in (a, b)]):
        if None not in named:
            return bool(named[0] == named[1])
    return None


def _told(graph: Graph) -> tuple[str, str] | None:
    """What an imported file calls its set: its ``scan`` and the transcoders that it lists."""
    metadata = graph.provenance.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("scan"):
        return None
    return str(metadata["scan"]), str(metadata.get("transcoder_list") or "")


def _said(a: Graph, b: Graph, features: bool, is_known: bool, role: Ints) -> tuple[str, ...]:
    said = []
    if not features:
        said.append("The graphs have two sets of transcoders: their features cannot be aligned, only the other nodes.")
    elif not is_known and (a.provenance or b.provenance):
        said.append("Whether both graphs have one set of transcoders is not known; features of one number are aligned.")
    if a.n_pos != b.n_pos:
        said.append(f"The prompts have {a.n_pos} and {b.n_pos} tokens; {int((role >= 0).sum())} are aligned.")
    one, other = (set(graph.nodes.feature[graph.block(NodeKind.LOGIT)].tolist()) for graph in (a, b))
    if one and other and not one & other:
        said.append("The graphs explain different outputs; influence is that on each graph’s own.")
    return tuple(said)
