"""Dragged: what a hand changes without letting go is one step of the document's history."""

from __future__ import annotations

from explorer.session.edits import Edits
from explorer.ui.document import Document


class Dragged:
    """Joins steps of one text until the hand rests, or something else is done or undone meanwhile."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._text = ""

    def step(self, text: str, edits: Edits) -> None:
        self._document.do(text, edits, merge=text == self._text == self._document.history.undo_text)
        self._text = text

    def rest(self) -> None:
        self._text = ""
