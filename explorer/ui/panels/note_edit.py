"""NoteEdit: the note of a node, a supernode, a link or the document, while it is read and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QFocusEvent, QHideEvent
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy

from explorer.session.edits import Edits
from explorer.ui.document import Document
from explorer.ui.dragged import Dragged
from explorer.ui.widgets.scaling import fixed

REST = 600
Write = Callable[[Edits, Any, str], Edits]


class NoteEdit(QPlainTextEdit):
    """A note becomes an edit while it is written, one step of the history, and when the hand leaves.

    ``write`` puts a text on what ``show_note`` named; ``what`` it is, in the hint.
    """

    def __init__(self, document: Document, write: Write, what: str) -> None:
        super().__init__()
        self._document, self._write = document, write
        self._steps = Dragged(document)
        self._about: Any = None
        self._is_written = False
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self.keep)
        document.settling.connect(self.keep)
        self.setAccessibleName(f"Note on {what}")
        self.setPlaceholderText(f"What you make of {what}")
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        fixed(self, height=66)
        self.textChanged.connect(self._changed)

    def show_note(self, about: Any, text: str) -> None:
        """Show the note of ``about``; what is being written of something else becomes an edit first."""
        self.setReadOnly(self._document.is_partial)
        if about != self._about:
            self.keep()
            self._about = about
        elif self._is_written:
            return
        if text != self.toPlainText():
            with QSignalBlocker(self):
                self.setPlainText(text)

    def keep(self) -> None:
        """Make what is written an edit now."""
        self._rest.stop()
        if self._is_written and self._about is not None:
            self._is_written = False
            edits = self._write(self._document.edits, self._about, self.toPlainText())
            self._steps.step("write a note", edits, self._about)

    def _changed(self) -> None:
        """Not begun anew with each letter, or a crash would take all that was written in one go."""
        self._is_written = True
        if not self._rest.isActive():
            self._rest.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self.keep()
        super().hideEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.keep()
        super().focusOutEvent(event)
