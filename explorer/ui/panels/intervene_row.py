"""One row of the interventions: switch, what and where, slider and value."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QMenu, QToolButton, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.session.dial import UNIT_WORDS, dial, place_words, position_words, title, value_words
from explorer.session.interventions import OPS, UNITS, Op, Row, Unit
from explorer.session.view import GraphView
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import MINUS, set_property
from explorer.ui.widgets.marks import Mark, MarkLabel, mark_of
from explorer.ui.widgets.scaling import fixed
from explorer.ui.widgets.strength_slider import StrengthSlider

OP_WORDS: dict[Op, str] = {"set": "Set to the value", "add": "Add the value", "multiply": "Multiply by the value"}
UNIT_CHOICES: dict[Unit, str] = {
    "own": "× its own strength",
    "absolute": "Absolute",
    "maximum": "× its dataset maximum",
    "other": "× its strength in the other prompt",
}


class RowWidget(QWidget):
    """Shows one Row as it stands in the document; what is done to it is told with its number.

    ``changed`` carries number, the changed fields and whether it is part of a drag; ``rested`` that the drag is over.
    """

    changed = Signal(int, object, bool)
    unit_chosen = Signal(int, str)
    rested = Signal()
    removed = Signal(int)
    edit_asked = Signal(int)
    dose_asked = Signal(int)
    name_asked = Signal(int)
    select_asked = Signal(int)

    def __init__(self, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.row = Row("feature")
        self.on = QCheckBox()
        self.mark = MarkLabel(14, 4.4)
        self.title = ElidedLabel()
        self.title.setProperty("role", "section")
        self.place = ElidedLabel()
        self.place.setProperty("role", "caption")
        self.where = QToolButton()
        self.more = self._tool("more")
        self.close_row = self._tool("close")
        self.slider = StrengthSlider()
        self.value = QLineEdit()
        for part in (self.where, self.value, self.more, self.close_row):
            set_property(part, "small", True)
        set_property(self.where, "quiet", True)
        self.where.setToolTip("Where it is changed, and how")
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._lay_out()
        self._connect()

    def show_row(self, row: Row, view: GraphView | None, n_pos: int, strongest: float) -> None:
        """Show ``row`` without telling; a value that is being typed stays."""
        name, graph = title(row, view), None if view is None else view.graph
        self.row = row
        self.title.set_text(name)
        self.place.set_text(place_words(row))
        self.where.setText(position_words(row, n_pos))
        self.mark.show_mark(mark_of_row(row, view, strongest))
        self._name_parts(name)
        with QSignalBlocker(self.on), QSignalBlocker(self.value):
            self.on.setChecked(row.on)
            if not (self.value.hasFocus() and self.value.isModified()):
                self.value.setText(value_words(row))
        self.slider.show_value(row.value, dial(row, graph))
        self.slider.setEnabled(row.on)
        self.title.setEnabled(row.on)
        self._check(row)

    # building

    def _name_parts(self, name: str) -> None:
        parts = (
            (self.on, "Make the change of"),
            (self.slider, "Strength of"),
            (self.value, "Value of"),
            (self.where, "Position of"),
            (self.more, "More on"),
            (self.close_row, "Take out"),
        )
        for part, words in parts:
            part.setAccessibleName(f"{words} {name}")

    def _tool(self, drawing: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(drawing))
        button.setProperty("quiet", True)
        return button

    def _connect(self) -> None:
        self.on.toggled.connect(lambda on: self.changed.emit(self.number, {"on": on}, False))
        self.slider.moved.connect(lambda value: self.changed.emit(self.number, {"value": value}, True))
        self.slider.rested.connect(self.rested)
        self.value.editingFinished.connect(self._typed)
        self.close_row.clicked.connect(lambda: self.removed.emit(self.number))
        self.where.clicked.connect(lambda: self.edit_asked.emit(self.number))
        self.close_row.setToolTip("Take this change out")
        self.more.setToolTip("Unit, operation, dose-response")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(self._menu())

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        self._units = self._choices(menu, [(name, UNIT_CHOICES[name]) for name in UNITS])
        self._units.triggered.connect(lambda action: self.unit_chosen.emit(self.number, action.data()))
        menu.addSeparator()
        self._ops = self._choices(menu, [(name, OP_WORDS[name]) for name in OPS])
        self._ops.triggered.connect(lambda action: self.changed.emit(self.number, {"op": action.data()}, False))
        menu.addSeparator()
        asked = (
            ("Where and how…", self.edit_asked),
            ("Name…", self.name_asked),
            ("Dose-response", self.dose_asked),
            ("Select in the graph", self.select_asked),
        )
        for words, signal in asked:
            menu.addAction(words).triggered.connect(lambda _=False, signal=signal: signal.emit(self.number))
        return menu

    def _choices(self, menu: QMenu, named: list[tuple[str, str]]) -> QActionGroup:
        group = QActionGroup(menu)
        for name, words in named:
            action = QAction(words, menu)
            action.setCheckable(True)
            action.setData(name)
            group.addAction(action)
            menu.addAction(action)
        return group

    def _check(self, row: Row) -> None:
        for group, name in ((self._ops, row.op), (self._units, row.unit)):
            for action in group.actions():
                action.setChecked(action.data() == name)
        patched = row.kind == "residual"
        for action in self._units.actions():
            known = action.data() != "maximum" or row.maximum is not None
            action.setEnabled(known and row.op != "multiply" and (not patched or action.data() == "other"))
        for action in self._ops.actions():
            action.setEnabled(not patched or action.data() == "set")

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(4)
        for part in (self.on, self.mark, self.title, self.place):
            first.addWidget(part)
        first.addStretch()
        for button in (self.where, self.more, self.close_row):
            fixed(button, height=22)
            first.addWidget(button)
        second = QHBoxLayout()
        second.setSpacing(8)
        second.addWidget(self.slider, 1)
        second.addWidget(self.value)
        fixed(self.value, width=104)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 0, 6, 2)
        layout.setSpacing(0)
        layout.addLayout(first)
        layout.addLayout(second)

    # what is typed

    def _typed(self) -> None:
        """Take the number that is written; what is none leaves the value as it was."""
        if not self.value.isModified():
            return
        self.value.setModified(False)
        value = number_in(self.value.text())
        if value is not None and value != self.row.value:
            self.changed.emit(self.number, {"value": value}, False)
        else:
            self.value.setText(value_words(self.row))


def number_in(text: str) -> float | None:
    """The number in a value box, whatever signs and words stand around it; None if there is none."""
    plain = text.replace(MINUS, "-").replace("×", " ")
    for words in UNIT_WORDS.values():
        plain = plain.replace(words, " ")
    plain = plain.replace("present", " ").strip().removeprefix("+").removeprefix("=").strip()
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def mark_of_row(row: Row, view: GraphView | None, strongest: float) -> Mark:
    """The mark of the row's node, or of its kind."""
    kind = NodeKind.ERROR if row.kind == "error" else NodeKind.FEATURE
    if view is not None and row.kind in ("feature", "error"):
        key = NodeKey(int(kind), row.layer, row.first, row.index if kind == NodeKind.FEATURE else -1)
        node = view.graph.index.get(key)
        if node is not None:
            return mark_of(view, node, strongest)
    return Mark({"neuron": NodeKind.EMBEDDING, "head": NodeKind.BIAS, "supernode": NodeKind.LOGIT}.get(row.kind, kind))
