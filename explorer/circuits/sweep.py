"""The sweep from targets down: gradients carried through the frozen model, and the direct effects on the way.

Gradients are position-major [pos, row, d_model], trimmed to the positions at or before the rows' targets.

A row starts at one position, so behind its own attention its gradient has rank n_heads + 1 over the positions: at
position k it is ``sum over h of mix[h, k, target] * (encoder @ WO_h.T @ WV_h.T)``, plus the encoder itself at the
target. Carried as two factors it costs a product over the heads instead of d_model, there and in the next W_O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explorer.circuits.aim import Targets
from explorer.circuits.frozen import Factors
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.sources import Sources

ROW_BUDGET = 2**24  # numbers in the finished rows of one chunk
CHUNK_ROWS = 2048  # rows x positions of one chunk's gradient
SPLIT_ROWS = 128  # rows x positions of padding that a product of its own is worth


def chunks(targets: Targets, own: Tensor, chunk_rows: int, n_columns: int) -> Iterator[Tensor]:
    """The targets ``own`` of one layer in chunks of near positions, so that each is trimmed to its own cone.

    A chunk has at most ``chunk_rows`` rows x positions (and at least one row), few of them padding, and its finished
    rows of ``n_columns`` stay within a budget.
    """
    most = max(1, ROW_BUDGET // n_columns)
    own = own[targets.pos[own].argsort(stable=True)]
    first, held = 0, 0
    cones = (targets.pos[own] + 1).tolist()
    for at, cone in enumerate(cones):
        rows = at - first + 1
        padding = rows * cone - held - cone
        if at > first and (rows > most or rows * cone > chunk_rows or padding > SPLIT_ROWS):
            yield own[first:at]
            first, held = at, 0
        held += cone
    if first < len(own):
        yield own[first:]


@dataclass(frozen=True)
class Gradient:
    """The gradient of a chunk, and its factors where it is known to be of low rank."""

    dense: Float[Tensor, "n_pos n_rows d_model"]
    factors: Factors | None = None


def source_effects(
    local: LocalReplacementModel,
    sources: Sources,
    targets: Targets,
    layer: int,
    chunk: Int[Tensor, " n_rows"],
    *,
    to_embeddings: bool = False,
) -> Float[Tensor, "n_rows n_columns"]:
    """Direct effects of every feature and error on the targets of ``chunk``, which all read at ``layer``.

    With ``to_embeddings`` the sweep goes on to the embeddings, whose effects follow. Without, positions below the
    first source and the attention of layer 0 are left out: only roots lie there.
    """
    seed, pos = targets.seed[chunk], targets.pos[chunk]
    first = 0 if to_embeddings else sources.first
    n_pos = int(pos.max()) + 1 - first
    n_columns = sources.n_columns + local.frozen.n_pos * to_embeddings
    if n_pos <= 0 or (layer == 0 and not to_embeddings):
        return seed.new_zeros(len(chunk), n_columns)
    held = sources.dots_to_hold(n_pos + first - sources.first, len(chunk))
    gradient = _start_gradient(local, seed, pos, layer, first, n_pos)
    for below in reversed(range(layer)):
        sources.dot(below, gradient.dense[sources.first - first :], held)
        if below > 0 or to_embeddings:
            gradient = _through_block(local, gradient, below, first)
    effects = seed.new_zeros(n_columns, len(chunk))
    sources.gather(held, effects[: sources.n_columns])
    if to_embeddings:
        embedding = local.frozen.embedding[:n_pos]
        effects[sources.n_columns :][:n_pos] = (gradient.dense @ embedding[:, :, None])[:, :, 0]
    return effects.T


def _start_gradient(
    local: LocalReplacementModel, seed: Tensor, pos: Tensor, layer: int, first: int, n_pos: int
) -> Gradient:
    """The gradient at the output of the layer below: the seed, moved through the target's own attention."""
    frozen = local.frozen
    if layer < frozen.n_layers and not frozen.parallel:
        factors = frozen.attention[layer].spread(seed, pos, first, n_pos)
        return Gradient(factors.product(), factors)
    dense = seed.new_zeros(n_pos, len(seed), frozen.d_model)
    inside = pos >= first
    rows = torch.arange(len(seed), device=seed.device)[inside]
    dense[pos[inside] - first, rows] = seed[inside]
    return Gradient(dense)


def _through_block(local: LocalReplacementModel, gradient: Gradient, layer: int, first: int) -> Gradient:
    """The gradient at the output of block ``layer`` carried to its input; ``gradient`` may be overwritten."""
    frozen, dense = local.frozen, gradient.dense
    pos = torch.arange(first, first + len(dense), device=dense.device)
    onward = frozen.onward_adjoint(layer, dense, pos)
    W_skip = local.skip(layer)
    skipped = None if W_skip is None else _skip_adjoint(local, dense, layer, pos, W_skip)
    if skipped is not None and not frozen.parallel:
        onward = onward + skipped
    factors = gradient.factors if onward is dense else None
    carried = frozen.attention[layer].carry(onward, first, factors)
    return Gradient(carried + skipped if skipped is not None and frozen.parallel else carried)


def _skip_adjoint(local: LocalReplacementModel, gradient: Tensor, layer: int, pos: Tensor, W_skip: Tensor) -> Tensor:
    rows, d_model = gradient.shape[1:]
    at_read = local.write_adjoint(layer, gradient, pos) @ W_skip.T
    return local.read_seed(layer, at_read.reshape(-1, d_model), pos.repeat_interleave(rows)).view_as(gradient)
