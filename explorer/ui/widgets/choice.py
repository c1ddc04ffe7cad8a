"""Choice: a combo box with the window's own arrow, and one that is filled."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox

from explorer.ui.widgets.icons import icon

ARROW = 14


class Choice(QComboBox):
    """The style sheet takes the arrow away, because it could only be replaced by a picture of one theme."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            box = QRect(self.width() - ARROW - 8, (self.height() - ARROW) // 2, ARROW, ARROW)
            icon("down", "text_2" if self.isEnabled() else "text_3").paint(painter, box)


def choice_of(name: str, options: Iterable[tuple[str, str]], value: str = "") -> Choice:
    """A Choice called ``name`` of ``options`` (data and words), at ``value`` or else at the first."""
    choice = Choice()
    choice.setAccessibleName(name)
    for key, words in options:
        choice.addItem(words, key)
    choice.setCurrentIndex(max(choice.findData(value), 0))
    return choice
