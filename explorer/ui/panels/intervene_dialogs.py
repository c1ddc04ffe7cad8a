"""Dialogs of the interventions: where and how one row changes, the substitution of a group, layers that are held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.session.interventions import OPS, UNITS, Row
from explorer.session.supernodes import Supernode
from explorer.ui.panels.intervene_row import OP_WORDS, UNIT_CHOICES
from explorer.ui.widgets.choice import Choice
from explorer.ui.widgets.look import px

MANY = 10_000_000
ONE, RANGE, ONWARD = range(3)
SAME, END = range(2)
PROMPT_HINT = "A prompt of as many tokens, such as that of another state"


class Asking(QDialog):
    """A form with two buttons; ``words`` is what the first one does."""

    def __init__(self, title: str, words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.form = QFormLayout()
        self.form.setSpacing(8)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText(words)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(self.form)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(px(440))

    def add(self, words: str, part: QWidget) -> None:
        part.setAccessibleName(words)
        self.form.addRow(words, part)


class RowDialog(Asking):
    """Where and how a Row is changed; ``chosen`` carries the Row and the other prompt."""

    chosen = Signal(object, str)

    def __init__(self, row: Row, words: str, counterpart: str, parent: QWidget | None = None) -> None:
        super().__init__(f"{words} an intervention", words, parent)
        self._row = row
        self.layer, self.index = whole_number(row.layer), whole_number(row.index)
        self.first, self.last = whole_number(row.first), whole_number(row.last or row.first)
        self.reach, self.op, self.unit, self.other_pos = Choice(), Choice(), Choice(), Choice()
        self.file, self.other = QLineEdit(row.file), QLineEdit(counterpart)
        self.generated = QCheckBox("and tokens that are generated")
        self.value, self.maximum = number(row.value), number(row.maximum or 0.0)
        if row.kind != "supernode":
            self._ask_where(row)
        self._ask_how(row)
        self.unit.currentIndexChanged.connect(self._see)
        self.op.currentIndexChanged.connect(self._see)
        self.other.textChanged.connect(self._see)
        self.file.textChanged.connect(self._see)
        self.accepted.connect(lambda: self.chosen.emit(self.row, self.other.text().strip()))
        self._see()

    @property
    def row(self) -> Row:
        """The Row as it stands in the fields."""
        elsewhere = None if self.other_pos.currentIndex() == SAME else -1
        if elsewhere is not None and self._row.other_pos is not None:
            elsewhere = self._row.other_pos  # which may be one that only a program names
        row = replace(self._row, op=self.op.currentData(), unit=self.unit.currentData(), value=self.value.value())
        row = replace(row, maximum=self.maximum.value() or None, other_pos=elsewhere)
        if row.kind == "supernode":
            return row
        first = self.first.value()
        last = {ONE: first, RANGE: max(self.last.value(), first), ONWARD: None}[self.reach.currentIndex()]
        where = replace(row, layer=self.layer.value(), first=first, last=last, generated=self.generated.isChecked())
        return replace(where, index=self.index.value(), file=self.file.text().strip())

    def _ask_where(self, row: Row) -> None:
        self.add("Layer", self.layer)
        if row.kind in ("feature", "neuron", "head"):
            self.add(row.kind.capitalize(), self.index)
        if row.kind == "direction":
            self.form.addRow("File (.npy)", self._file_line())
        self.reach.addItems(["This token", "Up to token", "From here on"])
        self.reach.setCurrentIndex(ONWARD if row.last is None else ONE if row.last == row.first else RANGE)
        self.reach.currentIndexChanged.connect(self._see)
        self.generated.setChecked(row.generated)
        line = QHBoxLayout()
        for part, words in ((self.first, "First token"), (self.reach, "Reach"), (self.last, "Last token")):
            part.setAccessibleName(words)
            line.addWidget(part)
        self.form.addRow("Token", line)
        self.form.addRow("", self.generated)

    def _ask_how(self, row: Row) -> None:
        patched = row.kind == "residual"
        for op in OPS:
            self.op.addItem(OP_WORDS[op], op)
        for unit in UNITS:
            self.unit.addItem(UNIT_CHOICES[unit], unit)
        self.op.setCurrentIndex(OPS.index(row.op))
        self.unit.setCurrentIndex(UNITS.index(row.unit))
        self.op.setEnabled(not patched)
        self.unit.setEnabled(not patched)
        self.maximum.setMinimum(0.0)
        self.maximum.setSpecialValueText("not known")
        self.other_pos.addItems(["the same token", "its last token"])
        self.other_pos.setCurrentIndex(SAME if row.other_pos is None else END)
        self.other.setPlaceholderText(PROMPT_HINT)
        self.add("What is done", self.op)
        self.add("Value", self.value)
        self.add("Unit", self.unit)
        self.add("Dataset maximum", self.maximum)
        self.add("Other prompt", self.other)
        self.add("Looked at there", self.other_pos)

    def _file_line(self) -> QHBoxLayout:
        line, browse = QHBoxLayout(), QPushButton("Browse…")
        self.file.setAccessibleName("File of the direction")
        browse.clicked.connect(self._browse)
        line.addWidget(self.file, 1)
        line.addWidget(browse)
        return line

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "A direction", self.file.text(), "numpy arrays (*.npy)")
        if path:
            self.file.setText(path)

    def _see(self) -> None:
        """Show what the choices need, and let go on only with all of it."""
        unit, scales = self.unit.currentData(), self.op.currentData() != "multiply"
        self.form.setRowVisible(self.unit, scales)
        self.form.setRowVisible(self.maximum, scales and unit == "maximum")
        for part in (self.other, self.other_pos):
            self.form.setRowVisible(part, scales and unit == "other")
        self.last.setVisible(self.reach.currentIndex() == RANGE)
        lacks_prompt = scales and unit == "other" and not self.other.text().strip()
        lacks_file = self._row.kind == "direction" and not self.file.text().strip()
        self.ok.setEnabled(not lacks_prompt and not lacks_file)


class SubstitutionDialog(Asking):
    """A group off and another on; ``chosen`` carries both, the other prompt, the factor, and whether at its end."""

    chosen = Signal(object, object, str, float, bool)

    def __init__(self, groups: Sequence[Supernode], counterpart: str, parent: QWidget | None = None) -> None:
        super().__init__("Substitute a group", "Substitute", parent)
        self.off, self.on, self.other_pos = Choice(), Choice(), Choice()
        self.off.addItem("none", None)
        for group in groups:
            self.off.addItem(group.name, group)
            self.on.addItem(group.name, group)
        self.off.setCurrentIndex(1)
        self.on.setCurrentIndex(self.on.count() - 1)
        self.other_pos.addItems(["the same token", "its last token"])
        self.other = QLineEdit(counterpart)
        self.other.setPlaceholderText(PROMPT_HINT)
        self.factor = number(1.0)
        self.add("Switch off", self.off)
        self.add("Switch on", self.on)
        self.add("As strong as in", self.other)
        self.add("Looked at there", self.other_pos)
        self.add("Times", self.factor)
        self.other.textChanged.connect(self._see)
        self.accepted.connect(self._tell)
        self._see()

    def _see(self) -> None:
        self.ok.setEnabled(bool(self.other.text().strip()))

    def _tell(self) -> None:
        at_end = self.other_pos.currentIndex() == END
        off, on = self.off.currentData(), self.on.currentData()
        self.chosen.emit(off, on, self.other.text().strip(), self.factor.value(), at_end)


class LayersDialog(Asking):
    """The layers whose MLPs are held; ``chosen`` carries the first and the last."""

    chosen = Signal(int, int)

    def __init__(self, layers: tuple[int, int], n_layers: int, parent: QWidget | None = None) -> None:
        super().__init__("Constrained to layers", "Hold", parent)
        self.first, self.last = whole_number(layers[0], n_layers - 1), whole_number(layers[1], n_layers - 1)
        self.add("First layer", self.first)
        self.add("Last layer", self.last)
        self.accepted.connect(lambda: self.chosen.emit(*sorted((self.first.value(), self.last.value()))))


def whole_number(value: int, most: int = MANY) -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, most)
    box.setValue(value)
    return box


def number(value: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(-1e6, 1e6)
    box.setDecimals(4 if round(value, 4) == value else 8)
    box.setSingleStep(0.05)
    box.setValue(value)
    return box
