"""How much memory a graph will take, before it is computed.

Against the measured peaks of benchmarks.memory (benchmarks/README.md) it is never too little. Of the full graph it is
at most a quarter too much; of the strongest features up to two thirds, for it cannot know how long their rows are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from explorer.circuits.expansion import KEPT_ENTRIES
from explorer.circuits.graph import Ints
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.roots import N_BIAS
from explorer.circuits.sources import EMBEDDED_BUDGET
from explorer.circuits.sweep import CHUNK_ROWS, ROW_BUDGET

SOURCE_BYTES = 4  # the column of an entry of a row
ROW_BYTES = 700  # what a row takes besides its entries
SLACK = 1.3  # what is freed in small pieces is not free for large ones
MARGIN = 1.1  # by which the peak of the strongest features' rows and sources was missed at most, and more
EXPANDED = 1.15  # rows that are traced for each feature that is kept


@dataclass(frozen=True)
class Extent:
    """What decides how much memory a run takes; ``counts`` is how many features are active [layer, pos]."""

    counts: Ints
    zero_positions: int
    d_model: int
    n_logits: int
    n_bytes: int  # of a number
    cross_layer: bool
    skips: bool

    @property
    def n_pos(self) -> int:
        return int(self.counts.shape[1])

    @property
    def n_features(self) -> int:
        return int(self.counts.sum())

    @property
    def entry(self) -> int:
        """Bytes of an edge; rows are in single precision at least."""
        return SOURCE_BYTES + max(self.n_bytes, 4)

    def of_prefix(self, n_pos: int) -> Extent:
        """The same prompt without the tokens from ``n_pos`` on."""
        return replace(self, counts=self.counts[:, :n_pos])

    def inputs(self) -> Ints:
        """How many in-edges a feature of each cell has at most [layer, pos]; effects of exactly 0 are counted."""
        sources = self._sources()
        below = (sources.cumsum(0) - sources).cumsum(1)
        inputs: Ints = below + np.arange(1, self.n_pos + 1) + N_BIAS
        return inputs

    def inputs_of_logit(self) -> int:
        """The in-edges of a logit at the last position."""
        return int(self._sources().sum()) + self.n_pos + N_BIAS

    def n_edges(self) -> int:
        """The edges of the full graph at most."""
        return int((self.counts * self.inputs()).sum()) + self.n_logits * self.inputs_of_logit()

    def _sources(self) -> Ints:
        """Features and errors of each cell."""
        sources: Ints = self.counts + (np.arange(self.n_pos) >= self.zero_positions)
        return sources


def extent(local: LocalReplacementModel, n_logits: int) -> Extent:
    """The extent of a run that explains ``n_logits`` logits."""
    features, n_layers, n_pos = local.features, local.frozen.n_layers, local.frozen.n_pos
    cell = (features.layer * n_pos + features.pos).cpu()
    counts: Ints = torch.bincount(cell, minlength=n_layers * n_pos).view(n_layers, n_pos).numpy()
    return Extent(
        counts=counts,
        zero_positions=local.transcoders.zero_positions,
        d_model=local.frozen.d_model,
        n_logits=n_logits,
        n_bytes=local.error.element_size(),
        cross_layer=local.transcoders.kind == "clt",
        skips=any(local.skip(layer) is not None for layer in range(n_layers)),
    )


def full_bytes(run: Extent) -> int:
    """The peak of the full graph: its rows in pieces and joined, with what the sweep left behind."""
    rows = run.n_edges() * run.entry + ROW_BYTES * (run.n_features + run.n_logits)
    return round(2 * SLACK * rows) + _sources(run) + _chunk(run, run.n_features + run.n_logits)


def strongest_bytes(run: Extent, k: int) -> int:
    """The peak of the graph of the ``k`` strongest features: as if the longest rows were kept."""
    roots = run.n_pos + N_BIAS
    length = np.minimum(run.inputs(), KEPT_ENTRIES + roots).flatten()
    longest = length.argsort()[::-1]
    held = run.counts.flatten()[longest].cumsum()
    n_rows = min(round(EXPANDED * k), run.n_features)
    taken = np.diff(np.minimum(held, n_rows), prepend=0)
    entries = int((taken * length[longest]).sum()) + run.n_logits * min(run.inputs_of_logit(), KEPT_ENTRIES + roots)
    kept = min(k, n_rows) + run.n_logits
    joined = min(entries, kept * (kept // 2 + run.counts.size + roots))  # one edge for each two features
    rows = (entries + joined) * run.entry + ROW_BYTES * (n_rows + run.n_logits)
    return round(MARGIN * (rows + _sources(run) + _chunk(run, n_rows + run.n_logits)))


def features_that_fit(run: Extent, free: int) -> int:
    """The largest number of strongest features that takes at most ``free`` bytes, to two digits; 0 if none does."""
    fit = _largest(run.n_features - 1, lambda k: strongest_bytes(run, k) <= free)
    digits = max(len(str(fit)) - 2, 0)
    return int(fit // 10**digits * 10**digits)


def tokens_that_fit(run: Extent, free: int) -> int:
    """How many of the prompt's first tokens have a full graph of at most ``free`` bytes; 0 if none."""
    return _largest(run.n_pos, lambda n_pos: full_bytes(run.of_prefix(n_pos)) <= free)


def active_that_fit(run: Extent, free: int) -> int:
    """How many features of each layer and position have a full graph of at most ``free`` bytes; 0 if none."""

    def fits(most: int) -> bool:
        return full_bytes(replace(run, counts=np.minimum(run.counts, most))) <= free

    return _largest(int(run.counts.max()) - 1, fits)


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to ``most`` that fits, where every smaller one fits too; 0 if none does."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if fits(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _sources(run: Extent) -> int:
    """What all sources write, padded to the widest position of each layer, the biases and the embeddings."""
    widths = (run.counts.cumsum(0) if run.cross_layer else run.counts).max(1)
    vector = run.d_model * run.n_bytes
    n_layers = len(run.counts)
    written = run.n_pos * int((1 + N_BIAS + widths).sum()) * vector
    biases = (2 * n_layers + 1) * N_BIAS * run.n_pos * vector
    embedded = run.n_pos**2 * vector
    skipped = run.n_pos * run.d_model * vector if run.skips else 0
    return written + biases + (embedded if embedded <= EMBEDDED_BUDGET else 0) + skipped


def _chunk(run: Extent, most: int) -> int:
    """The gradients, dots and finished rows of one chunk of at most ``most`` rows; the first positions have many."""
    n_columns = run.n_features + run.counts.size
    widest = int(run.counts.max(initial=1))
    n_rows = min(most, ROW_BUDGET // n_columns, int((2 * CHUNK_ROWS * widest) ** 0.5) + 1)
    width = int(run.counts.sum(0).max() if run.cross_layer else run.counts.max(1).sum())
    return (2 * max(n_rows, 1) * n_columns + CHUNK_ROWS * (width + 4 * run.d_model)) * run.n_bytes
