"""Reads a pickle without running anything in it: the limited child process of io.inert. Standard library only.

Objects become those of ``io.stand_ins``. Layouts: torch/serialization.py of torch 2.13 (zip, the older one of
several pickles, storages inside pickles).

``main`` writes one JSON line and then the bytes that lie in no place of the file itself.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import sys
import zipfile
from typing import Any, BinaryIO

from explorer.io.stand_ins import (
    KNOWN,
    SIZES,
    STORAGES,
    UNKNOWN_TYPE,
    Array,
    Bag,
    NumpyArray,
    NumpyDtype,
    Refused,
    Storage,
)

MB = 1_000_000
BASE = 512 * MB  # address space beyond what the pickle itself takes
SECONDS = 60
MAX_RATIO = 40  # what unpacks to more than this times its packed size is refused as a bomb
MAX_UNPACKED = 8000 * MB
MAX_OBJECTS = 500 * MB  # of the objects in torch's zip, whose tensors lie beside them
MAX_DEPTH = 100
MAX_VALUES = 2_000_000
LEGACY = 0x1950A86A20F9469CFC6C  # torch/serialization.py, MAGIC_NUMBER

BOMB = "unpacks to far more than its size"


def load_from_bytes(data: bytes) -> Any:
    """A storage that lies, in the older layout, inside the pickle of a tensor."""
    return read_stream(io.BytesIO(data), data)


class Reader(pickle.Unpickler):
    """An unpickler that finds stand-ins for every class and storages by their key."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.storages: dict[str, Storage] = {}
        self._bags: dict[str, type[Bag]] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return load_from_bytes
        if (module, name) in KNOWN:
            return KNOWN[module, name]
        path = f"{module}.{name}"
        return self._bags.setdefault(path, type("Bag", (Bag,), {"path": path}))

    def persistent_load(self, pid: Any) -> Any:
        if pid[0] == "module":  # a class with its source, as older files hold it
            return pid[1]
        kind, key, numel = pid[1], str(pid[2]), pid[4]
        name = getattr(kind, "path", "").rpartition(".")[2].removesuffix("Storage")
        dtype = "U8" if name == "Untyped" else STORAGES.get(name)
        if pid[0] != "storage" or dtype is None or type(numel) is not int or numel < 0 or (pid[5:] and pid[5]):
            raise Refused(UNKNOWN_TYPE)
        return self.storages.setdefault(key, Storage(dtype, numel))


