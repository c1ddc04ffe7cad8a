"""FrequencyField: frequencies written as numbers and ranges: 3, 10-15."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit

from explorer.errors import ExplorerError, PromptError


class FrequencyField(QLineEdit):
    """``asked`` tells the frequencies that are written whenever they can be read, ``refused`` why they cannot."""

    asked = Signal(object)
    refused = Signal(str)

    def __init__(self, name: str, highest: int) -> None:
        super().__init__()
        self._highest = highest
        self.setAccessibleName(name)
        self.setPlaceholderText("such as 3, 10-15")
        self.textEdited.connect(self._read)

    def show_frequencies(self, frequencies: Iterable[int]) -> None:
        """Write them, if the hand has not written the same in its own way."""
        try:
            is_same = parsed(self.text(), self._highest) == frozenset(frequencies)
        except ExplorerError:
            is_same = False
        if not is_same:
            self.setText(written(frequencies))

    def _read(self, text: str) -> None:
        try:
            self.asked.emit(parsed(text, self._highest))
        except ExplorerError as error:
            self.refused.emit(str(error))


def parsed(text: str, highest: int) -> frozenset[int]:
    """The numbers of “3, 10-15”; PromptError if it is something else or one is not from 1 to ``highest``."""
    found: set[int] = set()
    for part in filter(None, text.replace(",", " ").replace("–", "-").split()):
        first, _, last = part.partition("-")
        ends = [end for end in (first, last or first) if end.isdecimal() and 1 <= int(end) <= highest]
        if len(ends) < 2:
            raise PromptError(f"“{part}” is no frequency of this model; write numbers from 1 to {highest}: 3, 10-15.")
        found |= set(range(int(ends[0]), int(ends[1]) + 1))
    return frozenset(found)


def written(frequencies: Iterable[int]) -> str:
    """Numbers and ranges, from the lowest on: 3, 10-15."""
    runs: list[list[int]] = []
    for k in sorted(frequencies):
        if runs and k == runs[-1][1] + 1:
            runs[-1][1] = k
        else:
            runs.append([k, k])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
