"""The sweep from targets down: gradients carried through the frozen model, and the direct effects on the way.

Gradients are position-major [pos, row, d_model], trimmed to the positions at or before the rows' targets.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from explorer.circuits.aim import Targets
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS, Written
from explorer.circuits.sources import Sources

ROW_BUDGET = 2**24  # numbers in the finished rows of one chunk
CHUNK_ROWS = 4096  # rows x positions of one chunk's gradient; 1024 to 8192 are within 5 %


def chunks(targets: Targets, own: Tensor, chunk_rows: int, n_columns: int) -> Iterator[Tensor]:
    """The targets ``own`` of one layer in chunks of near positions, so that each is trimmed to its own cone.

    A chunk has about ``chunk_rows`` rows x positions, and its finished rows of ``n_columns`` stay within a budget.
    """
    most = max(1, ROW_BUDGET // n_columns)
    own = own[targets.pos[own].argsort(stable=True)]
    first = 0
    while first < len(own):
        count = max(1, chunk_rows // (int(targets.pos[own[min(first + 63, len(own) - 1)]]) + 1))
        count = min(count, most)
        yield own[first : first + count]
        first += count


def source_effects(
    local: LocalReplacementModel, sources: Sources, targets: Targets, layer: int, chunk: Tensor
) -> Float[Tensor, "n_rows n_sources"]:
    """Direct effects of every feature and error on the targets of ``chunk``, which all read at ``layer``."""
    return _trace(local, sources, targets, layer, chunk, None)[0]


def all_effects(
    local: LocalReplacementModel, sources: Sources, written: Written, targets: Targets, layer: int, chunk: Tensor
) -> Float[Tensor, "n_rows n_columns"]:
    """Direct effects of features, errors, embeddings and biases, all from one sweep down to the embeddings.

    For a few targets among many: the forward sweep of roots.py would visit them all.
    """
    return torch.cat(_trace(local, sources, targets, layer, chunk, written), dim=1)


def _trace(
    local: LocalReplacementModel,
    sources: Sources,
    targets: Targets,
    layer: int,
    chunk: Tensor,
    written: Written | None,
) -> tuple[Tensor, Tensor]:
    """Effects of features and errors and, with ``written``, of the roots; without it positions below the first
    source and the attention of layer 0 are left out, for only roots lie there."""
    seed, pos = targets.seed[chunk], targets.pos[chunk]
    first = 0 if written is not None else sources.first
    n_pos = int(pos.max()) + 1 - first
    if n_pos <= 0 or (layer == 0 and written is None):
        return local.error.new_zeros(len(chunk), len(sources.gather_pos)), local.error.new_zeros(len(chunk), 0)
    held = local.error.new_zeros(max(n_pos + first - sources.first, 0), len(chunk), sources.width)
    roots = local.error.new_zeros(len(chunk), local.frozen.n_pos + N_BIAS if written is not None else 0)
    gradient = _start_gradient(local, seed, pos, layer, first, n_pos)
    if written is not None:
        roots[:, -N_BIAS:] += _own_attention(local, written, seed, pos, layer)
    for below in reversed(range(layer)):
        _dot(sources, below, gradient[sources.first - first :], held)
        if below > 0 or written is not None:
            gradient = _through_block(local, gradient, below, first, written, roots)
    if written is not None:
        _read_start(local, written, gradient, roots)
        roots[:, local.frozen.n_pos :] += targets.direct_by_class(chunk)
    return _gathered(sources, held), roots


def _dot(sources: Sources, layer: int, gradient: Tensor, held: Tensor) -> None:
    """Add the dots of ``gradient`` with what ``layer`` writes to the columns of its sources."""
    source = sources.layers[layer]
    dots = gradient @ source.vectors[: len(gradient)].transpose(1, 2)
    held[:, :, layer] = dots[:, :, 0]
    held[:, :, source.column : source.column + dots.shape[2] - 1] += dots[:, :, 1:]


def _gathered(sources: Sources, held: Tensor) -> Float[Tensor, "n_rows n_sources"]:
    n_pos, n_rows = held.shape[:2]
    if n_pos == 0:
        return held.new_zeros(n_rows, len(sources.gather_pos))
    reachable = sources.gather_pos < n_pos
    effects = held[sources.gather_pos.clamp_max(n_pos - 1), :, sources.gather_column]
    return (effects * reachable[:, None]).T


def _start_gradient(
    local: LocalReplacementModel, seed: Tensor, pos: Tensor, layer: int, first: int, n_pos: int
) -> Float[Tensor, "n_pos n_rows d_model"]:
    """The gradient at the output of the layer below: the seed, moved through the target's own attention."""
    frozen = local.frozen
    if layer < frozen.n_layers and not frozen.parallel:
        gradient = frozen.attention[layer].adjoint_from(seed, pos, first, n_pos)
    else:
        gradient = seed.new_zeros(n_pos, len(seed), frozen.d_model)
    inside = pos >= first
    rows = torch.arange(len(seed), device=seed.device)[inside]
    gradient[pos[inside] - first, rows] += seed[inside]
    return gradient


def _through_block(
    local: LocalReplacementModel, gradient: Tensor, layer: int, first: int, written: Written | None, roots: Tensor
) -> Tensor:
    """The gradient at the output of block ``layer`` carried to its input; biases on the way go to ``roots``."""
    frozen = local.frozen
    pos = torch.arange(first, first + len(gradient), device=gradient.device)
    onward = frozen.onward_adjoint(layer, gradient, pos)
    W_skip = local.skip(layer)
    skipped = None if W_skip is None else _skip_adjoint(local, gradient, layer, pos, W_skip)
    if skipped is not None and not frozen.parallel:
        onward = onward + skipped
    if written is not None:
        roots[:, -N_BIAS:] += _read(gradient, written.mlp[layer]) + _read(onward, written.attention[layer])
    carried = frozen.attention[layer].carry(onward, first)
    return carried + skipped if skipped is not None and frozen.parallel else carried


def _read(gradient: Tensor, vectors: Float[Tensor, "n_bias n_pos d_model"]) -> Float[Tensor, "n_rows n_bias"]:
    return torch.einsum("ptd,bpd->tb", gradient, vectors[:, : len(gradient)])


def _own_attention(
    local: LocalReplacementModel, written: Written, seed: Tensor, pos: Tensor, layer: int
) -> Float[Tensor, "n_rows n_bias"]:
    """What the attention in front of the targets' own MLP adds to them by its biases."""
    if layer == local.frozen.n_layers or local.frozen.parallel:
        return seed.new_zeros(len(seed), N_BIAS)
    return torch.einsum("td,btd->tb", seed, written.attention[layer][:, pos])


def _read_start(local: LocalReplacementModel, written: Written, gradient: Tensor, roots: Tensor) -> None:
    """Embeddings and positions, where the sweep ends."""
    n_pos = len(gradient)
    roots[:, :n_pos] += torch.einsum("ptd,pd->tp", gradient, local.frozen.embedding[:n_pos])
    roots[:, -N_BIAS:] += _read(gradient, written.start)


def _skip_adjoint(local: LocalReplacementModel, gradient: Tensor, layer: int, pos: Tensor, W_skip: Tensor) -> Tensor:
    rows, d_model = gradient.shape[1:]
    at_read = local.write_adjoint(layer, gradient, pos) @ W_skip.T
    return local.read_seed(layer, at_read.reshape(-1, d_model), pos.repeat_interleave(rows)).view_as(gradient)
