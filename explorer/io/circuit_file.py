""".circuit files: a graph and what a person decided about it, in one zip, without the model.

Version 0 holds ``document.json`` (schema_version, app, provenance, graph, edits) and ``graph.safetensors`` (the
arrays of circuits.graph_arrays), both stored uncompressed and with a fixed date, so that the same content gives
the same bytes. Members with other names are ignored when reading.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from explorer import __version__
from explorer.circuits.graph import Graph
from explorer.circuits.graph_arrays import from_arrays, to_arrays
from explorer.errors import GraphError, LoadError
from explorer.io.atomic import replacing
from explorer.io.magic import TITLES, sniff, unreadable
from explorer.io.tensors import MAX_HEADER, Header, parsed
from explorer.session.edits import Edits
from explorer.session.edits_json import from_json, to_json

SCHEMA_VERSION = 0
SUFFIX = ".circuit"
DOCUMENT = "document.json"
ARRAYS = "graph.safetensors"
THUMBNAIL = "thumbnail.png"

MAX_DOCUMENT = 256_000_000
MAX_RATIO = 40  # a member that unpacks to more than this times its packed size is refused as a bomb

# What zipfile raises on damaged, encrypted and otherwise unreadable archives.
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that zip can say


def save(path: Path, graph: Graph, edits: Edits, *, thumbnail: bytes = b"") -> None:
    """Write ``path`` whole or not at all; SaveError says why not. ``thumbnail`` is a PNG for file managers."""
    with replacing(path) as file:
        _write(file, graph, edits, thumbnail)


def open_circuit(path: Path) -> tuple[Graph, Edits]:
    """The graph and edits in ``path``; LoadError names what is wrong with it."""
    try:
        with _archive(path) as archive:
            document = _document(path, archive)
            arrays = _arrays(path, archive)
    except _ZIP_FAULTS as error:
        raise LoadError(f"“{path}” is damaged or incomplete ({error}); open another copy of it.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    head = {**_part(path, document, "graph"), "provenance": document.get("provenance", {})}
    try:
        return from_arrays(head, arrays), from_json(_part(path, document, "edits"))
    except (GraphError, LoadError) as error:
        raise LoadError(f"“{path}” is damaged: {error}") from error


def summary(path: Path) -> tuple[dict[str, Any], Header]:
    """document.json of ``path`` and the header of its arrays, without reading them; LoadError."""
    try:
        with _archive(path) as archive:
            document = _document(path, archive)
            size = archive.getinfo(ARRAYS).file_size if ARRAYS in archive.namelist() else 0
            with archive.open(ARRAYS) as file:
                length = int.from_bytes(file.read(8), "little")
                return document, parsed(path, file.read(min(length, MAX_HEADER)), size)
    except (*_ZIP_FAULTS, KeyError) as error:
        raise LoadError(f"“{path}” is damaged or incomplete ({error}); open another copy of it.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def is_circuit(path: Path) -> bool:
    """Whether the zip file ``path`` has a document in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return DOCUMENT in archive.namelist()
    except (*_ZIP_FAULTS, OSError):
        return False


def _write(file: BinaryIO, graph: Graph, edits: Edits, thumbnail: bytes) -> None:
    head, arrays = to_arrays(graph)
    document = {
        "schema_version": SCHEMA_VERSION,
        "app": {"name": "Circuit Explorer", "version": __version__},
        "provenance": head.pop("provenance"),
        "edits": to_json(edits),
        "graph": head,
    }
    text = json.dumps(document, allow_nan=False, indent=1).encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member(DOCUMENT), text)
        archive.writestr(_member(ARRAYS), safetensors_numpy.save(arrays))
        if thumbnail:
            archive.writestr(_member(THUMBNAIL), thumbnail)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.create_system = 3
    member.external_attr = 0o644 << 16
    return member


def _archive(path: Path) -> zipfile.ZipFile:
    kind = sniff(path)
    if kind == "empty":
        raise LoadError(f"“{path}” is empty; open another copy of it.")
    if kind != "zip":
        raise LoadError(f"“{path}” is {TITLES[kind]}, not a {SUFFIX} document; pick another file.")
    return zipfile.ZipFile(path)


def _document(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if DOCUMENT not in archive.namelist():
        raise LoadError(f"“{path}” is a zip file without a {DOCUMENT}, so no {SUFFIX} document; pick another file.")
    try:
        document = json.loads(_bytes(path, archive, DOCUMENT, MAX_DOCUMENT))
    except (ValueError, RecursionError) as error:
        raise LoadError(f"“{path}” is damaged: its {DOCUMENT} is not JSON; open another copy of it.") from error
    if not isinstance(document, dict):
        raise LoadError(f"“{path}” is damaged: its {DOCUMENT} is not a table; open another copy of it.")
    version = document.get("schema_version")
    if type(version) is not int or version < 0:
        raise LoadError(f"“{path}” does not say which version it has; open another copy of it.")
    if version > SCHEMA_VERSION:
        raise LoadError(
            f"“{path}” was saved by a newer Circuit Explorer ({_app(document)}, format {version}); "
            f"this one reads formats up to {SCHEMA_VERSION}, so update it to open the document."
        )
    return document


def _app(document: Mapping[str, Any]) -> str:
    app = document.get("app")
    return str(app.get("version", "unknown version")) if isinstance(app, dict) else "unknown version"


def _arrays(path: Path, archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    if ARRAYS not in archive.namelist():
        raise LoadError(f"“{path}” is damaged: it has no {ARRAYS}; open another copy of it.")
    data = _bytes(path, archive, ARRAYS, None)
    try:
        # bfloat16 and float8, which numpy lacks, raise KeyError or TypeError
        return {name: np.asarray(array) for name, array in safetensors_numpy.load(data).items()}
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise LoadError(f"“{path}” is damaged in {ARRAYS} ({error}); open another copy of it.") from error


def _bytes(path: Path, archive: zipfile.ZipFile, name: str, most: int | None) -> bytes:
    """A member, if what it unpacks to is in proportion to the file."""
    member = archive.getinfo(name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise LoadError(f"“{path}” is packed in a way that is not read here; pack it again with plain zip.")
    on_disk = min(member.compress_size, path.stat().st_size)
    limit = on_disk * MAX_RATIO if most is None else min(most, on_disk * MAX_RATIO)
    if member.file_size > limit:
        raise LoadError(f"“{path}” is refused: its {name} would unpack to {member.file_size} bytes; it is no document.")
    with archive.open(member) as file:
        return file.read(limit + 1)


def _part(path: Path, document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise LoadError(f"“{path}” is damaged: its {DOCUMENT} has no {name}; open another copy of it.")
    return value
