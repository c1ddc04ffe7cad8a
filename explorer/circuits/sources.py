"""Sources: the vectors that features and errors write, laid out so that one batched product per layer reads them.

At each position the sources of a layer stand in slots, padded to the widest position. Slot 0 is the error. A
per-layer set has its own feature slots for every layer; a cross-layer set orders the features of a position by
layer, so that those that write to layer j are a prefix, and all layers share the slots and add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explorer.circuits.replacement import LocalReplacementModel


@dataclass(frozen=True)
class SourceLayer:
    """What one layer writes into the residual stream: ``vectors`` [pos, slot, d_model], from position ``first``.

    Its dots go to the error column ``layer`` and are added to the feature columns from ``column`` on.
    """

    vectors: Float[Tensor, "n_pos n_slots d_model"]
    column: int


@dataclass(frozen=True)
class Sources:
    """All sources of a prompt, positions ``first`` and later; ``width`` columns at each position.

    ``gather_pos`` and ``gather_column`` (n_features + n_layers * n_pos) say where the dots of each feature and
    error node end up; errors below ``first`` point at a column that is never written.
    """

    layers: tuple[SourceLayer, ...]
    first: int
    width: int
    gather_pos: Int[Tensor, " n_sources"]
    gather_column: Int[Tensor, " n_sources"]


def lay_out(local: LocalReplacementModel) -> Sources:
    """The sources of ``local``, mapped through the write points into the residual stream."""
    cross = local.transcoders.kind == "clt"
    slot, counts = _slots(local, cross)
    n_layers = local.frozen.n_layers
    widths = [int(counts[layer].max()) for layer in range(n_layers)]
    starts = [n_layers] * n_layers if cross else _running(widths, n_layers)
    layers = tuple(
        SourceLayer(_vectors(local, layer, slot, widths[layer], cross), starts[layer]) for layer in range(n_layers)
    )
    width = n_layers + (max(widths, default=0) if cross else sum(widths)) + 1
    start = torch.tensor(starts, device=slot.device)
    feature_column = start[local.features.layer] + slot
    return _with_gather(local, layers, width, feature_column)


def _running(widths: list[int], first: int) -> list[int]:
    starts = []
    for width in widths:
        starts.append(first)
        first += width
    return starts


def _slots(local: LocalReplacementModel, cross: bool) -> tuple[Tensor, Tensor]:
    """The slot of each feature, and the number of slots in use [layer, pos] when the sweep is at that layer."""
    features, n_layers, n_pos = local.features, local.frozen.n_layers, local.frozen.n_pos
    own = torch.zeros(n_layers, n_pos, dtype=torch.long, device=features.layer.device)
    own.index_put_((features.layer, features.pos), torch.ones_like(features.layer), accumulate=True)
    cell = features.layer * n_pos + features.pos
    first_of_cell = torch.searchsorted(cell, cell)
    rank = torch.arange(len(cell), device=cell.device) - first_of_cell
    if not cross:
        return rank, own
    held = own.cumsum(0)
    before = (held - own)[features.layer, features.pos]
    return rank + before, held


def _vectors(local: LocalReplacementModel, layer: int, slot: Tensor, width: int, cross: bool) -> Tensor:
    """[pos - first, 1 + width, d_model]: the error, then the features that write to ``layer``."""
    first, n_pos = local.transcoders.zero_positions, local.frozen.n_pos
    first = min(first, n_pos)
    vectors = local.error.new_zeros(n_pos - first, 1 + width, local.frozen.d_model)
    pos = torch.arange(first, n_pos, device=vectors.device)
    vectors[:, 0] = local.write(layer, local.error[layer, first:], pos)
    for source in range(layer + 1) if cross else (layer,):
        transcoder = local.transcoders.layers[source]
        if layer - source >= transcoder.n_targets:
            continue
        own = local.features.of_layer(source)
        rows = transcoder.decoder_rows(local.features.feature[own])[:, layer - source].to(vectors)
        rows = rows * local.features.activation[own][:, None]
        at = local.features.pos[own]
        vectors[at - first, 1 + slot[own]] = local.write(layer, rows, at)
    return vectors


def _with_gather(
    local: LocalReplacementModel, layers: tuple[SourceLayer, ...], width: int, feature_column: Tensor
) -> Sources:
    n_layers, n_pos = local.frozen.n_layers, local.frozen.n_pos
    first = min(local.transcoders.zero_positions, n_pos)
    error_pos = torch.arange(n_pos, device=feature_column.device).repeat(n_layers)
    error_column = torch.arange(n_layers, device=feature_column.device).repeat_interleave(n_pos)
    error_column = torch.where(error_pos < first, torch.full_like(error_column, width - 1), error_column)
    pos = torch.cat([local.features.pos, error_pos]) - first
    return Sources(layers, first, width, pos.clamp_min(0), torch.cat([feature_column, error_column]))
