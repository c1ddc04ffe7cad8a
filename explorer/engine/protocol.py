"""Messages between window and engine: a JSON header and raw array frames on a byte stream.

    prefix   b"CXE1", header length (uint32), CRC-32 of length and header (uint32); little-endian
    header   JSON: {"head": {...}, "arrays": [[name, dtype, shape], ...]}
    frames   the arrays' bytes in the header's order, C order, little-endian, nothing between them

The checksum finds every damaged bit of prefix and header; frames carry none, because a pipe does not
flip bits and what can go wrong (something else wrote into the stream, an end went away) shifts or ends
the stream, which the next prefix shows. The number in the prefix is the version of the protocol.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import EngineError

Array = NDArray[Any]
Chunk = bytes | memoryview

MAGIC = b"CXE1"
PREFIX = struct.Struct("<4sII")
MAX_HEADER = 64 << 20
MAX_ARRAYS = 4096
MAX_DIMENSIONS = 16
MAX_FRAMES = 64 << 30
DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
)


class OtherProtocol(EngineError):
    """The other end speaks another version of this protocol."""


class StreamEnded(EngineError):
    """The stream ends within a message: the other end went away while it spoke."""


@dataclass(frozen=True)
class Message:
    """One message: ``head`` holds JSON values only, ``arrays`` numbers of the dtypes in ``DTYPES``."""

    head: dict[str, Any]
    arrays: dict[str, Array] = field(default_factory=dict)


def encode(message: Message) -> list[Chunk]:
    """The message as chunks to be written in order; contiguous arrays are not copied.

    The chunks look into the arrays, so those must not change before they are written. Everything is
    checked here, before the first byte is out. TypeError means a value that cannot cross: a bug.
    """
    frames = {name: _wire_array(name, array) for name, array in message.arrays.items()}
    if sum(frame.nbytes for frame in frames.values()) > MAX_FRAMES or len(frames) > MAX_ARRAYS:
        raise EngineError("The engine's answer is too large to be sent: keep fewer features.")
    listed = [[name, frame.dtype.name, list(frame.shape)] for name, frame in frames.items()]
    header = json.dumps({"head": message.head, "arrays": listed}, separators=(",", ":")).encode("ascii")
    if len(header) > MAX_HEADER:
        raise EngineError("The engine's answer holds too much text to be sent: keep fewer features.")
    prefix = PREFIX.pack(MAGIC, len(header), _checksum(header))
    return [prefix + header, *(_bytes_of(frame).data for frame in frames.values() if frame.size)]


def decode(stream: BufferedIOBase) -> Message | None:
    """The next message of ``stream``, or None where the stream ends between two messages.

    The arrays are read-only. Raises EngineError if the stream is damaged, StreamEnded if it ends within a message.
    """
    prefix = stream.read(PREFIX.size)
    if not prefix:
        return None
    if len(prefix) < PREFIX.size:
        raise StreamEnded(str(_damaged("it ends within a message")))
    magic, length, checksum = PREFIX.unpack(prefix)
    if magic != MAGIC and magic.startswith(MAGIC[:3]):
        raise OtherProtocol(
            f"That engine speaks version {chr(magic[3])} of the engine’s protocol and this window version "
            f"{chr(MAGIC[3])}; install the same version of Circuit Explorer in both."
        )
    if magic != MAGIC:
        raise _damaged(f"a message begins with {magic!r}")
    if length > MAX_HEADER:
        raise _damaged(f"a header of {length:,} bytes is announced")
    header = bytearray(length)
    _fill(stream, memoryview(header))
    if _checksum(header) != checksum:
        raise _damaged("a header does not match its checksum")
    head, frames = _parse(header)
    for array in frames.values():
        if array.size:
            _fill(stream, _bytes_of(array).data)
        array.flags.writeable = False
    return Message(head, frames)


def _wire_array(name: str, array: Array) -> Array:
    if array.dtype.name not in DTYPES:
        raise TypeError(f"Array {name!r} of dtype {array.dtype} cannot cross to or from the engine.")
    if array.ndim > MAX_DIMENSIONS:
        raise TypeError(f"Array {name!r} has {array.ndim} dimensions; {MAX_DIMENSIONS} can cross.")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _bytes_of(array: Array) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8)


def _checksum(header: bytes | bytearray) -> int:
    return zlib.crc32(header, zlib.crc32(len(header).to_bytes(4, "little")))


def _fill(stream: BufferedIOBase, target: memoryview) -> None:
    while target:
        count = stream.readinto(target)
        if not count:
            raise StreamEnded(str(_damaged("it ends within a message")))
        target = target[count:]


def _parse(header: bytearray) -> tuple[dict[str, Any], dict[str, Array]]:
    """The head and the announced arrays, allocated but not yet filled."""
    try:
        content = json.loads(header)
        head, listed = content["head"], content["arrays"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged("a header is not what it should be") from error
    if not isinstance(head, dict) or not isinstance(listed, list) or len(listed) > MAX_ARRAYS:
        raise _damaged("a header is not what it should be")
    frames: dict[str, Array] = {}
    room = MAX_FRAMES
    for entry in listed:
        name, dtype, shape = _array_entry(entry)
        room -= math.prod(shape) * dtype.itemsize
        if name in frames or room < 0:
            raise _damaged("a header lists impossible arrays")
        frames[name] = _allocate(shape, dtype)
    return head, frames


def _array_entry(entry: object) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    match entry:
        case [str(name), str(dtype), list(shape)] if dtype in DTYPES and len(shape) <= MAX_DIMENSIONS:
            if all(type(size) is int and 0 <= size <= MAX_FRAMES for size in shape):
                return name, np.dtype(dtype).newbyteorder("<"), tuple(shape)
    raise _damaged("a header lists impossible arrays")


def _allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError, OverflowError) as error:
        size = math.prod(shape) * dtype.itemsize
        raise EngineError(
            f"There is no memory for {size / 1e9:.1f} GB from the engine: keep fewer features."
        ) from error


def _damaged(what: str) -> EngineError:
    return EngineError(f"The engine's data stream is damaged ({what}): start the engine again.")
