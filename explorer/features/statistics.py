"""LayerStatistics: what is kept of one layer's activations, updated batch by batch and merged exactly.

Everything is a whole number, a largest or smallest value, or an example chosen by its key, so the result does not
depend on how the windows were spread over batches, shards or workers. Memory is bounded by ``bytes_per_feature``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explorer.features.entries import Entries
from explorer.features.kept import BEFORE, SPAN, Candidates, Kept
from explorer.features.keys import N_BINS, at_random, bins, strongest
from explorer.shapes import Int, UInt

_MOST = float(np.finfo(np.float16).max)  # files of other tools take no infinity
UNIT = 2**20  # the sum of activations is kept in whole numbers of this part of one


@dataclass(frozen=True)
class Keeping:
    """How many examples a feature keeps: the strongest, random ones, and active neighbours of each strongest."""

    n_top: int = 20
    n_random: int = 20
    n_others: int = 4


@dataclass(eq=False)
class LayerStatistics:
    """Counts by feature, and its kept examples. ``total`` is in units of 1 / UNIT, each activation rounded to it.

    active     positions where the feature is not 0; ``windows``: windows with such a position
    histogram  positions by bins of positive activations (keys.edges); ``negative``: positions below 0
    """

    layer: int
    active: Int[np.ndarray, " n_features"]
    windows: Int[np.ndarray, " n_features"]
    negative: Int[np.ndarray, " n_features"]
    total: Int[np.ndarray, " n_features"]
    maximum: np.ndarray
    minimum: np.ndarray
    histogram: UInt[np.ndarray, "n_features n_bins"]
    top: Kept
    random: Kept

    @classmethod
    def empty(cls, layer: int, n_features: int, keeping: Keeping) -> LayerStatistics:
        return cls(
            layer,
            **{name: np.zeros(n_features, np.int64) for name in ("active", "windows", "negative", "total")},
            maximum=np.full(n_features, -np.inf, np.float32),
            minimum=np.full(n_features, np.inf, np.float32),
            histogram=np.zeros((n_features, N_BINS), np.uint32),
            top=Kept.empty(n_features, keeping.n_top, keeping.n_others),
            random=Kept.empty(n_features, keeping.n_random, 0),
        )

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        examples = {f"{name}.{part}": array for name in _KEPT for part, array in getattr(self, name).arrays.items()}
        return {**counts, **examples}

    @classmethod
    def of_arrays(cls, layer: int, arrays: Mapping[str, np.ndarray]) -> LayerStatistics:
        """What ``arrays`` gave."""
        top, random = (Kept(*(arrays[f"{name}.{part}"] for part in _PARTS)) for name in _KEPT)
        return cls(layer, **{name: arrays[name] for name in _COUNTS}, top=top, random=random)

    def add(self, found: Entries, first: int, context: int) -> None:
        """Take in a batch whose windows are numbered from ``first`` on and have ``context`` places."""
        feature, value = found.feature, found.value
        np.add.at(self.active, feature, 1)
        np.add.at(self.total, feature, np.rint(value.astype(np.float64) * UNIT).astype(np.int64))
        np.maximum.at(self.maximum, feature, value)
        np.minimum.at(self.minimum, feature, value)
        above = value > 0
        np.add.at(self.histogram, (feature[above], bins(value[above])), np.uint32(1))
        np.add.at(self.negative, feature[~above], 1)
        peaks = _Peaks(found, context)
        np.add.at(self.windows, peaks.feature, 1)
        window = peaks.window + first
        self._keep(self.top, peaks, strongest(peaks.value, window))
        self._keep(self.random, peaks, at_random(self.layer, peaks.feature, window))

    def _keep(self, kept: Kept, peaks: _Peaks, key: np.ndarray) -> None:
        found = Candidates(peaks.feature, key, peaks.value, peaks.position)
        chosen, places = kept.places_for(found)
        if not len(chosen):
            return
        feature = peaks.feature[chosen]
        kept.around[feature, places] = peaks.around(chosen)
        kept.others[feature, places] = peaks.others(chosen, kept.others.shape[2])

    def merged(self, other: LayerStatistics) -> LayerStatistics:
        """Both together; no window may be in both."""
        added = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS if name not in _EXTREMES}
        return LayerStatistics(
            self.layer,
            **added,
            maximum=np.maximum(self.maximum, other.maximum),
            minimum=np.minimum(self.minimum, other.minimum),
            top=self.top.merged(other.top),
            random=self.random.merged(other.random),
        )

    def of(self, features: Int[np.ndarray, " n"]) -> LayerStatistics:
        """A copy of the rows of ``features`` alone."""
        return LayerStatistics.of_arrays(self.layer, {name: array[features] for name, array in self.arrays.items()})

    def take_in(self, features: Int[np.ndarray, " n"], part: LayerStatistics) -> None:
        """Add ``part``, whose rows are those of ``features``; no window may be in both."""
        both = self.of(features).merged(part).arrays
        for name, array in self.arrays.items():
            array[features] = both[name]


_COUNTS = ("active", "windows", "negative", "total", "maximum", "minimum", "histogram")
_EXTREMES = ("maximum", "minimum")
_KEPT = ("top", "random")
_PARTS = ("key", "value", "peak", "around", "others")


def bytes_per_feature(keeping: Keeping) -> int:
    """What the statistics of one feature take in memory, whatever the text."""
    held = LayerStatistics.empty(0, 1, keeping)
    return sum(array.nbytes for array in held.arrays.values())


class _Peaks:
    """The windows of a batch in which each feature is active, by feature and window, with the peak of each."""

    def __init__(self, found: Entries, context: int) -> None:
        self._found, self._context = found, context
        n_rows = int(found.row.max(initial=-1)) // context + 1
        window, place = np.divmod(found.row, context)
        order = np.argsort((found.feature * n_rows + window) * context + place)
        self._feature, self._window, self._place = found.feature[order], window[order], place[order]
        self._value = found.value[order]
        pair = self._feature * max(n_rows, 1) + self._window
        starts = np.flatnonzero(np.concatenate([[True], pair[1:] != pair[:-1]])) if len(pair) else np.arange(0)
        self._counts = np.diff(np.append(starts, len(pair)))
        self.feature, self.window = self._feature[starts], self._window[starts]
        self.value, self.position = found.value[:0], self._place[:0]
        if len(starts):
            self.value = np.maximum.reduceat(self._value, starts)
            at_peak = self._value == np.repeat(self.value, self._counts)
            self.position = np.minimum.reduceat(np.where(at_peak, self._place, context), starts)

    def around(self, chosen: np.ndarray) -> np.ndarray:
        """Activations around the peaks ``chosen`` [chosen, SPAN]; 0 where the feature is off or the window ends."""
        which = np.full(len(self.feature), -1)
        which[chosen] = np.arange(len(chosen))
        of_entry = np.repeat(which, self._counts)
        offset = self._place - np.repeat(self.position, self._counts) + BEFORE
        near = (of_entry >= 0) & (offset >= 0) & (offset < SPAN)
        made = np.zeros((len(chosen), SPAN), np.float16)
        made[of_entry[near], offset[near]] = np.clip(self._value[near], -_MOST, _MOST)
        return made

    def others(self, chosen: np.ndarray, n_others: int) -> np.ndarray:
        """The ``n_others`` most active features at each peak of ``chosen`` beside its own, ties by number."""
        made = np.full((len(chosen), n_others), -1, np.int32)
        if not n_others:
            return made
        rows, of_chosen = np.unique(self.window[chosen] * self._context + self.position[chosen], return_inverse=True)
        near = np.isin(self._found.row, rows)
        row, feature, value = self._found.row[near], self._found.feature[near], self._found.value[near]
        order = np.lexsort((feature, -value, row))
        row, feature = np.searchsorted(rows, row[order]), feature[order]
        rank = np.arange(len(row)) - np.searchsorted(row, np.arange(len(rows)))[row]
        table = np.full((len(rows), n_others + 1), -1, np.int32)
        table[row[rank <= n_others], rank[rank <= n_others]] = feature[rank <= n_others]
        listed = table[of_chosen]
        own = listed == self.feature[chosen][:, None]
        own[~own.any(1), -1] = True  # one too many: the last
        made[:] = listed[~own].reshape(len(chosen), n_others)
        return made
