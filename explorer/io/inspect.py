"""What a path is, told from first bytes, siblings and headers alone: ``circuit-explorer info``. No torch."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import LoadError
from explorer.io import circuit_file, tensors
from explorer.io.magic import TITLES, sniff, unreadable
from explorer.io.transcoder_config import NAME as TRANSCODER_CONFIG
from explorer.io.transcoder_config import numbered, read_config

_PEEK = 4_000_000
_COUNTED = 20_000_000  # a graph JSON up to this size is read whole to count its nodes
_MAX_CONFIG = 10_000_000

# Transcoder formats known by their files that this version does not read yet; all of a row must be there.
_UNREAD = (
    (("cfg.json", "sae_weights.safetensors"), "SAELens"),
    (("cfg.json", "sae.safetensors"), "EleutherAI sparsify"),
    (("hyperparams.json",), "Llama Scope"),
    (("norm_stats.json",), "crosslayer-coding"),
    (("ae.pt",), "dictionary_learning"),
    (("params.npz",), "Gemma Scope"),
    (("params.safetensors",), "Gemma Scope 2"),
)


@dataclass(frozen=True)
class Description:
    """What ``path`` is. Zero and empty mean that it does not say.

    ``kind`` is model, transcoders, sample, circuit, graph, tensors or unknown; ``format`` says it in words;
    ``readable`` whether this version opens it; ``pairs_with`` what belongs to it.
    """

    path: str
    kind: str
    format: str
    readable: bool
    n_bytes: int
    family: str = ""
    model_name: str = ""
    n_layers: int = 0
    d_model: int = 0
    d_transcoder: int = 0
    n_parameters: int = 0
    dtype: str = ""
    n_nodes: int = 0
    n_edges: int = 0
    prompt: str = ""
    pairs_with: str = ""


def describe(path: Path) -> Description:
    """The description of ``path``; LoadError if it does not exist or what it claims to be is damaged."""
    try:
        return _folder(path) if path.is_dir() else _file(path)
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def words(found: Description) -> list[str]:
    """The description as lines ``name: value`` for a terminal, with what is not known left out."""
    size = f"{found.n_bytes / 1e6:,.1f} MB" if found.n_bytes >= 100_000 else f"{found.n_bytes:,} bytes"
    unread = found.kind == "transcoders" and not found.readable
    rows = {
        "What": found.format + (" (not read by this version)" if unread else ""),
        "Size": size,
        "Family": found.family,
        "Model": found.model_name,
        "Layers": found.n_layers,
        "Width": found.d_model,
        "Features per layer": found.d_transcoder,
        "Parameters": found.n_parameters,
        "Stored as": found.dtype,
        "Nodes": found.n_nodes,
        "Links": found.n_edges,
        "Prompt": found.prompt,
        "Pairs with": found.pairs_with,
    }
    told = ((name, f"{value:,}" if isinstance(value, int) else value) for name, value in rows.items() if value)
    return [f"{name + ':':20}{value}" for name, value in told]


def _folder(path: Path) -> Description:
    names = {child.name for child in path.iterdir()}
    n_bytes = _size(path)
    if TRANSCODER_CONFIG in names and b"model_kind" in _start(path / TRANSCODER_CONFIG):
        return _transcoders(path, n_bytes)
    for siblings, title in _UNREAD:
        if names.issuperset(siblings):
            return Description(str(path), "transcoders", f"transcoders of {title}", False, n_bytes)
    if "config.json" in names:
        return _model(path, n_bytes)
    if (path / "model" / "config.json").is_file():
        model = _model(path / "model", n_bytes)
        sets = [name for name in sorted(names) if (path / name / TRANSCODER_CONFIG).is_file()]
        pairs = f"its transcoders {' and '.join(sets)}" if sets else ""
        return Description(
            **{**vars(model), "path": str(path), "kind": "sample", "format": "a model beside its transcoders"}
            | {"pairs_with": pairs}
        )
    return Description(str(path), "unknown", "a folder without a model or transcoders", False, n_bytes)


def _model(path: Path, n_bytes: int) -> Description:
    config = _json(path / "config.json")
    if not isinstance(config.get("model_type"), str):
        return Description(str(path), "unknown", "a folder with a config.json of no language model", False, n_bytes)
    inner = _table(config.get("text_config")) or config
    headers = [tensors.header(file) for file in _shards(path)]
    infos = [info for header in headers for info in header.tensors.values()]
    n_layers = _count(inner, "num_hidden_layers", "n_layer", "num_layers")
    d_model = _count(inner, "hidden_size", "n_embd", "d_model")
    return Description(
        path=str(path),
        kind="model",
        format="a Hugging Face model" + ("" if infos else " without safetensors weights"),
        readable=bool(infos),
        n_bytes=n_bytes,
        family=config["model_type"],
        model_name=_name(path.resolve()),
        n_layers=n_layers,
        d_model=d_model,
        n_parameters=sum(info.n_values for info in infos),
        dtype=_dtypes(infos),
        pairs_with=f"transcoders for {n_layers} layers of width {d_model}" if n_layers and d_model else "",
    )


def _name(path: Path) -> str:
    """The folder's name, or its parent's if it is called just "model"."""
    return path.parent.name if path.name == "model" else path.name


def _shards(path: Path) -> list[Path]:
    """The files of the weights; LoadError names those that the index lists and the folder lacks."""
    index = path / "model.safetensors.index.json"
    if not index.is_file():
        return sorted(path.glob("*.safetensors"))
    listed = _json(index).get("weight_map")
    if not isinstance(listed, dict) or not all(isinstance(name, str) for name in listed.values()):
        raise LoadError(f"“{index}” does not list the files of the weights; download it again.")
    files = [path / name for name in sorted(set(listed.values()))]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise LoadError(f"“{path}” lacks {', '.join(missing)}, which its index lists; download the missing files.")
    return files


def _transcoders(path: Path, n_bytes: int) -> Description:
    config = read_config(path)
    across = config.kind == "clt"
    files = list(config.files or numbered(path, "W_enc_" if across else "layer_"))
    encoder = "W_enc_{}" if across else "W_enc"
    headers = [tensors.header(file) for file in files]
    first = headers[0].tensors.get(encoder.format(0))
    if first is None or len(first.shape) != 2:
        raise LoadError(f"“{files[0]}” lacks a matrix {encoder.format(0)}; download or convert it again.")
    if across:
        headers += [tensors.header(file) for file in numbered(path, "W_dec_")]
    infos = [info for header in headers for info in header.tensors.values()]
    said = f" (the set says “{config.model_name}”)" if config.model_name else ""
    return Description(
        path=str(path),
        kind="transcoders",
        format=f"circuit-tracer transcoders {'across layers' if across else 'per layer'}",
        readable=True,
        n_bytes=n_bytes,
        model_name=config.model_name,
        n_layers=len(files),
        d_model=first.shape[1],
        d_transcoder=first.shape[0],
        n_parameters=sum(info.n_values for info in infos),
        dtype=_dtypes(infos),
        pairs_with=f"a model of {len(files)} layers of width {first.shape[1]}{said}",
    )


def _file(path: Path) -> Description:
    kind, n_bytes = sniff(path), path.stat().st_size
    if kind == "zip" and circuit_file.is_circuit(path):
        return _circuit(path, n_bytes)
    if kind == "json":
        return _graph(path, n_bytes)
    if kind == "safetensors":
        infos = list(tensors.header(path).tensors.values())
        about = f"{len(infos)} tensors in a safetensors file; open its folder"
        count = sum(info.n_values for info in infos)
        return Description(str(path), "tensors", about, False, n_bytes, n_parameters=count, dtype=_dtypes(infos))
    return Description(str(path), "unknown", _zip_title(path) if kind == "zip" else TITLES[kind], False, n_bytes)


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
        n_layers=_count(head, "n_layers"),
        n_nodes=shapes.get("nodes.kind", 0),
        n_edges=shapes.get("rows.source", 0),
        prompt=str(provenance.get("prompt") or "".join(map(str, tokens if isinstance(tokens, list) else ()))),
        pairs_with=" with ".join(named),
    )


def _graph(path: Path, n_bytes: int) -> Description:
    """A graph by its metadata; nodes and links are counted in files of moderate size."""
    unknown = Description(str(path), "unknown", TITLES["json"], False, n_bytes)
    metadata = _metadata(path)
    counts = {"nodes": 0, "links": 0}
    if n_bytes <= _COUNTED:
        data = _json(path, _COUNTED)
        if isinstance(data.get("graphs"), list):
            return Description(str(path), "unknown", "a list of graphs; open one of those beside it", False, n_bytes)
        if not all(isinstance(data.get(name), list) for name in counts):
            return unknown
        metadata = _table(data.get("metadata"))
        counts = {name: len(data[name]) for name in counts}
    if not isinstance(metadata.get("prompt_tokens"), list):
        return unknown
    scan = metadata.get("scan")
    return Description(
        path=str(path),
        kind="graph",
        format=f"an attribution graph in JSON, schema {metadata.get('schema_version', 0)}",
        readable=True,
        n_bytes=n_bytes,
        model_name=str(scan or ""),
        n_nodes=counts["nodes"],
        n_edges=counts["links"],
        prompt=str(metadata.get("prompt", "")),
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


def _json(path: Path, most: int = _MAX_CONFIG) -> dict[str, Any]:
    if path.stat().st_size > most:
        raise LoadError(f"“{path}” is too large to be what its name says; download it again.")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise LoadError(f"“{path}” is not valid JSON; download it again.") from error
    return value if isinstance(value, dict) else {}


def _zip_title(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return "a damaged or incomplete zip file"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file, which may hold code; convert it to safetensors"
    if names and all(name.endswith(".npy") for name in names):
        return "numpy arrays"
    return "a zip file without a document"


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_PEEK)


def _size(path: Path) -> int:
    """Bytes of the files in ``path`` and its sub-folders."""
    return sum(child.stat().st_size for child in path.rglob("*") if child.is_file())


def _dtypes(infos: Iterable[tensors.TensorInfo]) -> str:
    """The types by size, the largest first."""
    total: dict[str, int] = {}
    for info in infos:
        total[info.dtype] = total.get(info.dtype, 0) + info.n_bytes
    return ", ".join(sorted(total, key=lambda dtype: -total[dtype]))


def _count(table: Mapping[str, Any], *names: str) -> int:
    """The first of ``names`` that is a count in ``table``; 0 if none is."""
    found = (table.get(name) for name in names)
    return next((value for value in found if type(value) is int and value > 0), 0)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
