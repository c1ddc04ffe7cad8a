"""PyTorch files and pickles, read without running anything in them.

A child process (``io.unpickling``) with limits of memory, time and files reads the objects; the numbers are then
taken from where they lie, mapped rather than copied. Where the system knows no such limits (Windows; of memory,
macOS) the child's own counts of depth, values and bytes remain.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import LoadError
from explorer.io import stand_ins, unpickling
from explorer.io.magic import TITLES, sniff, unreadable
from explorer.work import Pause, go_on

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".pkl.gz")
KINDS = ("zip", "pickle", "gzip")
PATIENCE = 180.0  # seconds that the child may take
STEP = 0.05
# With the standard library alone: no packages, nothing of the working folder, no variables of the environment.
CHILD = "import sys; sys.path.append(sys.argv[1]); from explorer.io.unpickling import main; main(sys.argv[2])"

_TORCH = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64"},
    **{"I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"},
    **{"U64": "uint64", "U32": "uint32", "U16": "uint16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"},
}


@dataclass(frozen=True, eq=False)
class Bag:
    """What the file holds of an object of the class ``name``: it is not one, and nothing of its class ran.

    ``args`` are what it would be made from, ``state`` its attributes, ``items`` what it contains.
    """

    name: str
    args: tuple[Any, ...]
    state: Any
    items: list[Any]


@dataclass(frozen=True, eq=False)
class StoredArray:
    """A tensor (``library`` torch) or an array (numpy) of a file, not read yet; dtype as safetensors writes it."""

    library: str
    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    first: int
    _source: Any
    _start: int
    _held: int

    def numpy(self) -> NDArray[Any]:
        """The numbers; bfloat16, which numpy lacks, as float32. LoadError for float8."""
        import numpy as np

        if self.dtype == "BF16":
            return (self._view("uint16").astype(np.uint32) << 16).view(np.float32)
        if self.dtype.startswith("F8"):
            raise LoadError(f"An array of the type {self.dtype} is not read here; convert the file.")
        return self._view(_TORCH[self.dtype])

    def torch(self) -> Tensor:
        """The numbers as stored, mapped from the file where they lie in it."""
        import torch

        if not self._held:
            return torch.empty(self.shape, dtype=getattr(torch, _TORCH[self.dtype]))
        flat = torch.from_numpy(self._bytes()).view(getattr(torch, _TORCH[self.dtype]))
        return flat.as_strided(self.shape, self.stride, self.first)

    def _view(self, dtype: str) -> NDArray[Any]:
        import numpy as np

        flat = self._bytes().view(dtype)
        steps = [step * flat.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(flat[self.first :], self.shape, steps)

    def _bytes(self) -> NDArray[np.uint8]:
        """The bytes of the whole storage, at an address that suits the type."""
        size = stand_ins.SIZES[self.dtype]
        found: NDArray[np.uint8] = self._source[self._start : self._start + self._held * size]
        return found if found.ctypes.data % size == 0 else found.copy()


def load(path: Path, pause: Pause = go_on, *, numpy: bool = False) -> object:
    """What ``path`` holds: plain values, torch tensors (arrays with ``numpy``), and a Bag for all else; LoadError.

    Of a .pt, .pth, .bin, .ckpt, .pkl or .pkl.gz; ``pause`` is called while it is read. Nothing in the file runs.
    """
    return mapped(
        outline(path, pause),
        lambda found: found.numpy() if numpy or found.library == "numpy" else found.torch(),
    )


def outline(path: Path, pause: Pause = go_on) -> object:
    """As ``load``, with a StoredArray for each tensor: instant on a zip of any size; needs no torch."""
    kind = sniff(path)
    if kind == "empty":
        raise LoadError(f"“{path}” is empty; download or copy it again.")
    if kind not in KINDS:
        raise LoadError(f"“{path}” is {TITLES[kind]}, not a file of PyTorch or a pickle; get the file itself.")
    out = _run(path.resolve(), pause)
    line, _, blob = out.partition(b"\n")
    try:
        reply = json.loads(line)
        if "fault" in reply:
            raise LoadError(f"“{path}” {reply['fault']}; get it anew from where it came from.")
        return _Decoder(path, blob).value(reply["value"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise LoadError(f"“{path}” is incomplete or damaged; download or copy it again.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def mapped(value: object, leaf: Callable[[StoredArray], object]) -> object:
    """``value`` of ``outline`` with each StoredArray replaced by what ``leaf`` makes of it."""
    if isinstance(value, StoredArray):
        return leaf(value)
    if isinstance(value, Mapping):
        return {key: mapped(item, leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, leaf) for item in value]
    if isinstance(value, tuple):
        return tuple(mapped(item, leaf) for item in value)
    if isinstance(value, Bag):
        args, state, items = (mapped(part, leaf) for part in (value.args, value.state, value.items))
        return Bag(value.name, args, state, items)  # type: ignore[arg-type]
    return value


def _run(path: Path, pause: Pause) -> bytes:
    """What the child wrote of ``path``; LoadError if it died."""
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW
    command = [sys.executable, "-I", "-S", "-B", "-c", CHILD, str(Path(unpickling.__file__).parents[2])]
    if getattr(sys, "frozen", False):
        command = [sys.executable, "unpickle"]
    with subprocess.Popen(
        [*command, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **options,
    ) as child:
        try:
            for _ in range(round(PATIENCE / STEP)):
                pause()
                try:
                    out: bytes = child.communicate(timeout=STEP)[0]
                except subprocess.TimeoutExpired:
                    continue
                if child.returncode == 0:
                    return out
                raise LoadError(f"“{path}” is incomplete or damaged; download or copy it again.")
            raise LoadError(f"“{path}” takes too long to read; get it anew from where it came from.")
        finally:
            child.kill()


class _Decoder:
    """The child's JSON as values; arrays in ``path`` itself or in ``blob``."""

    def __init__(self, path: Path, blob: bytes) -> None:
        import numpy as np

        self._blob = blob
        self._inside = np.frombuffer(bytearray(blob), np.uint8)
        self._file = np.memmap(path, np.uint8, "c")

    def value(self, plain: Any) -> Any:
        if isinstance(plain, list):
            return [self.value(item) for item in plain]
        if not isinstance(plain, dict):
            return plain
        ((tag, held),) = plain.items()
        made: Callable[[Any], Any] = getattr(self, f"_{tag}")
        return made(held)

    def _t(self, held: list[Any]) -> tuple[Any, ...]:
        return tuple(self.value(held))

    def _s(self, held: list[Any]) -> frozenset[Any]:
        return frozenset(self.value(held))

    def _d(self, held: list[Any]) -> dict[Any, Any]:
        return {self.value(key): self.value(item) for key, item in held}

    def _b(self, held: list[int]) -> bytes:
        start, length = held
        return self._blob[start : start + length]

    def _o(self, held: list[Any]) -> Bag:
        name, *parts = held
        args, state, items = (self.value(part) for part in parts)
        return Bag(name, args, state, items)

    def _a(self, held: list[Any]) -> StoredArray:
        library, dtype, inside, start, numel, first, shape, stride = held
        source = self._inside if inside else self._file
        return StoredArray(library, dtype, tuple(shape), tuple(stride), first, source, start, numel)
