"""What producers do around the canonical form, folded into its weights exactly.

Each function gives the transcoder that computes on the raw input what the given one computes after (or around) a
producer's step. Weights narrower than float32 become float32: a fold in bfloat16 would lose what it adds.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from explorer.shapes import Float
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder


def shifted(transcoder: Transcoder, before: Float[Tensor, " d_model"]) -> Transcoder:
    """What encodes ``x - before`` where the given one encodes ``x``; skip weights see ``x`` as they did.

    SAELens and EleutherAI subtract b_dec so, Dunefsky an input bias.
    """
    held = wide(transcoder)
    moved = held.W_enc.double() @ before.double()
    return replace(held, b_enc=(held.b_enc.double() - moved).to(held.b_enc))


def scaled(transcoder: Transcoder, into: Tensor | float = 1.0, out: Tensor | float = 1.0) -> Transcoder:
    """What reads ``x * into`` and whose result is multiplied by ``out``; skip weights included.

    ``into`` is a number or (d_model,); ``out`` a number, (d_model,) or (n_targets, d_model), one row for each target.
    """
    held = wide(transcoder)
    into, out = (torch.as_tensor(scale, dtype=held.W_enc.dtype).to(held.W_enc.device) for scale in (into, out))
    into, out = into.expand(held.d_model), out.expand(held.n_targets, held.d_model)
    return replace(
        held,
        W_enc=held.W_enc * into,
        W_dec=held.W_dec * out,
        b_dec=held.b_dec * out[0],
        W_skip=None if held.W_skip is None else into[:, None] * held.W_skip * out[0],
    )


def standardised(
    transcoder: Transcoder,
    mean_in: Float[Tensor, " d_model"],
    std_in: Float[Tensor, " d_model"],
    mean_out: Float[Tensor, " d_model"],
    std_out: Float[Tensor, " d_model"] | Float[Tensor, "n_targets d_model"],
) -> Transcoder:
    """What reads ``(x - mean_in) / std_in`` and whose result ``y`` stands for ``y * std_out + mean_out``.

    Skip weights see the standardised input too. ``std_out`` has a row for each target if they differ; ``mean_out`` is
    that of the own layer.
    """
    held = scaled(transcoder, 1 / std_in.double(), std_out)
    b_dec = held.b_dec.double() + mean_out.double()
    if held.W_skip is not None:
        b_dec = b_dec - mean_in.double() @ held.W_skip.double()
    return replace(shifted(held, mean_in), b_dec=b_dec.to(held.b_dec))


def decoder_norms_included(transcoder: Transcoder) -> Transcoder:
    """What decides by activation times decoder norm (over all targets jointly), as OpenMOSS trains.

    The activations themselves keep their unit under ReLU and JumpReLU; TopK ranks by the product, so there the norm
    moves from the decoder into the encoder and activations are in units of it.
    """
    held = wide(transcoder)
    norm = held.W_dec.flatten(1).norm(dim=1)
    activation = held.activation
    if activation.threshold is not None:
        never = torch.full_like(norm, torch.finfo(norm.dtype).max)  # what writes nothing passes no threshold
        threshold = torch.where(norm > 0, activation.threshold / norm, never).clamp_max(never)
        return replace(held, activation=replace(activation, threshold=threshold))
    return held if activation.kind == "relu" else unit_decoders(held)


def unit_decoders(transcoder: Transcoder) -> Transcoder:
    """The same function with decoders of norm 1 and activations in units of their norm; of ReLU or TopK.

    dictionary_learning does so on loading. A decoder that is zero stays so.
    """
    held = wide(transcoder)
    norm = held.W_dec.flatten(1).norm(dim=1)
    norm = torch.where(norm > 0, norm, torch.ones_like(norm))
    return replace(
        held,
        W_enc=held.W_enc * norm[:, None],
        b_enc=held.b_enc * norm,
        W_dec=held.W_dec / norm[:, None, None],
    )


def rescaled(transcoder: Transcoder, factor: Float[Tensor, " d_transcoder"]) -> Transcoder:
    """What multiplies each activation by ``factor`` in front of the decoder, as SAELens's fine-tuning does."""
    held = wide(transcoder)
    return replace(held, W_dec=held.W_dec * factor[:, None, None].to(held.W_dec))


def gated(W_enc: Tensor, r_mag: Tensor, b_gate: Tensor, b_mag: Tensor) -> tuple[Tensor, Tensor, Activation]:
    """Encoder (n, d), bias and activation of a gated encoder: its gates as thresholds.

    With p = exp(r_mag) (W x) + b_mag, the gate W x + b_gate > 0 is p > b_mag - exp(r_mag) b_gate.
    """
    dtype = torch.promote_types(W_enc.dtype, torch.float32)
    gain = r_mag.double().exp()
    threshold = (b_mag.double() - gain * b_gate.double()).relu().to(dtype)
    return (gain[:, None] * W_enc.double()).to(dtype), b_mag.to(dtype), Activation("jumprelu", threshold)


def precise(tensor: Tensor) -> Tensor:
    """The same in float32, if it was narrower: what is summed or multiplied needs it."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def wide(transcoder: Transcoder) -> Transcoder:
    """The same in float32, if it was narrower."""
    dtype = torch.promote_types(transcoder.W_enc.dtype, torch.float32)
    if transcoder.W_enc.dtype is dtype:
        return transcoder
    like = transcoder.W_enc.new_empty(0, dtype=dtype)
    return replace(
        transcoder,
        W_enc=transcoder.W_enc.to(like),
        b_enc=transcoder.b_enc.to(like),
        W_dec=transcoder.W_dec.to(like),
        b_dec=transcoder.b_dec.to(like),
        activation=transcoder.activation.to(like),
        W_skip=None if transcoder.W_skip is None else transcoder.W_skip.to(like),
    )
