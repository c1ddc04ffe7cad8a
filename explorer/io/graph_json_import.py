"""Graph JSON of other tools and our own as a Graph with Edits, read piece by piece.

Such files hold the pruned graph, others' without biases, constants and pre-activations, so that their books cannot
be checked; both thresholds start at 1, for everything that the file holds is meant to be seen. What has no place in
the values is kept in ``Graph.extra``, what had to be repaired is told in the provenance (``import_notes``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Graph, NodeKey, NodeKind, Nodes
from explorer.circuits.graph_arrays import check, plain
from explorer.errors import GraphError, LoadError
from explorer.io import graph_json_own, graph_json_story
from explorer.io.graph_json_extra import packed, table
from explorer.io.graph_json_keys import Placed, place
from explorer.io.graph_json_links import FileLinks, Read, read_rows
from explorer.io.graph_json_nodes import FileNodes, whole
from explorer.io.json_stream import NotJson, members
from explorer.io.magic import TITLES, sniff, unreadable
from explorer.session.edits import Edits, Label
from explorer.work import Pause, Progress, Work, go_on, run

MAX_BYTES = 4_000_000_000
EVERY = 2_000_000  # bytes between two steps of progress
MAX_OTHERS = 64_000_000  # bytes of all members beside nodes and links
STREAMED = frozenset({"nodes", "links", "edges"})
IN_PIECES = frozenset({*STREAMED, *graph_json_own.LISTS})


def read(path: Path) -> tuple[Graph, Edits]:
    """The graph in ``path`` and the pins, supernodes and labels in it; LoadError names the node and the fault."""
    return run(reading(path))


def reading(path: Path, pause: Pause = go_on) -> Work[tuple[Graph, Edits]]:
    """``read`` in steps."""
    kind = sniff(path)
    if kind != "json":
        raise LoadError(f"“{path}” is {TITLES[kind]}, not a graph in JSON; pick another file.")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LoadError(
                f"“{path}” has {size / 1e6:,.0f} MB, at most {MAX_BYTES / 1e6:,.0f} are read; "
                "write it again with lower thresholds."
            )
        yield Progress(0, 0, f"Looking for the prompt of “{path.name}”")
        metadata = _metadata(path, pause)
        with path.open("rb") as file:
            parts = yield from _parts(path, file, metadata)
        yield Progress(1, 1, "Building the graph")
        return _graph(path.name, parts, pause)
    except NotJson as error:
        raise LoadError(f"“{path}” is not valid JSON from line {error.line} on; download it again.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except (_NoGraph, GraphError) as error:
        raise LoadError(f"“{path}” is not a graph: {str(error).rstrip('.')}. Nothing was opened.") from error


class _NoGraph(LoadError):
    """What is wrong with a graph, without the file."""


@dataclass(eq=False)
class _Parts:
    """What was read of a file."""

    nodes: FileNodes
    links: FileLinks
    metadata: Mapping[str, Any]
    others: dict[str, Any] = field(default_factory=dict)
    own: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _metadata(path: Path, pause: Pause) -> Mapping[str, Any]:
    """The file's metadata, wherever they stand; an empty table without any."""
    with path.open("rb") as file:
        return next((table(value) for name, value in members(file, IN_PIECES, pause) if name == "metadata"), {})


