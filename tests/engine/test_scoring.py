"""What rules are scored on: the sample and a feature's own windows, each once."""

from __future__ import annotations

import numpy as np

from explorer.engine.jobs.scoring import Scoring, trial_of
from explorer.features.score import Windows


def test_a_window_of_the_feature_that_is_in_the_sample_counts_once_with_the_activation_that_was_kept() -> None:
    """Windows 0, 1 and 2 of the index; 0 is row 2 of a sample of four, 1 is not in it, 2 is of the other half."""
    shared = Scoring(
        texts=[],
        token_windows={},
        n_fitted=5,
        ids=np.array([[7], [8], [9]]),
        length=np.ones(3, int),
        held=np.array([True, True, False]),
        sampled=np.array([2, -1, -1]),
        n_special=0,
        sample=Windows.of([[5], [6], [7], [5]]),
    )
    own = {"random.window": np.array([0, 1, 2, -1]), "random.value": np.array([3.0, 2.0, 4.0, 0.0])}
    rows, peaks = np.array([1, 2]), np.array([3.5, 2.999])
    everywhere = trial_of(own, ("random",), rows, peaks, -np.inf, shared)
    assert everywhere.inside.tolist() == [False, True, True, False, True]
    assert [windows.n for windows in everywhere.windows] == [4, 1]
    assert trial_of(own, ("random",), rows, peaks, 3.0, shared).inside.tolist() == [False, True, True, False, False]
