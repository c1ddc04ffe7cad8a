"""double_source: an edge measured rather than computed, by adding a source once more to the frozen model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from explorer.circuits.graph import Floats, Graph, Ints, NodeKind
from explorer.circuits.replacement import LocalReplacementModel
from explorer.errors import GraphError
from explorer.models.weights import Head


def double_source(local: LocalReplacementModel, head: Head, graph: Graph, source: int) -> Floats:
    """How much each target of ``graph`` moves (n_nodes; 0 off targets) when ``source`` is added once more.

    The frozen model is affine, so this equals the source's column of the adjacency up to rounding. It runs through
    ``replay``, which shares nothing with the adjoint. NaN for targets that are no single token; GraphError if the
    node is no feature, error or embedding, or if the graph was not made from ``local``.
    """
    active = active_rows(local, graph)
    before = _read(local, head, graph, active, *local.replay())
    layer, pos = int(graph.nodes.layer[source]), int(graph.nodes.pos[source])
    kind = NodeKind(int(graph.nodes.kind[source]))
    if kind is NodeKind.EMBEDDING:
        added = torch.zeros_like(local.frozen.embedding)
        added[pos] = local.frozen.embedding[pos]
        return _read(local, head, graph, active, *local.replay(embedding_added=added)) - before
    added = torch.zeros_like(local.error)
    if kind is NodeKind.ERROR:
        added[layer, pos] = local.error[layer, pos]
    elif kind is NodeKind.FEATURE:
        feature = torch.tensor([int(graph.nodes.feature[source])])
        rows = local.transcoders.layers[layer].decoder_rows(feature)[0].to(added)
        added[layer : layer + len(rows), pos] = rows * local.features.activation[active[source]]
    else:
        raise GraphError("Only features, errors and embeddings can be doubled.")
    return _read(local, head, graph, active, *local.replay(mlp_added=added)) - before


def active_rows(local: LocalReplacementModel, graph: Graph) -> Ints:
    """Where each feature node of ``graph`` stands among the active features; GraphError if one is not active."""
    features, nodes = local.features, graph.block(NodeKind.FEATURE)
    known = _keys(*(column.cpu().numpy() for column in (features.layer, features.pos, features.feature)))
    wanted = _keys(*(column[nodes] for column in (graph.nodes.layer, graph.nodes.pos, graph.nodes.feature)))
    found = np.searchsorted(known, wanted)
    missing = np.flatnonzero(known[np.minimum(found, len(known) - 1)] != wanted) if len(known) else wanted
    if len(missing):
        raise GraphError(
            f"{len(missing)} of the graph's {len(wanted)} features are not active in this model with these "
            "transcoders; name those that the graph was made with."
        )
    return found


def _keys(layer: Any, pos: Any, feature: Any) -> Ints:
    """One number for each feature, in the order of layer, position, feature."""
    keys: Ints = ((layer.astype(np.int64) << 20 | pos.astype(np.int64)) << 32) | feature.astype(np.int64)
    return keys


def _read(
    local: LocalReplacementModel,
    head: Head,
    graph: Graph,
    active: Ints,
    mids: list[torch.Tensor],
    last: torch.Tensor,
) -> Floats:
    """Pre-activations of the graph's features and logits of its targets, without their constants."""
    values = np.zeros(len(graph))
    for layer, mid in enumerate(mids):
        own = np.flatnonzero((graph.nodes.kind == NodeKind.FEATURE) & (graph.nodes.layer == layer))
        rows = local.features.encoder_rows(local.transcoders, layer)
        rows = rows[torch.tensor(active[own] - local.features.of_layer(layer).start)]
        read = local.read(layer, mid)[torch.tensor(graph.nodes.pos[own].astype(np.int64))]
        values[own] = (read * rows).sum(-1).cpu().double().numpy()
    logits = graph.block(NodeKind.LOGIT)
    normed = local.frozen.final_norm(last)
    for node in range(logits.start, logits.stop):
        token = int(graph.nodes.feature[node])
        known = token < len(head.W_U)
        row = normed[int(graph.nodes.pos[node])]
        values[node] = float(row @ head.direction(token).to(row)) if known else float("nan")
    return values
