"""FirstStart: the card that says, before anything was opened, what computes and how a GPU can."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget


class FirstStart(QFrame):
    """Seen while nothing is recent and the built-in engine, on a CPU, is all there is. ``asked`` is for another."""

    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine: Any = None
        self._has_recent = False
        self.setProperty("card", "quiet")
        title = QLabel("Do you have a GPU?")
        title.setProperty("role", "section")
        words = QLabel(
            "The installed app computes on this machine’s CPU, with its built-in engine. To use a GPU, name the "
            "“circuit-explorer engine” of your own Python environment; you can test it before it is used."
        )
        words.setProperty("role", "second")
        words.setWordWrap(True)
        self.choose = QPushButton("Choose an engine…")
        self.choose.setProperty("small", True)
        self.choose.setToolTip("Opens the preferences at the command of the engine")
        self.choose.setAccessibleDescription(words.text())
        self.choose.clicked.connect(self.asked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 12)
        layout.setSpacing(6)
        layout.addWidget(title)
        layout.addWidget(words)
        layout.addSpacing(2)
        layout.addWidget(self.choose, 0, Qt.AlignmentFlag.AlignLeft)

    def follow(self, engine: Any) -> None:
        """Go as soon as ``engine`` is another or has a GPU, and come back with the built-in one."""
        self._engine = engine
        engine.state_changed.connect(self._look)
        self._look()

    def show_recent(self, has_recent: bool) -> None:
        self._has_recent = has_recent
        self._look()

    def _look(self) -> None:
        engine = self._engine
        suffices = engine is not None and (engine.command or any(device != "cpu" for device in engine.devices))
        self.setVisible(not self._has_recent and not suffices)
