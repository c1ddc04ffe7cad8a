"""The arrays of an .npz file as tensors, its members checked before any is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.errors import LoadError
from explorer.io.magic import TITLES, sniff, unreadable
from explorer.io.npz import shapes

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
        members = {member.filename: member.file_size for member in archive.infolist()}
    if sum(members.values()) > MAX_RATIO * size:
        raise LoadError(f"“{path}” unpacks to far more than its size; get it anew from where it came from.")
    if not all(name.endswith(".npy") for name in members):
        raise LoadError(f"“{path}” is a zip file, but not one of numpy; get the file itself.")
    for name, info in shapes(path).items():
        if info.n_bytes > members[f"{name}.npy"]:
            raise LoadError(f"“{path}” is incomplete or damaged; download or copy it again.")


def _tensor(path: Path, name: str, array: NDArray[Any]) -> Tensor:
    if array.dtype.kind not in KINDS:
        raise LoadError(
            f"“{path}”: {name} has the type {array.dtype}, which numpy cannot read; save it as float32."
        )
    return torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")).copy())
