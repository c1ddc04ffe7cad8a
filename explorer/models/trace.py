"""Trace: what one pass of a prompt through a model left behind; the frozen model is made from it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from explorer.models.frozen_norm import FrozenNorm
from explorer.shapes import Float, Int


@dataclass(frozen=True)
class LayerTrace:
    """One block: what its MLP read and wrote, its attention pattern and its norms.

    resid_mid   the residual stream that the MLP (or the norm in front of it) reads
    mlp_in      what the MLP module received; ``mlp_out`` what it returned
    pattern     attention after the softmax, [head, query, key]; rows may sum to less than 1 (sinks)
    value_scale what a norm of the values divided them by (Gemma 4)
    end         what is applied to the residual stream at the end of the block: a norm or a factor
    """

    resid_mid: Float[Tensor, "n_pos d_model"]
    mlp_in: Float[Tensor, "n_pos d_model"]
    mlp_out: Float[Tensor, "n_pos d_model"]
    pattern: Float[Tensor, "n_heads n_pos n_pos"]
    attention_norm: FrozenNorm | None
    attention_post_norm: FrozenNorm | None
    mlp_norm: FrozenNorm | None
    mlp_post_norm: FrozenNorm | None
    value_scale: Float[Tensor, "n_pos n_kv_heads"] | None = None
    end: FrozenNorm | None = None

    @property
    def mixing(self) -> Float[Tensor, "n_heads n_pos n_pos"]:
        """How much of the value projection at each key arrives at each query: the pattern, value norm included."""
        if self.value_scale is None:
            return self.pattern
        group = self.pattern.shape[0] // self.value_scale.shape[1]
        return self.pattern / self.value_scale.T.repeat_interleave(group, 0)[:, None]


@dataclass(frozen=True)
class Trace:
    """One captured pass.

    embedding   the token vectors as the embedding module gave them, scale included
    position    learned position vectors that are added to them, if any
    final_norm  does nothing in models without one
    head_out    what the unembedding returned, before any softcap; ``logits`` what the model returned
    """

    token_ids: Int[Tensor, " n_pos"]
    embedding: Float[Tensor, "n_pos d_model"]
    position: Float[Tensor, "n_pos d_model"] | None
    layers: tuple[LayerTrace, ...]
    final_norm: FrozenNorm
    head_out: Float[Tensor, "n_pos d_vocab"]
    logits: Float[Tensor, "n_pos d_vocab"]

    @property
    def n_pos(self) -> int:
        return int(self.token_ids.shape[0])
