"""Scar: what is cut out of the letter model, stroke by stroke, for all verbs that look at it."""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from PySide6.QtCore import QObject, Signal

from explorer.shapes import Bool
from explorer.specimens import letters
from explorer.specimens.letters import CUT, TOKENS, Lesion, Matrix

MOST_NAMED = 4  # entries that are named one by one


class Scar(QObject):
    """``changed`` tells each change of what is ``cut`` or of the value it is put to."""

    changed = Signal()

    def __init__(self, whole: Matrix, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.whole = whole
        self.cut: Bool[ndarray, "before after"] = np.zeros(whole.shape, dtype=bool)
        self.value = CUT
        self._past: list[Bool[ndarray, "before after"]] = []
        self._cuts: bool | None = None  # what the stroke that goes on does: cuts, or heals

    @property
    def lesion(self) -> Lesion:
        return lesion_of(self.cut, self.value)

    @property
    def logits(self) -> Matrix:
        """The matrix with the lesion."""
        return letters.lesioned(self.whole, self.lesion)

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    def stroke(self, row: int, column: int) -> None:
        """Begin a stroke at a cell, a whole row (``column`` -1) or column, or go on with one.

        It heals if what it begins with is cut out, else it cuts.
        """
        where = (slice(None) if row < 0 else row, slice(None) if column < 0 else column)
        if self._cuts is None:
            self._past.append(self.cut)
            self._cuts = not bool(self.cut[where].all())
        cut = self.cut.copy()
        cut[where] = self._cuts
        self._put(cut)

    def lift(self) -> None:
        """The stroke is done."""
        self._cuts = None

    def undo(self) -> None:
        if self._past:
            self._put(self._past.pop())

    def clear(self) -> None:
        if self.cut.any():
            self._past.append(self.cut)
            self._put(np.zeros_like(self.cut))

    def put_to(self, value: float) -> None:
        """What is cut out has the logit ``value`` from now on."""
        self.value = value
        self.changed.emit()

    def _put(self, cut: Bool[ndarray, "before after"]) -> None:
        self.cut = cut
        self.changed.emit()


def lesion_of(cut: Bool[ndarray, "before after"], value: float = CUT) -> Lesion:
    """The whole rows and columns that are cut, and single entries for the rest."""
    rows, columns = np.all(cut, axis=1, keepdims=True), np.all(cut, axis=0, keepdims=True)
    single = np.argwhere(cut & ~rows & ~columns)
    return Lesion(
        rows="".join(TOKENS[row] for row in np.flatnonzero(rows)),
        columns="".join(TOKENS[column] for column in np.flatnonzero(columns)),
        entries=tuple(TOKENS[row] + TOKENS[column] for row, column in single),
        value=value,
    )


def lesion_words(lesion: Lesion) -> str:
    """What is cut out, as “row q, column . and entries an, na”."""
    parts = [
        f"{name if len(which) == 1 else plural} {', '.join(which)}"
        for name, plural, which in (("row", "rows", lesion.rows), ("column", "columns", lesion.columns))
        if which
    ]
    n = len(lesion.entries)
    if n > MOST_NAMED:
        parts.append(f"{n} entries")
    elif n:
        parts.append(f"{'entry' if n == 1 else 'entries'} {', '.join(lesion.entries)}")
    return " and ".join(", ".join(part) for part in (parts[:-1], parts[-1:]) if part)
