"""Activation functions: ReLU, JumpReLU, TopK, BatchTopK with its stored threshold, and a model's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.shapes import Float

KINDS = ("relu", "jumprelu", "topk", "own")


@dataclass(frozen=True)
class Activation:
    """Which pre-activations count, and what they become.

    ``relu`` keeps the positive ones. ``jumprelu`` keeps those strictly above ``threshold`` (scalar or one
    per feature; arXiv 2407.14435). ``topk`` keeps the ``k`` largest of a token with their sign, as
    circuit-tracer does; with ``rectified`` negative ones among them become 0. BatchTopK at inference is
    ``jumprelu`` with its stored threshold: a top-k over the prompt would depend on the other tokens.
    ``offset`` is added to what is on (EleutherAI's post_enc).
    ``own`` is the ``function`` of a model's MLP, under which all neurons are on; ``k`` are kept (neurons.py).
    """

    kind: str
    threshold: Float[Tensor, " d_transcoder"] | Float[Tensor, ""] | None = None
    k: int = 0
    rectified: bool = False
    function: Callable[[Tensor], Tensor] | None = None
    offset: Float[Tensor, " d_transcoder"] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnsupportedTranscoder(f"The activation “{self.kind}” is not one of {', '.join(KINDS)}.")
        if (self.threshold is None) == (self.kind == "jumprelu"):
            need = "needs a" if self.kind == "jumprelu" else "has no"
            raise UnsupportedTranscoder(f"A {self.kind} activation {need} threshold.")
        if (self.k <= 0) == (self.kind in ("topk", "own")):
            raise UnsupportedTranscoder(f"A {self.kind} activation has k = {self.k}.")
        if (self.function is None) == (self.kind == "own"):
            raise UnsupportedTranscoder(f"An own activation needs a function, no other has one; got {self.kind}.")

    def __call__(self, pre: Float[Tensor, "*batch d_transcoder"]) -> Float[Tensor, "*batch d_transcoder"]:
        """The activations of ``pre``, zero where a feature is off."""
        if self.function is not None:
            return self.function(pre)
        kept = self._kept(pre)
        return kept if self.offset is None else torch.where(kept != 0, kept + self.offset, kept)

    def _kept(self, pre: Tensor) -> Tensor:
        """The pre-activations that count, zero elsewhere."""
        if self.kind == "relu":
            return pre.relu()
        if self.threshold is not None:
            return torch.where(pre > self.threshold, pre, torch.zeros_like(pre))
        values, features = pre.topk(min(self.k, pre.shape[-1]), dim=-1)
        kept = torch.zeros_like(pre).scatter(-1, features, values)
        return kept.relu() if self.rectified else kept

    def to(self, like: Tensor) -> Activation:
        """The same function in the precision and on the device of ``like``."""
        threshold = None if self.threshold is None else self.threshold.to(like)
        offset = None if self.offset is None else self.offset.to(like)
        return self if threshold is None and offset is None else replace(self, threshold=threshold, offset=offset)
