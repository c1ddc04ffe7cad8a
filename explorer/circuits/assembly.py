"""Finished rows put together as a Graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.aim import Targets
from explorer.circuits.graph import Floats, Graph, Ints, NodeKind, Nodes, Rows, Weights
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS
from explorer.circuits.targets import FeatureTarget, LogitTarget
from explorer.errors import GraphError
from explorer.work import Pause, go_on

ROUNDING = 1e-12  # a remainder this far below its row is rounding: nothing was left out


@dataclass(frozen=True)
class Row:
    """Entries of a finished row: source columns and effects, with the signed and absolute sum of the whole row.

    The sums leave biases out; the entries hold them all. Columns are features, errors, embeddings, biases.
    """

    source: NDArray[np.integer[Any]]
    effect: Weights
    total: float
    mass: float
    preactivation: float


def assemble(
    local: LocalReplacementModel,
    logits: tuple[LogitTarget, ...],
    features: tuple[FeatureTarget, ...],
    targets: Targets,
    rows: Mapping[int, Row],
    chosen: Ints | None = None,
    pause: Pause = go_on,
) -> Graph:
    """The graph of finished ``rows`` by target; token texts are filled in by the caller.

    With ``chosen`` (rows of the active features, ascending) the other features are left out, and what they add to a
    row becomes its remainder. A target without a row has no inputs, and its pre-activation is NaN. ``pause`` is called
    in front of each row.
    """
    active = local.features
    kept = np.arange(len(active)) if chosen is None else chosen
    nodes = nodes_of(local, logits, kept)
    n, n_roots = len(nodes), len(nodes) - len(logits)
    node_of_target = np.concatenate([np.arange(len(kept)), np.arange(n_roots, n)])
    target_of_node = np.concatenate([kept, np.arange(len(active), len(active) + len(logits))])
    constant, preactivation = np.zeros(n), np.full(n, np.nan)
    constant[node_of_target] = targets.constant.cpu().double().numpy()[target_of_node]
    found = [
        (node, rows[target])
        for node, target in zip(node_of_target.tolist(), target_of_node.tolist(), strict=True)
        if target in rows
    ]
    for node, row in found:
        preactivation[node] = row.preactivation
    probability = np.full(n, np.nan)
    probability[n_roots:] = [target.probability for target in logits]
    return Graph(
        nodes=nodes,
        rows=_whole(n, found, pause) if chosen is None else _cut(nodes, found, kept, len(active), pause),
        constant=constant,
        preactivation=preactivation,
        target_weight=target_weights(nodes, logits, features),
        probability=probability,
        token_ids=_token_ids(local),
        tokens=tuple("" for _ in range(local.frozen.n_pos)),
        logit_tokens=tuple(target.text for target in logits),
        n_layers=local.frozen.n_layers,
        zero_positions=local.transcoders.zero_positions,
    )


def _token_ids(local: LocalReplacementModel) -> np.ndarray:
    return local.frozen.token_ids.cpu().numpy().astype(np.int64)


def nodes_of(local: LocalReplacementModel, logits: tuple[LogitTarget, ...], kept: Ints) -> Nodes:
    """The nodes of a graph that has the features ``kept`` (rows of the active ones, ascending)."""
    active, n_layers, n_pos = local.features, local.frozen.n_layers, local.frozen.n_pos
    counts = [len(kept), n_layers * n_pos, n_pos, N_BIAS, len(logits)]
    layers, positions = np.arange(n_layers), np.arange(n_pos)
    own = [column.cpu().numpy()[kept] for column in (active.layer, active.pos, active.feature)]
    none = np.full
    at = np.array([target.pos for target in logits], dtype=np.int64)
    token = np.array([target.token_id for target in logits], dtype=np.int64)
    layer = [own[0], np.repeat(layers, n_pos), none(n_pos, -1), none(N_BIAS, -1), none(len(logits), n_layers)]
    pos = [own[1], np.tile(positions, n_layers), positions, none(N_BIAS, -1), at]
    feature = [own[2], none(n_layers * n_pos, -1), _token_ids(local), np.arange(N_BIAS), token]
    activation = np.full(sum(counts), np.nan, dtype=np.float32)
    activation[: len(kept)] = active.activation.float().cpu().numpy()[kept]
    return Nodes(
        kind=np.repeat(np.arange(len(NodeKind)), counts).astype(np.int8),
        layer=np.concatenate(layer).astype(np.int32),
        pos=np.concatenate(pos).astype(np.int32),
        feature=np.concatenate(feature).astype(np.int64),
        activation=activation,
    )


def _whole(n: int, found: list[tuple[int, Row]], pause: Pause) -> Rows:
    """The rows of a graph that keeps every column, which then are its nodes but the logits; nothing is left out."""
    start = _starts(n, found, [len(row.source) for _, row in found])
    sources, weights = _room(start, found)
    for node, row in found:
        pause()
        own = slice(start[node], start[node + 1])
        sources[own], weights[own] = row.source, row.effect
    return Rows(start, sources, weights, np.zeros(n), np.zeros(n))


def _cut(nodes: Nodes, found: list[tuple[int, Row]], kept: Ints, n_active: int, pause: Pause) -> Rows:
    """The rows of the kept nodes; effects of features that are left out go into the remainders."""
    n = len(nodes)
    node_of_column = np.concatenate([np.full(n_active, -1), np.arange(len(kept), n)]).astype(np.int32)
    node_of_column[kept] = np.arange(len(kept))
    lengths = []
    for _, row in found:
        pause()
        lengths.append(int(np.count_nonzero(node_of_column[row.source] >= 0)))
    start = _starts(n, found, lengths)
    sources, weights = _room(start, found)
    rest_sum, rest_abs = np.zeros(n), np.zeros(n)
    for node, row in found:
        pause()
        own, source = slice(start[node], start[node + 1]), node_of_column[row.source]
        there = source >= 0
        sources[own], weights[own] = source[there], row.effect[there]
        counted = weights[own][nodes.kind[sources[own]] != NodeKind.BIAS].astype(np.float64)
        rest_sum[node] = row.total - counted.sum()
        rest_abs[node] = max(row.mass - np.abs(counted).sum(), 0.0)
        if rest_abs[node] <= ROUNDING * row.mass:
            rest_sum[node] = rest_abs[node] = 0.0
    return Rows(start, sources, weights, rest_sum, rest_abs)


def _starts(n: int, found: list[tuple[int, Row]], lengths: list[int]) -> Ints:
    """Where the rows of ``n`` nodes start."""
    own = np.zeros(n + 1, dtype=np.int64)
    own[[node + 1 for node, _ in found]] = lengths
    return own.cumsum()


def _room(start: Ints, found: list[tuple[int, Row]]) -> tuple[NDArray[np.int32], Weights]:
    """Empty sources and weights for all rows."""
    dtype = found[0][1].effect.dtype if found else np.float32
    return np.empty(start[-1], dtype=np.int32), np.empty(start[-1], dtype=dtype)


def target_weights(nodes: Nodes, logits: tuple[LogitTarget, ...], features: tuple[FeatureTarget, ...]) -> Floats:
    """How much each node counts as a target; GraphError if a feature is not among ``nodes``."""
    weight = np.zeros(len(nodes))
    weight[len(nodes) - len(logits) :] = [target.weight for target in logits]
    for target in features:
        found = np.flatnonzero(
            (nodes.kind == NodeKind.FEATURE)
            & (nodes.layer == target.layer)
            & (nodes.pos == target.pos)
            & (nodes.feature == target.feature)
        )
        if not found.size:
            raise GraphError(
                f"Feature {target.feature} of layer {target.layer} is not active at position {target.pos}; "
                "choose an active feature."
            )
        weight[found[0]] = target.weight
    return weight
