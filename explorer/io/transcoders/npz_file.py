"""The arrays of an .npz file as tensors, its members checked before any is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import LoadError
from explorer.io.magic import TITLES, sniff, unreadable

MAX_RATIO = 40  # what unpacks to more than this times its packed size is refused as a bomb
KINDS = "fiub"


def read_npz(path: Path) -> dict[str, Tensor]:
    """The arrays in ``path`` by name; LoadError says what is wrong. Nothing in it is unpickled."""
    kind = sniff(path)
    if kind == "empty":
        raise LoadError(f"“{path}” is empty; download or copy it again.")
    if kind != "zip":
        raise LoadError(f"“{path}” is {TITLES[kind]}, not arrays of numpy; get the file itself.")
    try:
        _check(path)
        with np.load(path, allow_pickle=False) as held:
            return {name: _tensor(path, name, held[name]) for name in held.files}
    except (zipfile.BadZipFile, EOFError, ValueError, KeyError, NotImplementedError, zlib.error) as error:
        raise LoadError(f"“{path}” is incomplete or damaged; download or copy it again.") from error
    except OSError as error:
        raise LoadError(unreadable(path, error)) from error


def _check(path: Path) -> None:
    """LoadError for what is no array, holds Python objects, or promises more than it has."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > MAX_RATIO * size:
            raise LoadError(f"“{path}” unpacks to far more than its size; get it anew from where it came from.")
        for member in members:
            if not member.filename.endswith(".npy"):
                raise LoadError(f"“{path}” is a zip file, but not one of numpy; get the file itself.")
            with archive.open(member) as file:
                shape, dtype = _header(file)
                left = member.file_size - file.tell()
            if dtype.hasobject:
                raise LoadError(f"“{path}”: {member.filename} contains Python objects; it was not opened.")
            n_bytes = dtype.itemsize
            for count in shape:
                n_bytes *= count
            if n_bytes != left:
                raise LoadError(f"“{path}” is incomplete or damaged; download or copy it again.")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = np.lib.format.read_magic(file)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = reader(file)
    return shape, dtype


def _tensor(path: Path, name: str, array: NDArray[Any]) -> Tensor:
    if array.dtype.kind not in KINDS:
        raise LoadError(
            f"“{path}”: {name} has the type {array.dtype}, which numpy cannot read; save it as float32."
        )
    return torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")).copy())
