"""Spans: whole numbers as runs without gaps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spans:
    """The numbers from each ``start`` up to its ``stop``, rising; no two runs touch."""

    runs: tuple[tuple[int, int], ...] = ()

    def __contains__(self, number: int) -> bool:
        return any(start <= number < stop for start, stop in self.runs)

    def joined(self, other: Spans) -> Spans:
        """The numbers of both."""
        made: list[tuple[int, int]] = []
        for start, stop in sorted(self.runs + other.runs):
            if made and start <= made[-1][1]:
                made[-1] = (made[-1][0], max(stop, made[-1][1]))
            else:
                made.append((start, stop))
        return Spans(tuple(made))


NOTHING = Spans()
