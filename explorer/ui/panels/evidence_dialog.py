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
ABOUT_TELLING = (
    "Opened like any model here: no network, no code of its own. It sees the strongest examples of a feature and says "
    "what they have in common; that is scored on other windows, like a rule."
)


class EvidenceDialog(Asking):
    """``folder_chosen`` is an index to open; ``wanted`` the values of the job that makes one.

    ``labels_wanted`` is the folder of a language model to ask for labels of the index that is open.
    """

    folder_chosen = Signal(str)
    wanted = Signal(object)
    labels_wanted = Signal(str)

    def __init__(self, shown: str, why_not: str, output: str, start: str, parent: QWidget | None = None) -> None:
        """``shown`` is what is open now, ``why_not`` why none can be made, ``output`` where a new one goes."""
        super().__init__("Feature evidence", "Make an index", parent)
        self._start, self._why_not = start, why_not
        self.shown = QLabel(shown)
        self.shown.setWordWrap(True)
        self.open_index = QPushButton("Open an index…")
        self.language_model = QLineEdit()
        self.language_model.setPlaceholderText("Folder of a language model on this computer")
        self.language_model.setToolTip(ABOUT_TELLING)
        self.choose_model, self.tell = QPushButton("Choose…"), QPushButton("Ask it for labels")
        self.telling = QLabel()
        self.telling.setWordWrap(True)
        self.telling.setProperty("role", "caption")
        self._n_features = 0
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
        self.language_model.textChanged.connect(self._see)
        self.choose_model.clicked.connect(self._choose_model)
        self.tell.clicked.connect(self._tell)
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
            "output": str(Path(self.output.text().strip()).expanduser().absolute()),  # it is remembered
            "limit": self.limit.value(),
            "context": self.context.value(),
            "lines": self.lines.isChecked(),
        }

    def offer_labels(self, n_features: int) -> None:
        """A language model may be asked about so many features; 0 without an open index."""
        self._n_features = n_features
        self._see()

    def add_texts(self, paths: list[str]) -> None:
        """Put ``paths`` below those that are there."""
        self.files.setPlainText("\n".join(dict.fromkeys([*self.texts, *paths])))

    def _lay_out(self) -> None:
        self.add("Open now", _column(self.shown, _row(self.open_index)))
        asking = _row(self.tell, self.telling)
        asking.layout().setStretch(1, 1)  # type: ignore[union-attr]
        self.add("Labels by a model", _column(_row(self.language_model, self.choose_model, stretch=False), asking))
        self.language_model.setAccessibleName("Folder of a language model")
        self.add("Text to read", _column(self.files, _row(self.add_files)))
        self.files.setAccessibleName("Files of text")
        self.form.addRow("", self.lines)
        self.add("Tokens to read", self.limit)
        self.add("Tokens in a window", self.context)
        self.add("Folder of the index", _row(self.output, self.choose, stretch=False))
        self.output.setAccessibleName("Folder of the index")
        self.form.addRow(self.words)
        self.setMinimumWidth(px(560))

    def _see(self) -> None:
        """Say what is missing, in the order of the form."""
        busy = self._why_not if self._n_features else "Open an index first, or make one."
        about = f"About the graph’s {self._n_features:,} features, seconds each; its labels may lose to the rules."
        self.telling.setText(busy or about)
        self.tell.setEnabled(not busy and bool(self.language_model.text().strip()))
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

    def _choose_model(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of a language model", self._start)
        if chosen:
            self.language_model.setText(chosen)

    def _tell(self) -> None:
        self.labels_wanted.emit(self.language_model.text().strip())
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


def _row(*widgets: QWidget, stretch: bool = True) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    if stretch:
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
