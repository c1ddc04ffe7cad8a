"""ActiveFeatures: which features of a prompt are on, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.transcoders.transcoder import TranscoderSet


@dataclass(frozen=True)
class ActiveFeatures:
    """The nonzero activations, sorted by layer, position, feature (negative ones of a TopK set count).

    ``pre`` is the pre-activation that the encoder computed, ``b_enc`` the encoder bias in it.
    """

    layer: Int[Tensor, " n_active"]
    pos: Int[Tensor, " n_active"]
    feature: Int[Tensor, " n_active"]
    activation: Float[Tensor, " n_active"]
    pre: Float[Tensor, " n_active"]
    b_enc: Float[Tensor, " n_active"]

    def __len__(self) -> int:
        return int(self.layer.shape[0])

    def of_layer(self, layer: int) -> slice:
        """Where the features of ``layer`` stand."""
        bounds = torch.searchsorted(self.layer, torch.tensor([layer, layer + 1], device=self.layer.device))
        return slice(int(bounds[0]), int(bounds[1]))


def encode(transcoders: TranscoderSet, reads: tuple[Float[Tensor, "n_pos d_model"], ...]) -> ActiveFeatures:
    """The active features of a prompt, given what each layer's encoder reads.

    Positions below ``zero_positions`` have none. UnsupportedTranscoder if the widths do not fit.
    """
    found = [_encode_layer(transcoders, layer, x) for layer, x in enumerate(reads)]
    columns = [torch.cat(parts) for parts in zip(*found, strict=True)]
    return ActiveFeatures(*columns)


def _encode_layer(transcoders: TranscoderSet, layer: int, x: Tensor) -> tuple[Tensor, ...]:
    transcoder = transcoders.layers[layer]
    if transcoder.d_model != x.shape[1]:
        raise UnsupportedTranscoder(
            f"{transcoders.origin or 'The set'} is {transcoder.d_model} wide and the model {x.shape[1]}; "
            "choose transcoders made for this model."
        )
    W_enc, b_enc = transcoder.W_enc.to(x), transcoder.b_enc.to(x)
    pre = x @ W_enc.T + b_enc
    activation = transcoder.activation.to(x)(pre)
    activation[: transcoders.zero_positions] = 0
    pos, feature = activation.nonzero(as_tuple=True)
    own = torch.full_like(pos, layer)
    return own, pos, feature, activation[pos, feature], pre[pos, feature], b_enc[feature]
