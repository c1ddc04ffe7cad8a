"""What a path is: ``circuit-explorer info``, and what the window opens. The one place where that is told. No torch.

In this order: first bytes, files that lie together, names of tensors, shapes. Files are read no further than their
headers; a graph in JSON is read whole, up to a moderate size, for its counts.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from explorer.errors import LoadError
from explorer.io import circuit_file, graph_json_story, graph_pt, inert, inspect_models, inspect_transcoders, tensors
from explorer.io.descriptions import Description, dtypes, words
from explorer.io.magic import TITLES, sniff, unreadable
from explorer.io.model_files import CONFIG, count, json_table
from explorer.io.model_formats import EMBEDDING, Checkpoint, alone, checkpoint
from explorer.io.transcoder_config import NAME as TRANSCODER_CONFIG
from explorer.io.transcoder_formats import find as find_transcoders
from explorer.work import Pause, go_on

__all__ = ["Description", "describe", "words"]

_PEEK = 900_000  # bytes of a large graph JSON in which its metadata are sought
_COUNTED = 20_000_000  # a graph JSON up to this size is read whole to count its nodes
_MANY = 100_000  # files of a folder whose sizes are added up


def describe(path: Path, pause: Pause = go_on) -> Description:
    """The description of ``path``; LoadError if it does not exist or what it claims to be is damaged."""
    try:
        return _folder(path, pause) if path.is_dir() else _file(path)
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def _folder(path: Path, pause: Pause) -> Description:
    names, n_bytes = set(os.listdir(path)), _size(path, pause)
    pause()
    if CONFIG in names and (model := inspect_models.folder(path, n_bytes)) is not None:
        return model
    if (path / "model" / CONFIG).is_file():
        return _sample(path, names, n_bytes)
    if (row := find_transcoders(path)) is not None:
        return inspect_transcoders.describe(path, row.title, n_bytes)
    if (own := alone(path)) != path:
        return _file(own)
    what = "a folder with a config.json of no language model" if CONFIG in names else "a folder"
    missing = "" if CONFIG in names else " without a model or transcoders"
    return Description(str(path), "unknown", what + missing, False, n_bytes)


def _sample(path: Path, names: set[str], n_bytes: int) -> Description:
    model = inspect_models.folder(path / "model", n_bytes)
    if model is None:
        return Description(str(path), "unknown", "a folder with a config.json of no language model", False, n_bytes)
    sets = [name for name in sorted(names) if (path / name / TRANSCODER_CONFIG).is_file()]
    pairs = f"its transcoders {' and '.join(sets)}" if sets else ""
    own = {"path": str(path), "kind": "sample", "format": "a model beside its transcoders", "pairs_with": pairs}
    return Description(**{**vars(model), **own})


def _file(path: Path) -> Description:
    kind, n_bytes = sniff(path), path.stat().st_size
    if kind == "zip" and circuit_file.is_circuit(path):
        return _circuit(path, n_bytes)
    if kind == "json":
        return _graph(path, n_bytes)
    if kind == "gguf":
        return inspect_models.gguf(path, n_bytes)
    if kind == "safetensors":
        return _safetensors(path, n_bytes)
    if kind in inert.KINDS and not _is_other_zip(path):
        return _pickled(path, kind, n_bytes)
    return Description(str(path), "unknown", _zip_title(path) if kind == "zip" else TITLES[kind], False, n_bytes)


def _safetensors(path: Path, n_bytes: int) -> Description:
    held = tensors.header(path).tensors
    if EMBEDDING in held:
        return inspect_models.checkpoint(path, Checkpoint("transformer_lens", held, {}), n_bytes)
    if (row := find_transcoders(path)) is not None:
        return inspect_transcoders.describe(path, row.title, n_bytes)
    infos = list(held.values())
    about = f"{len(infos)} tensors in a safetensors file; open its folder"
    n = sum(info.n_values for info in infos)
    return Description(str(path), "tensors", about, False, n_bytes, n_parameters=n, dtype=dtypes(infos))


def _pickled(path: Path, kind: str, n_bytes: int) -> Description:
    """A PyTorch file or a pickle, by the names of what it holds; nothing in it runs."""
    try:
        held = inert.outline(path)
    except LoadError:
        what = "PyTorch file" if kind == "zip" else TITLES[kind].removeprefix("a ")
        title = f"a damaged or incomplete {what}, or one with what is not read here"
        return Description(str(path), "unknown", title, False, n_bytes)
    if (model := checkpoint(held)) is not None:
        return inspect_models.checkpoint(path, model, n_bytes)
    if isinstance(held, Mapping) and graph_pt.is_graph(held):
        return _torch_graph(path, held, n_bytes)
    if (row := find_transcoders(path)) is not None:
        return inspect_transcoders.describe(path, row.title, n_bytes)
    title = "a PyTorch file of no kind that is known here" if kind == "zip" else TITLES[kind]
    return Description(str(path), "unknown", title, False, n_bytes)


def _torch_graph(path: Path, held: Mapping[Any, Any], n_bytes: int) -> Description:
    shape = held["adjacency_matrix"].shape if hasattr(held["adjacency_matrix"], "shape") else ()
    return Description(
        path=str(path),
        kind="graph",
        format="an attribution graph that circuit-tracer saved as .pt",
        readable=True,
        n_bytes=n_bytes,
        model_name=str(held.get("scan") or ""),
        n_nodes=shape[0] if shape else 0,
        prompt=str(held.get("input_string", "")),
    )


def _circuit(path: Path, n_bytes: int) -> Description:
    document, header = circuit_file.summary(path)
    provenance, head = _table(document.get("provenance")), _table(document.get("graph"))
    shapes = {name: info.n_values for name, info in header.tensors.items()}
    named = [str(provenance[name]) for name in ("model", "transcoders") if provenance.get(name)]
    tokens = head.get("tokens")
    return Description(
        path=str(path),
        kind="circuit",
        format=f"a Circuit Explorer document, format {document['schema_version']}",
        readable=True,
        n_bytes=n_bytes,
        family=str(provenance.get("model_family", "")),
        model_name=str(provenance.get("model", "")),
        n_layers=count(head, "n_layers"),
        n_nodes=shapes.get("nodes.kind", 0),
        n_edges=shapes.get("rows.source", 0),
        prompt=str(provenance.get("prompt") or "".join(map(str, tokens if isinstance(tokens, list) else ()))),
        pairs_with=" with ".join(named),
    )


def _graph(path: Path, n_bytes: int) -> Description:
    """A graph by its metadata; nodes and links are counted in files of moderate size."""
    unknown = Description(str(path), "unknown", TITLES["json"], False, n_bytes)
    metadata = _metadata(path)
    n_nodes = n_edges = 0
    if n_bytes <= _COUNTED:
        data = json_table(path)
        nodes, links = data.get("nodes"), data.get("links", data.get("edges"))
        if isinstance(data.get("graphs"), list):
            return Description(str(path), "unknown", "a list of graphs; open one of those beside it", False, n_bytes)
        if graph_json_story.is_story(data) and nodes is None:
            title = "pins and supernodes of a graph, not the graph; open the graph first"
            return Description(str(path), "subgraph", title, True, n_bytes)
        if not isinstance(nodes, list) or not isinstance(links, list):
            return unknown
        metadata, n_nodes, n_edges = _table(data.get("metadata")), len(nodes), len(links)
    if not isinstance(metadata.get("prompt_tokens", metadata.get("promptTokens")), list):
        return unknown
    model_name = metadata.get("scan") or metadata.get("model_name") or ""
    return Description(
        path=str(path),
        kind="graph",
        format=f"an attribution graph in JSON, schema {metadata.get('schema_version', 0)}",
        readable=True,
        n_bytes=n_bytes,
        model_name=str(model_name),
        n_nodes=n_nodes,
        n_edges=n_edges,
        prompt=str(metadata.get("prompt", "")),
        pairs_with=f"the model “{model_name}”, to run prompts" if model_name else "",
    )


def _metadata(path: Path) -> Mapping[str, Any]:
    """The metadata of a graph JSON, if it stands near the start of the file."""
    text = _start(path).decode("utf-8", "replace")
    at = text.find('"metadata"')
    start = text.find("{", at)
    if at < 0 or start < 0:
        return {}
    try:
        return _table(json.JSONDecoder().raw_decode(text, start)[0])
    except (ValueError, RecursionError):
        return {}


def _is_other_zip(path: Path) -> bool:
    """Whether it is a zip, and not of PyTorch."""
    return sniff(path) == "zip" and not any(name.endswith("data.pkl") for name in _members(path))


def _members(path: Path) -> list[str]:
    """The names in a zip file; none if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return []


def _zip_title(path: Path) -> str:
    names = _members(path)
    if not names:
        return "a damaged or incomplete zip file"
    return "numpy arrays" if all(name.endswith(".npy") for name in names) else "a zip file without a document"


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_PEEK)


def _size(path: Path, pause: Pause) -> int:
    """Bytes of the files in ``path`` and its sub-folders, of a great many at most."""
    total = 0
    for child in islice(path.rglob("*"), _MANY):
        pause()
        total += child.stat().st_size if child.is_file() else 0
    return total


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
