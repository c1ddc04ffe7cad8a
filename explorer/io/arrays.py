"""Numpy arrays in a safetensors file: written part by part, read lazily without torch."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import LoadError
from explorer.io.atomic import replacing
from explorer.io.magic import beginning, unreadable
from explorer.io.tensors import header

DTYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I16": np.int16,
    "U32": np.uint32, "U8": np.uint8,
}  # fmt: skip
_NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
_BLOCK = 1 << 26  # bytes written at a time
Array = NDArray[Any]
STRINGS: Mapping[str, tuple[str, int]] = {"bytes": ("U8", 1), "offsets": ("I64", 1)}


def write(path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> None:
    """Make ``path`` hold ``arrays``, whole or not at all; SaveError. The same arrays give the same bytes."""
    shapes = {name: (array.dtype, array.shape) for name, array in arrays.items()}
    write_parts(path, shapes, (part for name in _order(shapes) for part in _blocks(arrays[name])), metadata)


def write_parts(
    path: Path,
    shapes: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]],
    parts: Iterable[Array],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """The same for arrays that come in parts: those of the one with the widest type first, then by name."""
    table: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name in _order(shapes):
        dtype, shape = shapes[name]
        stop = at + dtype.itemsize * math.prod(shape)
        table[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [at, stop]}
        at = stop
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for part in parts:
            file.write(np.ascontiguousarray(part).data)


class ArrayFile:
    """A safetensors file whose arrays are read from the disk when they are asked for; LoadError if it is damaged."""

    def __init__(self, path: Path, wanted: Mapping[str, tuple[str, int]]) -> None:
        """``wanted``: the type and the number of axes that arrays must have which are there."""
        from safetensors import SafetensorError, safe_open

        self.path, self.header = path, header(path)
        for name, (dtype, n_axes) in wanted.items():
            held = self.header.tensors.get(name)
            if held is None or held.dtype != dtype or len(held.shape) != n_axes:
                raise LoadError(f"“{path}” has no array {name} as it should be; make the index again.")
        try:
            self._file = safe_open(path, framework="np")
        except (SafetensorError, OSError) as error:
            raise LoadError(_fault(path, error)) from error

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.header.metadata

    def __contains__(self, name: str) -> bool:
        return name in self.header.tensors

    def all(self, name: str) -> Array:
        """The array ``name`` whole."""
        found: Array = self._file.get_tensor(name)  # type: ignore[no-untyped-call]
        return found

    def rows(self, name: str, start: int, stop: int) -> Array:
        """Rows ``start`` to ``stop`` of the array ``name``; nothing else is read."""
        if not 0 <= start <= stop <= self.header.tensors[name].shape[0]:
            raise LoadError(f"“{self.path}” refers to a row of {name} that is not there; make the index again.")
        found: Array = self._file.get_slice(name)[start:stop]  # type: ignore[no-untyped-call]
        return found

    def string(self, row: int, name: str = "") -> bytes:
        """Text ``row`` of those that ``strings`` made arrays of."""
        start, stop = map(int, self.rows(f"{name}offsets", row, row + 2))
        return self.rows(f"{name}bytes", start, stop).tobytes()

    def strings(self, name: str = "") -> list[bytes]:
        """All texts of the kind."""
        data, offsets = self.all(f"{name}bytes").tobytes(), self.all(f"{name}offsets").tolist()
        return [data[start:stop] for start, stop in pairwise(offsets)]


def strings(texts: Sequence[bytes], name: str = "") -> dict[str, Array]:
    """Texts of any length as two arrays, their names beginning with ``name``."""
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return {f"{name}bytes": np.frombuffer(b"".join(texts), np.uint8), f"{name}offsets": offsets}


def _fault(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return unreadable(path, error)
    return f"“{path}” is damaged ({beginning(error)}); make it again."


def _order(shapes: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]) -> list[str]:
    return sorted(shapes, key=lambda name: (-shapes[name][0].itemsize, name))


def _blocks(array: Array) -> Iterable[Array]:
    flat = np.ascontiguousarray(array).reshape(-1)
    step = max(1, _BLOCK // max(array.itemsize, 1))
    return (flat[at : at + step] for at in range(0, len(flat), step))
