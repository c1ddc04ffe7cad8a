from __future__ import annotations

import json
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.engine import protocol
from explorer.engine.protocol import DTYPES, PREFIX, Message, decode, encode
from explorer.errors import EngineError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
arrays = st.sampled_from(DTYPES).flatmap(lambda name: hnp.arrays(np.dtype(name), shapes))
messages = st.builds(
    Message,
    st.dictionaries(st.text(), json_values, max_size=4),
    st.dictionaries(st.text(max_size=5), arrays, max_size=4),
)
EXAMPLE = Message({"event": "result", "id": 7}, {"row": np.arange(12, dtype=np.int32).reshape(3, 4)})


def wire(message: Message) -> bytes:
    return b"".join(encode(message))


def read(data: bytes) -> Message | None:
    return decode(BytesIO(data))


def headed(header: object, frames: bytes = b"") -> bytes:
    """A stream with any header and a correct prefix."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    checksum = zlib.crc32(text, zlib.crc32(len(text).to_bytes(4, "little")))
    return PREFIX.pack(protocol.MAGIC, len(text), checksum) + text + frames


def assert_same(got: Message | None, sent: Message) -> None:
    assert got is not None
    assert got.head == sent.head
    assert list(got.arrays) == list(sent.arrays)
    for name, array in sent.arrays.items():
        assert got.arrays[name].dtype == array.dtype
        assert got.arrays[name].shape == array.shape
        assert got.arrays[name].tobytes() == array.tobytes()


@given(st.lists(messages, max_size=3))
def test_messages_arrive_as_they_were_sent(sent: list[Message]) -> None:
    stream = BytesIO(b"".join(wire(message) for message in sent))
    for message in sent:
        assert_same(decode(stream), message)
    assert decode(stream) is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (2, 3)])
def test_every_dtype_and_shape_crosses(dtype: str, shape: tuple[int, ...]) -> None:
    sent = Message({}, {"a": np.ones(shape, dtype)})
    assert_same(read(wire(sent)), sent)


def test_views_and_foreign_byte_order_arrive_with_their_values() -> None:
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    sent = {"transposed": base.T, "strided": base[::2, ::-1], "big": base.astype(">f4")}
    got = read(wire(Message({}, sent)))
    assert got is not None
    for name, array in sent.items():
        np.testing.assert_array_equal(got.arrays[name], array)


def test_contiguous_arrays_are_not_copied() -> None:
    array = np.zeros(1000)
    chunk = encode(Message({}, {"a": array}))[1]
    assert np.shares_memory(np.frombuffer(chunk, np.uint8), array)


def test_received_arrays_cannot_be_changed() -> None:
    got = read(wire(EXAMPLE))
    assert got is not None
    assert not got.arrays["row"].flags.writeable


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([{}]), np.zeros(2, "c8"), np.zeros(2, "i4,f8")])
def test_other_dtypes_are_refused_before_anything_is_sent(array: np.ndarray) -> None:
    with pytest.raises(TypeError, match="cannot cross"):
        encode(Message({}, {"a": array}))


@given(messages, st.data())
def test_a_flipped_bit_in_the_header_is_found(message: Message, data: st.DataObject) -> None:
    stream = bytearray(wire(message))
    end = PREFIX.size + PREFIX.unpack_from(stream)[1]
    position = data.draw(st.integers(0, end - 1))
    stream[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EngineError, match=r"damaged|memory|version"):
        decode(BytesIO(stream))


@given(messages, st.data())
def test_a_flipped_bit_in_a_frame_changes_no_shape(message: Message, data: st.DataObject) -> None:
    stream = bytearray(wire(message))
    start = PREFIX.size + PREFIX.unpack_from(stream)[1]
    if start == len(stream):
        return
    stream[data.draw(st.integers(start, len(stream) - 1))] ^= 1
    got = decode(BytesIO(stream))
    assert got is not None
    assert got.head == message.head
    assert {k: a.shape for k, a in got.arrays.items()} == {k: a.shape for k, a in message.arrays.items()}


@given(messages, st.data())
def test_a_stream_that_ends_within_a_message_is_damaged(message: Message, data: st.DataObject) -> None:
    stream = wire(message)
    with pytest.raises(EngineError, match="ends within a message"):
        read(stream[: data.draw(st.integers(1, len(stream) - 1))])


@given(st.binary(min_size=1, max_size=300))
def test_any_other_bytes_are_damaged(data: bytes) -> None:
    with pytest.raises(EngineError, match="damaged"):
        read(data)


@given(json_values)
def test_any_other_header_is_refused(header: object) -> None:
    with pytest.raises(EngineError, match="damaged"):
        read(headed(header))


@given(json_values)
def test_any_other_list_of_arrays_is_refused(listed: object) -> None:
    if listed == []:
        return
    with pytest.raises(EngineError, match="damaged"):
        read(headed({"head": {}, "arrays": listed}))


@pytest.mark.parametrize(
    "entry",
    [
        ["a", "object", [1]],
        ["a", "<U4", [1]],
        ["a", "float32", [-1]],
        ["a", "float32", [True]],
        ["a", "float32", [1.0]],
        ["a", "float32", [1 << 40]],
        ["a", "float32", [1 << 20, 1 << 20]],
        ["a", "float32", [0, 1 << 70]],
        ["a", "float32", [1] * 17],
        ["a", "float32"],
        [1, "float32", [1]],
    ],
)
def test_impossible_arrays_are_refused_before_memory_is_taken(entry: list[object]) -> None:
    with pytest.raises(EngineError, match="impossible arrays"):
        read(headed({"head": {}, "arrays": [entry]}))


def test_two_arrays_of_one_name_are_refused() -> None:
    entry = ["a", "uint8", [1]]
    with pytest.raises(EngineError, match="impossible arrays"):
        read(headed({"head": {}, "arrays": [entry, entry]}, b"xy"))


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[" * 100_000, b'{"head": {}', b"9" * 10_000])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(EngineError, match="damaged"):
        read(headed(text))


def test_an_oversized_header_is_refused_without_being_read() -> None:
    with pytest.raises(EngineError, match="bytes is announced"):
        read(PREFIX.pack(protocol.MAGIC, protocol.MAX_HEADER + 1, 0))


def test_too_much_to_send_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_HEADER", 100)
    monkeypatch.setattr(protocol, "MAX_FRAMES", 1000)
    with pytest.raises(EngineError, match="too much text"):
        encode(Message({"text": "a" * 100}))
    with pytest.raises(EngineError, match="too large"):
        encode(Message({}, {"a": np.zeros(126)}))
