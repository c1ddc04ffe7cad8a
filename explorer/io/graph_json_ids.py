"""How graph JSON names nodes: ids, and the one number that stands for a layer and a feature.

Source: decoderesearch/circuit-tracer 0.4.1, whose ids are ``layer_feature_position``, ``0_layer_position`` for
errors, ``E_token_position`` and ``(n_layers + 1)_token_position``. An error's id may equal that of a feature of
layer 0; such an error is called ``layer_error_mlp_position`` here, as Neuronpedia does in its other dialect.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isqrt

from explorer.circuits.graph import Graph, NodeKey, NodeKind


def cantor(layer: int, feature: int) -> int:
    """One number for the pair (Cantor's pairing)."""
    return (layer + feature) * (layer + feature + 1) // 2 + feature


def uncantor(number: int) -> tuple[int, int]:
    """The layer and feature of ``cantor``; exact for integers of any size."""
    diagonal = (isqrt(8 * number + 1) - 1) // 2
    feature = number - diagonal * (diagonal + 1) // 2
    return diagonal - feature, feature


def node_ids(graph: Graph, nodes: Iterable[int]) -> dict[int, str]:
    """The id of each of ``nodes``, all different; bias nodes have none and must not be among them."""
    keys = {node: graph.key(node) for node in nodes}
    taken = {(key.feature, key.pos) for key in keys.values() if key.kind == NodeKind.FEATURE and key.layer == 0}
    return {node: _node_id(key, (key.layer, key.pos) in taken) for node, key in keys.items()}


def js_node_id(key: NodeKey, n_pos: int) -> str:
    """A second unique id, with the position counted from the end, as Anthropic's viewer has it."""
    stem = {
        NodeKind.FEATURE: f"{key.layer}_{key.feature}",
        NodeKind.ERROR: f"{key.layer}_error",
        NodeKind.EMBEDDING: f"E_{key.feature}",
        NodeKind.LOGIT: f"L_{key.feature}",
    }
    return f"{stem[NodeKind(key.kind)]}-{n_pos - 1 - key.pos}"


def _node_id(key: NodeKey, collides: bool) -> str:
    if key.kind == NodeKind.ERROR:
        return f"{key.layer}_error_mlp_{key.pos}" if collides else f"0_{key.layer}_{key.pos}"
    if key.kind == NodeKind.EMBEDDING:
        return f"E_{key.feature}_{key.pos}"
    layer = key.layer + 1 if key.kind == NodeKind.LOGIT else key.layer
    return f"{layer}_{key.feature}_{key.pos}"
