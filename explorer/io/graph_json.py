"""A graph as the JSON that circuit-tracer, Neuronpedia and Anthropic's viewer open; written only.

What is exported is what the edits show: kept nodes and links, pins always, nothing hidden by hand. Bias nodes are
left out, as those viewers have no such nodes. Reading: explorer.io.graph_json_import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explorer import __version__
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.graph_arrays import plain
from explorer.circuits.scores import scores
from explorer.io import atomic
from explorer.io.graph_json_ids import cantor, js_node_id, node_ids
from explorer.session.edits import Edits
from explorer.session.view import GraphView, resolve

TYPES = {
    NodeKind.FEATURE: "cross layer transcoder",  # circuit-tracer says so for per-layer transcoders, too
    NodeKind.ERROR: "mlp reconstruction error",
    NodeKind.EMBEDDING: "embedding",
    NodeKind.LOGIT: "logit",
}


def write(path: Path, graph: Graph, edits: Edits) -> None:
    """Write ``table`` to ``path`` compactly; SaveError says why not."""
    text = json.dumps(table(graph, edits, path.stem), allow_nan=False, separators=(",", ":"))
    atomic.write(path, text.encode())


def table(graph: Graph, edits: Edits, name: str) -> dict[str, Any]:
    """The JSON values; ``name`` becomes the slug, with what it must not contain replaced."""
    view = resolve(graph, edits)
    shown = np.flatnonzero(view.shown & (graph.nodes.kind != NodeKind.BIAS)).tolist()
    ids = node_ids(graph, shown)
    return {
        "metadata": _metadata(graph, edits, re.sub(r"[^A-Za-z0-9_.-]+", "-", name) or "graph"),
        "qParams": _q_params(graph, edits, ids),
        "nodes": [_node(view, node, ids[node]) for node in shown],
        "links": _links(view, ids),
    }


def _metadata(graph: Graph, edits: Edits, slug: str) -> dict[str, Any]:
    """What an imported file said, overlaid with what is so now."""
    own = {key: value for key, value in graph.provenance.items() if key not in ("metadata", "qParams")}
    held = _mapping(graph.provenance.get("metadata"))
    found = scores(graph, count_bias=edits.count_bias)
    named = {"replacement_score": found.replacement, "completeness_score": found.completeness}
    return {
        "scan": str(graph.provenance.get("model") or "circuit-explorer").rsplit("/", 1)[-1],
        "transcoder_list": [],
        **held,
        "slug": slug,
        "prompt_tokens": list(graph.tokens),
        "prompt": _prompt(graph),
        "node_threshold": edits.node_threshold,
        "schema_version": 1,
        "info": {**_mapping(held.get("info")), "generator": {"name": "Circuit Explorer", "version": __version__}},
        "pruning_settings": {"node_threshold": edits.node_threshold, "edge_threshold": edits.edge_threshold},
        **{name: score for name, score in named.items() if score == score},
        "provenance": plain(own),
    }


def _prompt(graph: Graph) -> str:
    """The prompt with the tokens in front, as the other tools write it."""
    typed = graph.provenance.get("prompt")
    if isinstance(typed, str) and typed:
        return "".join(graph.tokens[: graph.n_special]) + typed
    return "".join(graph.tokens)


def _q_params(graph: Graph, edits: Edits, ids: Mapping[int, str]) -> dict[str, Any]:
    held = _mapping(graph.provenance.get("qParams"))
    pinned = [graph.index[key] for key in edits.pinned if key in graph.index]
    groups = held.get("supernodes")
    return {
        **held,
        "pinnedIds": [ids[node] for node in pinned if node in ids],
        "supernodes": groups if isinstance(groups, list) else [],
        "linkType": "both",
        "clickedId": "",
        "sg_pos": held.get("sg_pos") if isinstance(held.get("sg_pos"), str) else "",
    }


def _node(view: GraphView, node: int, node_id: str) -> dict[str, Any]:
    graph = view.graph
    key, kind = graph.key(node), NodeKind(graph.nodes.kind[node])
    is_logit = kind == NodeKind.LOGIT
    layer = {NodeKind.EMBEDDING: "E", NodeKind.LOGIT: str(graph.n_layers + 1)}.get(kind, str(key.layer))
    number = {NodeKind.FEATURE: cantor(key.layer, key.feature), NodeKind.EMBEDDING: key.pos}.get(kind, key.feature)
    activation = float(graph.nodes.activation[node])
    first = graph.block(NodeKind.LOGIT).start
    found = {
        "node_id": node_id,
        "feature": number,
        "layer": layer,
        "ctx_idx": key.pos,
        "feature_type": TYPES[kind],
        "token_prob": _probability(graph, node) if is_logit else 0.0,
        "is_target_logit": node == first,
        "isLogit": is_logit,
        "run_idx": 0,
        "reverse_ctx_idx": 0,
        "jsNodeId": js_node_id(key, graph.n_pos),
        "clerp": _clerp(view, node),
        "influence": None if is_logit else float(view.pruned.cumulative[node]),
        "activation": activation if kind == NodeKind.FEATURE and np.isfinite(activation) else None,
    }
    if kind == NodeKind.EMBEDDING:
        found["token"] = graph.tokens[key.pos]
    if is_logit:
        found["token"] = graph.logit_tokens[node - first]
    if key in view.edits.labels:
        found["label_status"] = view.edits.labels[key].status
    return found


def _clerp(view: GraphView, node: int) -> str:
    """The node's label; on logits the viewers want the probability behind it, whatever it says."""
    graph, label = view.graph, view.edits.labels.get(view.graph.key(node))
    if graph.nodes.kind[node] != NodeKind.LOGIT:
        return label.text if label else ""
    token = graph.logit_tokens[node - graph.block(NodeKind.LOGIT).start]
    text = label.text if label else f'Output "{token}"'
    return f"{text} (p={_probability(graph, node):.3f})"


def _probability(graph: Graph, node: int) -> float:
    """The token's probability, or the weight of a target that is no token."""
    known = float(graph.probability[node])
    return known if np.isfinite(known) else float(graph.target_weight[node])


def _links(view: GraphView, ids: Mapping[int, str]) -> list[dict[str, Any]]:
    graph = view.graph
    drawn = np.flatnonzero(view.links & (graph.nodes.kind[graph.rows.source] != NodeKind.BIAS))
    ends = zip(graph.rows.source[drawn].tolist(), graph.edge_target[drawn].tolist(), strict=True)
    weights = graph.rows.weight[drawn].tolist()
    return [
        {"source": ids[source], "target": ids[target], "weight": weight}
        for (source, target), weight in zip(ends, weights, strict=True)
    ]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
