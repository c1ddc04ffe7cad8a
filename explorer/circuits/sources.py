"""Sources: the vectors that nodes write, laid out so that one batched product per layer reads them.

At each position the sources of a layer stand in slots, padded to the widest position: the error, the bias nodes, the
features. A per-layer set has its own feature columns for every layer; a cross-layer set orders the features of a
position by layer, so that those that write to layer j are a prefix, and all layers share the columns and add up, as
they do for the bias nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.cone import Cone
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import Biases, bias_sources, embeddings_behind_first_block, start_behind_first_block
from explorer.shapes import Float, Int
from explorer.work import Pause, go_on

EMBEDDED_BUDGET = 2**28  # bytes of the embeddings' tangents; beyond it rows are carried down to the embeddings


@dataclass(frozen=True)
class SourceLayer:
    """What one layer writes into the residual stream: ``vectors`` [pos, slot, d_model].

    The dots of its features are added to the columns from ``column`` on. ``counts``: how many features write at each
    position.
    """

    vectors: Float[Tensor, "n_pos n_slots d_model"]
    column: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Sources:
    """All sources of a prompt; ``width`` columns at each position: errors by layer, bias nodes, features.

    ``cell`` (n_features + n_layers * n_pos) says where the dots of each feature and error node end up, as
    ``pos * width + column``. ``embedded``: the embeddings as they stand behind layer 0, if they fit; then what the
    bias nodes write at the start is among the sources of layer 0, and no row is carried further down than there.
    """

    layers: tuple[SourceLayer, ...]
    biases: Biases
    embedded: Float[Tensor, "n_pos n_tokens d_model"] | None
    width: int
    cell: Int[Tensor, " n_sources"]

    @property
    def n_columns(self) -> int:
        """Features and errors."""
        return len(self.cell)

    def dots_to_hold(self, cone: Cone) -> Float[Tensor, "n_pos width n_rows"]:
        """Zeros for the dots of the rows of ``cone``."""
        return self.layers[0].vectors.new_zeros(cone.n_pos, self.width, len(cone.at))

    def dot(self, layer: int, gradient: Float[Tensor, "n_flat d_model"], cone: Cone, held: Tensor) -> None:
        """Add the dots of ``gradient`` with what ``layer`` writes to the columns of its sources."""
        source, n_layers = self.layers[layer], len(self.layers)
        lead = 1 + len(self.biases.used)
        for step in cone.steps:
            here, rows = slice(step.start, step.stop), slice(step.n_rows)
            width = max(source.counts[here])
            dots = source.vectors[here, : lead + width] @ step.of(gradient).transpose(1, 2)
            held[here, layer, rows] = dots[:, 0]
            held[here, n_layers : n_layers + lead - 1, rows] += dots[:, 1:lead]
            held[here, source.column : source.column + width, rows] += dots[:, lead:]

    def gather(self, held: Float[Tensor, "n_pos width n_rows"], effects: Float[Tensor, "n_sources n_rows"]) -> None:
        """Put the dots of each feature and error within reach into ``effects``, zero elsewhere."""
        within = (self.cell < len(held) * self.width).nonzero().flatten()
        effects[within] = held.flatten(0, 1)[self.cell[within]]

    def of_biases(self, held: Float[Tensor, "n_pos width n_rows"]) -> Float[Tensor, "n_used n_rows"]:
        """The dots of each bias node, over all layers and positions."""
        n_layers = len(self.layers)
        return held[:, n_layers : n_layers + len(self.biases.used)].sum(0)

    def read_embedded(self, gradient: Float[Tensor, "n_flat d_model"], cone: Cone, effects: Tensor) -> None:
        """Add the effects [token, row] of the embeddings on the rows of ``gradient``, which stands behind layer 0."""
        assert self.embedded is not None
        for step in cone.steps:
            tangents = self.embedded[step.start : step.stop, : step.stop]
            effects[: step.stop, : step.n_rows] += (tangents @ step.of(gradient).transpose(1, 2)).sum(0)

    def read_start(self, gradient: Float[Tensor, "n_flat d_model"], cone: Cone) -> Float[Tensor, "n_used n_rows"]:
        """The effects of what the bias nodes write at the start on the rows of ``gradient``, which stands there."""
        effects = gradient.new_zeros(len(self.biases.used), len(cone.at))
        for step in cone.steps:
            written = self.biases.start[step.start : step.stop]
            effects[:, : step.n_rows] += (written @ step.of(gradient).transpose(1, 2)).sum(0)
        return effects


def lay_out(local: LocalReplacementModel, pause: Pause = go_on) -> Sources:
    """The sources of ``local``, mapped through the write points into the residual stream.

    ``pause`` is called in front of each layer.
    """
    cross = local.transcoders.kind == "clt"
    slot, counts = _slots(local, cross)
    biases = bias_sources(local, pause)
    pause()
    n_bytes = local.frozen.n_pos * local.error[0].numel() * local.error.element_size()
    embedded = embeddings_behind_first_block(local) if n_bytes <= EMBEDDED_BUDGET else None
    widths = [int(widest) for widest in counts.amax(1)]
    lead = local.frozen.n_layers + len(biases.used)
    starts = [lead] * len(widths) if cross else _running(widths, lead)
    vectors = _vectors(local, biases, slot, widths, pause)
    if embedded is not None:
        vectors[0][:, 1 : 1 + len(biases.used)] += start_behind_first_block(local, biases)
    layers = tuple(SourceLayer(*layer) for layer in zip(vectors, starts, map(tuple, counts.tolist()), strict=True))
    width = lead + (max(widths) if cross else sum(widths))
    column = torch.tensor(starts, device=slot.device)[local.features.layer] + slot
    return Sources(layers, biases, embedded, width, _cells(local, width, column))


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


def _vectors(
    local: LocalReplacementModel, biases: Biases, slot: Tensor, widths: list[int], pause: Pause
) -> list[Tensor]:
    """For each layer [pos, slot, d_model]: the error, the bias nodes, the features that write to it."""
    n_pos, d_model, lead = local.frozen.n_pos, local.frozen.d_model, 1 + len(biases.used)
    pos = torch.arange(n_pos, device=slot.device)
    vectors = []
    for layer, width in enumerate(widths):
        pause()
        held = local.error.new_zeros(n_pos, lead + width, d_model)
        held[:, 0] = local.write(layer, local.error[layer], pos)
        held[:, 1:lead] = biases.block[layer]
        vectors.append(held)
    for source, transcoder in enumerate(local.transcoders.layers):
        pause()
        own = local.features.of_layer(source)
        at, activation = local.features.pos[own], local.features.activation[own]
        rows = transcoder.decoder_rows(local.features.feature[own]).to(local.error).mul_(activation[:, None, None])
        for offset in range(transcoder.n_targets):
            pause()
            vectors[source + offset][at, lead + slot[own]] = local.write(source + offset, rows[:, offset], at)
    return vectors


def _cells(local: LocalReplacementModel, width: int, feature_column: Tensor) -> Int[Tensor, " n_sources"]:
    n_layers, n_pos = local.frozen.n_layers, local.frozen.n_pos
    error_pos = torch.arange(n_pos, device=feature_column.device).repeat(n_layers)
    error_column = torch.arange(n_layers, device=feature_column.device).repeat_interleave(n_pos)
    return torch.cat([local.features.pos, error_pos]) * width + torch.cat([feature_column, error_column])
