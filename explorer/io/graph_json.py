"""A graph as the JSON that circuit-tracer, Neuronpedia and Anthropic's viewer open; written only.

What is exported is what the edits show: kept nodes and links, pins always, nothing hidden by hand. Those viewers have
no bias nodes; ours stand in a member of our own (explorer.io.graph_json_own). What an imported file said beyond the
graph goes out as it came in. Reading: explorer.io.graph_json_import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explorer import __version__
from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.graph_arrays import plain
from explorer.circuits.scores import scores
from explorer.io import atomic, graph_json_own
from explorer.io.graph_json_extra import fields, table
from explorer.io.graph_json_ids import cantor, js_node_id, node_ids
from explorer.session.edits import Edits
from explorer.session.view import GraphView, resolve

TYPES = {
    NodeKind.FEATURE: "cross layer transcoder",  # circuit-tracer says so for per-layer transcoders, too
    NodeKind.ERROR: "mlp reconstruction error",
    NodeKind.EMBEDDING: "embedding",
    NodeKind.LOGIT: "logit",
}
SOURCE_SET = "neuronpedia_source_set"


def write(path: Path, graph: Graph, edits: Edits) -> None:
    """Write ``table`` to ``path`` compactly; SaveError says why not."""
    text = json.dumps(values(graph, edits, path.stem), allow_nan=False, separators=(",", ":"))
    atomic.write(path, text.encode())


def values(graph: Graph, edits: Edits, name: str) -> dict[str, Any]:
    """The JSON values; ``name`` becomes the slug, with what it must not contain replaced."""
    view = resolve(graph, edits)
    shown = np.flatnonzero(view.shown & (graph.nodes.kind != NodeKind.BIAS)).tolist()
    said = fields(graph, "nodes")
    held = {node: str(said[node]["node_id"]) for node in shown if "node_id" in said.get(node, {})}
    ids = {**node_ids(graph, shown), **held}
    return {
        **table(graph.extra.get("top")),
        "metadata": _metadata(graph, edits, re.sub(r"[^A-Za-z0-9_.-]+", "-", name) or "graph"),
        "qParams": _q_params(graph, edits, ids),
        "nodes": [_node(view, node, ids[node], said.get(node, {})) for node in shown],
        "links": _links(view, ids),
        **graph_json_own.members(view, ids),
    }


def _metadata(graph: Graph, edits: Edits, slug: str) -> dict[str, Any]:
    """What an imported file said, overlaid with what is so now."""
    own = {key: value for key, value in graph.provenance.items() if key not in ("metadata", "import_notes")}
    held = table(graph.provenance.get("metadata"))
    held = {name: value for name, value in held.items() if name != "neuronpedia_internal_model"}
    found = scores(graph, count_bias=edits.count_bias)
    named = {"replacement_score": found.replacement, "completeness_score": found.completeness}
    layers = {} if graph.count(NodeKind.LOGIT) else {"n_layers": graph.n_layers}
    return {
        "scan": str(graph.provenance.get("model") or "circuit-explorer").rsplit("/", 1)[-1],
        "transcoder_list": [],
        **layers,
        **held,
        "slug": slug,
        "prompt_tokens": list(graph.tokens),
        "prompt": _prompt(graph),
        "node_threshold": edits.node_threshold,
        "schema_version": 1,
        **_described(held),
        "pruning_settings": {"node_threshold": edits.node_threshold, "edge_threshold": edits.edge_threshold},
        **{name: score for name, score in named.items() if score == score},
        "provenance": plain(own),
    }


def _described(held: Mapping[str, Any]) -> dict[str, Any]:
    """Who made the file, and the source set in both places where Neuronpedia reads it."""
    info, details = table(held.get("info")), table(held.get("feature_details"))
    named = info.get(SOURCE_SET) or details.get(SOURCE_SET)
    source = {SOURCE_SET: named} if named else {}
    generator = {"name": "Circuit Explorer", "version": __version__}
    described = {"info": {**info, "generator": generator, **source}}
    return {**described, "feature_details": {**details, **source}} if details or source else described


def _prompt(graph: Graph) -> str:
    """The prompt with the tokens in front, as the other tools write it."""
    typed = graph.provenance.get("prompt")
    if isinstance(typed, str) and typed:
        return "".join(graph.tokens[: graph.n_special]) + typed
    return "".join(graph.tokens)


def _q_params(graph: Graph, edits: Edits, ids: Mapping[int, str]) -> dict[str, Any]:
    """Pins and supernodes as lists; the rest as the file had it, if it still fits."""
    held = table(graph.extra.get("q_params"))
    clicked, places = held.get("clickedId"), held.get("sg_pos")

    def named(keys: tuple[NodeKey, ...]) -> list[str]:
        rows = (graph.index.get(key, -1) for key in keys)
        return [ids[row] for row in rows if row in ids]

    groups = [[group.name, *named(group.members)] for group in edits.supernodes]
    return {
        **held,
        "pinnedIds": named(edits.pinned),
        "supernodes": [group for group in groups if len(group) > 1],
        "linkType": held.get("linkType") or "both",
        "clickedId": clicked if clicked in ids.values() else "",
        "sg_pos": places if isinstance(places, str) else "",
    }


def _node(view: GraphView, node: int, node_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """One node; what the file ``said`` of it beyond that goes first, but for the label."""
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
        "influence": None if is_logit else float(view.pruned.cumulative[node]),
        "activation": activation if kind == NodeKind.FEATURE and np.isfinite(activation) else None,
        **said,
        "clerp": _clerp(view, node) or said.get("clerp", ""),
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
    """The drawn links between nodes that are written, with what the file said of them."""
    said = fields(view.graph, "links")
    found = graph_json_own.links(view, ids, ids)
    if said:
        drawn = np.flatnonzero(view.links & np.isin(view.graph.rows.source, list(ids)))
        return [{**said.get(edge, {}), **link} for edge, link in zip(drawn.tolist(), found, strict=True)]
    return found
