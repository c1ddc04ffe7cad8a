"""ActiveFeatures: which features of a prompt are on, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.shapes import Float, Int
from explorer.transcoders.neurons import strongest
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import Pause, go_on


@dataclass(frozen=True)
class ActiveFeatures:
    """The nonzero activations, sorted by layer, position, feature (negative ones of a TopK set count).

    ``pre`` is the pre-activation that the encoder computed, ``b_enc`` the encoder bias in it. ``gate`` is what
    multiplies a feature's encoder row on this prompt: 1 but in the neurons of a gated MLP.
    """

    layer: Int[Tensor, " n_active"]
    pos: Int[Tensor, " n_active"]
    feature: Int[Tensor, " n_active"]
    activation: Float[Tensor, " n_active"]
    pre: Float[Tensor, " n_active"]
    b_enc: Float[Tensor, " n_active"]
    gate: Float[Tensor, " n_active"]

    def __len__(self) -> int:
        return int(self.layer.shape[0])

    def of_layer(self, layer: int) -> slice:
        """Where the features of ``layer`` stand."""
        bounds = torch.searchsorted(self.layer, torch.tensor([layer, layer + 1], device=self.layer.device))
        return slice(int(bounds[0]), int(bounds[1]))

    def encoder_rows(
        self, transcoders: TranscoderSet, layer: int, chosen: Int[Tensor, " n"] | None = None
    ) -> Float[Tensor, "n d_model"]:
        """What the features of ``layer`` (or ``chosen`` ones of it) read, one row for each, in their own precision."""
        own = self.of_layer(layer) if chosen is None else chosen
        rows = transcoders.layers[layer].W_enc[self.feature[own]].to(self.gate)
        return rows if transcoders.kind != "neurons" else rows * self.gate[own][:, None]


def encode(
    transcoders: TranscoderSet, reads: tuple[Float[Tensor, "n_pos d_model"], ...], pause: Pause = go_on
) -> ActiveFeatures:
    """The active features of a prompt, given what each layer's encoder reads.

    Positions below ``zero_positions`` have none. UnsupportedTranscoder if the widths do not fit.
    """
    found = []
    for layer, x in enumerate(reads):
        pause()
        found.append(encode_layer(transcoders, layer, x))
    columns = [torch.cat(parts) for parts in zip(*found, strict=True)]
    return ActiveFeatures(*columns)


def encode_layer(
    transcoders: TranscoderSet, layer: int, x: Float[Tensor, "n_pos d_model"]
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The columns of ActiveFeatures for one layer, sorted by position and feature."""
    transcoder = transcoders.layers[layer]
    if transcoder.d_model != x.shape[1]:
        raise UnsupportedTranscoder(
            f"{transcoders.origin or 'The set'} is {transcoder.d_model} wide and the model {x.shape[1]}; "
            "choose transcoders made for this model."
        )
    W_enc, b_enc = transcoder.W_enc.to(x), transcoder.b_enc.to(x)
    if transcoder.activation.kind == "own":
        pos, feature, value, before, gate = strongest(transcoder, x, transcoders.zero_positions)
        return torch.full_like(pos, layer), pos, feature, value, before, gate * b_enc[feature], gate
    pre = x @ W_enc.T + b_enc
    activation = transcoder.activation.to(x)(pre)
    activation[: transcoders.zero_positions] = 0
    pos, feature = activation.nonzero(as_tuple=True)
    own = torch.full_like(pos, layer)
    value = activation[pos, feature]
    return own, pos, feature, value, pre[pos, feature], b_enc[feature], torch.ones_like(value)
