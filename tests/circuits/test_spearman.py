"""Ranks with ties by hand, Spearman by the textbook's sum of squares, and the interval's published formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.circuits.spearman import ranks, spearman


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranks(np.array([10.0, 20.0, 20.0, 5.0, 20.0])).tolist() == [2.0, 4.0, 4.0, 1.0, 4.0]


def test_without_ties_it_is_the_sum_of_squared_rank_differences() -> None:
    x = np.array([106.0, 100, 86, 101, 99, 103, 97, 113, 112, 110])
    y = np.array([7.0, 27, 2, 50, 28, 29, 20, 12, 6, 17])
    place = [sorted(x).index(value) for value in x], [sorted(y).index(value) for value in y]
    squares = sum((a - b) ** 2 for a, b in zip(*place, strict=True))
    found = spearman(x, y)
    assert found.rho == pytest.approx(1 - 6 * squares / (10 * 99))
    off = 1.959964 * math.sqrt((1 + found.rho**2 / 2) / 7)
    assert (found.low, found.high) == pytest.approx(
        (math.tanh(math.atanh(found.rho) - off), math.tanh(math.atanh(found.rho) + off)), rel=1e-6
    )


def test_with_ties_it_is_pearson_of_the_mean_ranks() -> None:
    x, y = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 4.0]), np.array([3.0, 1.0, 3.0, 3.0, 7.0, 6.0])
    by_hand = np.corrcoef([1, 2.5, 2.5, 4, 5.5, 5.5], [3, 1, 3, 3, 6, 5])[0, 1]
    assert spearman(x, y).rho == pytest.approx(by_hand)


def test_what_is_no_number_is_left_out_and_constants_say_nothing() -> None:
    found = spearman(np.array([1.0, 2.0, np.nan, 3.0, 4.0]), np.array([2.0, 4.0, 1.0, 6.0, 8.0]))
    assert (found.rho, found.low, found.high, found.n) == (1.0, 1.0, 1.0, 4)
    assert math.isnan(spearman(np.ones(5), np.arange(5.0)).rho)
    assert math.isnan(spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])).low)
    assert spearman(np.empty(0), np.empty(0)).n == 0
