from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.engine.progress import Forecast
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
