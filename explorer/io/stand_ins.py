"""What stands for the objects of a pickle: no class of a file is imported, no function of a file is called.

``KNOWN`` holds the few functions that tensors, numpy arrays and plain containers are made of, as functions that only
describe where the numbers lie. Sources: torch/_utils.py of torch 2.13, numpy/_core/multiarray of numpy 2. Standard
library only.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
SIZES |= {"U64": 8, "U32": 4, "U16": 2, "C64": 8, "F8_E4M3": 1, "F8_E5M2": 1}
STORAGES = {"Double": "F64", "Float": "F32", "Half": "F16", "BFloat16": "BF16", "ComplexFloat": "C64"}
STORAGES |= {"Long": "I64", "Int": "I32", "Short": "I16", "Char": "I8", "Byte": "U8", "Bool": "BOOL"}
DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "complex64": "C64"}
DTYPES |= {"int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL"}
DTYPES |= {"uint64": "U64", "uint32": "U32", "uint16": "U16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}
NUMPY = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8"}
NUMPY |= {"u8": "U64", "u4": "U32", "u2": "U16", "u1": "U8", "b1": "BOOL", "c8": "C64"}
SCALARS = {"F64": "d", "F32": "f", "F16": "e", "I64": "q", "I32": "i", "I16": "h", "I8": "b", "BOOL": "?"}
SCALARS |= {"U64": "Q", "U32": "I", "U16": "H", "U8": "B"}


UNKNOWN_TYPE = "holds a tensor of a type that is not known here"


class Refused(Exception):
    """A file that is not read; the text goes on behind the file's name."""


class Bag:
    """What stands for an object of any class: its name, arguments, state and items."""

    path = ""
    args: Any
    state: Any
    items: Any

    def __new__(cls, *args: Any, **named: Any) -> Bag:
        self = object.__new__(cls)
        self.args = args
        self.state = named
        self.items = []
        return self

    def __init__(self, *args: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        both = isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict)
        self.state = {**(state[0] or {}), **state[1]} if both else state

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    def append(self, value: Any) -> None:
        self.items.append(value)

    def extend(self, values: Any) -> None:
        self.items.extend(values)


class Table(dict[Any, Any]):
    """A dictionary of any kind; what else hangs on it is dropped."""

    def __setstate__(self, state: Any) -> None:
        pass


class Storage:
    """A row of ``numel`` numbers at byte ``offset`` of ``source``: None for the file, else the bytes themselves."""

    def __init__(self, dtype: str, numel: int) -> None:
        self.dtype, self.numel = dtype, numel
        self.source: bytes | None = None
        self.offset = -1


class Array:
    """A tensor or a numpy array as a view of a storage; sizes and strides in elements."""

    def __init__(
        self, library: str, storage: Storage, offset: int, shape: Any, stride: Any, dtype: str = ""
    ) -> None:
        self.library, self.storage, self.offset, self.dtype = library, storage, offset, dtype or storage.dtype
        self.shape, self.stride = tuple(shape), tuple(stride)
        counts = (offset, *self.shape, *self.stride)
        if len(self.shape) != len(self.stride) or not all(type(item) is int and 0 <= item < 2**62 for item in counts):
            raise Refused("describes a tensor that makes no sense")
        n_values = math.prod(self.shape)
        if math.prod(max(size, 1) for size in self.shape) >= 2**62:
            raise Refused("describes a tensor that makes no sense")
        last = offset + sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        held = storage.numel * SIZES[storage.dtype] // SIZES[self.dtype]
        if n_values > held or (n_values and last >= held):
            raise Refused("describes a tensor of more values than it holds")


