"""The inert loader against torch and numpy, and hostile files that must do nothing."""

from __future__ import annotations

import argparse
import collections
import gzip
import io
import os
import pathlib
import pickle
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import Cancelled, LoadError
from explorer.io.inert import Bag, StoredArray, load, outline

torch.manual_seed(0)
TENSORS = {
    "weight": torch.randn(3, 4),
    "turned": torch.arange(12).reshape(3, 4).T,
    "part": torch.arange(20.0)[3:9:2],
    "scalar": torch.tensor(2.5, dtype=torch.float64),
    "nothing": torch.empty(0, 3),
    "half": torch.randn(5).half(),
    "brain": torch.randn(5).bfloat16(),
    "eighth": torch.randn(5).to(torch.float8_e4m3fn),
    "unsigned": torch.arange(3).to(torch.uint16),
    "yes": torch.tensor([True, False]),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "shared": torch.ones(2),
}
TENSORS["shared too"] = TENSORS["shared"]
ARRAYS = {
    "f8": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "u1": np.arange(3, dtype=np.uint8),
}
PLAIN = {
    "config": argparse.Namespace(n_layer=2, act="gelu"),
    "path": pathlib.PurePosixPath("/a/b"),
    "lists": collections.defaultdict(list, {"a": [1]}),
    "scalar": np.float32(2.5),
    "size": torch.Size([1, 2]),
    "set": {1, 2},
    "bytes": b"abc",
    "dtype": torch.float32,
    "module": torch.nn.Linear(2, 3),
}
ALL = {"tensors": TENSORS, "arrays": ARRAYS, "plain": PLAIN, 3: (None, True, -1.5, "ä\ud800")}


def as_zip(path: Path, value: object) -> None:
    torch.save(value, path)


def as_legacy(path: Path, value: object) -> None:
    torch.save(value, path, _use_new_zipfile_serialization=False)


def as_pickle(protocol: int) -> Callable[[Path, object], None]:
    return lambda path, value: path.write_bytes(pickle.dumps(value, protocol)) and None


def as_gzip(path: Path, value: object) -> None:
    with gzip.open(path, "wb") as file:
        pickle.dump(value, file)


WRITERS = {"zip": as_zip, "legacy": as_legacy, "gzip": as_gzip, **{f"pickle {p}": as_pickle(p) for p in (2, 3, 4, 5)}}


