"""EvidenceDialog: opens an index of features, or asks from which text one is made."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.ui.panels.intervene_dialogs import Asking
from explorer.ui.widgets.look import px
from explorer.ui.widgets.scaling import fixed

TEXTS = "Text (*.txt *.md *.jsonl);;All files (*)"
MOST = 2_000_000_000


class EvidenceDialog(Asking):
    """``folder_chosen`` is an index to open; ``wanted`` the values of the job that makes one."""

    folder_chosen = Signal(str)
    wanted = Signal(object)

    def __init__(self, shown: str, why_not: str, output: str, start: str, parent: QWidget | None = None) -> None:
        """``shown`` is what is open now, ``why_not`` why none can be made, ``output`` where a new one goes."""
        super().__init__("Feature evidence", "Make an index", parent)
        self._start, self._why_not = start, why_not
        self.shown = QLabel(shown)
        self.shown.setWordWrap(True)
        self.open_index = QPushButton("Open an index…")
        self.files = QPlainTextEdit()
        self.files.setPlaceholderText("Paths of files, one a line: plain text, or .jsonl with a “text” in each line")
        self.files.setTabChangesFocus(True)
        fixed(self.files, height=86)
        self.add_files = QPushButton("Add files…")
        self.limit, self.context = _count("all of it"), _count("as the model takes, at most 128")
        self.limit.setSingleStep(100_000)
        self.lines = QCheckBox("Each line of a plain file is a document")
        self.output = QLineEdit(output)
        self.choose = QPushButton("Choose…")
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setProperty("role", "caption")
        self._lay_out()
        self.open_index.clicked.connect(self._open)
        self.add_files.clicked.connect(self._add_files)
        self.files.textChanged.connect(self._see)
        self.choose.clicked.connect(self._choose)
        self.output.textChanged.connect(self._see)
        self.accepted.connect(lambda: self.wanted.emit(self.values))
        self._see()

    @property
    def texts(self) -> list[str]:
        lines = (line.strip() for line in self.files.toPlainText().splitlines())
        return [line for line in dict.fromkeys(lines) if line]

    @property
    def values(self) -> dict[str, object]:
        """Values of the job features_build."""
        return {
            "texts": self.texts,
            "output": self.output.text().strip(),
            "limit": self.limit.value(),
            "context": self.context.value(),
            "lines": self.lines.isChecked(),
        }

    def add_texts(self, paths: list[str]) -> None:
        """Put ``paths`` below those that are there."""
        self.files.setPlainText("\n".join(dict.fromkeys([*self.texts, *paths])))

    def _lay_out(self) -> None:
        self.add("Open now", _column(self.shown, _row(self.open_index)))
        self.add("Text to read", _column(self.files, _row(self.add_files)))
        self.files.setAccessibleName("Files of text")
        self.form.addRow("", self.lines)
        self.add("Tokens to read", self.limit)
        self.add("Tokens in a window", self.context)
        folder = QWidget()
        row = QHBoxLayout(folder)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.output, 1)
        row.addWidget(self.choose)
        self.add("Folder of the index", folder)
        self.output.setAccessibleName("Folder of the index")
        self.form.addRow(self.words)
        self.setMinimumWidth(px(560))

    def _see(self) -> None:
        """Say what is missing, in the order of the form."""
        missing = self._why_not or ("" if self.texts else "Add a file with text like what the model was made for.")
        missing = missing or ("" if self.output.text().strip() else "Choose a folder for the index.")
        going_on = "What is read is saved now and then: after a stop the same request goes on from there."
        self.words.setText(missing or going_on)
        self.ok.setEnabled(not missing)

    def _open(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open an index of features", self._start)
        if chosen:
            self.folder_chosen.emit(chosen)
            self.reject()

    def _add_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, "Text to find examples in", self._start, TEXTS)
        if chosen:
            self._start = str(Path(chosen[0]).parent)
            self.add_texts(chosen)

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the index", self.output.text())
        if chosen:
            self.output.setText(chosen)


def _count(nothing: str) -> QSpinBox:
    """A whole number; 0 is written as ``nothing``."""
    box = QSpinBox()
    box.setRange(0, MOST)
    box.setGroupSeparatorShown(True)
    box.setSpecialValueText(nothing)
    box.lineEdit().setTextMargins(9, 0, 9, 0)  # the style sheet's padding does not reach it
    return box


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return row


def _column(*widgets: QWidget) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(6)
    for widget in widgets:
        layout.addWidget(widget)
    return column
