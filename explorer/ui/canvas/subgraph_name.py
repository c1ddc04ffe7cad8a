"""NameEdit: the field in which a box is renamed in its place."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from explorer.ui.widgets.label_edit import LabelEdit
from explorer.ui.widgets.look import px

LEAST = 150


class NameEdit(LabelEdit):
    """``named`` says the box and what was written, on Return and when the focus leaves; Escape drops it."""

    named = Signal(str, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._ground = parent
        self._box = ""
        self.setAccessibleName("Name")
        self.left.connect(self._leave)
        self.hide()

    def ask(self, box: str, name: str, x: float, y: float, width: float) -> None:
        """Let ``name`` be changed at a place of the parent."""
        self._box = box
        self.setText(name)
        self.selectAll()
        parent = self._ground.rect()
        wide = max(round(width), px(LEAST))
        left = min(max(round(x), 2), max(parent.width() - wide - 2, 2))
        high = self.sizeHint().height()
        top = min(max(round(y), 2), max(parent.height() - high - 2, 2))
        self.setGeometry(QRect(left, top, wide, high))
        self.show()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._end(kept=True)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self._end(kept=True)

    def _leave(self) -> None:
        self._end(kept=False)

    def _end(self, *, kept: bool) -> None:
        box, self._box = self._box, ""
        if not box:
            return
        text = self.text()
        self.hide()
        self._ground.setFocus()
        if kept:
            self.named.emit(box, text)
