"""HeldOut: windows drawn evenly from the half of the text that labels are not fitted on, and what is active in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from explorer.features.keys import hashed, is_held_out
from explorer.features.reads import counted, entries, reads
from explorer.features.windows import Batch, rows_of
from explorer.models.loader import LanguageModel
from explorer.shapes import Float, Int
from explorer.transcoders.transcoder import TranscoderSet
from explorer.work import Pause, go_on

N_WINDOWS = 512


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Some windows by their numbers, rising; ``ids`` are padded behind ``length``."""

    number: Int[np.ndarray, " n"]
    ids: Int[np.ndarray, "n context"]
    length: Int[np.ndarray, " n"]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {"number": self.number, "ids": self.ids, "length": self.length}


@dataclass(frozen=True, eq=False)
class Active:
    """Windows of a layer in which a feature is active: ``row`` of HeldOut, the activation at the peak.

    Sorted by feature and row.
    """

    feature: Int[np.ndarray, " n"]
    row: Int[np.ndarray, " n"]
    peak: Float[np.ndarray, " n"]

    @classmethod
    def of(cls, feature: np.ndarray, row: np.ndarray, value: np.ndarray) -> Active:
        """The peaks of active positions with their windows."""
        order = np.lexsort((-value, row, feature))
        feature, row, value = feature[order], row[order], value[order]
        first = np.ones(len(feature), bool)
        first[1:] = (feature[1:] != feature[:-1]) | (row[1:] != row[:-1])
        return cls(feature[first], row[first], value[first])

    def by_feature(self, features: Int[np.ndarray, " n_features"]) -> list[slice]:
        """Where the windows of each of ``features`` are."""
        bounds = np.searchsorted(self.feature, np.stack([features, features + 1], 1))
        return [slice(int(start), int(stop)) for start, stop in bounds]


def draw(batches: Iterable[Batch], context: int, n: int = N_WINDOWS) -> HeldOut:
    """The ``n`` held-out windows with the smallest hashes, or all."""
    kept = HeldOut(np.zeros(0, np.int64), np.zeros((0, context), np.int32), np.zeros(0, np.int32))
    for batch in batches:
        rows = np.flatnonzero(batch.length)
        rows = rows[is_held_out(batch.first + rows)]
        number = np.concatenate([kept.number, batch.first + rows])
        order = np.sort(np.argsort(hashed(-2, np.zeros_like(number), number), kind="stable")[:n])
        ids = np.concatenate([kept.ids, batch.ids[rows].astype(np.int32)])[order]
        kept = HeldOut(number[order], ids, np.concatenate([kept.length, batch.length[rows].astype(np.int32)])[order])
    return kept


def active_in(
    held: HeldOut, model: LanguageModel, transcoders: TranscoderSet, n_special: int, pause: Pause = go_on
) -> tuple[Active, ...]:
    """For each layer the windows of ``held`` in which its features are active."""
    found: list[list[tuple[np.ndarray, ...]]] = [[] for _ in transcoders.layers]
    n_rows, context = rows_of(held.ids.shape[1]), held.ids.shape[1]
    for first in range(0, len(held.ids), n_rows):
        batch = _padded(held, first, n_rows, n_special)
        there = torch.from_numpy(counted(batch, transcoders.zero_positions)).to(model.device)
        for layer, x in enumerate(reads(model, transcoders, torch.from_numpy(batch.ids).to(model.device))):
            pause()
            one = entries(transcoders, layer, x, there)
            found[layer].append((one.feature, first + one.row // context, one.value))
    nothing = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    return tuple(Active.of(*map(np.concatenate, zip(nothing, *parts, strict=True))) for parts in found)


def _padded(held: HeldOut, first: int, n_rows: int, n_special: int) -> Batch:
    part = slice(first, first + n_rows)
    ids = np.zeros((n_rows, held.ids.shape[1]), np.int64)
    length, nothing = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64)
    ids[: len(held.ids[part])], length[: len(held.length[part])] = held.ids[part], held.length[part]
    return Batch(first, ids, length, nothing, nothing, n_special, 0)
