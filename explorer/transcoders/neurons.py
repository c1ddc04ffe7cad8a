"""Neurons: a model's own MLP in the form of a transcoder, so that a model without transcoders gives a graph.

A neuron's activation is what multiplies its row of the down projection:

    plain MLP   a = act(x @ W_enc.T + b_enc)
    gated MLP   a = act(x @ W_gate.T + b_gate) * (x @ W_enc.T + b_enc)

What flows into a neuron is its pre-activation, linear in ``x``. In a gated MLP the gate act(...) is held at what it
was on the prompt, as attention patterns and norm scales are, so the target is ``gate * (x @ W_enc.T + b_enc)``: an
encoder row that depends on the position, and a pre-activation equal to the activation. Source of that
linearisation: RelP (arXiv 2508.21258), on neurons arXiv 2601.22594. RelP's half rule gives half of a product to each
of its factors; here the gate is held whole, so that an edge is a derivative of the frozen model like every other and
what the gate reads is not shown.

Every neuron of a smooth MLP is on, so at each position only those that write most are kept; the others stay in the
error node, exactly. Those that write next to nothing are never kept: near zero a value is the difference of larger
numbers, and what is left of it in float32 is rounding (residuals of 4e-5 on a small Llama, 3e-6 with the floor).
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.shapes import Float
from explorer.transcoders.transcoder import Transcoder

FLOOR = 0.01  # of what the strongest neuron at the same layer and position writes


def strongest(
    transcoder: Transcoder, x: Float[Tensor, "n_pos d_model"], first: int
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Position, neuron, activation, pre-activation and gate of the kept neurons, by position and then neuron.

    At each position from ``first`` on the ``k`` with the largest |activation| * |decoder row| are kept, those below
    the floor left out.
    """
    pre, gate = _values(transcoder, x)
    own = transcoder.activation
    activation = own(pre) if transcoder.W_gate is None else pre
    written = activation.abs() * transcoder.W_dec[:, 0].to(x).norm(dim=-1)
    top = written.topk(min(own.k, written.shape[1]), dim=-1).indices
    kept = torch.zeros_like(written, dtype=torch.bool).scatter(-1, top, True)
    kept &= written > FLOOR * written.amax(-1, keepdim=True)
    kept[:first] = False
    pos, neuron = kept.nonzero(as_tuple=True)
    return pos, neuron, activation[kept], pre[kept], gate[kept]


def activations(transcoder: Transcoder, x: Float[Tensor, "n_pos d_model"]) -> Float[Tensor, "n_pos n_neurons"]:
    """What multiplies each neuron's row of the down projection."""
    pre, _ = _values(transcoder, x)
    return transcoder.activation(pre) if transcoder.W_gate is None else pre


def reconstruct(transcoder: Transcoder, x: Float[Tensor, "n_pos d_model"]) -> Float[Tensor, "n_pos d_model"]:
    """What all neurons together write: the MLP's output if the transcoder describes the MLP."""
    activation = activations(transcoder, x)
    return activation @ transcoder.W_dec[:, 0].to(x) + transcoder.b_dec.to(x)


def _values(transcoder: Transcoder, x: Tensor) -> tuple[Tensor, Tensor]:
    """Pre-activations and gates (n_pos, n_neurons); a plain MLP's gates are 1."""
    pre = x @ transcoder.W_enc.to(x).T + transcoder.b_enc.to(x)
    if transcoder.W_gate is None:
        return pre, torch.ones_like(pre)
    at_gate = x @ transcoder.W_gate.to(x).T
    if transcoder.b_gate is not None:
        at_gate = at_gate + transcoder.b_gate.to(x)
    gate = transcoder.activation(at_gate)
    return gate * pre, gate
