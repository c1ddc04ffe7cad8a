"""Collected: the statistics of all layers over the batches read so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from explorer.features.keys import is_held_out
from explorer.features.reads import counted, entries, reads
from explorer.features.statistics import Keeping, LayerStatistics
from explorer.features.windows import Batch
from explorer.models.loader import LanguageModel
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import Pause, go_on

COUNTERS = ("n_batches", "n_windows", "n_tokens", "n_counted", "n_documents")


@dataclass(eq=False)
class Collected:
    """``token_windows`` says in how many windows that labels are fitted on (keys.is_held_out) each token stands.

    ``n_tokens`` are those of the text, ``n_counted`` the positions that may have features.
    """

    layers: tuple[LayerStatistics, ...]
    token_windows: Int[np.ndarray, " n_tokens"]
    n_batches: int = 0
    n_windows: int = 0
    n_tokens: int = 0
    n_counted: int = 0
    n_documents: int = 0

    @classmethod
    def empty(cls, model: LanguageModel, transcoders: TranscoderSet, keeping: Keeping) -> Collected:
        layers = enumerate(transcoders.layers)
        return cls(
            tuple(LayerStatistics.empty(at, layer.d_transcoder, keeping) for at, layer in layers),
            np.zeros(model.n_tokens, np.int64),
        )

    def take(self, model: LanguageModel, transcoders: TranscoderSet, batch: Batch, pause: Pause = go_on) -> None:
        """Run ``batch`` and count it in."""
        ids = torch.from_numpy(batch.ids).to(model.device)
        here = counted(batch, transcoders.zero_positions)
        there = torch.from_numpy(here).to(model.device)
        found = []
        for at, x in enumerate(reads(model, transcoders, ids)):
            pause()
            found.append(entries(transcoders, at, x, there))
        for at, one in enumerate(found):  # no pause in between: a batch counts in every layer or in none
            self.layers[at].add(one, batch.first, batch.ids.shape[1])
        self._count(batch, int(here.sum()))

    def _count(self, batch: Batch, n_counted: int) -> None:
        rows = np.flatnonzero(batch.length)
        for row in rows[~is_held_out(batch.first + rows)]:
            self.token_windows[np.unique(batch.ids[row, batch.n_special : batch.length[row]])] += 1
        self.n_batches += 1
        self.n_windows += batch.n_windows
        self.n_tokens += batch.n_tokens
        self.n_counted += n_counted
        self.n_documents = max(self.n_documents, int(batch.document[rows].max(initial=-1)) + 1)

    def merged(self, other: Collected) -> Collected:
        """Both together; no batch may be in both."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTERS}
        counts["n_documents"] = max(self.n_documents, other.n_documents)
        layers = tuple(one.merged(two) for one, two in zip(self.layers, other.layers, strict=True))
        return Collected(layers, self.token_windows + other.token_windows, **counts)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name."""
        made = {f"{at}.{name}": array for at, one in enumerate(self.layers) for name, array in one.arrays.items()}
        return {"token_windows": self.token_windows, **made}

    @property
    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTERS}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray], counts: Mapping[str, int], n_layers: int) -> Collected:
        """What ``arrays`` and ``counts`` gave."""
        layers = []
        for at in range(n_layers):
            start = f"{at}."
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            layers.append(LayerStatistics.of_arrays(at, own))
        return cls(tuple(layers), arrays["token_windows"], **{name: int(counts[name]) for name in COUNTERS})