@pytest.mark.parametrize("how", WRITERS)
def test_what_torch_and_pickle_write_comes_back(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    WRITERS[how](path, ALL)
    found: Any = load(path)
    for name, tensor in TENSORS.items():
        got = found["tensors"][name]
        assert got.dtype == tensor.dtype, name
        assert torch.equal(got.double(), tensor.detach().double()), name
    for name, array in ARRAYS.items():
        got = found["arrays"][name]
        assert got.dtype == array.dtype, name
        np.testing.assert_array_equal(got, array)
    assert found[3] == (None, True, -1.5, "ä\ud800")
    plain = found["plain"]
    assert (plain["lists"], plain["scalar"], plain["size"]) == ({"a": [1]}, 2.5, (1, 2))
    assert (plain["set"], plain["bytes"]) == ({1, 2}, b"abc")


@pytest.mark.parametrize("how", WRITERS)
def test_other_classes_become_bags_of_name_arguments_and_state(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    WRITERS[how](path, PLAIN)
    found: Any = load(path)
    config = found["config"]
    assert isinstance(config, Bag)
    assert (config.name, config.state) == ("argparse.Namespace", {"n_layer": 2, "act": "gelu"})
    assert found["path"].args == ("/", "a", "b")
    assert found["dtype"].name == "torch.float32"
    module = found["module"]
    assert module.name == "torch.nn.modules.linear.Linear"
    assert torch.equal(module.state["_parameters"]["weight"], PLAIN["module"].weight)  # type: ignore[attr-defined]


def test_numpy_alone_is_given_when_asked_for(tmp_path: Path) -> None:
    torch.save(TENSORS["brain"], tmp_path / "file.pt")
    found: Any = load(tmp_path / "file.pt", numpy=True)
    np.testing.assert_array_equal(found, TENSORS["brain"].float().numpy())


def test_an_outline_reads_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    torch.save({"W": torch.zeros(4, 5).bfloat16()}, path)
    found: Any = outline(path)
    assert isinstance(found["W"], StoredArray)
    assert (found["W"].dtype, found["W"].shape) == ("BF16", (4, 5))


def test_reading_stops_when_told(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "file.pt")

    def stop() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        load(tmp_path / "file.pt", stop)


# hostile files


class Calls:
    """Pickles as a call of ``function``."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("how", WRITERS)
@pytest.mark.parametrize("function", [os.system, eval, exec, "getattr", "map"])
def test_a_call_in_a_file_is_not_made(tmp_path: Path, how: str, function: Any) -> None:
    sentinel = tmp_path / "sentinel"
    command = f"touch {sentinel}" if function in (os.system, "map") else f"open({str(sentinel)!r}, 'w')"
    hostile = Calls(function, command) if callable(function) else Calls(map, os.system, [command])
    if function == "getattr":
        hostile = Calls(getattr, Calls(__import__, "os"), "system")
    WRITERS[how](tmp_path / "file", {"a": hostile, "W": torch.ones(2)})
    found: Any = load(tmp_path / "file")
    assert isinstance(found["a"], Bag)
    assert not sentinel.exists()


def test_a_class_named_in_a_file_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentinel = tmp_path / "sentinel"
    (tmp_path / "evil.py").write_text(f"open({str(sentinel)!r}, 'w').close()\nclass Evil: pass\n")
    (tmp_path / "json.py").write_text(f"open({str(sentinel)!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "file.pkl").write_bytes(b"\x80\x02cevil\nEvil\n)\x81.")
    found: Any = load(tmp_path / "file.pkl")
    assert found.name == "evil.Evil"
    assert not sentinel.exists()


def test_state_cannot_reach_beyond_the_stand_ins(tmp_path: Path) -> None:
    """os.system set as the __setstate__ of a stand-in, and its state a command: nothing real is called."""
    sentinel = tmp_path / "sentinel"
    attribute = b"X\x0c\x00\x00\x00__setstate__cos\nsystem\ns"
    onto_class = b"cevil\nEvil\nN}" + attribute + b"\x86b0"
    state = b"X" + struct.pack("<i", len(f"touch {sentinel}")) + f"touch {sentinel}".encode()
    (tmp_path / "file.pkl").write_bytes(b"\x80\x02" + onto_class + b"cevil\nEvil\n)\x81" + state + b"b.")
    with suppress(LoadError):
        load(tmp_path / "file.pkl")
    assert not sentinel.exists()


def nested(depth: int) -> bytes:
    return b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."


def memo_bomb() -> bytes:
    """2^60 values when written out, though it holds 60 lists."""
    text = b"\x80\x02]q\x00"
    for _ in range(60):
        text += b"]q\x01h\x00ah\x01h\x00aq\x000h\x00"
    return text + b"."


def doubled(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = [value, value]
    return value


def with_tensor(numel: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """torch's zip with a storage of ``numel`` floats (8 bytes of them there) and a view of it."""
    out = io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, found: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", numel) if found is Pickler else None

    pickler = Pickler(out, 2)
    pickler.dump(Calls(torch._utils._rebuild_tensor_v2, Pickler, 0, size, stride, False, {}))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", out.getvalue())
        archive.writestr("archive/data/0", b"\0" * 8)
    return file.getvalue()


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"N" * 100_000_000)
    return file.getvalue()


HOSTILE: dict[str, bytes] = {
    "deep lists": nested(200_000),
    "deep tuples": b"\x80\x02)" + b"\x85" * 2_000_000 + b".",
    "deep keys": b"\x80\x02})" + b"\x85" * 2_000_000 + b"Ns.",
    "a cycle": b"\x80\x02]q\x00h\x00a.",
    "shared lists": pickle.dumps(doubled(60), 2),
    "memo of 60 lists": memo_bomb(),
    "a long memo index": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "bytes of 8 EB": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b".",
    "a list of nothing": b"\x80\x02(" + b"N" * 5_000_000 + b"l.",
    "gzip of nothing": gzip.compress(b"\x80\x02]" + b"\0" * 300_000_000),
    "zip of nothing": zip_bomb(),
    "storage of 4 TB": with_tensor(2**40, (2**40,), (1,)),
    "a view of 4 TB": with_tensor(2, (2**40,), (0,)),
    "a view beyond": with_tensor(2, (2,), (5,)),
    "a negative step": with_tensor(2, (2,), (-1,)),
    "a huge step": with_tensor(2, (1,), (2**70,)),
    "a huge int": b"\x80\x02\x8b" + struct.pack("<i", 40_000_000) + b"\x7f" * 40_000_000 + b".",
    "no end": pickle.dumps({"a": 1}, 2)[:-1],
    "nothing at all": b"\x80\x02.",
    "an unknown opcode": b"\x80\x02\xff.",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence_soon(tmp_path: Path, what: str) -> None:
    path = tmp_path / "file.pt"
    path.write_bytes(HOSTILE[what])
    start = time.monotonic()
    with pytest.raises(LoadError, match=r"file.pt”.*;"):
        load(path)
    assert time.monotonic() - start < 30


def test_members_outside_the_archive_are_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    torch.save({"W": torch.ones(2)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped", b"x")
        archive.writestr("/tmp/escaped", b"x")
    before = sorted(tmp_path.rglob("*"))
    assert torch.equal(load(path)["W"], torch.ones(2))  # type: ignore[index]
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path.parent / "escaped").exists()


@pytest.mark.parametrize("how", WRITERS)
def test_a_truncated_file_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    WRITERS[how](path, {"W": torch.randn(50, 50)})
    whole = path.read_bytes()
    for keep in (0.999, 0.9, 0.5, 0.1):
        path.write_bytes(whole[: int(len(whole) * keep)])
        with pytest.raises(LoadError, match=r"incomplete|damaged"):
            load(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git-LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b'{"a": 1}', "a text file"),
    ],
)
def test_what_is_no_pickle_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "file.pt"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=says):
        load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="counts this process's children")
def test_no_child_is_left_behind(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "file.pt")
    load(tmp_path / "file.pt")
    assert Path(f"/proc/self/task/{os.getpid()}/children").read_text() == ""
