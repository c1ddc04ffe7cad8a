"""Hand: what wheel and focus do to a canvas, whatever it shows."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFocusEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

DRAG = 4.0  # px after which a press is a drag
ZOOM_STEP = 1.25
CARD_MS = 250
BY_KEYS = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class Hand(QWidget):
    """The wheel zooms, with Shift or sideways it pans; the focus is shown where the keyboard brought it."""

    _shows_focus = False

    def pan(self, dx: float, dy: float) -> None:
        """Move what is shown by so many pixels."""
        raise NotImplementedError

    def zoom(self, factor: float, about: QPointF | None = None) -> None:
        """Show it so many times larger, ``about`` staying where it is."""
        raise NotImplementedError

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.pan(turn.y() / 2 + turn.x() / 2, 0)
        elif turn.x() and abs(turn.x()) > abs(turn.y()):
            self.pan(turn.x() / 2, 0)
        else:
            self.zoom(ZOOM_STEP ** (turn.y() / 120), event.position())
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = event.reason() in BY_KEYS
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = False
        self.update()
        super().focusOutEvent(event)
