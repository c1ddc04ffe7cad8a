"""Dragged: what a hand changes without letting go is one step of the document's history."""

from __future__ import annotations

from explorer.session.edits import Edits
from explorer.ui.document import Document


class Dragged:
    """Joins steps of one text until the hand rests, or something else is done or undone meanwhile."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._last: tuple[str, object, int] | None = None  # text, what was changed, how many steps there were then

    def step(self, text: str, edits: Edits, of: object = None) -> None:
        """``of`` tells apart what is changed by steps of the same text."""
        history = self._document.history
        joins = self._last == (text, of, len(history.past)) and history.undo_text == text
        self._document.do(text, edits, merge=joins)
        self._last = (text, of, len(self._document.history.past))

    def rest(self) -> None:
        self._last = None
