"""Score: how well a rule tells the windows in which a feature is active from those in which it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.shapes import Bool, Float

FEWEST = 2  # windows of each kind, below which nothing is said


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows by the tokens in them: ``rows`` of each token."""

    n: int
    rows: Mapping[int, np.ndarray]

    @classmethod
    def of(cls, windows: Sequence[Sequence[int]]) -> Windows:
        rows: dict[int, list[int]] = {}
        for row, tokens in enumerate(windows):
            for token in set(tokens):
                rows.setdefault(int(token), []).append(row)
        return cls(len(windows), {token: np.array(found) for token, found in rows.items()})

    def detected(self, weights: Mapping[int, float]) -> Float[np.ndarray, " n"]:
        """How strongly a rule responds to each window: the sum of the weights of the tokens in it."""
        made = np.zeros(self.n)
        for token, weight in weights.items():
            if token in self.rows:
                made[self.rows[token]] += weight
        return made


def auc(detected: Float[np.ndarray, " n"], active: Bool[np.ndarray, " n"]) -> float | None:
    """The chance that a window with the feature gets more than one without it, ties counted half; None if too few."""
    inside, outside = detected[active], np.sort(detected[~active])
    if min(len(inside), len(outside)) < FEWEST:
        return None
    below = np.searchsorted(outside, inside, side="left")
    level = np.searchsorted(outside, inside, side="right") - below
    return round(float((below + level / 2).mean() / len(outside)), 4)


def average_precision(detected: Float[np.ndarray, " n"], active: Bool[np.ndarray, " n"]) -> float | None:
    """The mean of the precision over the windows with the feature, from the strongest response down; None if too few.

    Windows of equal response count together, so a rule that never responds has the share of the active ones.
    """
    if min(active.sum(), (~active).sum()) < FEWEST:
        return None
    order = np.argsort(-detected, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(detected[order]) != 0, True))
    found = np.cumsum(active[order])[ends]
    return round(float((np.diff(found, prepend=0) * found / (ends + 1)).sum() / active.sum()), 4)
