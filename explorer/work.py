"""Work: a generator of Progress that returns its result; closing it cancels."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` steps of the same cost, and what it does now.

    ``total`` 0 means that the length is not known. ``partial`` makes what the result would be by now; it may be left
    alone, and it must be called before the work goes on.
    """

    done: int
    total: int
    text: str
    partial: Callable[[], Any] | None = field(default=None, compare=False)


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


def with_partial(work: Work[T], shape: Callable[[Any], object]) -> Work[T]:
    """``work``, with ``shape`` applied to each partial result that is asked for."""

    def shaped(made: Callable[[], Any]) -> Callable[[], object]:
        return lambda: shape(made())

    try:
        while True:
            progress = next(work)
            yield replace(progress, partial=shaped(progress.partial)) if progress.partial else progress
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        work.close()
