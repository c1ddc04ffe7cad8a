"""Collected: the statistics of all layers over the batches read so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from explorer.features.keys import is_held_out
from explorer.features.reads import counted, entries, reads
from explorer.features.spans import NOTHING, Spans
from explorer.features.statistics import Keeping, LayerStatistics
from explorer.features.windows import Batch
from explorer.models.loader import LanguageModel
from explorer.shapes import Int
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import Pause, go_on

COUNTERS = ("n_batches", "n_windows", "n_tokens", "n_counted", "n_documents")


@dataclass(eq=False)
class Collected:
    """``token_windows`` says in how many windows that labels are fitted on (keys.is_held_out) each token stands.

    ``n_tokens`` are those of the text, ``n_counted`` the positions that may have features; ``done`` are the numbers of
    the batches.
    """

    layers: tuple[LayerStatistics, ...]
    token_windows: Int[np.ndarray, " n_tokens"]
    n_batches: int = 0
    n_windows: int = 0
    n_tokens: int = 0
    n_counted: int = 0
    n_documents: int = 0
    done: Spans = NOTHING

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
        self.done = self.done.joined(Spans(((batch.number, batch.number + 1),)))

    def found(self) -> Found:
        """The same in less space, to be sent: of the features that are active alone."""
        features = tuple(np.flatnonzero(one.active) for one in self.layers)
        layers = tuple(one.of(active) for one, active in zip(self.layers, features, strict=True))
        return Found(features, replace(self, layers=layers))

    def take_in(self, found: Found) -> None:
        """Add what a shard gave; no batch may be in both."""
        other = found.collected
        for one, features, part in zip(self.layers, found.features, other.layers, strict=True):
            one.take_in(features, part)
        self.token_windows += other.token_windows
        for name in COUNTERS[:-1]:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.n_documents = max(self.n_documents, other.n_documents)
        self.done = self.done.joined(other.done)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name."""
        made = {f"{at}.{name}": array for at, one in enumerate(self.layers) for name, array in one.arrays.items()}
        return {"token_windows": self.token_windows, **made}

    @property
    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in COUNTERS}

    @classmethod
    def of_arrays(
        cls, arrays: Mapping[str, np.ndarray], counts: Mapping[str, int], done: Spans, n_layers: int
    ) -> Collected:
        """What ``arrays``, ``counts`` and ``done`` gave."""
        layers = []
        for at in range(n_layers):
            start = f"{at}."
            own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            layers.append(LayerStatistics.of_arrays(at, own))
        numbers = {name: int(counts[name]) for name in COUNTERS}
        return cls(tuple(layers), arrays["token_windows"], **numbers, done=done)


@dataclass(frozen=True, eq=False)
class Found:
    """What a shard gave: by layer the features that are active in it, and ``collected`` with rows for these alone."""

    features: tuple[Int[np.ndarray, " _"], ...]
    collected: Collected
