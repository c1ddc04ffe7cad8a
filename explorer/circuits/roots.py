"""The roots (token embeddings and bias nodes): what they write, and how it stands behind the first block.

Every constant is computed from weights and frozen scales, never as what is left over.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.aim import Aimed
from explorer.circuits.graph import BiasClass
from explorer.circuits.replacement import LocalReplacementModel
from explorer.models.frozen_norm import FrozenNorm
from explorer.shapes import Float, Int
from explorer.work import Pause, go_on

N_BIAS = len(BiasClass)


@dataclass(frozen=True)
class Written:
    """What the bias nodes write: at the start [bias, pos, d_model], after each attention, after each MLP."""

    start: Float[Tensor, "n_bias n_pos d_model"]
    attention: tuple[Float[Tensor, "n_bias n_pos d_model"], ...]
    mlp: tuple[Float[Tensor, "n_bias n_pos d_model"], ...]


def written_by_biases(local: LocalReplacementModel, pause: Pause = go_on) -> Written:
    """The vector that each bias class writes at each place; see docs/decisions/003 for the table.

    ``pause`` is called in front of each layer.
    """
    frozen = local.frozen
    start = local.error.new_zeros(N_BIAS, frozen.n_pos, frozen.d_model)
    if frozen.position is not None:
        start[BiasClass.POSITION] = frozen.position
    attention, mlp = [], []
    for layer in range(frozen.n_layers):
        pause()
        attention.append(_attention_biases(local, layer))
        mlp.append(_mlp_biases(local, layer))
    return Written(start, tuple(attention), tuple(mlp))


def _attention_biases(local: LocalReplacementModel, layer: int) -> Tensor:
    frozen, held = local.frozen, local.frozen.layers[layer]
    written = local.error.new_zeros(N_BIAS, frozen.n_pos, frozen.d_model)
    written[BiasClass.ATTENTION] = frozen.bias_output(layer, None, with_bias=True)
    shift = _shift(held.attention_norm)
    if shift is not None:
        written[BiasClass.NORM_SHIFT] += frozen.bias_output(layer, shift, with_bias=False)
    post = _shift(held.attention_post_norm)
    if post is not None:
        written[BiasClass.NORM_SHIFT] += post
    return written


def _mlp_biases(local: LocalReplacementModel, layer: int) -> Tensor:
    frozen, zero = local.frozen, local.transcoders.zero_positions
    written = local.error.new_zeros(N_BIAS, frozen.n_pos, frozen.d_model)
    pos = torch.arange(frozen.n_pos, device=written.device)
    b_dec = local.transcoders.layers[layer].b_dec.to(written)
    written[BiasClass.B_DEC] = local.write(layer, b_dec.expand(frozen.n_pos, -1), pos)
    written[BiasClass.B_DEC, :zero] = 0
    written[BiasClass.BOS_BLOCK] = local.write(layer, local.bos_block[layer], pos)
    W_skip, shift = local.skip(layer), local.read_shift(layer)
    if W_skip is not None and shift is not None:
        written[BiasClass.SKIP_SHIFT] = local.write(layer, (shift @ W_skip).expand(frozen.n_pos, -1), pos)
    written[BiasClass.NORM_SHIFT] += local.write_shift(layer)
    return written


def _shift(norm: FrozenNorm | None) -> Tensor | None:
    return None if norm is None else norm.shift


@dataclass(frozen=True)
class Biases:
    """The bias nodes ``used``, as vectors [pos, bias, d_model] that each place adds to the residual stream.

    ``start`` in front of layer 0, ``attention`` in front of each layer's MLP, ``block`` behind each layer: there what
    the attention wrote has gone through the rest of its block.
    """

    used: Int[Tensor, " n_used"]
    start: Float[Tensor, "n_pos n_used d_model"]
    attention: tuple[Float[Tensor, "n_pos n_used d_model"], ...]
    block: tuple[Float[Tensor, "n_pos n_used d_model"], ...]

    def at_own_attention(self, aimed: Aimed) -> Float[Tensor, "n_used n"]:
        """What the biases of the targets' own attention add to them."""
        if aimed.layer == len(self.attention):
            return aimed.seed.new_zeros(len(self.used), len(aimed.pos))
        return torch.einsum("nbd,nd->bn", self.attention[aimed.layer][aimed.pos], aimed.seed)


def bias_sources(local: LocalReplacementModel, pause: Pause = go_on) -> Biases:
    """What the bias nodes write on this prompt; ``pause`` is called in front of each layer."""
    written = written_by_biases(local, pause)
    places = (written.start, *written.attention, *written.mlp)
    writes = torch.stack([place.flatten(1).any(1) for place in places]).any(0)
    writes[BiasClass.B_DEC] = True  # one at least: a product of nothing has no shape
    used = writes.nonzero().flatten()
    start, attention, mlp = (
        [place[used].transpose(0, 1) for place in group] for group in ((written.start,), written.attention, written.mlp)
    )
    parallel = local.frozen.parallel
    block = []
    for layer, wrote in enumerate(attention):
        pause()
        block.append(_behind(local, layer, wrote, torch.zeros_like(wrote) if parallel else wrote) + mlp[layer])
    read = [torch.zeros_like(wrote) if parallel else wrote for wrote in attention]
    return Biases(used, start[0], tuple(read), tuple(block))


def start_behind_first_block(local: LocalReplacementModel, biases: Biases) -> Float[Tensor, "n_pos n_used d_model"]:
    """The tangents of what the bias nodes write at the start, in the residual stream behind layer 0."""
    stream = biases.start + local.frozen.attention[0].forward(biases.start)
    return _behind(local, 0, stream, biases.start if local.frozen.parallel else stream)


def embeddings_behind_first_block(local: LocalReplacementModel) -> Float[Tensor, "n_pos n_tokens d_model"]:
    """The tangents of the token embeddings in the residual stream behind layer 0."""
    frozen = local.frozen
    stream = frozen.attention[0].forward_from(frozen.embedding)
    own = torch.arange(frozen.n_pos, device=stream.device)
    stream[own, own] += frozen.embedding
    read = torch.diag_embed(frozen.embedding.T).permute(1, 2, 0) if frozen.parallel else stream
    return _behind(local, 0, stream, read)


def _behind(local: LocalReplacementModel, layer: int, stream: Tensor, mid: Tensor) -> Tensor:
    """Tangents [pos, root, d_model] behind block ``layer``, given those behind its attention and at its read point."""
    x = local.frozen.onward(layer, stream)
    W_skip = local.skip(layer)
    if W_skip is None:
        return x
    return x + _skipped(local, layer, mid, W_skip, torch.arange(local.frozen.n_pos, device=x.device))


def _skipped(local: LocalReplacementModel, layer: int, mid: Tensor, W_skip: Tensor, pos: Tensor) -> Tensor:
    """The linear skip path of tangents: read, W_skip, write, without any shift."""
    n_pos, rows, d_model = mid.shape
    directions = local.read_seed(layer, W_skip.T.contiguous().repeat(n_pos, 1), pos.repeat_interleave(d_model))
    through = mid @ directions.view(n_pos, d_model, d_model).transpose(1, 2)
    at = pos.repeat_interleave(rows)
    return local.write(layer, through.reshape(n_pos * rows, d_model), at).view_as(mid)
