"""Graph JSON of circuit-tracer, Neuronpedia and bare files (schema 0 and 1) as a Graph with Edits.

Such files hold the pruned graph without biases, constants and pre-activations, so the books cannot be checked; both
thresholds start at 1, for everything that the file holds is meant to be seen. What has no place in the values is
kept in the provenance (``metadata``, ``qParams``), what had to be repaired is told there (``import_notes``).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Graph, NodeKey, NodeKind, Nodes, Rows
from explorer.circuits.graph_arrays import plain
from explorer.errors import LoadError
from explorer.io.graph_json_nodes import MAX_LAYER, FileNode, file_node, whole
from explorer.io.magic import TITLES, sniff, unreadable
from explorer.session.edits import Edits

MAX_BYTES = 500_000_000


def read(path: Path) -> tuple[Graph, Edits]:
    """The graph in ``path`` and the pins and labels that it holds; LoadError names the node and the fault."""
    data = _load(path)
    try:
        return _graph(path.name, data)
    except LoadError as error:
        raise LoadError(f"“{path}” is not a graph: {error}. Nothing was opened.") from error


def _load(path: Path) -> dict[str, Any]:
    kind = sniff(path)
    if kind != "json":
        raise LoadError(f"“{path}” is {TITLES[kind]}, not a graph in JSON; pick another file.")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LoadError(
                f"“{path}” has {size / 1e6:.0f} MB, at most {MAX_BYTES / 1e6:.0f} are read; "
                "write it again with lower thresholds."
            )
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except json.JSONDecodeError as error:
        raise LoadError(f"“{path}” is not valid JSON from line {error.lineno} on; download it again.") from error
    except (ValueError, RecursionError) as error:
        raise LoadError(f"“{path}” is not valid JSON; download it again.") from error
    if isinstance(data, dict) and "graphs" in data and "nodes" not in data:
        raise LoadError(f"“{path}” is a list of graphs; open one of the graph files beside it.")
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list) or not isinstance(data.get("links"), list):
        raise LoadError(f"“{path}” is JSON without the nodes and links of a graph; pick another file.")
    return data


def _graph(file: str, data: Mapping[str, Any]) -> tuple[Graph, Edits]:
    metadata, q_params = _mapping(data.get("metadata")), _mapping(data.get("qParams"))
    tokens = metadata.get("prompt_tokens")
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, str) for token in tokens):
        raise LoadError("its metadata has no prompt_tokens")
    schema = whole(metadata.get("schema_version")) or 0
    nodes = [file_node(raw, number, schema, len(tokens)) for number, raw in enumerate(data["nodes"])]
    nodes.sort(key=_order)
    n_layers = _n_layers(nodes, metadata)
    keys = [node.key._replace(layer=n_layers) if _is_logit(node) else node.key for node in nodes]
    notes: list[str] = []
    rows = _rows(_Ends(nodes, keys, notes), data["links"])
    graph = Graph(
        nodes=_columns(nodes, keys),
        rows=rows,
        constant=np.zeros(len(nodes)),
        preactivation=np.full(len(nodes), np.nan),
        target_weight=_target_weight(nodes, notes),
        probability=np.array([node.probability for node in nodes], dtype=np.float64),
        token_ids=_token_ids(keys, len(tokens)),
        tokens=tuple(tokens),
        logit_tokens=tuple(node.text or str(node.key.feature) for node in nodes if _is_logit(node)),
        n_layers=n_layers,
        n_special=int(re.fullmatch(r"<.*>", tokens[0]) is not None),
        provenance=plain(
            {"format": "graph JSON", "file": file, "metadata": metadata, "qParams": q_params, "import_notes": notes}
        ),
    )
    return graph, Edits(
        node_threshold=1.0,
        edge_threshold=1.0,
        pinned=_pinned(q_params, nodes, keys),
        labels={key: node.label for node, key in zip(nodes, keys, strict=True) if node.label},
    )


def _is_logit(node: FileNode) -> bool:
    return node.key.kind == NodeKind.LOGIT


def _order(node: FileNode) -> tuple[int, ...]:
    """Where a graph holds the node; logits stay as the file has them."""
    return (node.key.kind,) if _is_logit(node) else tuple(node.key)


def _n_layers(nodes: Sequence[FileNode], metadata: Mapping[str, Any]) -> int:
    """The model's layers: files say them only by the layer of the logits, n_layers + 1 as a text, n_layers as an int.

    Where that says nothing, one more than the highest layer of a feature or error.
    """
    highest = max((node.key.layer for node in nodes), default=-1) + 1
    said = [node.said_layer for node in nodes if _is_logit(node)]
    found = [whole(layer) for layer in said[:1]]
    if found and found[0] is not None and found[0] > 0:
        n_layers = found[0] if type(said[0]) is int else found[0] - 1
    else:
        n_layers = whole(metadata.get("n_layers")) or 0
    n_layers = max(n_layers, highest, 1)
    if n_layers > MAX_LAYER:
        raise LoadError(f"its logits are in layer {n_layers}")
    return n_layers


class _Ends:
    """The rows of a file's node ids, with the one collision that files have repaired.

    circuit-tracer gives an error of layer L the id of feature L of layer 0 at its position. A link into or from
    such an id is the feature's, unless the same link came before: then it is the error's.
    """

    def __init__(self, nodes: Sequence[FileNode], keys: Sequence[NodeKey], notes: list[str]) -> None:
        self.keys = keys
        self.ids = [node.node_id for node in nodes]
        self.rows: dict[str, list[int]] = defaultdict(list)
        for row, node in enumerate(nodes):
            self.rows[node.node_id].append(row)
        twins = [key for key, count in Counter(keys).items() if count > 1]
        if twins:
            raise LoadError(f"node {self.ids[keys.index(twins[0])]} is in it twice")
        for node_id, rows in self.rows.items():
            kinds = [keys[row].kind for row in rows]
            if len(rows) > 1:
                if kinds != [NodeKind.FEATURE, NodeKind.ERROR]:
                    raise LoadError(f"{len(rows)} nodes have the id {node_id}")
                notes.append(f"A feature and an error share the id {node_id}; links were told apart by their order.")

    def row(self, node_id: Any, number: int, *, second: bool = False) -> int:
        """The row of ``node_id``; ``second`` asks for the error of a pair."""
        if not isinstance(node_id, str) or node_id not in self.rows:
            raise LoadError(f"link number {number} names the node {node_id!r}, which it does not hold")
        rows = self.rows[node_id]
        return rows[-1] if second else rows[0]


def _rows(ends: _Ends, links: Sequence[Any]) -> Rows:
    """The edges by target; LoadError names a link that is double, has no finite weight or leads down."""
    weights: dict[tuple[int, int], float] = {}
    for number, raw in enumerate(links):
        if not isinstance(raw, Mapping):
            raise LoadError(f"link number {number} is no table of source, target and weight")
        source, target = ends.row(raw.get("source"), number), ends.row(raw.get("target"), number)
        pair = f"the link from {raw.get('source')} to {raw.get('target')}"
        weight = raw.get("weight")
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not abs(weight) < 1e300:
            raise LoadError(f"{pair} has the weight {weight!r}, not a finite number")
        if (target, source) in weights or ends.keys[source].layer >= ends.keys[target].layer:
            source = ends.row(raw.get("source"), number, second=True)
        if (target, source) in weights:
            raise LoadError(f"{pair} is in it twice")
        low, high = ends.keys[source], ends.keys[target]
        if high.kind not in (NodeKind.FEATURE, NodeKind.LOGIT) or low.layer >= high.layer:
            raise LoadError(f"{pair} does not lead to a feature or logit in a higher layer")
        weights[target, source] = float(weight)
    kept = sorted((pair, weight) for pair, weight in weights.items() if weight)
    n = len(ends.keys)
    target_of = np.array([target for (target, _), _ in kept], dtype=np.int64)
    return Rows(
        start=np.concatenate([[0], np.cumsum(np.bincount(target_of, minlength=n))]).astype(np.int64),
        source=np.array([source for (_, source), _ in kept], dtype=np.int32),
        weight=np.array([weight for _, weight in kept], dtype=np.float64),
        rest_sum=np.zeros(n),
        rest_abs=np.zeros(n),
    )


def _columns(nodes: Sequence[FileNode], keys: Sequence[NodeKey]) -> Nodes:
    return Nodes(
        kind=np.array([key.kind for key in keys], dtype=np.int8),
        layer=np.array([key.layer for key in keys], dtype=np.int32),
        pos=np.array([key.pos for key in keys], dtype=np.int32),
        feature=np.array([key.feature for key in keys], dtype=np.int64),
        activation=np.array([node.activation for node in nodes], dtype=np.float32),
    )


def _target_weight(nodes: Sequence[FileNode], notes: list[str]) -> NDArray[np.float64]:
    """The logits' probabilities; where the file has none, all logits count the same."""
    is_logit = np.array([_is_logit(node) for node in nodes], dtype=bool)
    probability = np.array([node.probability for node in nodes], dtype=np.float64)
    weight: NDArray[np.float64] = np.where(is_logit, np.nan_to_num(probability), 0.0)
    if is_logit.any() and not weight.any():
        notes.append("The file has no probabilities; all outputs count the same.")
        weight = is_logit / is_logit.sum()
    return weight


def _token_ids(keys: Sequence[NodeKey], n_pos: int) -> NDArray[np.int64]:
    """The prompt's vocabulary ids as far as the embedding nodes tell them, else -1."""
    ids = np.full(n_pos, -1, dtype=np.int64)
    for key in keys:
        if key.kind == NodeKind.EMBEDDING:
            ids[key.pos] = key.feature
    return ids


def _pinned(
    q_params: Mapping[str, Any], nodes: Sequence[FileNode], keys: Sequence[NodeKey]
) -> tuple[NodeKey, ...]:
    """The pinned nodes that the file holds; a list of ids, or the text with commas that circuit-tracer saves."""
    said = q_params.get("pinnedIds")
    ids = said.split(",") if isinstance(said, str) else said if isinstance(said, list) else []
    by_id = {node.js_id: key for node, key in zip(nodes, keys, strict=True)}
    by_id |= {node.node_id: key for node, key in reversed(list(zip(nodes, keys, strict=True)))}
    return tuple(dict.fromkeys(by_id[name] for name in ids if isinstance(name, str) and name in by_id))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
