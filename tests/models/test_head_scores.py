from __future__ import annotations

import math

import numpy as np
import pytest

from explorer.models import head_scores


def test_followers_are_behind_the_last_time_that_a_token_was_there() -> None:
    assert head_scores.followers([3, 4, 3, 5, 3]) == [(2, 1), (4, 3)]
    assert head_scores.followers([3, 3]) == [(1, 1)]
    assert head_scores.followers([1, 2, 3]) == []


def test_prefix_matching_is_the_attention_there() -> None:
    pattern = np.random.default_rng(0).random((5, 5))
    assert head_scores.prefix_matching(pattern, [3, 4, 3, 5, 3]) == pytest.approx((pattern[2, 1] + pattern[4, 3]) / 2)
    assert math.isnan(head_scores.prefix_matching(pattern, [0, 1, 2, 3, 4]))


def test_previous_token_is_the_attention_one_back() -> None:
    pattern = np.zeros((4, 4))
    pattern[1, 0], pattern[2, 1], pattern[3, 0] = 1, 0.5, 1
    assert head_scores.previous_token(pattern) == pytest.approx(0.5)
    assert math.isnan(head_scores.previous_token(np.ones((1, 1))))


def test_copying_is_one_for_copies_and_minus_one_for_the_contrary() -> None:
    E = np.random.default_rng(0).normal(size=(40, 6))
    assert head_scores.copying(E, E.T) == pytest.approx(1)
    assert head_scores.copying(E, -E.T) == pytest.approx(-1)
    assert math.isnan(head_scores.copying(0 * E, E.T))
