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
) -> Graph:
    """The graph of finished ``rows`` by target; token texts are filled in by the caller.

    With ``chosen`` (rows of the active features, ascending) the other features are left out, and what they add to a
    row becomes its remainder.
    """
    active = local.features
    kept = np.arange(len(active)) if chosen is None else chosen
    nodes = _nodes(local, logits, kept)
    n, n_roots = len(nodes), len(nodes) - len(logits)
    node_of_target = np.concatenate([np.arange(len(kept)), np.arange(n_roots, n)])
    target_of_node = np.concatenate([kept, np.arange(len(active), len(active) + len(logits))])
    constant, preactivation = np.zeros(n), np.full(n, np.nan)
    constant[node_of_target] = targets.constant.double().cpu().numpy()[target_of_node]
    ordered = [rows[int(target)] for target in target_of_node]
    preactivation[node_of_target] = [row.preactivation for row in ordered]
    weight, probability = np.zeros(n), np.full(n, np.nan)
    weight[n_roots:] = [target.weight for target in logits]
    probability[n_roots:] = [target.probability for target in logits]
    _weigh_features(nodes, features, weight)
    return Graph(
        nodes=nodes,
        rows=_rows(nodes, node_of_target, ordered, kept, len(active)),
        constant=constant,
        preactivation=preactivation,
        target_weight=weight,
        probability=probability,
        token_ids=_token_ids(local),
        tokens=tuple("" for _ in range(local.frozen.n_pos)),
        logit_tokens=tuple(target.text for target in logits),
        n_layers=local.frozen.n_layers,
        zero_positions=local.transcoders.zero_positions,
    )


def _token_ids(local: LocalReplacementModel) -> np.ndarray:
    return local.frozen.token_ids.cpu().numpy().astype(np.int64)


def _nodes(local: LocalReplacementModel, logits: tuple[LogitTarget, ...], kept: Ints) -> Nodes:
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


def _rows(nodes: Nodes, node_of_target: Ints, ordered: list[Row], kept: Ints, n_active: int) -> Rows:
    """The rows of the kept nodes; effects of features that are left out go into the remainders."""
    n = len(nodes)
    node_of_column = np.concatenate([np.full(n_active, -1), np.arange(len(kept), n)]).astype(np.int32)
    node_of_column[kept] = np.arange(len(kept))
    lengths, rest_sum, rest_abs = np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n)
    for node, row in zip(node_of_target.tolist(), ordered, strict=True):
        lengths[node] = np.count_nonzero(node_of_column[row.source] >= 0)
    start = np.concatenate([[0], np.cumsum(lengths)])
    sources = np.empty(start[-1], dtype=np.int32)
    weights = np.empty(start[-1], dtype=ordered[0].effect.dtype)
    for node, row in zip(node_of_target.tolist(), ordered, strict=True):
        own, source = slice(start[node], start[node + 1]), node_of_column[row.source]
        there = source >= 0
        sources[own], weights[own] = source[there], row.effect[there]
        counted = weights[own][nodes.kind[sources[own]] != NodeKind.BIAS].astype(np.float64)
        rest_sum[node] = row.total - counted.sum()
        rest_abs[node] = max(row.mass - np.abs(counted).sum(), 0.0)
        if rest_abs[node] <= ROUNDING * row.mass:
            rest_sum[node] = rest_abs[node] = 0.0
    return Rows(start, sources, weights, rest_sum, rest_abs)


def _weigh_features(nodes: Nodes, features: tuple[FeatureTarget, ...], weight: Floats) -> None:
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