def read_zip(file: BinaryIO, size: int) -> Any:
    """torch's zip: NAME/data.pkl with the objects, NAME/data/KEY with the numbers, none of them packed."""
    archive = zipfile.ZipFile(file)
    found = [name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(found) != 1:
        raise Refused("is a zip file, but not one of PyTorch")
    prefix = found[0].removesuffix("data.pkl")
    members = {member.filename: member for member in archive.infolist()}
    objects = members[found[0]]
    if objects.file_size > min(MAX_RATIO * min(objects.compress_size, size), MAX_OBJECTS):
        raise Refused(BOMB)
    limit_memory(objects.file_size)
    if f"{prefix}byteorder" in members and archive.open(f"{prefix}byteorder").read(16) != b"little":
        raise Refused("was written on a machine with another byte order")
    reader = Reader(io.BytesIO(archive.read(objects)))
    value = reader.load()
    for key, storage in reader.storages.items():
        member = members.get(f"{prefix}data/{key}")
        if member is None:
            raise Refused("lacks some of its tensors, so it is incomplete")
        if member.compress_type != zipfile.ZIP_STORED:
            raise Refused("is packed in a way that PyTorch does not use")
        file.seek(member.header_offset)
        head = file.read(30)  # its own lengths of name and extra field stand at 26 and 28
        storage.offset = member.header_offset + 30 + sum(struct.unpack("<HH", head[26:30]))
        if member.file_size < storage.numel * SIZES[storage.dtype]:
            raise Refused("is incomplete")
    return value


def read_stream(stream: Any, source: bytes | None) -> Any:
    """A plain pickle, or torch's older layout: four pickles, the keys, then a length and the numbers of each."""
    value = Reader(stream).load()
    if value != LEGACY:
        return value
    protocol, system = Reader(stream).load(), Reader(stream).load()
    if protocol != 1001 or not system.get("little_endian"):
        raise Refused("is in a layout of PyTorch that is not known here")
    reader = Reader(stream)
    value = reader.load()
    for key in Reader(stream).load():
        storage = reader.storages[key]
        (numel,) = struct.unpack("<q", stream.read(8))
        if numel != storage.numel:
            raise Refused("is damaged")
        storage.source, storage.offset = source, stream.tell()
        stream.seek(numel * SIZES[storage.dtype], os.SEEK_CUR)
    return value


class Writer:
    """Values as JSON: lists as they are, all else with a one-letter tag; ``blobs`` follow behind."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.blobs: list[bytes] = []
        self._starts: dict[int, int] = {}
        self._end = 0
        self._left = MAX_VALUES

    def plain(self, value: Any, depth: int = 0) -> Any:
        weight = len(value) // 16 if isinstance(value, str) else 0
        self._left -= 1 + weight
        if depth > MAX_DEPTH or self._left < 0:
            raise Refused("holds objects nested too deeply or too many of them")
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list):
            return self._all(value, depth)
        return self._tagged(value, depth)

    def _all(self, values: Any, depth: int) -> list[Any]:
        return [self.plain(item, depth + 1) for item in values]

    def _tagged(self, value: Any, depth: int) -> dict[str, Any]:
        if isinstance(value, dict):
            return {"d": [self._all(pair, depth) for pair in value.items()]}
        if isinstance(value, tuple):
            return {"t": self._all(value, depth)}
        if isinstance(value, set | frozenset):
            return {"s": self._all(value, depth)}
        if isinstance(value, bytes | bytearray):
            return {"b": [self._blob(bytes(value)), len(value)]}
        value = value.array if isinstance(value, NumpyArray) else value
        if isinstance(value, Array):
            return {"a": self._array(value)}
        if isinstance(value, Bag):
            parts = (value.args, value.state, value.items)
            return {"o": [str(value.path)[:500], *self._all(parts, depth)]}
        if isinstance(value, NumpyDtype):
            return {"o": ["numpy.dtype", {"t": [str(value.code)[:100]]}, None, []]}
        name = getattr(value, "path", None) or getattr(value, "__name__", type(value).__name__)
        return {"o": [str(name)[:500], {"t": []}, None, []]}

    def _array(self, array: Array) -> list[Any]:
        storage = array.storage
        n_bytes = storage.numel * SIZES[storage.dtype]
        length = self.size if storage.source is None else len(storage.source)
        if storage.offset < 0 or storage.offset + n_bytes > length:
            raise Refused("is incomplete")
        inside = storage.source is not None
        start = storage.offset + (self._blob(storage.source) if storage.source is not None else 0)
        view = [array.offset, list(array.shape), list(array.stride)]
        return [array.library, array.dtype, inside, start, n_bytes // SIZES[array.dtype], *view]

    def _blob(self, data: bytes) -> int:
        """Where ``data`` will lie behind the JSON; the same object is written once."""
        if id(data) not in self._starts:
            self._starts[id(data)] = self._end
            self.blobs.append(data)
            self._end += len(data)
        return self._starts[id(data)]


def limit_memory(n_bytes: int) -> None:
    """Let this process have at most BASE and a few times ``n_bytes``; without ``resource`` there is no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return
    most = BASE + 5 * n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def limit_rest() -> None:
    """No file may be written, no process started, and time is short."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(path: str) -> tuple[Any, list[bytes]]:
    """What ``path`` holds as plain JSON and the bytes that follow it."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(2)
        file.seek(0)
        if head == b"PK":
            limit_memory(0)
            writer, value = Writer(size), read_zip(file, size)
        elif head == b"\x1f\x8b":
            most = min(MAX_RATIO * size, MAX_UNPACKED)
            limit_memory(most)
            data = gzip.GzipFile(fileobj=file).read(most + 1)
            if len(data) > most:
                raise Refused(BOMB)
            limit_memory(len(data))
            writer, value = Writer(0), read_stream(io.BytesIO(data), data)
        else:
            limit_memory(min(size, MAX_UNPACKED))
            writer, value = Writer(size), read_stream(file, None)
        return writer.plain(value), writer.blobs


def main(path: str) -> int:
    limit_rest()
    try:
        plain, blobs = read(path)
        text = json.dumps({"value": plain})
    except Refused as error:
        text, blobs = json.dumps({"fault": str(error)}), []
    except MemoryError:
        text, blobs = json.dumps({"fault": "would take far more memory than its size"}), []
    out = sys.stdout.buffer
    out.write(text.encode() + b"\n")
    for blob in blobs:
        out.write(blob)
    out.flush()
    return 0
