"""Work: a generator of Progress that returns its result; closing it cancels."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` steps of the same cost, and what it does now.

    ``total`` 0 means that the length is not known.
    """

    done: int
    total: int
    text: str


Work = Generator[Progress, None, T]
Pause = Callable[[], None]  # called inside long steps; raises Cancelled if they are to stop


def go_on() -> None:
    """The pause of what nobody stops."""


def run(work: Work[T], report: Callable[[Progress], None] | None = None) -> T:
    """Run ``work`` to its end in place and return its result.

    If ``report`` raises, the work is closed before the exception goes on.
    """
    try:
        while True:
            progress = next(work)
            if report is not None:
                report(progress)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        work.close()
