"""FORMATS: which layouts of transcoders there are and how each is told, by names and headers alone; needs no torch.

A row's ``reader`` is a module of explorer.io.transcoders. The first row that claims a path reads it, so what is told by
more comes first.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from explorer.errors import LoadError
from explorer.io import tensors
from explorer.io.magic import sniff

MANY = 2000  # folders of one level looked into at most
MANY_ENTRIES = 20_000  # of a folder whose folders are sought
MAX_SETTINGS = 10_000_000
MAX_OBJECTS = 1_000_000
PICKLES = (".pt", ".pkl", ".pkl.gz")
OPENMOSS_WEIGHTS = (  # as its producer looks for them
    *("sae_weights.safetensors", "sae_weights.pt", "checkpoints/pruned.safetensors", "checkpoints/pruned.pt"),
    *("checkpoints/final.safetensors", "checkpoints/final.pt"),
)
LLAMA_SCOPE = ("hyperparams.json", "checkpoints/final.safetensors")


@dataclass(frozen=True)
class Format:
    """A layout: the module that reads it, its name for the user, and whether a file or folder looks like it."""

    reader: str
    title: str
    claims: Callable[[Path], bool]


def find(path: Path) -> Format | None:
    """The layout of the file or folder ``path``, if it is known; nothing but names and headers is read."""
    return next((row for row in FORMATS if row.claims(path)), None)


def folders(path: Path, *names: str, depth: int = 0) -> tuple[Path, ...]:
    """Folders that hold all files of ``names``, in order: ``path`` and those up to ``depth`` levels below it.

    ``path`` may itself be one of those files.
    """
    if path.is_file():
        path, depth = (path.parent, 0) if path.name in names else (path, -1)
    found = (folder for folder in _walk(path, depth) if all((folder / name).is_file() for name in names))
    return tuple(found)


def keys(path: Path) -> frozenset[str]:
    """The names of the tensors in a safetensors file; none if it is not one."""
    try:
        return frozenset(tensors.header(path).tensors) if sniff(path) == "safetensors" else frozenset()
    except LoadError:
        return frozenset()


def settings(path: Path) -> Mapping[str, Any]:
    """The JSON table in ``path``; empty if there is none."""
    try:
        if path.stat().st_size > MAX_SETTINGS:
            return {}
        table = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _walk(path: Path, depth: int) -> Iterator[Path]:
    """``path`` and the folders up to ``depth`` levels below it, level by level."""
    level = [path] if path.is_dir() else []
    for left in range(depth, -1, -1):
        yield from level
        if left:
            level = [child for folder in level for child in _children(folder)][:MANY]


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MANY_ENTRIES) if entry.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".")]


def _circuit_tracer(path: Path) -> bool:
    if (path / "config.yaml").is_file():
        with (path / "config.yaml").open("rb") as file:
            return b"model_kind" in file.read(100_000)
    return any((path / f"{stem}0.safetensors").is_file() for stem in ("layer_", "W_enc_"))


def _gemma_scope(path: Path) -> bool:
    return bool(folders(path, "params.npz", depth=3))


def _gemma_scope_2(path: Path) -> bool:
    return any(folders(path, name, depth=2) for name in ("params.safetensors", "params_layer_0.safetensors"))


def _saelens(path: Path) -> bool:
    return bool(folders(path, "cfg.json", "sae_weights.safetensors", depth=3))


def _sweep(path: Path) -> bool:
    return bool(folders(path, "encoder_layer_0.safetensors", "decoder_layer_0.safetensors"))


def _clt_training(path: Path) -> bool:
    return any("n_targets" in settings(folder / "cfg.json") for folder in _sparsify_folders(path))


def _sparsify(path: Path) -> bool:
    return bool(_sparsify_folders(path))


def _sparsify_folders(path: Path) -> tuple[Path, ...]:
    return folders(path, "cfg.json", "sae.safetensors", depth=2)


def _llama_scope(path: Path) -> bool:
    return bool(folders(path, *LLAMA_SCOPE, depth=2))


def _openmoss(path: Path) -> bool:
    return any("sae_type" in settings(folder / "config.json") for folder in folders(path, "config.json", depth=2))


def coding_files(path: Path) -> tuple[Path, ...]:
    """The checkpoints of crosslayer-coding in the folder ``path``, or ``path`` if it is one."""
    folder = path if path.is_dir() else path.parent
    if "num_features" not in settings(folder / "cfg.json"):
        return ()
    found = (path,) if path.is_file() else tuple(sorted(path.iterdir()))
    return tuple(
        file
        for file in found
        if re.fullmatch(r"(clt_checkpoint_\w+|model|clt)\.(safetensors|pt)", file.name) and file.is_file()
    )


def _crosslayer_coding(path: Path) -> bool:
    return bool(coding_files(path))


def _crosslayer_transcoder(path: Path) -> bool:
    found = folders(path, "config.yaml", "checkpoint.safetensors")
    return any("encoder.W" in keys(folder / "checkpoint.safetensors") for folder in found)


def _dictionary_learning(path: Path) -> bool:
    return bool(folders(path, "ae.pt", "config.json", depth=3))


def circuits_files(path: Path) -> tuple[Path, ...]:
    """The files of transcoder_circuits in the folder ``path``, damaged ones too, or ``path`` if it is one."""
    names = sorted(name for name in os.listdir(path) if name.endswith(PICKLES)) if path.is_dir() else []
    found = [path] if path.is_file() else [path / name for name in names[:MANY]]
    objects = {file: _objects(file) for file in found if file.name.endswith(PICKLES)}
    its = [file for file, held in objects.items() if b"SAERunnerConfig" in held]
    return tuple(file for file in objects if file in its or not objects[file]) if its else ()


def _objects(file: Path) -> bytes:
    """The first bytes of what a pickle holds, packed or as PyTorch writes it; none if it is no pickle."""
    try:
        kind = sniff(file)
        if kind == "gzip":
            with gzip.open(file) as unpacked:
                return unpacked.read(MAX_OBJECTS)
        if kind == "zip":
            with zipfile.ZipFile(file) as archive:
                name = next((name for name in archive.namelist() if name.endswith("/data.pkl")), "data.pkl")
                return archive.open(name).read(MAX_OBJECTS)
        with file.open("rb") as opened:
            return opened.read(MAX_OBJECTS) if kind == "pickle" else b""
    except (LoadError, OSError, EOFError, KeyError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return b""


def _transcoder_circuits(path: Path) -> bool:
    return bool(circuits_files(path))


FORMATS: tuple[Format, ...] = (
    Format("circuit_tracer", "circuit-tracer", _circuit_tracer),
    Format("sparsecoder_sweep", "mntss's sweep of cross-layer transcoders", _sweep),
    Format("gemma_scope", "Gemma Scope", _gemma_scope),
    Format("gemma_scope_2", "Gemma Scope 2", _gemma_scope_2),
    Format("saelens", "SAELens", _saelens),
    Format("clt_training", "clt-training", _clt_training),
    Format("sparsify", "sparsify", _sparsify),
    Format("llama_scope", "Llama Scope", _llama_scope),
    Format("openmoss", "OpenMOSS", _openmoss),
    Format("crosslayer_coding", "crosslayer-coding", _crosslayer_coding),
    Format("crosslayer_transcoder", "crosslayer-transcoder", _crosslayer_transcoder),
    Format("dictionary_learning", "dictionary_learning", _dictionary_learning),
    Format("transcoder_circuits", "transcoder_circuits", _transcoder_circuits),
)
