"""Reading piece by piece gives what json.loads gives, or refuses what it refuses."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.io import json_stream
from explorer.io.json_stream import NotJson, members

STREAMED = frozenset({"nodes", "links"})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.lists(VALUES | st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=12)
OBJECTS = st.dictionaries(st.sampled_from(["nodes", "links"]), ITEMS).flatmap(
    lambda arrays: st.dictionaries(st.text(max_size=5), VALUES, max_size=3).map(lambda rest: {**rest, **arrays})
)


def whole(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in members(io.BytesIO(data), STREAMED):
        if name in STREAMED and isinstance(value, list):
            found.setdefault(name, []).extend(value)
        else:
            found[name] = value
    return found


@settings(max_examples=200)
@given(table=OBJECTS, indent=st.sampled_from([None, 1]), ascii=st.booleans(), chunk=st.integers(1, 40))
def test_pieces_of_any_size_give_the_whole(table: dict[str, Any], indent: int | None, ascii: bool, chunk: int) -> None:
    data = json.dumps(table, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass" if ascii else "replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", chunk)
        assert whole(data) == json.loads(data)


@settings(max_examples=300)
@given(
    table=OBJECTS,
    chunk=st.integers(1, 60),
    place=st.floats(0, 1),
    byte=st.sampled_from(b'{}[],:"\\0-e.\x00\xff '),
    cut=st.booleans(),
)
def test_what_json_refuses_is_refused_and_nothing_else_raised(
    table: dict[str, Any], chunk: int, place: float, byte: int, cut: bool
) -> None:
    data = bytearray(json.dumps(table, ensure_ascii=False).encode("utf-8", "replace"))
    at = int(place * (len(data) - 1))
    data[at] = byte
    data = data[:at] if cut else data
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", chunk)
        try:
            found = whole(bytes(data))
        except NotJson:
            found = None
    try:
        expected = json.loads(data.decode())
    except ValueError:
        expected = None
    if data.lstrip().startswith(b"["):
        assert found == {}
    elif isinstance(expected, dict) and found is not None:
        assert found == expected
    else:
        assert found is None
        repeated = isinstance(expected, dict)  # json keeps the last of two members of one name
        assert repeated <= (data.count(b'"nodes"') + data.count(b'"links"') + len(table) >= 1)


def test_the_line_of_a_fault_is_told() -> None:
    data = b'{"nodes": [\n{"a": 1},\n{"a": 2},\n{"a": ]}'
    with pytest.raises(NotJson) as caught:
        whole(data)
    assert caught.value.line == 4


def test_long_arrays_are_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", 1000)
    data = json.dumps({"links": [{"number": number, "nested": {"x": [1]}} for number in range(5000)]}).encode()
    sizes = [len(batch) for _, batch in members(io.BytesIO(data), STREAMED)]
    assert sum(sizes) == 5000
    assert max(sizes) < 50


def test_a_value_that_is_too_long_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_VALUE", 10_000)
    monkeypatch.setattr(json_stream, "CHUNK", 100)
    file = io.BytesIO(b'{"a": "' + b"x" * 1_000_000)
    with pytest.raises(NotJson, match="too long"):
        list(members(file, STREAMED))
    assert file.tell() < 50_000


def test_reading_stops_when_it_is_to() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(members(io.BytesIO(b"{}"), STREAMED, stop))
