"""Work runs to its end, reports on the way, and is closed whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from explorer.errors import Cancelled
from explorer.work import Progress, Work, run, with_partial


@contextmanager
def noted(closed: list[str]) -> Iterator[None]:
    try:
        yield
    finally:
        closed.append("closed")


def counting(closed: list[str], to: int = 3) -> Work[str]:
    with noted(closed):
        for step in range(to):
            yield Progress(step, to, "Counting")
        return "done"


def failing(closed: list[str]) -> Work[str]:
    with noted(closed):
        yield Progress(0, 1, "Failing")
        raise ValueError("a bug")


def test_the_result_comes_back_after_every_report() -> None:
    seen: list[Progress] = []
    closed: list[str] = []
    assert run(counting(closed), seen.append) == "done"
    assert [progress.done for progress in seen] == [0, 1, 2]
    assert closed == ["closed"]


def test_reports_are_not_needed() -> None:
    assert run(counting([])) == "done"
    assert run(counting([], to=0)) == "done"


def test_a_report_that_raises_closes_the_work_first() -> None:
    closed: list[str] = []

    def report(progress: Progress) -> None:
        assert closed == []
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        run(counting(closed), report)
    assert closed == ["closed"]


def test_a_fault_in_the_work_goes_on() -> None:
    closed: list[str] = []
    with pytest.raises(ValueError, match="a bug"):
        run(failing(closed))
    assert closed == ["closed"]


def growing(closed: list[str]) -> Work[str]:
    with noted(closed):
        for step in range(3):
            yield Progress(step, 3, "Growing", (lambda step=step: "x" * step) if step else None)  # type: ignore[misc]
        return "xxx"


def test_a_partial_result_is_shaped_only_where_it_is_asked_for() -> None:
    shaped: list[str] = []

    def shape(made: str) -> str:
        shaped.append(made)
        return f"<{made}>"

    closed: list[str] = []
    work = with_partial(growing(closed), shape)
    first, second, third = (next(work) for _ in range(3))
    assert first.partial is None
    assert second == Progress(1, 3, "Growing")
    assert third.partial is not None
    assert third.partial() == "<xx>"
    assert shaped == ["xx"]
    assert run(with_partial(growing([]), shape)) == "xxx"
    work.close()
    assert closed == ["closed"]
