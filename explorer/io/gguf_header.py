"""Headers of GGUF files by the standard library alone: what a file says and which tensors it promises; no torch.

Layout (github.com/ggml-org/ggml, docs/gguf.md): magic, version, counts of tensors and of settings, all little-endian;
the settings (key, type, value); the tensors (name, sizes with the fastest first, type, offset); then, aligned, the
numbers.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from explorer.errors import LoadError
from explorer.io.magic import TITLES, printable, sniff, unreadable
from explorer.io.tensors import TensorInfo

MOST = 50_000  # settings, or tensors
LONGEST = 1_000_000  # bytes of a text that is kept
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
# type: its name, values in a block, bytes of a block (ggml's own table)
TYPES = {
    **{0: ("F32", 1, 4), 1: ("F16", 1, 2), 30: ("BF16", 1, 2), 28: ("F64", 1, 8)},
    **{24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8)},
    **{2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34)},
    **{10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176)},
    **{14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74)},
    **{18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110)},
    **{22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 29: ("IQ1_M", 256, 56)},
    **{34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17)},
}


@dataclass(frozen=True)
class GgufHeader:
    """``settings`` by name (of an array its length alone), the tensors by name, size of the file in bytes."""

    settings: Mapping[str, Any]
    tensors: Mapping[str, TensorInfo]
    n_bytes: int

    @property
    def family(self) -> str:
        return str(self.settings.get("general.architecture", ""))

    def count(self, name: str) -> int:
        """The setting ``name`` of the family, such as block_count; 0 if it is no count."""
        value = self.settings.get(f"{self.family}.{name}")
        return value if type(value) is int and value > 0 else 0


def header(path: Path) -> GgufHeader:
    """The checked header of ``path``; no tensor is read. LoadError if it is damaged or promises more than there is."""
    kind = sniff(path)
    if kind != "gguf":
        raise LoadError(f"“{path}” is {TITLES[kind]}, not a GGUF model; get the file itself.")
    try:
        with path.open("rb") as file:
            return _Reader(path, file).header()
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


class _Reader:
    """Reads forward; whatever would lie beyond the end of the file is damage, before anything is allocated."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._size = path.stat().st_size

    def header(self) -> GgufHeader:
        self._take(4)
        version, n_tensors, n_settings = self._numbers("IQQ")
        if version not in (2, 3):
            raise LoadError(f"“{self._path}” is GGUF of version {version}, which is not read here; convert it anew.")
        if max(n_tensors, n_settings) > MOST:
            raise self._damaged("its counts make no sense")
        settings = dict(self._setting() for _ in range(n_settings))
        infos = [self._tensor() for _ in range(n_tensors)]
        step = settings.get("general.alignment", 32)
        if type(step) is not int or not 0 < step <= 2**20:
            raise self._damaged("its general.alignment makes no sense")
        start = -(-self._file.tell() // step) * step
        for name, offset, info in infos:
            if start + offset + info.n_bytes > self._size:
                end = start + offset + info.n_bytes
                raise LoadError(
                    f"“{self._path}” is incomplete: tensor {printable(name)} ends at byte {end}, "
                    f"the file has {self._size}; download it again."
                )
        tensors = {name: info for name, _, info in infos}
        if len(tensors) < len(infos):
            raise self._damaged("it holds a tensor twice")
        return GgufHeader(settings, tensors, self._size)

    def _setting(self) -> tuple[str, Any]:
        key = self._text()
        return key, self._value(self._numbers("I")[0])

    def _value(self, kind: int) -> Any:
        if kind in SCALARS:
            return self._numbers(SCALARS[kind])[0]
        if kind == TEXT:
            return self._text()
        if kind != ARRAY:
            raise self._damaged(f"a setting has the unknown type {kind}")
        inner, length = self._numbers("IQ")
        if inner in SCALARS:
            self._skip(length * struct.calcsize(SCALARS[inner]))
        elif inner == TEXT and length * 8 <= self._size:
            for _ in range(length):
                self._skip(self._numbers("Q")[0])
        else:
            raise self._damaged("it holds a list that makes no sense")
        return length

    def _tensor(self) -> tuple[str, int, TensorInfo]:
        name = self._text()
        (n_axes,) = self._numbers("I")
        if n_axes > 8:
            raise self._damaged(f"tensor {printable(name)} has {n_axes} axes")
        shape = self._numbers("Q" * n_axes)[::-1]
        kind, offset = self._numbers("IQ")
        if kind not in TYPES:
            raise LoadError(
                f"“{self._path}”: tensor {printable(name)} has the type {kind}, unknown here; update the program."
            )
        title, block, n_bytes = TYPES[kind]
        n_values = math.prod(shape)
        if n_values % block:
            raise self._damaged(f"tensor {printable(name)} does not fill its blocks")
        return name, offset, TensorInfo(title, shape, n_values // block * n_bytes)

    def _text(self) -> str:
        (length,) = self._numbers("Q")
        if length > LONGEST:
            self._skip(length)
            return ""
        return self._take(length).decode("utf-8", "replace")

    def _numbers(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self._take(struct.calcsize(f"<{layout}")))

    def _take(self, n: int) -> bytes:
        data = self._file.read(n)
        if len(data) < n:
            raise self._damaged("its header ends early")
        return data

    def _skip(self, n: int) -> None:
        if self._file.tell() + n > self._size:
            raise self._damaged("its header ends early")
        self._file.seek(n, 1)

    def _damaged(self, why: str) -> LoadError:
        return LoadError(f"“{self._path}” is incomplete or damaged: {why}; download it again.")
