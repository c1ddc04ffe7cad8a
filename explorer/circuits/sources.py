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

from explorer.circuits.cone import Cone
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import embeddings_behind_first_block

EMBEDDED_BUDGET = 2**28  # bytes of the embeddings' tangents; beyond it rows are carried down to the embeddings


@dataclass(frozen=True)
class SourceLayer:
    """What one layer writes into the residual stream: ``vectors`` [pos, slot, d_model], from the first source on.

    Its dots go to the error column ``layer`` and are added to the feature columns from ``column`` on. ``counts``: how
    many features write at each position.
    """

    vectors: Float[Tensor, "n_pos n_slots d_model"]
    column: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Sources:
    """All sources of a prompt, positions ``first`` and later; ``width`` columns at each position.

    ``cell`` (n_features + n_layers * n_pos) says where the dots of each feature and error node end up, as
    ``pos * width + column``; errors below ``first`` point at a column that is never written. ``embedded``: the
    embeddings as they stand behind layer 0, if they fit.
    """

    layers: tuple[SourceLayer, ...]
    embedded: Float[Tensor, "n_pos n_tokens d_model"] | None
    first: int
    width: int
    cell: Int[Tensor, " n_sources"]

    @property
    def n_columns(self) -> int:
        return len(self.cell)

    def read_embedded(self, gradient: Float[Tensor, "n_flat d_model"], cone: Cone, effects: Tensor) -> None:
        """Add the effects [token, row] of the embeddings on the rows of ``gradient``, which stands behind layer 0."""
        assert self.embedded is not None
        for step in cone.steps:
            tangents = self.embedded[step.start : step.stop, : step.stop]
            effects[: step.stop, : step.n_rows] += (tangents @ step.of(gradient).transpose(1, 2)).sum(0)

    def dots_to_hold(self, cone: Cone) -> Float[Tensor, "n_pos width n_rows"]:
        """Zeros for the dots of the rows of ``cone``."""
        n_pos = max(cone.n_pos - self.first, 0)
        return self.layers[0].vectors.new_zeros(n_pos, self.width, len(cone.at))

    def dot(self, layer: int, gradient: Float[Tensor, "n_flat d_model"], cone: Cone, held: Tensor) -> None:
        """Add the dots of ``gradient`` with what ``layer`` writes to the columns of its sources."""
        source = self.layers[layer]
        for step in cone.steps:
            if step.start < self.first:
                continue
            here = slice(step.start - self.first, step.stop - self.first)
            width = max(source.counts[here])
            dots = source.vectors[here, : 1 + width] @ step.of(gradient).transpose(1, 2)
            held[here, layer, : step.n_rows] = dots[:, 0]
            held[here, source.column : source.column + width, : step.n_rows] += dots[:, 1:]

    def gather(self, held: Float[Tensor, "n_pos width n_rows"], effects: Float[Tensor, "n_sources n_rows"]) -> None:
        """Put the dots of each source within reach into ``effects``, zero elsewhere."""
        within = (self.cell < len(held) * self.width).nonzero().flatten()
        effects[within] = held.flatten(0, 1)[self.cell[within]]


def lay_out(local: LocalReplacementModel) -> Sources:
    """The sources of ``local``, mapped through the write points into the residual stream."""
    cross = local.transcoders.kind == "clt"
    slot, counts = _slots(local, cross)
    n_layers = local.frozen.n_layers
    widths = [int(counts[layer].max()) for layer in range(n_layers)]
    starts = [n_layers] * n_layers if cross else _running(widths, n_layers)
    vectors = _vectors(local, slot, widths)
    per_pos = counts[:, _first(local) :].tolist()
    layers = tuple(SourceLayer(*layer) for layer in zip(vectors, starts, map(tuple, per_pos), strict=True))
    width = n_layers + (max(widths, default=0) if cross else sum(widths)) + 1
    column = torch.tensor(starts, device=slot.device)[local.features.layer] + slot
    n_bytes = local.frozen.n_pos * local.error[0].numel() * local.error.element_size()
    embedded = embeddings_behind_first_block(local) if n_bytes <= EMBEDDED_BUDGET else None
    return Sources(layers, embedded, _first(local), width, _cells(local, width, column))


def _first(local: LocalReplacementModel) -> int:
    """The first position with sources."""
    return min(local.transcoders.zero_positions, local.frozen.n_pos)


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


def _vectors(local: LocalReplacementModel, slot: Tensor, widths: list[int]) -> list[Tensor]:
    """For each layer [pos - first, 1 + width, d_model]: the error, then the features that write to it."""
    first, n_pos, d_model = _first(local), local.frozen.n_pos, local.frozen.d_model
    pos = torch.arange(first, n_pos, device=slot.device)
    vectors = [local.error.new_zeros(n_pos - first, 1 + width, d_model) for width in widths]
    for layer, held in enumerate(vectors):
        held[:, 0] = local.write(layer, local.error[layer, first:], pos)
    for source, transcoder in enumerate(local.transcoders.layers):
        own = local.features.of_layer(source)
        at, activation = local.features.pos[own], local.features.activation[own]
        rows = transcoder.decoder_rows(local.features.feature[own]).to(local.error).mul_(activation[:, None, None])
        for offset in range(transcoder.n_targets):
            vectors[source + offset][at - first, 1 + slot[own]] = local.write(source + offset, rows[:, offset], at)
    return vectors


def _cells(local: LocalReplacementModel, width: int, feature_column: Tensor) -> Int[Tensor, " n_sources"]:
    n_layers, n_pos, first = local.frozen.n_layers, local.frozen.n_pos, _first(local)
    error_pos = torch.arange(n_pos, device=feature_column.device).repeat(n_layers)
    error_column = torch.arange(n_layers, device=feature_column.device).repeat_interleave(n_pos)
    error_column = torch.where(error_pos < first, torch.full_like(error_column, width - 1), error_column)
    pos = (torch.cat([local.features.pos, error_pos]) - first).clamp_min(0)
    return pos * width + torch.cat([feature_column, error_column])
