"""Safetensors are read as written, and every damage has its sentence."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from explorer.errors import LoadError
from explorer.io.tensors import check_finite, header, read

TENSORS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b": torch.ones(3, dtype=torch.bfloat16),
    "c": torch.zeros(0, 4),
}
WHOLE = save(TENSORS, metadata={"note": "x"})


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "weights.safetensors"
    path.write_bytes(data)
    return path


def _lying(folder: Path, **changes: Any) -> Path:
    """A file with one tensor of two float32 and a header entry changed by ``changes``."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}
    text = json.dumps({"w": entry}).encode()
    return _file(folder, struct.pack("<Q", len(text)) + text + bytes(8))


def test_header_tells_names_types_shapes_and_metadata(tmp_path: Path) -> None:
    found = header(_file(tmp_path, WHOLE))
    assert {name: (info.dtype, info.shape) for name, info in found.tensors.items()} == {
        "a": ("F32", (2, 3)),
        "b": ("BF16", (3,)),
        "c": ("F32", (0, 4)),
    }
    assert found.metadata == {"note": "x"}
    assert found.n_bytes == len(WHOLE)


def test_tensors_are_read_as_stored(tmp_path: Path) -> None:
    tensors = read(_file(tmp_path, WHOLE))
    for name, tensor in TENSORS.items():
        assert torch.equal(tensors[name], tensor)
        assert tensors[name].dtype == tensor.dtype
    assert list(read(tmp_path / "weights.safetensors", ["b"])) == ["b"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (WHOLE[:-1], f"is incomplete: its header promises {len(WHOLE)} bytes, the file has {len(WHOLE) - 1}"),
        (WHOLE[:40], "is incomplete: its header promises"),
        (WHOLE + b"x", "has bytes too many"),
        (b"", "is empty"),
        (b"\x01\x02\x03\x04", "not a safetensors file"),
        (b"<!DOCTYPE html><html></html>", "is a web page, not safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git-LFS pointer"),
        (b"PK\x03\x04" + bytes(60), "is a zip file"),
        (b"GGUF" + bytes(60), "is a GGUF model"),
        (b"\x80\x02}q\x00.", "is a Python pickle, not safetensors; get the file itself"),
        (b'{"a": 1}        ', "is a text file"),
        (struct.pack("<Q", 9) + b'{"a": [} ', "header is damaged"),
        (struct.pack("<Q", 2) + b"{}", ""),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = _file(tmp_path, data)
    if not words:
        assert read(path) == {}
        return
    with pytest.raises(LoadError, match=words) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": [3]}, "damaged at tensor w"),
        ({"shape": [-2]}, "damaged at tensor w"),
        ({"shape": [2**61, 2**61]}, "damaged at tensor w"),
        ({"shape": "2"}, "damaged at tensor w"),
        ({"data_offsets": [4, 12]}, "damaged at tensor w"),
        ({"data_offsets": [0]}, "damaged at tensor w"),
        ({"dtype": "Q9"}, "tensor w has the type Q9"),
        ({"dtype": None}, "damaged at tensor w"),
    ],
)
def test_lying_headers_are_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(LoadError, match=words):
        header(_lying(tmp_path, **changes))


def test_a_folder_or_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="is a folder"):
        header(tmp_path)
    with pytest.raises(LoadError, match="does not exist"):
        header(tmp_path / "none.safetensors")


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="lacks the tensor z; it holds a, b, c"):
        read(_file(tmp_path, WHOLE), ["z"])


def test_values_that_are_not_finite_are_counted(tmp_path: Path) -> None:
    good = torch.ones(4)
    bad = torch.tensor([1.0, torch.nan, torch.inf])
    check_finite(tmp_path, {"good": good})
    with pytest.raises(LoadError, match="bad is not finite in 2 of its "):
        check_finite(tmp_path, {"good": good, "bad": bad})


@given(place=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255), cut=st.integers(0, len(WHOLE)))
def test_flipped_bytes_give_a_sentence_or_tensors(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int, cut: int
) -> None:
    data = np.frombuffer(WHOLE, dtype=np.uint8).copy()
    data[place] = value
    path = _file(tmp_path_factory.getbasetemp(), data.tobytes()[: max(cut, len(WHOLE) // 2)])
    with contextlib.suppress(LoadError):
        read(path)
