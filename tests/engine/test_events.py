from __future__ import annotations

from explorer.engine.events import Died, Event, RestartPolicy, Result

DEATH = Died(-9, "The engine stopped (signal 9).")


def after(*events: Event) -> RestartPolicy:
    policy = RestartPolicy()
    for event in events:
        policy = policy.after(event)
    return policy


def test_three_deaths_in_a_row_are_enough() -> None:
    assert not after(DEATH, DEATH).gives_up
    assert after(DEATH, DEATH, DEATH).gives_up


def test_a_result_between_them_starts_the_count_anew() -> None:
    assert after(DEATH, DEATH, Result(1, "attribute", {}), DEATH) == RestartPolicy(deaths=1)


def test_getting_ready_is_no_result() -> None:
    ready = (Result(1, "hello", {}), Result(2, "warm", {}))
    assert after(DEATH, *ready, DEATH, *ready, DEATH).gives_up


def test_a_kill_is_told_from_an_exit() -> None:
    assert DEATH.killed
    assert Died(137, "").killed
    assert not Died(1, "").killed
