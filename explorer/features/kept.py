"""Kept: the best examples of every feature of a layer, by their keys; merging in any order gives the same.

An example is a window in which the feature is active: its peak (the largest activation, the first if several are
equal) and the activations around it. Places are in no order until they are sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.features.keys import EMPTY
from explorer.shapes import Float, Int

BEFORE, AFTER = 20, 11  # positions around the peak whose activations are kept
SPAN = BEFORE + 1 + AFTER


@dataclass(frozen=True, eq=False)
class Candidates:
    """Examples sorted by feature and window. ``around`` (lazily made) are activations, ``others`` features."""

    feature: Int[np.ndarray, " n"]
    key: Int[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
    peak: Int[np.ndarray, " n"]


@dataclass(eq=False)
class Kept:
    """Up to ``n_kept`` examples for each feature; a place without one has the key EMPTY.

    ``around`` [feature, place, SPAN] are activations in float16, the peak at BEFORE; ``others`` the most active other
    features of the layer at the peak, -1 where there are no more. The arrays are written to as text is read.
    """

    key: Int[np.ndarray, "n_features n_kept"]
    value: Float[np.ndarray, "n_features n_kept"]
    peak: Int[np.ndarray, "n_features n_kept"]
    around: Float[np.ndarray, "n_features n_kept span"]
    others: Int[np.ndarray, "n_features n_kept n_others"]

    @classmethod
    def empty(cls, n_features: int, n_kept: int, n_others: int) -> Kept:
        shape = (n_features, n_kept)
        return cls(
            np.full(shape, EMPTY, np.int64),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.int16),
            np.zeros((*shape, SPAN), np.float16),
            np.full((*shape, n_others), -1, np.int32),
        )

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {"key": self.key, "value": self.value, "peak": self.peak, "around": self.around, "others": self.others}

    def places_for(self, found: Candidates) -> tuple[np.ndarray, np.ndarray]:
        """Which of ``found`` are better than what is kept, and the place each of them takes; keys are set.

        The caller fills in the rest at ``[found.feature[chosen], place]``.
        """
        better = np.flatnonzero(found.key < self.key.max(axis=1)[found.feature]) if len(found.key) else np.arange(0)
        if not len(better):
            return better, better
        features, first, counts = np.unique(found.feature[better], return_index=True, return_counts=True)
        row = np.repeat(np.arange(len(features)), counts)
        column = np.arange(len(better)) - np.repeat(first, counts)
        at = np.full((len(features), int(counts.max())), -1, np.int64)
        at[row, column] = better
        new = np.where(at >= 0, found.key[at], EMPTY)
        n_kept = self.key.shape[1]
        best = np.argsort(np.concatenate([self.key[features], new], 1), axis=1, kind="stable")[:, :n_kept]
        taken = np.zeros((len(features), n_kept + new.shape[1]), bool)
        np.put_along_axis(taken, best, True, 1)
        rows, places = (~taken[:, :n_kept]).nonzero()  # as many in each row as new ones, so the two lists pair up
        chosen = at[taken[:, n_kept:].nonzero()]
        self.key[features[rows], places] = found.key[chosen]
        self.value[features[rows], places] = found.value[chosen]
        self.peak[features[rows], places] = found.peak[chosen]
        return chosen, places

    def sorted(self) -> Kept:
        """The same, the best first and nothing behind the last."""
        return self._picked(np.argsort(self.key, axis=1, kind="stable"))

    def merged(self, other: Kept) -> Kept:
        """The best of both, sorted; no window may be in both."""
        n_kept = self.key.shape[1]
        pairs = [np.concatenate(pair, 1) for pair in zip(self.arrays.values(), other.arrays.values(), strict=True)]
        both = Kept(*pairs)
        return both._picked(np.argsort(both.key, axis=1, kind="stable")[:, :n_kept])

    def _picked(self, order: np.ndarray) -> Kept:
        def pick(values: np.ndarray) -> np.ndarray:
            return np.take_along_axis(values, order.reshape(*order.shape, *[1] * (values.ndim - 2)), 1)

        return Kept(*map(pick, self.arrays.values()))
