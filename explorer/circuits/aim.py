"""Targets of a graph as directions in the residual stream."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explorer.circuits.graph import BiasClass
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.targets import LogitTarget


@dataclass(frozen=True)
class Targets:
    """All targets of a graph as directions in the residual stream in front of their layer's MLP.

    Rows are the active features, then the logits (``layer`` n_layers: read at the end). ``direct`` is what the
    norm's shift adds to a target without passing through the residual stream.
    """

    layer: Int[Tensor, " n_targets"]
    pos: Int[Tensor, " n_targets"]
    seed: Float[Tensor, "n_targets d_model"]
    constant: Float[Tensor, " n_targets"]
    direct: Float[Tensor, " n_targets"]
    preactivation: Float[Tensor, " n_targets"]

    def direct_by_class(self, chunk: Tensor) -> Float[Tensor, "n_rows n_bias"]:
        """``direct`` of the targets ``chunk`` in the column of its bias class, the norm shift."""
        columns = self.direct.new_zeros(len(chunk), len(BiasClass))
        columns[:, BiasClass.NORM_SHIFT] = self.direct[chunk]
        return columns


def aim(local: LocalReplacementModel, logits: tuple[LogitTarget, ...]) -> Targets:
    """Every active feature and logit as a target, with its pre-activation by the frozen model's own forward pass."""
    active, frozen = local.features, local.frozen
    mids, last = local.replay()
    seed = local.error.new_empty(len(active) + len(logits), frozen.d_model)
    direct, pre = [], []
    for layer in range(frozen.n_layers):
        own = active.of_layer(layer)
        pos = active.pos[own]
        rows = active.encoder_rows(local.transcoders, layer)
        shift = local.read_shift(layer)
        direct.append(rows @ shift if shift is not None else rows.new_zeros(len(rows)))
        seed[own] = local.read_seed(layer, rows, pos)
        pre.append((local.read(layer, mids[layer])[pos] * rows).sum(-1) + active.b_enc[own])
    norm = frozen.final_norm
    rows = torch.stack([target.direction.to(local.error) for target in logits]) if logits else local.error[0, :0]
    at = torch.tensor([target.pos for target in logits], dtype=torch.long, device=rows.device)
    constant = torch.tensor([target.constant for target in logits], dtype=rows.dtype, device=rows.device)
    seed[len(active) :] = norm.centre(rows * norm.gain) / norm.scale[at][:, None]
    direct.append(rows @ norm.shift if norm.shift is not None else rows.new_zeros(len(rows)))
    pre.append((norm(last)[at] * rows).sum(-1) + constant)
    return Targets(
        layer=torch.cat([active.layer, torch.full_like(at, frozen.n_layers)]),
        pos=torch.cat([active.pos, at]),
        seed=seed,
        constant=torch.cat([active.b_enc, constant]),
        direct=torch.cat(direct),
        preactivation=torch.cat(pre),
    )
