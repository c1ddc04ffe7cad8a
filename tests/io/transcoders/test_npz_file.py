"""Arrays of numpy are read as they are; what is none, or promises more than it has, is refused, not unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.errors import LoadError
from explorer.io.transcoders.npz_file import read_npz


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "params.npz"


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2", "<i8", "|u1"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_whatever_their_order_of_bytes(file: Path, dtype: str, save: object) -> None:
    W = np.arange(6).reshape(2, 3).astype(dtype)
    save(file, W=W, turned=np.asfortranarray(W))  # type: ignore[operator]
    held = read_npz(file)
    assert set(held) == {"W", "turned"}
    for tensor in held.values():
        assert torch.equal(tensor.double(), torch.arange(6.0, dtype=torch.float64).reshape(2, 3))


def member(file: Path, data: bytes, name: str = "W.npy") -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)


def header(shape: tuple[int, ...]) -> bytes:
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"shape": shape, "fortran_order": False, "descr": "<f4"})
    return held.getvalue()


def test_python_objects_are_refused(file: Path) -> None:
    np.savez(file, W=np.array([{}, []], dtype=object))
    with pytest.raises(LoadError, match=r"W.npy contains Python objects; it was not opened"):
        read_npz(file)


def test_a_header_that_promises_more_than_there_is_is_refused(file: Path) -> None:
    member(file, header((1 << 40,)) + b"\0" * 16)
    with pytest.raises(LoadError, match="is incomplete or damaged"):
        read_npz(file)


def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(file: Path) -> None:
    member(file, header((3_000_000,)) + bytes(12_000_000))
    with pytest.raises(LoadError, match="unpacks to far more than its size"):
        read_npz(file)


def test_what_is_no_npz_is_named(file: Path, tmp_path: Path) -> None:
    member(file, b"x", "data.pkl")
    with pytest.raises(LoadError, match="is a zip file, but not one of numpy"):
        read_npz(file)
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(LoadError, match="Git-LFS pointer"):
        read_npz(file)
    file.write_bytes(b"")
    with pytest.raises(LoadError, match="is empty"):
        read_npz(file)
    with pytest.raises(LoadError, match="does not exist"):
        read_npz(tmp_path / "none.npz")


def test_types_that_numpy_has_no_name_for_are_refused(file: Path) -> None:
    np.savez(file, W=np.zeros(4, dtype="V2"))  # bfloat16, as it arrives without its name
    with pytest.raises(LoadError, match=r"W has the type .*V2, which numpy cannot read"):
        read_npz(file)
