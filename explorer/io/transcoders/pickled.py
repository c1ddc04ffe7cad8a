"""The tensors of a PyTorch file, handed out like those of a safetensors file; nothing in it runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from explorer.errors import LoadError
from explorer.io import inert
from explorer.io.transcoders.weights_file import WeightsFile


def weights(file: Path, inside: str = "", drop: Iterable[str] = ()) -> WeightsFile:
    """The table of tensors in ``file`` (a .pt), or in its entry ``inside``, without those named ``drop``; LoadError."""
    held = inert.load(file)
    if inside:
        held = held.get(inside) if isinstance(held, dict) else None
    return from_table(file, held, drop)


def from_table(file: Path, held: object, drop: Iterable[str] = ()) -> WeightsFile:
    """The tensors ``held``, which lay in ``file``; LoadError if they are no table of tensors by name."""
    if not isinstance(held, dict) or not held:
        raise LoadError(f"“{file}” holds no table of tensors; pick the file with the weights.")
    dropped = set(drop)
    kept = {name: value for name, value in held.items() if name not in dropped}
    for name, value in kept.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise LoadError(f"“{file}”: {name} is no tensor; pick the file with the weights.")
    return WeightsFile(file, kept)
