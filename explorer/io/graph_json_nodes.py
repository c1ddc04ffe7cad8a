"""One node of a graph JSON file, in the dialects of circuit-tracer and Neuronpedia (schema 0 and 1) or bare ones."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.errors import LoadError
from explorer.io.graph_json_ids import uncantor
from explorer.session.edits import STATUSES, Label

KINDS = {
    "cross layer transcoder": NodeKind.FEATURE,
    "unexplored node": NodeKind.FEATURE,
    "mlp reconstruction error": NodeKind.ERROR,
    "embedding": NodeKind.EMBEDDING,
    "logit": NodeKind.LOGIT,
}
MAX_LAYER = 10_000
MAX_FEATURE = 2**53

_ID = re.compile(r"(\d{1,9})_(\d{1,15})_(\d{1,9})")
_TOKEN_ID = re.compile(r"[0-9A-Z]{1,9}_(\d{1,15})_(\d{1,9})")
_LOGIT = re.compile(r"""(?:Output|Logit|output:) ["'](?P<token>.*)["'] \(p=(?P<p>[0-9.]+)\)""", re.DOTALL)
_P = re.compile(r" \(p=([0-9.]+)\)$")
_EMBEDDING = re.compile(r"""Emb: ["'].*["']""", re.DOTALL)


@dataclass(frozen=True)
class FileNode:
    """A node as the file says it. ``key.layer`` is -1 for logits until the number of layers is known.

    ``said_layer`` is what stands in the file (its type tells dialects apart); ``text`` a logit's token.
    """

    node_id: str
    js_id: str
    key: NodeKey
    said_layer: Any
    activation: float
    probability: float
    text: str
    label: Label | None


def file_node(raw: Any, number: int, schema: int, n_pos: int) -> FileNode:
    """The node that ``raw`` describes; LoadError names the node and what is wrong with it, without the file."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("node_id"), str):
        raise LoadError(f"node number {number} has no node_id")
    node_id = raw["node_id"]
    said = raw.get("feature_type")
    kind = KINDS.get(said) if isinstance(said, str) else None
    if kind is None:
        raise LoadError(f"node {node_id} is of the type “{said}”, which is not known here")
    pos = raw.get("ctx_idx")
    if type(pos) is not int or not 0 <= pos < n_pos:
        raise LoadError(f"node {node_id} is at position {pos!r} of {n_pos} tokens")
    layer = _layer(raw, node_id) if kind in (NodeKind.FEATURE, NodeKind.ERROR) else -1
    clerp = raw.get("clerp") if isinstance(raw.get("clerp"), str) else ""
    label, text, p = _reading(kind, str(clerp))
    probability = _number(raw, node_id, "token_prob", math.nan if p is None else p)
    return FileNode(
        node_id=node_id,
        js_id=str(raw.get("jsNodeId", "")),
        key=NodeKey(int(kind), layer, pos, _feature(raw, kind, node_id, layer, pos, schema)),
        said_layer=raw.get("layer"),
        activation=_number(raw, node_id, "activation", math.nan) if kind == NodeKind.FEATURE else math.nan,
        probability=probability if kind == NodeKind.LOGIT else math.nan,
        text=str(raw["token"]) if isinstance(raw.get("token"), str) else text,
        label=Label(label, _status(raw)) if label else None,
    )


def whole(value: Any) -> int | None:
    """``value`` as a whole number, if it is one (a text of digits counts)."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def _layer(raw: Mapping[str, Any], node_id: str) -> int:
    if raw.get("layer") is None:
        raise LoadError(f"node {node_id} is missing its layer")
    layer = whole(raw["layer"])
    if layer is None or not 0 <= layer <= MAX_LAYER:
        raise LoadError(f"node {node_id} has the layer {raw['layer']!r}")
    return layer


def _feature(raw: Mapping[str, Any], kind: NodeKind, node_id: str, layer: int, pos: int, schema: int) -> int:
    if kind == NodeKind.ERROR:
        return -1
    number = whole(raw.get("feature"))
    if kind == NodeKind.FEATURE:
        found = _feature_index(node_id, number, layer, pos, schema)
    else:
        match = _TOKEN_ID.fullmatch(node_id)
        said = number if kind == NodeKind.LOGIT else None
        found = int(match[1]) if match else -1 if said is None else said
    if not -1 <= found <= MAX_FEATURE:
        raise LoadError(f"node {node_id} has the feature number {found}")
    return found


def _feature_index(node_id: str, number: int | None, layer: int, pos: int, schema: int) -> int:
    """The index within the layer: from the id if it says one, else from ``feature`` by the file's schema."""
    if match := _ID.fullmatch(node_id):
        said = (int(match[1]), int(match[3]))
        if said != (layer, pos):
            raise LoadError(
                f"node {node_id} says layer {said[0]} and position {said[1]} in its name "
                f"and {layer} and {pos} in its fields"
            )
        return int(match[2])
    if number is None or number < 0:
        raise LoadError(f"node {node_id} is missing its feature number")
    if schema >= 1:
        return uncantor(number)[1] if uncantor(number)[0] == layer else number
    # schema 0 writes the layer's and the feature's digits behind one another
    digits = str(number)
    return int(digits.removeprefix(str(layer))) if len(digits) > 5 and digits.startswith(str(layer)) else number


def _number(raw: Mapping[str, Any], node_id: str, name: str, default: float) -> float:
    value = raw.get(name)
    if value is None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e38:
        raise LoadError(f"node {node_id} has the {name} {value!r}, not a finite number")
    return float(value)


def _reading(kind: NodeKind, clerp: str) -> tuple[str, str, float | None]:
    """Label, token text and probability that ``clerp`` tells; viewers write the latter two into it."""
    if kind == NodeKind.EMBEDDING and _EMBEDDING.fullmatch(clerp):
        return "", "", None
    if kind != NodeKind.LOGIT:
        return clerp.strip(), "", None
    found = _P.search(clerp)
    p = _chance(found[1]) if found else None
    if match := _LOGIT.fullmatch(clerp):
        return "", match["token"], p
    return _P.sub("", clerp).strip(), "", p


def _chance(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _status(raw: Mapping[str, Any]) -> str:
    """Who gave the label; other programs do not say, and many of theirs are made by a model."""
    status = raw.get("label_status")
    return status if status in STATUSES else "auto"
