"""Targets of a graph as directions in the residual stream."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.targets import LogitTarget
from explorer.shapes import Float, Int
from explorer.work import Pause, go_on


@dataclass(frozen=True)
class Aimed:
    """Some targets of one layer, as directions in the residual stream in front of its MLP (or at the end).

    ``direct`` is what the norm's shift adds to a target without passing through the residual stream;
    ``preactivation`` comes from the frozen model's own forward pass.
    """

    layer: int
    pos: Int[Tensor, " n"]
    seed: Float[Tensor, "n d_model"]
    direct: Float[Tensor, " n"]
    preactivation: Float[Tensor, " n"]


@dataclass(frozen=True)
class Targets:
    """All targets of a graph: the active features, then the logits (``layer`` n_layers: read at the end).

    ``reads`` is what the encoders read in the frozen model's own forward pass, and last what the unembedding reads.
    """

    local: LocalReplacementModel
    layer: Int[Tensor, " n_targets"]
    pos: Int[Tensor, " n_targets"]
    constant: Float[Tensor, " n_targets"]
    directions: Float[Tensor, "n_logits d_model"]
    reads: tuple[Float[Tensor, "n_pos d_model"], ...]

    def aimed(self, chosen: Int[Tensor, " n"]) -> Aimed:
        """The targets ``chosen``, all of one layer; made when asked for, since all of them at once may not fit."""
        local, pos, layer = self.local, self.pos[chosen], int(self.layer[chosen[0]])
        if layer < local.frozen.n_layers:
            rows = local.features.encoder_rows(local.transcoders, layer, chosen)
            seed, shift, bias = local.read_seed(layer, rows, pos), local.read_shift(layer), local.features.b_enc[chosen]
        else:
            norm = local.frozen.final_norm
            rows = self.directions[chosen - len(local.features)]
            seed, shift, bias = norm.adjoint(rows, pos), norm.shift, self.constant[chosen]
        return Aimed(
            layer=layer,
            pos=pos,
            seed=seed,
            direct=rows.new_zeros(len(rows)) if shift is None else rows @ shift,
            preactivation=(self.reads[layer][pos] * rows).sum(-1) + bias,
        )


def aim(local: LocalReplacementModel, logits: tuple[LogitTarget, ...], pause: Pause = go_on) -> Targets:
    """Every active feature and logit as a target; ``pause`` is called once a layer."""
    active, frozen = local.features, local.frozen
    mids, last = local.replay(pause=pause)
    like = local.error
    at = torch.tensor([target.pos for target in logits], dtype=torch.long, device=like.device)
    constant = torch.tensor([target.constant for target in logits], dtype=like.dtype, device=like.device)
    return Targets(
        local=local,
        layer=torch.cat([active.layer, torch.full_like(at, frozen.n_layers)]),
        pos=torch.cat([active.pos, at]),
        constant=torch.cat([active.b_enc, constant]),
        directions=torch.stack([target.direction.to(like) for target in logits]) if logits else like[0, :0],
        reads=(*(local.read(layer, mid) for layer, mid in enumerate(mids)), frozen.final_norm(last)),
    )
