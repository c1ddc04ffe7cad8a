"""EngineField: the command of another engine, with a button that tries it out."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from explorer.engine.trial import PATIENCE, trial
from explorer.ui.background import Background
from explorer.ui.notices import DANGER
from explorer.ui.widgets.look import set_property
from explorer.work import Pause, Progress, Work


class EngineField(QWidget):
    """``chosen`` tells that the command is to be used: after Return, on leaving the field, or when it has answered.

    Leaving the field for the test tells nothing, nor does leaving one whose command has failed: such a command is used
    only if Return insists on it.
    ``spoke`` tells that there is a sentence on the test, which may need more lines than there are.
    """

    chosen = Signal()
    spoke = Signal()

    def __init__(self, command: str, seconds: float = PATIENCE, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seconds = seconds
        self._has_failed = False  # the command that is in the field
        self.command = QLineEdit(command)
        self.command.setPlaceholderText("This program's own")
        self.command.setAccessibleName("Command of the engine")
        self.command.setToolTip("For example /home/me/env/bin/circuit-explorer engine; empty: the built-in engine")
        self.test = QPushButton("Test")
        self.test.setProperty("small", True)
        self.test.setAutoDefault(False)  # Return in the field is for the field
        self.test.setToolTip("Starts that engine, asks for its versions and devices, and ends it")
        self.said: QLabel = QLabel()
        self.said.setProperty("role", "second")
        self.said.setTextFormat(Qt.TextFormat.PlainText)  # it quotes what that engine wrote
        self.said.setWordWrap(True)
        self.said.setAccessibleName("What the test found")
        self.said.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.command, 1)
        row.addWidget(self.test, 0, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row)
        layout.addWidget(self.said)
        self._looking = Background("engine trial", self)
        self._looking.stepped.connect(self._step)
        self._looking.done.connect(self._answered)
        self._looking.failed.connect(self._failed)
        self.command.textEdited.connect(self._forget)
        self.command.returnPressed.connect(self.chosen)
        self.command.editingFinished.connect(self._left)
        self.test.clicked.connect(self._test)

    def close_trial(self) -> None:
        """End the engine that is being tried out."""
        self._looking.close()

    def _test(self) -> None:
        if self._looking.is_busy:
            self._forget()
            self._say("Cancelled.")
            return
        self._has_failed = False
        self.test.setText("Cancel")
        self._say("Starting that engine")
        self._looking.start(partial(_begin, self.command.text().strip(), self._seconds))

    def _left(self) -> None:
        if not self.test.hasFocus() and not self._has_failed:
            self.chosen.emit()

    def _forget(self) -> None:
        """Give up the test of what the field held before."""
        self._looking.close()
        self._has_failed = False
        self.test.setText("Test")
        self.said.hide()

    def _step(self, step: Progress) -> None:
        self._say(step.text)

    def _answered(self, sentence: str) -> None:
        self.test.setText("Test")
        self._say(sentence)
        self.chosen.emit()

    def _failed(self, error: Exception) -> None:
        self.test.setText("Test")
        self._has_failed = True
        self._say(f"{error} It is not used.", DANGER)

    def _say(self, sentence: str, level: str = "second") -> None:
        set_property(self.said, "role", level)
        self.said.setText(sentence)
        self.said.show()
        self.updateGeometry()
        self.spoke.emit()


def _begin(command: str, seconds: float, pause: Pause) -> Work[str]:
    return trial(command, pause, seconds)
