"""Sets in their producers' layouts, written tensor by tensor, each with the producer's formula restated.

A row of a LAYOUTS table is a function that writes a set into an empty folder and says what it must compute. The writers
know nothing of explorer.io, so that a reader is never checked against itself. test_layouts.py runs over all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

N_LAYERS, N, D, BATCH = 3, 7, 4, 6
Held = dict[str, Tensor]
Formula = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Written:
    """A set that lies in ``path``.

    ``formula`` is what the producer computes: from (n_layers, batch, d), what each layer's encoder reads, to what is
    written at each layer, of the same shape; in float64. ``optional`` are (ends of) names of tensors without which the
    set is another, but not a damaged one; ``free`` those whose length says nothing. ``told`` answers what the files
    leave open. Files with ``beside`` in their path are of another set.
    """

    path: Path
    reader: str
    formula: Formula
    read: str
    write: str
    kind: str = "plt"
    optional: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    beside: str = "\0"

    def files(self) -> list[Path]:
        """The files with tensors."""
        suffixes = (".safetensors", ".npz", ".pt")
        inside = sorted(file for file in self.path.rglob("*") if file.suffix in suffixes)
        inside = [file for file in inside if self.beside not in str(file)]
        return inside or [self.path]


Layout = Callable[[Path], Written]


def draw(seed: int, **shapes: tuple[int, ...]) -> Held:
    """Random tensors of those shapes in float64."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}


def per_layer(layers: list[Held], one: Callable[[Held, Tensor], Tensor]) -> Formula:
    """The formula of a set whose layers write to themselves only, from that of one layer."""
    return lambda x: torch.stack([one(held, rows) for held, rows in zip(layers, x, strict=True)])


def jump(pre: Tensor, threshold: Tensor) -> Tensor:
    return pre * (pre > threshold)


def largest(pre: Tensor, k: int) -> Tensor:
    """The ``k`` largest of each row with their sign, zero elsewhere."""
    least = pre.sort(dim=-1, descending=True).values[..., k - 1 : k]
    return torch.where(pre >= least, pre, torch.zeros_like(pre))


INSIDE = ("sae", "state_dict")  # under these names a PyTorch file may hold its tensors, beside other things


def load(file: Path) -> Held:
    """The tensors in a safetensors, npz or PyTorch file."""
    if file.suffix == ".npz":
        return {name: torch.from_numpy(array) for name, array in np.load(file).items()}
    if file.suffix == ".safetensors":
        return load_file(file)
    held = torch.load(file, weights_only=False)  # our own
    return next((held[name] for name in INSIDE if name in held), held)


def save(held: Held, file: Path) -> None:
    """Write ``held`` as what the suffix of ``file`` says; beside what else a PyTorch file of that name holds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".npz":
        np.savez(file, **{name: tensor.numpy() for name, tensor in held.items()})
    elif file.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in held.items()}, file)
    else:
        before = torch.load(file, weights_only=False) if file.is_file() else {}
        name = next((name for name in INSIDE if name in before), "")
        torch.save({**before, name: held} if name else held, file)


def tensors(written: Written) -> Iterator[tuple[Path, str]]:
    """Every file of the set with the name of every tensor in it."""
    for file in written.files():
        for name in load(file):
            yield file, name
