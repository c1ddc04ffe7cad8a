"""History: the present state and the steps that led to it; undo keeps the old value, no inverse is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True)
class History(Generic[S]):
    """``past`` holds (what was done next, the state before it), newest last; ``future`` likewise, nearest last."""

    present: S
    past: tuple[tuple[str, S], ...] = ()
    future: tuple[tuple[str, S], ...] = ()

    def do(self, text: str, state: S, *, merge: bool = False) -> History[S]:
        """Step to ``state``; ``merge`` joins the step to a last one of the same text (a slider being dragged)."""
        if state is self.present or state == self.present:
            return self
        if merge and self.past and self.past[-1][0] == text:
            return replace(self, present=state, future=())
        return History(state, (*self.past, (text, self.present)))

    def undo(self) -> History[S]:
        if not self.past:
            return self
        text, state = self.past[-1]
        return History(state, self.past[:-1], (*self.future, (text, self.present)))

    def redo(self) -> History[S]:
        if not self.future:
            return self
        text, state = self.future[-1]
        return History(state, (*self.past, (text, self.present)), self.future[:-1])

    @property
    def undo_text(self) -> str:
        """What undo would take back; empty if nothing."""
        return self.past[-1][0] if self.past else ""

    @property
    def redo_text(self) -> str:
        return self.future[-1][0] if self.future else ""
