"""Where the nodes of a graph JSON file stand in a graph: their keys, in the graph's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import NodeKind
from explorer.errors import LoadError
from explorer.io.graph_json_ids import uncantor
from explorer.io.graph_json_nodes import LEFT_OUT, MAX_FEATURE, MAX_LAYER, FileNodes, whole

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Placed:
    """``kind``, ``layer``, ``pos``, ``feature`` (n_nodes) in the graph's order.

    ``first`` (n_nodes) is the node of the file that stands there, ``row`` (n_file_nodes) the row of each, -1 if it
    was left out; bias nodes of one class share a row. ``doubled``: layers are rows, two for each of the file's.
    """

    kind: Ints
    layer: Ints
    pos: Ints
    feature: Ints
    first: Ints
    row: Ints
    n_layers: int
    doubled: bool


def place(nodes: FileNodes, metadata: Mapping[str, Any], schema: int, *, doubled: bool = False) -> Placed:
    """The keys of ``nodes``; LoadError if two are the same node, or a number or layer cannot be.

    Layers are ``doubled`` anyway where attention has features.
    """
    kind = np.array(nodes.kind, dtype=np.int64)
    attention = np.array(nodes.attention, dtype=bool)
    doubled = (doubled or bool(attention.any())) and not nodes.in_rows
    own_layer = np.array(nodes.layer, dtype=np.int64)
    own_layer = 2 * own_layer + ~attention if doubled else own_layer
    in_layer = np.isin(kind, [NodeKind.FEATURE, NodeKind.ERROR])
    n_layers = _n_layers(nodes, metadata, own_layer[in_layer], doubled)
    layer = np.where(in_layer, own_layer, np.where(kind == NodeKind.LOGIT, n_layers, -1))
    pos = np.where(kind == NodeKind.BIAS, -1, np.array(nodes.pos, dtype=np.int64))
    feature = _features(nodes, kind, schema)
    order = _order(kind, layer, pos, feature)
    keys = np.stack([kind, layer, pos, feature], 1)[order]
    repeated = np.zeros(len(order), dtype=bool)
    repeated[1:] = (keys[1:] == keys[:-1]).all(axis=1)
    wrong = np.flatnonzero(repeated & (keys[:, 0] != NodeKind.BIAS))
    if len(wrong):
        raise LoadError(f"node {id_of(nodes.names, nodes.number[order[wrong[0]]])} is in it twice")
    _check_logits(nodes, order, keys)
    row = np.full(len(nodes), -1, dtype=np.int64)
    row[order] = np.cumsum(~repeated) - 1
    first = order[~repeated]
    return Placed(kind[first], layer[first], pos[first], feature[first], first, row, n_layers, doubled)


def id_of(names: Mapping[Any, int], number: int) -> object:
    """The id with that number, which a link may give as anything but a text; slow, for messages."""
    return next(name for name, found in names.items() if found == number)


def _order(kind: Ints, layer: Ints, pos: Ints, feature: Ints) -> Ints:
    """The nodes that have a place, in the graph's order; outputs stay as the file has them."""
    is_logit = kind == NodeKind.LOGIT
    last = np.where(is_logit, np.arange(len(kind)), feature)
    order = np.lexsort((last, np.where(is_logit, 0, pos), layer, kind))
    kept: Ints = order[kind[order] != LEFT_OUT]
    return kept


def _n_layers(nodes: FileNodes, metadata: Mapping[str, Any], used: Ints, doubled: bool) -> int:
    """The graph's layers: files say them only by the layer of the outputs, n_layers + 1 as a text, n_layers as an int.

    Where that says nothing, EleutherAI's metadata do, or one more than the highest layer of a feature or error.
    """
    said = whole(nodes.logit_layer)
    if said is not None and said > 0:
        n_layers = said if type(nodes.logit_layer) is int else said - 1
    else:
        n_layers = whole(metadata.get("n_layers")) or 0
    n_layers = max(2 * n_layers if doubled else n_layers, int(used.max(initial=-1)) + 1, 1)
    if n_layers > 2 * MAX_LAYER:
        raise LoadError(f"its outputs are in layer {n_layers}")
    return n_layers


def _features(nodes: FileNodes, kind: Ints, schema: int) -> Ints:
    """Each node's number: from its id if that says one, else from ``feature`` as the file's schema means it."""
    found = np.array(nodes.index, dtype=np.int64)
    number = np.array(nodes.feature, dtype=np.int64)
    unsaid = np.flatnonzero((kind == NodeKind.FEATURE) & (found < 0))
    width = 0 if schema >= 1 else _width(nodes, unsaid)
    for row in unsaid.tolist():
        if number[row] < 0:
            raise LoadError(f"node {id_of(nodes.names, nodes.number[row])} is missing its feature number")
        found[row] = _index(int(number[row]), nodes.layer[row], schema, width)
    logits = kind == NodeKind.LOGIT
    found = np.where(logits & (found < 0), number, found)
    if (found[logits] < 0).all():
        found[logits] = np.arange(np.count_nonzero(logits))
    return np.where(kind == NodeKind.ERROR, -1, np.minimum(found, MAX_FEATURE))


def _index(number: int, layer: int, schema: int, width: int) -> int:
    if schema >= 1:
        said, index = uncantor(number)
        return index if said == layer else number
    return number % 10**width if width else number


def _width(nodes: FileNodes, rows: Ints) -> int:
    """How many digits an index has behind its layer's in files of schema 0; 0 if ``feature`` is a plain number.

    All of a file's are of one width, that of the largest index there may be; layer 0 has no digits of its own.
    """
    widths = set()
    for row in rows.tolist():
        layer, digits = nodes.layer[row], str(nodes.feature[row])
        if layer > 0:
            widths.add(len(digits) - len(str(layer)) if digits.startswith(str(layer)) else 0)
    return widths.pop() if len(widths) == 1 else 0


def _check_logits(nodes: FileNodes, order: Ints, keys: Ints) -> None:
    """LoadError if two outputs are the same: they do not lie side by side."""
    seen: set[tuple[int, int]] = set()
    for row in np.flatnonzero(keys[:, 0] == NodeKind.LOGIT).tolist():
        key = (int(keys[row, 2]), int(keys[row, 3]))
        if key in seen:
            raise LoadError(f"node {id_of(nodes.names, nodes.number[order[row]])} is in it twice")
        seen.add(key)
