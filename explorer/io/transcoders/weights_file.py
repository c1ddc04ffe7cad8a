"""The tensors of one file of transcoders, handed out with their shapes checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io import tensors as safetensors
from explorer.io.tensors import check_finite


class WeightsFile:
    """The tensors of one file, taken out one by one with their shapes checked.

    Of a safetensors file (with ``names``, those alone), unless the ``tensors`` of another kind of file are given.
    """

    def __init__(
        self, file: Path, tensors: Mapping[str, Tensor] | None = None, names: Iterable[str] | None = None
    ) -> None:
        self.file = file
        self._tensors = dict(_safetensors(file, names) if tensors is None else tensors)
        self.names = frozenset(self._tensors)
        for name, tensor in self._tensors.items():
            if not tensor.is_floating_point() and tensor.numel() > 1:
                raise _unfit(file, name, str(tensor.dtype).removeprefix("torch."))
        check_finite(file, self._tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def take(self, name: str) -> Tensor:
        if name not in self._tensors:
            raise UnsupportedTranscoder(f"“{self.file}” lacks the tensor {name}; convert it again.")
        return self._tensors.pop(name)

    def vector(self, name: str) -> Tensor:
        tensor = self.take(name)
        if tensor.ndim != 1:
            raise self._misshapen(name, tensor, "one axis")
        return tensor

    def shaped(self, name: str, shape: tuple[int, ...]) -> Tensor:
        tensor = self.take(name)
        if tuple(tensor.shape) != shape:
            raise self._misshapen(name, tensor, str(shape))
        return tensor

    def matrix(self, name: str, rows: int, columns: int, stored: str) -> Tensor:
        """The tensor ``name`` as (rows, columns); its shape says how it lies in the file.

        Where rows == columns the shape says nothing, and ``stored`` does: "as is" or "transposed", as the format's
        own source has it, or "" for a format that leaves it open, which is refused.
        """
        tensor = self.take(name)
        shape = tuple(tensor.shape)
        if shape not in ((rows, columns), (columns, rows)):
            raise self._misshapen(name, tensor, f"({rows}, {columns})")
        if rows == columns and not stored:
            raise UnsupportedTranscoder(
                f"“{self.file}”: {name} is as high as wide ({rows}), so how it lies cannot be told; convert the set."
            )
        turned = stored == "transposed" if rows == columns else shape == (columns, rows)
        return tensor.T.contiguous() if turned else tensor

    def threshold(self, name: str, n: int) -> Tensor | None:
        """The threshold ``name`` (n) or scalar, if the file has it."""
        if name not in self:
            return None
        tensor = self.take(name)
        if tensor.numel() == 1:
            tensor = tensor.reshape(())
        elif tuple(tensor.shape) != (n,):
            raise self._misshapen(name, tensor, f"({n},)")
        if bool((tensor < 0).any()):
            below = int((tensor < 0).sum())
            raise UnsupportedTranscoder(
                f"“{self.file}”: {name} has {below} values below 0, logarithms perhaps; convert the set again."
            )
        return tensor

    def needed_threshold(self, name: str, n: int, of: str = "") -> Tensor:
        """The same; UnsupportedTranscoder if the file lacks it, ``of`` what."""
        found = self.threshold(name, n)
        if found is None:
            raise UnsupportedTranscoder(f"“{self.file}” lacks the tensor {name}{of}; download it again.")
        return found

    def done(self) -> None:
        """Refuse what is left over: it would change what the transcoder computes in a way we do not know."""
        if self._tensors:
            names = ", ".join(sorted(self._tensors))
            raise UnsupportedTranscoder(
                f"“{self.file}” also holds {names}, which its layout does not have; "
                "it needs its own reader, or convert it."
            )

    def _misshapen(self, name: str, tensor: Tensor, expected: str) -> UnsupportedTranscoder:
        return UnsupportedTranscoder(
            f"“{self.file}”: {name} has shape {tuple(tensor.shape)} where {expected} belongs; "
            "the file is of another set or layout."
        )


def check_alike(names: Mapping[Path, frozenset[str]]) -> None:
    """UnsupportedTranscoder if the file of a layer lacks a tensor that another's has; names without the layer."""
    every = frozenset().union(*names.values())
    for file, held in names.items():
        missing = sorted(every.difference(held))
        if missing:
            raise UnsupportedTranscoder(
                f"“{file}” lacks the tensor {missing[0]}, which other layers of the set have; download it again."
            )


def _safetensors(file: Path, names: Iterable[str] | None) -> dict[str, Tensor]:
    wanted = None if names is None else list(names)
    for name, info in safetensors.header(file).tensors.items():
        if info.dtype not in safetensors.FLOATS and info.n_values > 1 and (wanted is None or name in wanted):
            raise _unfit(file, name, info.dtype)
    return safetensors.read(file, wanted)


def _unfit(file: Path, name: str, dtype: str) -> UnsupportedTranscoder:
    return UnsupportedTranscoder(f"“{file}”: {name} is stored as {dtype}; convert it to float32 or bfloat16.")
