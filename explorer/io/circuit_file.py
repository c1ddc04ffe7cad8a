""".circuit files: a graph and what a person decided about it, in one zip, without the model.

Version 1 holds, stored uncompressed and with a fixed date, so that the same content gives the same bytes:

    document.json       schema_version, app, provenance, graph, edits
    graph.safetensors   the arrays of circuits.graph_arrays
    extra.json          what an imported file said beyond the graph, if there is anything
    thumbnail.png       a picture of the view, or thumbnail.svg, if one was given

Version 0 had no extra.json and kept the qParams of imported files in the provenance. Members with other names are
ignored when reading. docs/decisions has why.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from explorer import __version__
from explorer.circuits.graph import Graph
from explorer.circuits.graph_arrays import from_arrays, to_arrays
from explorer.errors import GraphError, LoadError
from explorer.io import graph_json_story, json_stream
from explorer.io.atomic import replacing
from explorer.io.graph_json_extra import table
from explorer.io.magic import CIRCUIT, TITLES, beginning, sniff, unreadable
from explorer.io.tensors import Header, parsed
from explorer.session.edits import Edits
from explorer.session.edits_json import from_json, to_json

SCHEMA_VERSION = 1
SUFFIX = CIRCUIT
DOCUMENT = "document.json"
ARRAYS = "graph.safetensors"
EXTRA = "extra.json"
THUMBNAILS = ("thumbnail.png", "thumbnail.svg")

MAX_RATIO = 10  # a member that unpacks to more than this times its packed size is refused as a bomb, if it is large
LARGE = 16_000_000
MAX_HEADER = 1_000_000  # bytes of the arrays' header, which names fifteen
MAX_DIRECTORY = 100_000  # bytes of the zip's list of members
_END = 22 + 65_535  # a zip's last record and the longest comment behind it

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
    """Write ``path`` whole or not at all; SaveError says why not. ``thumbnail`` is a PNG or SVG of the view."""
    with replacing(path) as file:
        _write(file, graph, edits, thumbnail)


def open_circuit(path: Path) -> tuple[Graph, Edits]:
    """The graph and edits in ``path``, of whatever version up to ours; LoadError names what is wrong with it."""
    try:
        with _archive(path) as archive:
            document = _document(path, archive)
            arrays = _arrays(path, archive)
            extra = _json(path, archive, EXTRA) if EXTRA in archive.namelist() else {}
    except _ZIP_FAULTS as error:
        raise LoadError(f"“{path}” is damaged or incomplete ({beginning(error)}); open another copy of it.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error
    head = {**_part(path, document, "graph"), "provenance": document.get("provenance", {}), "extra": extra}
    try:
        graph, edits = from_arrays(head, arrays), from_json(_part(path, document, "edits"))
    except (GraphError, LoadError) as error:
        raise LoadError(f"“{path}” is damaged: {error}") from error
    return (graph, edits) if document["schema_version"] else _from_version_0(graph, edits)


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
        raise LoadError(f"“{path}” is damaged or incomplete ({beginning(error)}); open another copy of it.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def thumbnail(path: Path) -> bytes:
    """The picture in ``path``, a PNG or SVG; empty without one or if the file is damaged."""
    try:
        with _archive(path) as archive:
            names = [name for name in THUMBNAILS if name in archive.namelist()]
            return _bytes(path, archive, names[0]) if names else b""
    except (*_ZIP_FAULTS, LoadError, OSError):
        return b""


def is_circuit(path: Path) -> bool:
    """Whether the zip file ``path`` has a document in it."""
    try:
        with _archive(path) as archive:
            return DOCUMENT in archive.namelist()
    except (*_ZIP_FAULTS, LoadError, OSError):
        return False


def _write(file: BinaryIO, graph: Graph, edits: Edits, thumbnail: bytes) -> None:
    head, arrays = to_arrays(graph)
    extra = head.pop("extra")
    document = {
        "schema_version": SCHEMA_VERSION,
        "app": {"name": "Circuit Explorer", "version": __version__},
        "provenance": head.pop("provenance"),
        "edits": to_json(edits),
        "graph": head,
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member(DOCUMENT), json.dumps(document, allow_nan=False, indent=1).encode())
        archive.writestr(_member(ARRAYS), safetensors_numpy.save(arrays))
        if any(extra.values()):
            archive.writestr(_member(EXTRA), json.dumps(extra, allow_nan=False, separators=(",", ":")).encode())
        if thumbnail:
            archive.writestr(_member(THUMBNAILS[not thumbnail.startswith(b"\x89PNG")]), thumbnail)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.create_system = 3
    member.external_attr = 0o644 << 16
    return member


def _archive(path: Path) -> zipfile.ZipFile:
    """The zip ``path``; LoadError if it is none, or one that no program would write."""
    kind = sniff(path)
    if kind == "empty":
        raise LoadError(f"“{path}” is empty; open another copy of it.")
    if kind != "zip":
        raise LoadError(f"“{path}” is {TITLES[kind]}, not a {SUFFIX} document; pick another file.")
    if _directory_size(path) > MAX_DIRECTORY:
        raise LoadError(f"“{path}” is refused: it lists too many members to be a document; pick another file.")
    archive = zipfile.ZipFile(path)
    names = archive.namelist()
    odd = [name for name in names if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if odd or twice:
        archive.close()
        why = f"its member “{odd[0]}” points out of it" if odd else f"it has {twice[0]} twice"
        raise LoadError(f"“{path}” is refused: {why}; it is no document.")
    return archive


def _directory_size(path: Path) -> int:
    """What the zip ``path`` says of the size of its list of members: read by zipfile at once and into objects."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END - 76))
        tail = file.read()
    end = tail.rfind(b"PK\5\6")
    large = tail[end - 76 : end - 20] if end >= 76 else b""
    sizes = [int.from_bytes(tail[end + 12 : end + 16], "little")] if end >= 0 else [0]
    if large.startswith(b"PK\6\6"):
        sizes.append(int.from_bytes(large[40:48], "little"))
    return max(sizes)


