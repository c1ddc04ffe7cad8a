"""Label libraries as JSON files: ``{"format": ..., "transcoder_sha256": ..., "labels": {"LAYER:FEATURE": ...}}``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.errors import LoadError
from explorer.io import atomic
from explorer.io.magic import printable, unreadable
from explorer.session.edits import Label
from explorer.session.edits_json import label_from_json
from explorer.session.labels import Feature, Library

FORMAT = "circuit-explorer-labels"
VERSION = 0
MAX_BYTES = 200_000_000
NAME = re.compile(r"(\d{1,6}):(\d{1,12})")


def write(path: Path, held: Library) -> None:
    """Write ``held`` to ``path``; equal libraries give equal files. SaveError says why not."""
    labels = {f"{layer}:{feature}": held.labels[layer, feature] for layer, feature in sorted(held.labels)}
    table = {
        "format": FORMAT,
        "version": VERSION,
        "transcoder_sha256": held.transcoder_sha256,
        "labels": {name: {"text": label.text, "status": label.status} for name, label in labels.items()},
    }
    atomic.write(path, json.dumps(table, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def read(path: Path) -> Library:
    """The library in ``path``; LoadError says what is wrong with it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LoadError(f"“{path}” is too large to be a file of labels; pick another file.")
        table = json.loads(path.read_bytes())
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    except (ValueError, RecursionError) as error:
        raise LoadError(f"“{path}” is not valid JSON; export the labels again.") from error
    if not isinstance(table, Mapping) or table.get("format") != FORMAT:
        raise LoadError(f"“{path}” is no file of labels; pick one that was exported here.")
    if table.get("version") != VERSION:
        said = printable(str(table.get("version")))
        raise LoadError(f"“{path}” has version {said}; this program reads version {VERSION}: update the program.")
    digest, labels = table.get("transcoder_sha256"), table.get("labels")
    if not isinstance(digest, str) or not isinstance(labels, Mapping):
        raise LoadError(f"“{path}” lacks the labels, or the transcoders they are of; export the labels again.")
    return Library(digest, dict(_entry(path, name, value) for name, value in labels.items()))


def _entry(path: Path, name: str, value: Any) -> tuple[Feature, Label]:
    found = NAME.fullmatch(name)
    if found is None:
        said = printable(name)
        raise LoadError(f"“{path}” names “{said}” where a layer and a feature belong; export the labels again.")
    try:
        label = label_from_json(name, value)
    except LoadError as error:
        raise LoadError(f"“{path}”: {error}") from error
    return (int(found[1]), int(found[2])), label