class NumpyDtype:
    """A numpy dtype, as far as it is one of plain numbers."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        self.code, self.order = code, "|"

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]
        if len(state) > 4 and (state[2], state[3], state[4]) != (None, None, None):
            self.code = ""  # named fields

    @property
    def dtype(self) -> str:
        return NUMPY.get(self.code, "") if self.order in ("<", "|", "=") else ""


class NumpyArray:
    """A numpy array under construction: ``_reconstruct``, then its state."""

    def __init__(self, *_: Any) -> None:
        self.array: Any = Bag()

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.array = numpy_array(data, dtype, shape, "F" if fortran else "C")


def numpy_array(data: Any, dtype: Any, shape: Any, order: Any = "C") -> Any:
    if not isinstance(data, bytes | bytearray) or not isinstance(dtype, NumpyDtype) or not dtype.dtype:
        raise Refused("holds a numpy array that is not one of plain numbers")
    storage = Storage(dtype.dtype, len(data) // SIZES[dtype.dtype])
    storage.source, storage.offset = bytes(data), 0
    return Array("numpy", storage, 0, shape, _strides(shape, order == "F"))


def _strides(shape: Any, fortran: bool) -> list[int]:
    strides, step = [], 1
    for size in shape if fortran else reversed(shape):
        strides.append(step)
        step *= size
    return strides if fortran else strides[::-1]


def numpy_scalar(dtype: Any, data: Any = b"", *_: Any) -> Any:
    if not isinstance(dtype, NumpyDtype) or dtype.dtype not in SCALARS:
        raise Refused("holds a numpy value that is no plain number")
    return struct.unpack(f"<{SCALARS[dtype.dtype]}", data)[0]


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Array:
    return Array("torch", storage, offset, size, stride)


def rebuild_tensor_v3(storage: Any, offset: Any, size: Any, stride: Any, *more: Any) -> Array:
    """A tensor of the type ``more[2]`` over untyped bytes."""
    known = DTYPES.get(str(getattr(more[2], "path", "")).removeprefix("torch."))
    if known is None:
        raise Refused(UNKNOWN_TYPE)
    return Array("torch", storage, offset, size, stride, known)


def rebuild_parameter(data: Any, *_: Any) -> Any:
    return data


def rebuild_from_type(function: Any, kind: Any, args: Any, state: Any) -> Any:
    return function(*args) if function in KNOWN.values() else Bag(function, kind, args, state)


def table(*args: Any) -> Table:
    """A dictionary from pairs; a default's factory is dropped."""
    return Table(args[-1]) if args and isinstance(args[-1], list | dict) else Table()


def reconstructor(kind: Any, base: Any = None, value: Any = None) -> Any:
    return kind.__new__(kind)


def newobj(kind: Any, *args: Any) -> Any:
    return kind.__new__(kind, *args)


def encoded(text: Any, *_: Any) -> bytes:
    """Bytes as protocol 2 writes them: text in latin-1."""
    return str(text).encode("latin-1")


def as_bytes(value: Any = b"", *_: Any) -> bytes:
    return encoded(value) if isinstance(value, str) else bytes(memoryview(value))


KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): rebuild_tensor_v3,
    ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): rebuild_parameter,
    ("torch._tensor", "_rebuild_from_type_v2"): rebuild_from_type,
    ("torch", "Size"): tuple,
    ("collections", "OrderedDict"): table,
    ("collections", "defaultdict"): table,
    ("collections", "Counter"): table,
    ("copyreg", "_reconstructor"): reconstructor,
    ("copyreg", "__newobj__"): newobj,
    ("_codecs", "encode"): encoded,
    ("numpy", "dtype"): NumpyDtype,
    ("numpy", "ndarray"): NumpyArray,
}
for _numpy in ("numpy.core", "numpy._core"):
    KNOWN[f"{_numpy}.multiarray", "_reconstruct"] = NumpyArray
    KNOWN[f"{_numpy}.multiarray", "scalar"] = numpy_scalar
    KNOWN[f"{_numpy}.numeric", "_frombuffer"] = numpy_array
for _builtins in ("builtins", "__builtin__"):
    KNOWN |= {(_builtins, kind.__name__): kind for kind in (dict, frozenset, list, set, tuple)}
    KNOWN |= {(_builtins, kind): as_bytes for kind in ("bytes", "bytearray")}
KNOWN |= {("copy_reg", name): KNOWN["copyreg", name] for name in ("_reconstructor", "__newobj__")}