def _parts(path: Path, file: BufferedIOBase, metadata: Mapping[str, Any]) -> Work[_Parts]:
    """Nodes and links of ``file`` as columns, everything else as it stands."""
    tokens = metadata.get("prompt_tokens", metadata.get("promptTokens"))
    known = isinstance(tokens, list) and tokens and all(isinstance(token, str) for token in tokens)
    names: dict[str, int] = {}
    parts = _Parts(FileNodes(len(tokens) if known else 0, names), FileLinks(names), metadata)
    size, seen, next_step, at, others = os.fstat(file.fileno()).st_size, set(), 0, 0, 0
    text = f"Megabytes of “{path.name}”"
    for name, value in members(file, IN_PIECES):
        seen.add(name)
        others, at = others + (file.tell() - at if name not in IN_PIECES else 0), file.tell()
        if others > MAX_OTHERS:
            raise LoadError(f"“{path}” holds more than {MAX_OTHERS // 1_000_000} MB beside its graph; take that out.")
        if file.tell() >= next_step:
            next_step = file.tell() + EVERY
            yield Progress(file.tell() // 1_000_000, max(size // 1_000_000, 1), text)
        if name in STREAMED and known and isinstance(value, list):
            _take(parts, name, value)
        elif name in STREAMED and not isinstance(value, list):
            raise LoadError(f"“{path}” is JSON without the nodes and links of a graph; pick another file.")
        elif name in graph_json_own.LISTS and isinstance(value, list):
            parts.own.setdefault(graph_json_own.LISTS[name], []).extend(value)
        else:
            parts.others[name] = value
    _check_kind(path, parts.others, seen)
    if not known:
        raise _NoGraph("its metadata has no prompt_tokens")
    return parts


def _take(parts: _Parts, name: str, items: list[Any]) -> None:
    try:
        if name == "nodes":
            for raw in items:
                parts.nodes.add(raw)
        else:
            parts.links.add(items)
    except LoadError as error:
        raise _NoGraph(str(error)) from error


def _check_kind(path: Path, others: Mapping[str, Any], seen: set[str]) -> None:
    """LoadError if the file is no graph, with what it is."""
    if "nodes" in seen and seen & {"links", "edges"}:
        return
    if "graphs" in others and "nodes" not in seen:
        raise LoadError(f"“{path}” is a list of graphs; open one of the graph files beside it.")
    if graph_json_story.is_story(others):
        raise graph_json_story.OnlyAStory(
            f"“{path}” holds pins and supernodes of a graph, not the graph; open the graph first."
        )
    raise LoadError(f"“{path}” is JSON without the nodes and links of a graph; pick another file.")


def _graph(file: str, parts: _Parts, pause: Pause) -> tuple[Graph, Edits]:
    own = {**table(parts.others.pop(graph_json_own.MEMBER, None)), **parts.own}
    q_params = table(parts.others.pop("qParams", None))
    parts.others.pop("metadata", None)
    for name in ("nodes", "links"):
        items = own.get(name)
        _take(parts, name, items if isinstance(items, list) else [])
    try:
        schema = whole(parts.metadata.get("schema_version")) or 0
        parts.nodes.in_rows |= own.get("layers") == graph_json_own.ROWS
        placed = place(parts.nodes, parts.metadata, schema, doubled=own.get("layers") == graph_json_own.DOUBLED)
        pause()
        found = read_rows(parts.links, parts.nodes, placed, parts.notes)
    except LoadError as error:
        raise _NoGraph(str(error)) from error
    pause()
    graph = _assembled(parts, placed, found)
    rows = dict(zip(parts.nodes.number, placed.row.tolist(), strict=True))
    graph = graph_json_own.restored(graph, own, lambda name: rows.get(parts.nodes.names.get(name, -1), -1))
    pause()
    check(graph)
    pause()
    edits, notes = _edits(parts, placed, graph, own, q_params)
    parts.notes += [*_notes(parts, placed), *notes]
    provenance = {
        **table(parts.metadata.get("provenance")),
        "format": "graph JSON",
        "written_by": written_by(parts.metadata, parts.nodes),
        "file": file,
        "metadata": {name: value for name, value in parts.metadata.items() if name != "provenance"},
        "import_notes": parts.notes,
    }
    extra = {
        "top": parts.others,
        "q_params": {name: value for name, value in q_params.items() if name not in graph_json_story.PARAMETERS},
        "nodes": packed(_held(parts.nodes, placed).said, placed.row),
        "links": packed(parts.links.said, found.edge),
        "layers": graph_json_own.ROWS if parts.nodes.in_rows else graph_json_own.DOUBLED if placed.doubled else "",
    }
    return replace(graph, provenance=plain(provenance), extra=plain(extra)), edits


def _assembled(parts: _Parts, placed: Placed, found: Read) -> Graph:
    """The graph as far as other tools' files hold one."""
    nodes, first = parts.nodes, placed.first
    is_logit = placed.kind == NodeKind.LOGIT
    tokens = tuple(parts.metadata.get("prompt_tokens", parts.metadata.get("promptTokens")))
    probability = np.array(nodes.probability, dtype=np.float64)[first]
    logits = first[is_logit].tolist()
    return Graph(
        nodes=Nodes(
            kind=placed.kind.astype(np.int8),
            layer=placed.layer.astype(np.int32),
            pos=placed.pos.astype(np.int32),
            feature=placed.feature,
            activation=np.array(nodes.activation, dtype=np.float64)[first].astype(np.float32),
        ),
        rows=found.rows,
        constant=np.zeros(len(first)),
        preactivation=np.full(len(first), np.nan),
        target_weight=_target_weight(is_logit, probability, parts.notes),
        probability=probability,
        token_ids=_token_ids(placed, len(tokens)),
        tokens=tokens,
        logit_tokens=tuple(
            nodes.tokens.get(node, str(feature))
            for node, feature in zip(logits, placed.feature[is_logit].tolist(), strict=True)
        ),
        n_layers=placed.n_layers,
        n_special=int(re.fullmatch(r"<.*>", tokens[0]) is not None),
    )


def _target_weight(
    is_logit: NDArray[np.bool_], probability: NDArray[np.float64], notes: list[str]
) -> NDArray[np.float64]:
    """The logits' probabilities; where the file has none, all logits count the same."""
    weight: NDArray[np.float64] = np.where(is_logit, np.nan_to_num(probability), 0.0)
    if is_logit.any() and not weight.any():
        notes.append("The file has no probabilities; all outputs count the same.")
        weight = is_logit / is_logit.sum()
    return weight


def _token_ids(placed: Placed, n_pos: int) -> NDArray[np.int64]:
    """The prompt's vocabulary ids as far as the embedding nodes tell them, else -1."""
    ids = np.full(n_pos, -1, dtype=np.int64)
    embedding = placed.kind == NodeKind.EMBEDDING
    ids[placed.pos[embedding]] = placed.feature[embedding]
    return ids


def _edits(
    parts: _Parts, placed: Placed, graph: Graph, own: Mapping[str, Any], q_params: Mapping[str, Any]
) -> tuple[Edits, tuple[str, ...]]:
    """What people left in the file: our own edits, then what stands in its nodes and qParams."""
    nodes = parts.nodes
    edits = graph_json_own.edits(own)
    by_js_id = dict(zip(reversed(nodes.js_ids), reversed(placed.row.tolist()), strict=True))
    by_number = dict(zip(reversed(nodes.number), reversed(placed.row.tolist()), strict=True))

    def find(name: str) -> NodeKey | None:
        row = by_number.get(nodes.names.get(name, -1), by_js_id.get(name, -1))
        return graph.key(row) if row >= 0 else None

    story = graph_json_story.of_parameters(q_params)
    told, notes = graph_json_story.apply(story, graph, Edits(1.0, 1.0), find)
    labels = {graph.key(int(placed.row[node])): label for node, label in nodes.labels.items() if placed.row[node] >= 0}
    labels = {**_without_groups(labels, told), **told.labels}
    return graph_json_own.joined(edits, replace(told, labels=labels), graph), notes


def _without_groups(labels: Mapping[NodeKey, Label], edits: Edits) -> dict[NodeKey, Label]:
    """The labels without the name of the node's supernode in brackets, which viewers put in front."""
    kept = dict(labels)
    for group in edits.supernodes:
        for key in group.members:
            if key in kept and kept[key].text.startswith(f"[{group.name}]"):
                text = kept[key].text.removeprefix(f"[{group.name}]").strip()
                kept[key] = replace(kept[key], text=text)
    return {key: label for key, label in kept.items() if label.text}


def _held(nodes: FileNodes, placed: Placed) -> FileNodes:
    """``nodes`` with what must go out as it came in.

    Second ids, if they tell nodes apart; and in files with features of attention what an export of our own would
    write otherwise, for circuit-tracer's form has no such nodes.
    """
    if len(set(nodes.js_ids)) == len(nodes.js_ids):
        for node, name in enumerate(nodes.js_ids):
            nodes.said.put(node, "jsNodeId", name)
    if placed.doubled or nodes.in_rows:
        names = list(nodes.names)
        for node, kind in enumerate(nodes.kind):
            nodes.said.put(node, "node_id", names[nodes.number[node]])
            nodes.said.put(node, "feature", nodes.feature[node] if nodes.feature[node] >= 0 else None)
            if kind in (NodeKind.FEATURE, NodeKind.ERROR):
                nodes.said.put(node, "layer", nodes.layer[node])
            elif kind == NodeKind.LOGIT:
                nodes.said.put(node, "layer", nodes.logit_layer)
            elif kind == NodeKind.EMBEDDING:
                nodes.said.put(node, "layer", -1 if nodes.in_rows else "E")
    return nodes


def _notes(parts: _Parts, placed: Placed) -> list[str]:
    """What the user should know of the nodes."""
    nodes = parts.nodes
    notes = [
        f"{count} nodes of the type “{kind}” have no place here; what they add counts as not expanded."
        for kind, count in nodes.left_out.items()
    ]
    if nodes.not_finite:
        count = len(nodes.not_finite)
        said = "1 value is no number and was" if count == 1 else f"{count} values are no numbers and were"
        notes.append(f"{said} emptied, first {nodes.not_finite[0]}.")
    n_bias, n_kept = nodes.kind.count(NodeKind.BIAS), int(np.count_nonzero(placed.kind == NodeKind.BIAS))
    if n_bias > n_kept:
        notes.append(f"{n_bias} bias nodes were joined to {n_kept}, one of each class.")
    if placed.doubled or nodes.in_rows:
        notes.append("Layers are counted as rows: 2L is the attention of layer L, 2L + 1 its MLP.")
    if "eleuther" in nodes.id_forms:
        notes.append("Weights are as EleutherAI's attribute writes them: not times the activation of their source.")
    return notes


def written_by(metadata: Mapping[str, Any], nodes: FileNodes) -> str:
    """The program that wrote the file, told from what is in it."""
    generator = table(table(metadata.get("info")).get("generator")).get("name")
    if isinstance(generator, str) and generator:
        return generator
    if nodes.in_rows or "crm" in nodes.id_forms:
        return "Llamascopium"
    if "eleuther" in nodes.id_forms:
        return "EleutherAI attribute"
    if any(name in metadata for name in ("info", "feature_details", "generation_settings")):
        return "Neuronpedia"
    if "title_prefix" in metadata:
        return "Anthropic"
    return "circuit-tracer" if "plain" in nodes.id_forms else ""
