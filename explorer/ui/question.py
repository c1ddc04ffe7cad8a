"""Question: asks what the files that are opened do not say; the answer is remembered with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from explorer.errors import Unsaid
from explorer.ui.widgets.choice import Choice
from explorer.ui.widgets.look import px

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

ONCE = "It is asked once; the answer is kept for these files."


class Question(QDialog):
    """One question with one answer, from a list or typed; there is no way on without one."""

    answered = Signal(str)

    def __init__(self, asked: Unsaid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("A question on these files")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.words = QLabel(f"“{Path(asked.path).name}” does not say {asked.question}.")
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.choice, self.line = Choice(), QLineEdit()
        self.choice.addItems(asked.choices)
        self.choice.setCurrentIndex(-1)
        self.choice.setVisible(bool(asked.choices))
        self.line.setVisible(not asked.choices)
        for field in (self.choice, self.line):
            field.setAccessibleName(self.words.text())
        self.choice.setPlaceholderText("Choose one")
        self.line.setPlaceholderText(asked.name)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        self._lay_out()
        self.choice.currentIndexChanged.connect(self._see)
        self.line.textChanged.connect(self._see)
        self.accepted.connect(lambda: self.answered.emit(self.answer))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._see()

    @property
    def answer(self) -> str:
        return self.choice.currentText() or self.line.text().strip()

    def _lay_out(self) -> None:
        once = QLabel(ONCE)
        once.setProperty("role", "caption")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        for part in (self.words, self.choice, self.line, once, self.buttons):
            layout.addWidget(part)
        self.setMinimumWidth(px(460))

    def _see(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Open).setEnabled(bool(self.answer))


class Questions(QObject):
    """Puts the engine's questions to the user, one at a time."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.engine.unsaid.connect(self._ask)

    def _ask(self, asked: Unsaid) -> None:
        engine = self._window.engine
        dialog = Question(asked, self._window)
        dialog.answered.connect(lambda value: engine.answer(asked.name, value))
        dialog.rejected.connect(engine.leave_unanswered)
        dialog.show()
