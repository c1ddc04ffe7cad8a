"""Our own member of a graph JSON: what other tools have no place for, so that our files open again as they were.

It holds the nodes and links of biases, each target's constant, pre-activation and what its row leaves out, and the
edits. Other tools pass over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from explorer.circuits.graph import BiasClass, Graph, NodeKey, NodeKind
from explorer.errors import GraphError
from explorer.io.graph_json_extra import table
from explorer.session.edits import Edits
from explorer.session.edits_json import from_json, to_json
from explorer.session.supernodes import Supernode
from explorer.session.view import GraphView

MEMBER = "circuit_explorer"
VERSION = 2
VERSIONS = (1, VERSION)  # version 1 had its long lists inside of the member, where it is read at once
LISTS = {f"{MEMBER}_{name}": name for name in ("links", "targets")}  # members beside it, read piece by piece
ROWS, DOUBLED = "rows", "doubled"  # how layers are counted where attention has features: by the file, by us
COUNTS = ("n_layers", "n_special", "zero_positions")
COLUMNS = ("constant", "preactivation", "target_weight", "probability", "rest_sum", "rest_abs")


def bias_id(kind: int) -> str:
    return f"bias_{BiasClass(kind).name.lower()}"


def members(view: GraphView, ids: Mapping[int, str]) -> dict[str, Any]:
    """Our members for the nodes that are written as ``ids``; biases that are shown come on top."""
    graph = view.graph
    kind = graph.nodes.kind
    biases = np.flatnonzero(view.shown & (kind == NodeKind.BIAS)).tolist()
    names = {node: bias_id(graph.key(node).feature) for node in biases}
    own = {
        "version": VERSION,
        **({"layers": graph.extra["layers"]} if graph.extra.get("layers") else {}),
        **{name: getattr(graph, name) for name in COUNTS},
        "token_ids": graph.token_ids.tolist(),
        "edits": to_json(view.edits),
        "nodes": [{"node_id": name, "feature_type": "bias", "ctx_idx": 0} for name in names.values()],
    }
    lists = {"links": links(view, names, ids), "targets": _targets(view, ids)}
    return {MEMBER: own, **{member: lists[name] for member, name in LISTS.items()}}


def links(view: GraphView, sources: Mapping[int, str], targets: Mapping[int, str]) -> list[dict[str, Any]]:
    """The drawn links from ``sources``, each with its ends and weight."""
    graph = view.graph
    drawn = np.flatnonzero(view.links & np.isin(graph.rows.source, list(sources)))
    columns = (graph.rows.source[drawn], graph.edge_target[drawn], graph.rows.weight[drawn])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [{"source": sources[source], "target": targets[target], "weight": weight} for source, target, weight in rows]


def restored(graph: Graph, own: Mapping[str, Any], row_of: Callable[[str], int]) -> Graph:
    """``graph`` with what ``own`` knows of it; ``row_of`` an id is -1 if there is none. GraphError for nonsense."""
    if own.get("version") not in VERSIONS:
        return graph
    token_ids = own.get("token_ids")
    if not isinstance(token_ids, list) or not all(type(token) is int and abs(token) < 2**53 for token in token_ids):
        raise GraphError(f"the token_ids of its {MEMBER} are not whole numbers")
    counts: dict[str, Any] = {name: own.get(name) for name in COUNTS}
    wrong = next((name for name, count in counts.items() if type(count) is not int or not 0 <= count < 2**31), None)
    if wrong is not None or len(token_ids) != graph.n_pos:
        raise GraphError(f"the {wrong or 'token_ids'} of its {MEMBER} do not fit the graph")
    if counts.pop("n_layers") != graph.n_layers:
        raise GraphError(f"the n_layers of its {MEMBER} do not fit the graph")
    columns = _columns(graph, own, row_of)
    rows = replace(graph.rows, **{name: columns.pop(name) for name in ("rest_sum", "rest_abs")})
    return replace(graph, rows=rows, token_ids=np.array(token_ids, dtype=np.int64), **columns, **counts)


def edits(own: Mapping[str, Any]) -> Edits | None:
    """The edits that were written; None if the file is not ours. LoadError for nonsense."""
    return from_json(own.get("edits")) if own.get("version") in VERSIONS else None


def joined(own: Edits | None, told: Edits, graph: Graph) -> Edits:
    """Our edits with what another tool has changed since in the file's own pins, supernodes and labels, ``told``."""
    if own is None:
        return told
    labels = dict(own.labels)
    for key, label in told.labels.items():
        if key not in labels or labels[key].text.strip() != label.text:
            labels[key] = label
    same_pins = told.pinned == tuple(_there(own.pinned, graph))
    same_groups = _as_told(told.supernodes, graph) == _as_told(own.supernodes, graph)
    return replace(
        own,
        node_threshold=told.node_threshold,
        edge_threshold=told.edge_threshold,
        pinned=own.pinned if same_pins else told.pinned,
        supernodes=own.supernodes if same_groups else told.supernodes,
        labels=labels,
    )


def _as_told(groups: tuple[Supernode, ...], graph: Graph) -> list[tuple[str, list[NodeKey]]]:
    """Supernodes as far as other tools know them: names and members, not ids, colours and nesting."""
    told = ((group.name, _there(group.members, graph)) for group in groups)
    return [(name, members) for name, members in told if members]


def _there(keys: Iterable[NodeKey], graph: Graph) -> list[NodeKey]:
    return [key for key in keys if key in graph.index and key.kind != NodeKind.BIAS]


def _targets(view: GraphView, ids: Mapping[int, str]) -> list[dict[str, Any]]:
    """The numbers of each target that is written; what is not written of its row counts as left out."""
    graph = view.graph
    out = ~view.links
    target, weight = graph.edge_target[out], graph.rows.weight[out].astype(np.float64)
    columns = {
        "constant": graph.constant,
        "preactivation": graph.preactivation,
        "target_weight": graph.target_weight,
        "probability": graph.probability,
        "rest_sum": graph.rows.rest_sum + np.bincount(target, weight, minlength=len(graph)),
        "rest_abs": graph.rows.rest_abs + np.bincount(target, np.abs(weight), minlength=len(graph)),
    }
    nodes = [node for node in ids if graph.nodes.kind[node] in (NodeKind.FEATURE, NodeKind.LOGIT)]
    lists = {name: column[nodes].tolist() for name, column in columns.items()}
    return [
        {"node": ids[node], **{name: _known(lists[name][at]) for name in COLUMNS}} for at, node in enumerate(nodes)
    ]


def _known(number: float) -> float | None:
    return number if number == number else None


def _columns(graph: Graph, own: Mapping[str, Any], row_of: Callable[[str], int]) -> dict[str, Any]:
    """The columns of ``COLUMNS``, filled at the targets that ``own`` names."""
    missing = {"preactivation": np.nan, "probability": np.nan}
    found = {name: np.full(len(graph), missing.get(name, 0.0)) for name in COLUMNS}
    targets = own.get("targets")
    for held in targets if isinstance(targets, list) else []:
        row = row_of(str(table(held).get("node")))
        if row < 0:
            raise GraphError(f"its {MEMBER} names the target {table(held).get('node')!r}, which it does not hold")
        for name, column in found.items():
            value = held.get(name)
            if value is not None:
                column[row] = _number(value, name)
    return found


def _number(value: Any, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e300:
        raise GraphError(f"the {name} of its {MEMBER} is {value!r}, not a finite number")
    return float(value)
