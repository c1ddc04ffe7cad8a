"""Groups of features that are alike: fed by the same nodes and feeding the same nodes.

A feature's input profile is its signed input shares over the nodes that are shown; its output profile the signed
shares that it has in the inputs of the nodes that are shown, each times how much that node matters. Two features are
as alike as the smaller of the cosines of both profiles. Groups are made by complete linkage: every two members are at
least ``Likeness.least`` alike, stand where the limits allow, and no two groups could be joined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Bools, Floats, Graph, Ints, NodeKind
from explorer.circuits.reading import lead, token_shares

MOST = 600  # features that are looked at, by influence; time grows with the cube


@dataclass(frozen=True)
class Likeness:
    """What makes a group: the least likeness of two members (a cosine), and how far apart they may stand.

    ``same_token`` asks that all read one token most, over paths of every length.
    """

    least: float = 0.5
    same_position: bool = True
    layer_gap: int = 2
    same_token: bool = True


USUAL = Likeness()


@dataclass(frozen=True)
class Alike:
    """Features that are alike, the most influential first.

    coherence       mean likeness of two members
    shared_inputs   the part of their inputs that is the same: sum over sources of the least share of any member
    inputs          the sources that feed all of them, the strongest first
    outputs         the targets that all of them raise, or all of them lower, the strongest first
    raises          whether they raise the first of ``outputs``
    token, lead     the position that the most influential of them reads most, and by how much any of them reads it more
                    than any other token: the least part of what a member reads; negative if one reads another one more
    """

    rows: tuple[int, ...]
    coherence: float
    shared_inputs: float
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    raises: bool
    token: int
    lead: float


def alike(
    graph: Graph,
    shown: Bools,
    share: Floats,
    influence: Floats,
    likeness: Likeness = USUAL,
    known: Bools | None = None,
) -> list[Alike]:
    """Groups among the features that are ``shown`` (n_nodes), the most influential first.

    ``share`` (n_edges) is an edge's signed share in its target's input, ``influence`` (n_nodes) that on the targets.
    ``known`` [n_nodes, what is known] joins only those of which something is known that is the same. At most the 600
    most influential features are looked at.
    """
    rows = np.flatnonzero(shown & (graph.nodes.kind == NodeKind.FEATURE))
    rows = rows[np.argsort(-influence[rows], kind="stable")][:MOST]
    inputs, outputs = _profiles(graph, rows, shown, share, influence + graph.target_weight)
    near = np.minimum(_cosines(inputs), _cosines(outputs))
    token, ahead = lead(token_shares(graph, share)[rows])
    may_join = _may_join(graph, rows, likeness)
    if likeness.same_token:
        may_join &= token[:, None] == token
    if known is not None:
        may_join &= known[rows] @ known[rows].T
    likely = np.where(may_join, near, -np.inf)
    groups = [np.array(members) for members in _linked(likely, likeness.least) if len(members) > 1]
    found = [
        _alike(rows, members, near, inputs, outputs, int(token[members[0]]), _least_lead(token, ahead, members))
        for members in groups
    ]
    return sorted(found, key=lambda one: -float(influence[list(one.rows)].sum()))


def _profiles(graph: Graph, rows: Ints, shown: Bools, share: Floats, reach: Floats) -> tuple[Floats, Floats]:
    """[features, n_nodes] signed input shares by source, and by target what the feature contributes to it."""
    at = np.full(len(graph), -1)
    at[rows] = np.arange(len(rows))
    source, target = graph.rows.source, graph.edge_target
    seen = shown[source] & shown[target] & (graph.nodes.kind[source] != NodeKind.BIAS)
    inputs, outputs = np.zeros((len(rows), len(graph))), np.zeros((len(rows), len(graph)))
    into, out_of = seen & (at[target] >= 0), seen & (at[source] >= 0)
    inputs[at[target[into]], source[into]] = share[into]
    outputs[at[source[out_of]], target[out_of]] = share[out_of] * reach[target[out_of]]
    return inputs, outputs


def _cosines(profiles: Floats) -> Floats:
    length = np.linalg.norm(profiles, axis=1, keepdims=True)
    unit = profiles / np.where(length > 0, length, 1.0)
    cosines: Floats = unit @ unit.T
    return cosines


def _may_join(graph: Graph, rows: Ints, likeness: Likeness) -> Bools:
    layer, pos = graph.nodes.layer[rows], graph.nodes.pos[rows]
    near: Bools = np.abs(layer[:, None] - layer) <= likeness.layer_gap
    if likeness.same_position:
        near = near & (pos[:, None] == pos)
    return near & ~np.eye(len(rows), dtype=bool)


def _linked(near: Floats, least: float) -> list[list[int]]:
    """Complete linkage: the two nearest groups are joined as long as their farthest members are ``least`` near."""
    near = near.copy()
    groups = [[row] for row in range(len(near))]
    while near.size:
        one, other = sorted(divmod(int(near.argmax()), len(near)))
        if one == other or near[one, other] < least:
            break
        groups[one] += groups[other]
        groups[other] = []
        near[one] = near[:, one] = np.minimum(near[one], near[other])
        near[other] = near[:, other] = -np.inf
        near[one, one] = -np.inf
    return [sorted(group) for group in groups if group]


def _least_lead(token: Ints, ahead: Floats, members: Ints) -> float:
    return float(np.where(token[members] == token[members[0]], ahead[members], -ahead[members]).min())


def _alike(
    rows: Ints, members: Ints, near: Floats, inputs: Floats, outputs: Floats, token: int, least_lead: float
) -> Alike:
    pairs = near[np.ix_(members, members)][np.triu_indices(len(members), 1)]
    feeding = np.abs(inputs[members]).min(0)
    fed = outputs[members]
    same = np.all(fed > 0, axis=0) | np.all(fed < 0, axis=0)
    reached = np.abs(fed).sum(0) * same
    order = np.argsort(-reached, kind="stable")[: int(same.sum())]
    return Alike(
        rows=tuple(rows[members].tolist()),
        coherence=float(pairs.mean()),
        shared_inputs=float(feeding.sum()),
        inputs=tuple(np.argsort(-feeding, kind="stable")[: int((feeding > 0).sum())].tolist()),
        outputs=tuple(order.tolist()),
        raises=bool(len(order) and fed[0, order[0]] > 0),
        token=token,
        lead=least_lead,
    )
