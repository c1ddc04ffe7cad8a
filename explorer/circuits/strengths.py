"""Activations of chosen features, without the cost of all the others."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from explorer.shapes import Float, Int
from explorer.transcoders import neurons
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder


def activations(
    transcoder: Transcoder, x: Float[Tensor, "n d_model"], chosen: Int[Tensor, " k"] | None = None
) -> Float[Tensor, "n k"]:
    """How strongly the features ``chosen`` (None: all) are on where the encoder reads ``x``."""
    if chosen is not None and transcoder.activation.kind == "topk":
        return activations(transcoder, x)[:, chosen]
    of = transcoder if chosen is None else _narrowed(transcoder, chosen)
    if of.activation.kind == "own":
        return neurons.activations(of, x)
    return of.activation.to(x)(pre_activations(of, x))


def pre_activations(transcoder: Transcoder, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n d_transcoder"]:
    """What all encoders make of ``x`` in front of the activation function."""
    return x @ transcoder.W_enc.to(x).T + transcoder.b_enc.to(x)


def _narrowed(transcoder: Transcoder, chosen: Tensor) -> Transcoder:
    """The transcoder of these features alone; not for TopK, where features compete."""

    def of(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[chosen]

    return replace(
        transcoder,
        W_enc=transcoder.W_enc[chosen],
        b_enc=transcoder.b_enc[chosen],
        W_dec=transcoder.W_dec[chosen],
        activation=_of(transcoder.activation, chosen),
        W_gate=of(transcoder.W_gate),
        b_gate=of(transcoder.b_gate),
    )


def _of(activation: Activation, chosen: Tensor) -> Activation:
    threshold, offset = activation.threshold, activation.offset
    if threshold is not None and threshold.ndim:
        threshold = threshold[chosen]
    return replace(activation, threshold=threshold, offset=None if offset is None else offset[chosen])
