"""The tensors of one file of transcoders, handed out with their shapes checked."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io import tensors


class WeightsFile:
    """The tensors of one file, taken out one by one with their shapes checked."""

    def __init__(self, file: Path) -> None:
        self.file = file
        found = tensors.header(file).tensors
        for name, info in found.items():
            if info.dtype not in tensors.FLOATS and name != "k":
                raise UnsupportedTranscoder(
                    f"“{file}”: {name} is stored as {info.dtype}; convert it to float32 or bfloat16."
                )
        self._tensors = tensors.read(file)
        tensors.check_finite(file, self._tensors)

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

    def shaped(self, name: str, shape: tuple[int, ...], *, older: bool = False) -> Tensor:
        """The tensor ``name``; with ``older`` also the transposed layout, if the shape tells it."""
        tensor = self.take(name)
        if tuple(tensor.shape) == shape:
            return tensor
        if older and tuple(tensor.shape) == shape[::-1]:
            return tensor.T.contiguous()
        raise self._misshapen(name, tensor, str(shape))

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
