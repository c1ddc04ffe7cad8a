"""The journal of a validation: what was measured, line by line, so that a run that ends early goes on from there.

One file for each graph, factor, mode and precision, in the user's data folder. A line is ``{"name", "values"}``; a line
that a crash cut short is ignored, and of two of one name the later counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_data_path

from explorer.circuits.graph import Graph
from explorer.errors import LoadError, SaveError
from explorer.io import atomic
from explorer.io.settings_file import APP
from explorer.session.validation import Question, Validation, assemble

LARGEST = 64_000_000  # bytes of a journal that is read
MANY = 200  # journals kept; the oldest go first


def validations_path() -> Path:
    return user_data_path(APP, appauthor=False) / "validations"


def journal_path(graph: Graph, factor: float, mode: str, dtype: str = "float32") -> Path:
    """Where what is measured of ``graph`` in that way is kept."""
    made = hashlib.sha256()
    nodes, rows = graph.nodes, graph.rows
    for array in (nodes.kind, nodes.layer, nodes.pos, nodes.feature, rows.source, rows.weight, graph.target_weight):
        made.update(np.ascontiguousarray(array).tobytes())
    made.update(graph.token_ids.tobytes())
    names = ("model_sha256", "transcoder_sha256")
    made.update(json.dumps([[graph.provenance.get(name) for name in names], factor, mode, dtype]).encode())
    return validations_path() / f"{made.hexdigest()[:32]}.jsonl"


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of a journal by name; none if there is no journal."""
    found: dict[str, dict[str, Any]] = {}
    with contextlib.suppress(OSError):
        if not path.is_file() or path.stat().st_size > LARGEST:
            return found
        for line in path.read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                entry = json.loads(line)
                found[str(entry["name"])] = dict(entry["values"])
    return found


def recall(graph: Graph, asked: Question, dtype: str = "") -> Validation | None:
    """What was measured before of what is ``asked``; None of a journal that is damaged, with which a run begins anew.

    ``dtype`` is that of the model, by default of the graph.
    """
    dtype = dtype or str(graph.provenance.get("dtype", "float32"))
    entries = read(journal_path(graph, asked.factor, asked.mode, dtype))
    keys = [key for thing in asked.things for key in thing.members]
    activation = {str(key): float(graph.nodes.activation[graph.index[key]]) for key in keys}
    with contextlib.suppress(LoadError):
        return assemble(asked, activation, entries)
    return None


def append(path: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Write ``entries`` behind the others and see that they are on disk; SaveError says why not."""
    atomic.make_folder(path.parent)
    lines = "".join(json.dumps({"name": name, "values": dict(values)}) + "\n" for name, values in entries.items())
    try:
        if not path.exists():
            _forget_old(path.parent)
        with path.open("ab") as file:
            if file.tell():
                lines = "\n" + lines  # a line that was cut short ends here
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SaveError(atomic.sentence(path, error)) from error


def forget(path: Path) -> None:
    """Begin anew."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _forget_old(folder: Path) -> None:
    def age(path: Path) -> float:
        try:
            return path.stat().st_mtime
        except FileNotFoundError:  # another window forgot it just now
            return 0.0

    held = sorted(folder.glob("*.jsonl"), key=age)
    for path in held[: max(0, len(held) - MANY + 1)]:
        path.unlink(missing_ok=True)
