"""Peaks of held-out windows, on positions made by hand."""

from __future__ import annotations

import numpy as np

from explorer.features.held_out import Active


def test_a_window_counts_once_for_a_feature_with_its_largest_activation() -> None:
    feature, row, value = np.array([[4, 7, 1.0], [4, 7, 3.0], [2, 9, 5.0], [4, 1, 2.0], [4, 7, 0.5]]).T
    found = Active.of(feature.astype(int), row.astype(int), value)
    assert (found.feature.tolist(), found.row.tolist()) == ([2, 4, 4], [9, 1, 7])
    assert found.peak.tolist() == [5.0, 2.0, 3.0]
    two, three, four = found.by_feature(np.array([2, 3, 4]))
    assert found.row[two].tolist() == [9]
    assert found.row[three].tolist() == []
    assert found.row[four].tolist() == [1, 7]


def test_no_position_is_no_window() -> None:
    nothing = np.zeros(0, int)
    assert len(Active.of(nothing, nothing, np.zeros(0)).peak) == 0
