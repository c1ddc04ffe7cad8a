from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.engine.progress import BETWEEN, BY_AGE, BY_COST, WORTH, Forecast, Pace
from explorer.work import Progress


@given(st.integers(1, 50), st.integers(0, 49), st.floats(0.01, 10))
def test_steps_of_one_cost_are_forecast_exactly(total: int, skipped: int, cost: float) -> None:
    forecast = Forecast()
    for done in range(min(skipped, total), total + 1):
        left = forecast.left(Progress(done, total, ""), 100 + done * cost)
        if done > min(skipped, total):
            assert left == pytest.approx((total - done) * cost)


def test_nothing_is_said_of_an_unknown_length_or_before_the_first_step() -> None:
    forecast = Forecast()
    assert forecast.left(Progress(0, 0, ""), 0.0) is None
    assert forecast.left(Progress(5, 0, ""), 1.0) is None
    assert forecast.left(Progress(0, 8, ""), 2.0) is None


def test_a_new_phase_is_forecast_from_its_own_rate() -> None:
    forecast = Forecast()
    forecast.left(Progress(0, 2, "slow"), 0.0)
    assert forecast.left(Progress(1, 2, "slow"), 100.0) == 100.0
    assert forecast.left(Progress(0, 10, "quick"), 200.0) is None
    assert forecast.left(Progress(5, 10, "quick"), 201.0) == pytest.approx(1.0)


def test_a_part_is_made_as_soon_as_the_end_is_known_to_be_far() -> None:
    pace = Pace(100.0)
    assert not pace.allows(100.0, None)
    assert not pace.allows(100.0, WORTH - 0.01)
    assert pace.allows(100.0, WORTH)


def test_parts_come_ever_less_often_and_cost_little() -> None:
    """Of a run of ``length`` seconds they take about 1 / BY_COST, and of a long run there are few."""
    length, cost, now, made = 600.0, 0.04, 0.0, []
    pace = Pace(0.0)
    while now < length:
        if pace.allows(now, length - now):
            pace.took(now, now + cost)
            made.append(now)
            now += cost
        now += 0.01
    gaps = [after - before for before, after in pairwise(made)]
    assert min(gaps) >= max(BETWEEN, BY_COST * cost)
    assert gaps[-2] >= 0.1 * length * BY_AGE
    assert cost * len(made) < 0.02 * length
    assert len(made) < 50
