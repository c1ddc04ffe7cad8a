"""Safetensors files: headers by the standard library alone, then tensors, every fault one sentence.

The format: 8 bytes with the length of the header, little-endian; the header, a JSON table from names to
dtype, shape and byte range; the tensors, without gaps (github.com/huggingface/safetensors).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import LoadError
from explorer.io import json_stream
from explorer.io.magic import TITLES, beginning, first_bytes, printable, sniff_bytes, unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
MAX_HEADER = 100_000_000  # the limit of the safetensors library


@dataclass(frozen=True)
class TensorInfo:
    """What the header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]
    n_bytes: int

    @property
    def n_values(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    """What a safetensors file holds: tensors by name, free metadata, size of the file in bytes."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]
    n_bytes: int


def header(path: Path) -> Header:
    """The checked header of ``path``; no tensor is read, so it is instant on any size. LoadError."""
    try:
        return _header(path)
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def read(path: Path, names: Iterable[str] | None = None) -> dict[str, Tensor]:
    """The tensors of ``path`` (those of ``names``, if given) as stored; LoadError names what is wrong."""
    return _read(path, names, "pt")


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All of ``path`` as numpy arrays, for what does without torch; LoadError names what is wrong."""
    return _read(path, None, "np")


def _read(path: Path, names: Iterable[str] | None, framework: str) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    held = header(path).tensors
    wanted = list(held) if names is None else list(names)
    for name in wanted:
        if name not in held:
            raise LoadError(f"“{path}” lacks the tensor {name}; it holds {_listed(held)}.")
    try:
        with safe_open(path, framework=framework) as file:
            return {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, RuntimeError) as error:  # torch refuses strides that overflow
        raise LoadError(f"“{path}” is damaged ({beginning(error)}); download or copy it again.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def check_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """LoadError if a tensor of ``path`` holds NaN or infinity, with its name and how many."""
    for name, tensor in tensors.items():
        wrong = tensor.numel() - int(tensor.isfinite().sum())
        if wrong:
            raise LoadError(
                f"“{path}”: {name} is not finite in {wrong} of its {tensor.numel()} values (NaN or infinity); "
                "download or convert it again."
            )


def _header(path: Path) -> Header:
    head = first_bytes(path)
    kind = sniff_bytes(head)
    if kind == "empty":
        raise LoadError(f"“{path}” is empty; download or copy it again.")
    if kind not in ("safetensors", "unknown", "text"):
        raise LoadError(f"“{path}” is {TITLES[kind]}, not safetensors; get the file itself.")
    size = path.stat().st_size
    length = int.from_bytes(head[:8], "little")
    if kind != "safetensors" or length > MAX_HEADER:
        raise LoadError(f"“{path}” is not a safetensors file; pick another, or convert it.")
    if length > size - 8:
        raise LoadError(_size(path, length + 8, size))
    with path.open("rb") as file:
        file.seek(8)
        text = file.read(length)
    return parsed(path, text, size)


def parsed(path: Path, text: bytes, size: int) -> Header:
    """The checked header with the JSON ``text`` of a file (or a part of one) of ``size`` bytes; LoadError."""
    try:
        table = json_stream.loads(text)
    except json_stream.NotJson as error:
        raise LoadError(f"“{path}”: the header is damaged; download or copy the file again.") from error
    if not isinstance(table, dict):
        raise LoadError(f"“{path}”: the header is damaged; download or copy the file again.")
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise LoadError(f"“{path}”: the header is damaged at __metadata__; download it again.")
    spans: list[tuple[int, int, str]] = []
    tensors: dict[str, TensorInfo] = {}
    for name, entry in table.items():
        start, stop, tensors[name] = _entry(path, name, entry)
        spans.append((start, stop, name))
    end = 0
    for start, stop, name in sorted(spans):
        if start != end:
            raise LoadError(f"“{path}”: the header is damaged at tensor {printable(name)}; download it again.")
        end = stop
    promised = 8 + len(text) + end
    if promised != size:
        raise LoadError(_size(path, promised, size))
    return Header(tensors, {str(key): str(value) for key, value in metadata.items()}, size)


def _entry(path: Path, name: str, entry: Any) -> tuple[int, int, TensorInfo]:
    """Start, stop and description of one tensor of the header."""
    shown = printable(name)
    damaged = f"“{path}”: the header is damaged at tensor {shown}; download it again."
    if not isinstance(entry, dict):
        raise LoadError(damaged)
    dtype, shape, span = entry.get("dtype"), _counts(entry.get("shape")), _counts(entry.get("data_offsets"))
    if not isinstance(dtype, str) or shape is None or span is None or len(span) != 2:
        raise LoadError(damaged)
    if dtype not in BITS:
        raise LoadError(f"“{path}”: tensor {shown} has the type {printable(dtype)}, unknown here; update the program.")
    info = TensorInfo(dtype, shape, span[1] - span[0])
    if info.n_values * BITS[dtype] != info.n_bytes * 8:
        raise LoadError(damaged)
    return span[0], span[1], info


def _counts(value: Any) -> tuple[int, ...] | None:
    """``value`` if it is a short list of counts."""
    if not isinstance(value, list) or len(value) > 16:
        return None
    return tuple(value) if all(type(item) is int and 0 <= item < 2**62 for item in value) else None


def _size(path: Path, promised: int, size: int) -> str:
    state = "is incomplete" if promised > size else "has bytes too many"
    return f"“{path}” {state}: its header promises {promised} bytes, the file has {size}; download it again."


def _listed(names: Iterable[str], most: int = 8) -> str:
    found = sorted(printable(name) for name in names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return (", ".join(found[:most]) or "nothing") + more
