"""neurons_of: a model's own MLP neurons as a TranscoderSet, checked against what the MLPs wrote."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.errors import GraphError, UnsupportedModel
from explorer.models.loader import LanguageModel
from explorer.models.mlp import MlpWeights, mlps
from explorer.models.trace import Trace
from explorer.transcoders.activations import Activation
from explorer.transcoders.neurons import reconstruct
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from explorer.work import Pause, go_on

ROUNDING = {torch.bfloat16: 0.1, torch.float16: 1e-2}  # of the largest MLP output; in others 1e-3


def neurons_of(model: LanguageModel, trace: Trace, per_cell: int, pause: Pause = go_on) -> TranscoderSet:
    """The neurons of ``model``, ``per_cell`` of them to be kept at each layer and position.

    GraphError for ``per_cell`` < 1; UnsupportedModel if there are none (experts), if no MLP wrote anything in
    ``trace`` (attention alone) or if they do not add up to what the MLPs wrote, whose form is another one then.
    """
    if per_cell < 1:
        raise GraphError(f"At least one neuron must be kept at each layer and position; got {per_cell}.")
    layers = tuple(_transcoder(weights, per_cell) for weights in mlps(model))
    if not any(held.mlp_out.any() for held in trace.layers):
        raise UnsupportedModel(
            f"The MLPs of “{model.name}” write nothing, so there are no neurons to explain it by; "
            "see what its heads do instead: attention, attribution, patching."
        )
    for layer, (transcoder, held) in enumerate(zip(layers, trace.layers, strict=True)):
        pause()
        smallest = torch.finfo(held.mlp_out.dtype).tiny  # a mute MLP, which its neurons match exactly, is off by 0
        largest = held.mlp_out.abs().max().clamp(min=smallest)
        off = (reconstruct(transcoder, held.mlp_in) - held.mlp_out).abs().max() / largest
        if not float(off) <= ROUNDING.get(held.mlp_out.dtype, 1e-3):
            raise UnsupportedModel(
                f"The neurons of layer {layer} of “{model.name}” do not add up to what its MLP writes; "
                "choose transcoders."
            )
    # Neurons are exact at every position, so none needs to be left out.
    return TranscoderSet(layers, ReadPoint.MLP_IN, WritePoint.MLP_OUT, zero_positions=0, origin=model.name)


def _transcoder(weights: MlpWeights, per_cell: int) -> Transcoder:
    def or_zero(bias: Tensor | None, n: int) -> Tensor:
        return weights.W_in.new_zeros(n) if bias is None else bias

    d_mlp, d_model = weights.W_in.shape
    return Transcoder(
        W_enc=weights.W_in,
        b_enc=or_zero(weights.b_in, d_mlp),
        W_dec=weights.W_out[:, None],
        b_dec=or_zero(weights.b_out, d_model),
        activation=Activation("own", k=per_cell, function=weights.act),
        W_gate=weights.W_gate,
        b_gate=weights.b_gate,
    )
