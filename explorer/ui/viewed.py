"""Viewed: a view that is looked at and walked in, but belongs to no document and is not edited."""

from __future__ import annotations

from explorer.session.view import GraphView
from explorer.ui.document import Document


class Viewed(Document):
    """What a canvas needs of a document: selection and hover. An edit is refused, as of a part of a graph."""

    def show(self, view: GraphView) -> None:
        self._partial = view
        self._present(())