def _document(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    if DOCUMENT not in archive.namelist():
        raise LoadError(f"“{path}” is a zip file without a {DOCUMENT}, so no {SUFFIX} document; pick another file.")
    document = _json(path, archive, DOCUMENT)
    version = document.get("schema_version")
    if type(version) is not int or version < 0:
        raise LoadError(f"“{path}” does not say which version it has; open another copy of it.")
    if version > SCHEMA_VERSION:
        raise LoadError(
            f"“{path}” was saved by a newer Circuit Explorer ({_app(document)}, format {version}); "
            f"this one reads formats up to {SCHEMA_VERSION}, so update it to open the document."
        )
    return document


def _json(path: Path, archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """The table in the member ``name``."""
    try:
        found = json_stream.loads(_bytes(path, archive, name))
    except json_stream.NotJson as error:
        why = beginning(error)
        raise LoadError(f"“{path}” is damaged: its {name} is not JSON ({why}); open another copy of it.") from error
    if not isinstance(found, dict):
        raise LoadError(f"“{path}” is damaged: its {name} is not a table; open another copy of it.")
    return found


def _app(document: Mapping[str, Any]) -> str:
    app = document.get("app")
    return str(app.get("version", "unknown version")) if isinstance(app, dict) else "unknown version"


def _arrays(path: Path, archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    if ARRAYS not in archive.namelist():
        raise LoadError(f"“{path}” is damaged: it has no {ARRAYS}; open another copy of it.")
    data = _bytes(path, archive, ARRAYS)
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise LoadError(f"“{path}” is damaged in {ARRAYS} (its header is too long); open another copy of it.")
    try:
        # bfloat16 and float8, which numpy lacks, raise KeyError or TypeError
        return {name: np.asarray(array) for name, array in safetensors_numpy.load(data).items()}
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise LoadError(f"“{path}” is damaged in {ARRAYS} ({beginning(error)}); open another copy of it.") from error


def _bytes(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """A member, if what it unpacks to is in proportion to the file."""
    member = archive.getinfo(name)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise LoadError(f"“{path}” is packed in a way that is not read here; pack it again with plain zip.")
    limit = max(LARGE, min(member.compress_size, path.stat().st_size) * MAX_RATIO)
    if member.file_size > limit:
        raise LoadError(f"“{path}” is refused: its {name} would unpack to {member.file_size} bytes; it is no document.")
    with archive.open(member) as file:
        return file.read(limit + 1)


def _part(path: Path, document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise LoadError(f"“{path}” is damaged: its {DOCUMENT} has no {name}; open another copy of it.")
    return value


def _from_version_0(graph: Graph, edits: Edits) -> tuple[Graph, Edits]:
    """What version 0 kept in an imported graph's provenance, put where it is now: beside the graph and in the edits."""
    q_params = table(graph.provenance.get("qParams"))
    if not q_params:
        return graph, edits
    story = replace(graph_json_story.of_parameters(q_params), pinned=())
    held = {name: value for name, value in q_params.items() if name not in graph_json_story.PARAMETERS}
    provenance = {name: value for name, value in graph.provenance.items() if name != "qParams"}
    graph = replace(graph, provenance=provenance, extra={"q_params": held})
    return graph, graph_json_story.apply(story, graph, edits)[0]
