"""FORMATS: which layouts of transcoders there are and how each is told, by names and headers alone; needs no torch.

A row's ``reader`` is a module of explorer.io.transcoders. The first row that claims a path reads it, so what is told by
more comes first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import LoadError
from explorer.io import tensors
from explorer.io.magic import sniff

MANY = 10_000  # folders looked into at most
MAX_SETTINGS = 10_000_000


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
        return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    except OSError:
        return []


def _circuit_tracer(path: Path) -> bool:
    if (path / "config.yaml").is_file():
        with (path / "config.yaml").open("rb") as file:
            return b"model_kind" in file.read(100_000)
    return any((path / f"{stem}0.safetensors").is_file() for stem in ("layer_", "W_enc_"))


FORMATS: tuple[Format, ...] = (Format("circuit_tracer", "circuit-tracer", _circuit_tracer),)
