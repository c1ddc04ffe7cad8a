"""A graph as a JSON-able head and named arrays, and back: what files and the engine's pipe carry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Graph, NodeKind, Nodes, Rows
from explorer.errors import GraphError

GRAPH_VERSION = 0
MAX_COUNT = 100_000  # layers, for what is made for each of them must fit into memory

Array = NDArray[Any]

_KINDS = {"int8": "i", "int32": "i", "int64": "i", "float32": "f", "float64": "f", "float": "f"}
_COLUMNS = {
    "nodes.kind": "int8",
    "nodes.layer": "int32",
    "nodes.pos": "int32",
    "nodes.feature": "int64",
    "nodes.activation": "float32",
    "rows.start": "int64",
    "rows.source": "int32",
    "rows.weight": "float",  # float32 or float64, as it was computed
    "rows.rest_sum": "float64",
    "rows.rest_abs": "float64",
    "constant": "float64",
    "preactivation": "float64",
    "target_weight": "float64",
    "probability": "float64",
    "token_ids": "int64",
}


def to_arrays(graph: Graph) -> tuple[dict[str, Any], dict[str, Array]]:
    """The head (plain JSON values, no NaN) and the arrays of ``graph``; ``from_arrays`` undoes it exactly."""
    head = {
        "graph_version": GRAPH_VERSION,
        "n_layers": graph.n_layers,
        "n_special": graph.n_special,
        "zero_positions": graph.zero_positions,
        "tokens": list(graph.tokens),
        "logit_tokens": list(graph.logit_tokens),
        "provenance": plain(graph.provenance),
        "extra": plain(graph.extra),
    }
    return head, {name: np.ascontiguousarray(_column(graph, name)) for name in _COLUMNS}


def from_arrays(head: Mapping[str, Any], arrays: Mapping[str, Array]) -> Graph:
    """The graph of ``to_arrays``; GraphError if anything is missing, misshapen or contradicts itself."""
    version = head.get("graph_version")
    if version != GRAPH_VERSION:
        raise GraphError(f"The graph has version {version}; this program reads version {GRAPH_VERSION}.")
    columns = {name: _checked(name, arrays.get(name)) for name in _COLUMNS}
    n_nodes, n_edges = len(columns["nodes.kind"]), len(columns["rows.source"])
    special = {"rows.start": n_nodes + 1, "rows.source": n_edges, "rows.weight": n_edges}
    for name, column in columns.items():
        expected = special.get(name, n_nodes)
        if name != "token_ids" and len(column) != expected:
            raise GraphError(f"The graph's {name} has {len(column)} entries where {expected} belong.")
    if not np.all(np.isin(columns["nodes.kind"], list(NodeKind))):
        raise GraphError("The graph has a node of an unknown kind.")
    graph = Graph(
        nodes=Nodes(**{name[6:]: columns[name] for name in columns if name.startswith("nodes.")}),
        rows=Rows(**{name[5:]: columns[name] for name in columns if name.startswith("rows.")}),
        **{name: column for name, column in columns.items() if "." not in name},
        tokens=_texts(head, "tokens"),
        logit_tokens=_texts(head, "logit_tokens"),
        n_layers=_count(head, "n_layers"),
        n_special=_count(head, "n_special"),
        zero_positions=_count(head, "zero_positions"),
        provenance=_mapping(head, "provenance"),
        extra=_mapping(head, "extra"),
    )
    check(graph)
    return graph


def check(graph: Graph) -> None:
    """GraphError unless nodes are in range, sorted and unique, and edges run from lower to higher layers."""
    _check_nodes(graph)
    start, source = graph.rows.start, graph.rows.source
    if np.any(np.diff(start) < 0):
        raise GraphError("The rows of the graph overlap.")
    if source.size and (source.min() < 0 or source.max() >= len(graph)):
        raise GraphError("The graph has an edge from a node that it does not have.")
    _check_finite(graph)
    if not np.all(np.isfinite(graph.rows.weight)):
        raise GraphError(f"{np.count_nonzero(~np.isfinite(graph.rows.weight))} edges have no finite weight.")
    kind, layer, target = graph.nodes.kind, graph.nodes.layer, graph.edge_target
    wrong = ~np.isin(kind[target], [NodeKind.FEATURE, NodeKind.LOGIT]) | (kind[source] == NodeKind.LOGIT)
    wrong |= layer[source] >= layer[target]
    if wrong.any():
        edge = int(np.flatnonzero(wrong)[0])
        ends = f"{graph.key(int(source[edge]))} to {graph.key(int(target[edge]))}"
        raise GraphError(f"The edge from {ends} does not lead to a feature or logit in a higher layer.")


def _check_finite(graph: Graph) -> None:
    """GraphError for a number that is none where one belongs.

    Pre-activations are known for all targets (of a run under way: for all that are traced) or for none.
    """
    columns = {
        "constant": graph.constant,
        "target_weight": graph.target_weight,
        "rows.rest_sum": graph.rows.rest_sum,
        "rows.rest_abs": graph.rows.rest_abs,
    }
    for name, column in columns.items():
        if not np.all(np.isfinite(column)):
            count = np.count_nonzero(~np.isfinite(column))
            raise GraphError(f"The graph's {name} is no number in {count} of its {len(column)} values.")
    targets = np.isin(graph.nodes.kind, [NodeKind.FEATURE, NodeKind.LOGIT])
    known = np.isfinite(graph.preactivation[targets & ~graph.untraced])
    if known.any() and not known.all():
        raise GraphError(f"The graph's preactivation is missing for {np.count_nonzero(~known)} of its targets.")


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: numpy scalars become Python's, tuples lists, NaN and infinity None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _column(graph: Graph, name: str) -> Array:
    value: Any = graph
    for part in name.split("."):
        value = getattr(value, part)
    dtype = _COLUMNS[name]
    return np.asarray(value) if dtype == "float" else np.asarray(value, dtype=dtype)


def _checked(name: str, array: Array | None) -> Array:
    """``array`` in the dtype of the column ``name``."""
    if array is None:
        raise GraphError(f"The graph lacks its {name}.")
    dtype = _COLUMNS[name]
    if array.ndim != 1 or array.dtype.kind != _KINDS[dtype]:
        found = f"{array.dtype} with {array.ndim} axes"
        raise GraphError(f"The graph's {name} is {found}; a list of {dtype} belongs there.")
    return array if dtype == "float" else array.astype(dtype, copy=False)


def _check_nodes(graph: Graph) -> None:
    nodes = graph.nodes
    kind, layer, pos = nodes.kind, nodes.layer, nodes.pos
    in_layer = (layer >= 0) & (layer < graph.n_layers)
    root = np.isin(kind, [NodeKind.EMBEDDING, NodeKind.BIAS])
    fits = np.where(root, layer == -1, np.where(kind == NodeKind.LOGIT, layer == graph.n_layers, in_layer))
    fits &= np.where(kind == NodeKind.BIAS, pos == -1, (pos >= 0) & (pos < graph.n_pos))
    if not fits.all():
        raise GraphError(f"Node {graph.key(int(np.flatnonzero(~fits)[0]))} lies outside the graph.")
    features = graph.block(NodeKind.FEATURE)
    if np.any(np.diff(layer[features]) < 0):
        raise GraphError("The features of the graph are not sorted by layer.")
    if len(graph.index) != len(graph):
        raise GraphError("The graph has two nodes of the same kind, layer, position and feature.")


def _texts(head: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = head.get(name)
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise GraphError(f"The graph's {name} are not a list of texts.")
    return tuple(value)


def _count(head: Mapping[str, Any], name: str) -> int:
    value = head.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise GraphError(f"The graph's {name} is {value!r}; a count belongs there.")
    return value


def _mapping(head: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = head.get(name, {})
    if not isinstance(value, Mapping):
        raise GraphError(f"The graph's {name} is not a table of names and values.")
    return dict(value)
