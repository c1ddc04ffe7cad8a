"""TargetPicker: which next tokens a run is asked to explain."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import PromptError
from explorer.session.prompt import Candidate, Prompt
from explorer.session.targets import TargetChoice, describe
from explorer.ui.widgets.choice import Choice
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import probability, px, token_text

LISTED = 8


class TargetPicker(QPushButton):
    """Shows the choice; opens the card in which it is made. ``chosen`` carries a TargetChoice."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prompt = Prompt("")
        self._choice = TargetChoice()
        self.card = TargetCard(self)
        self.setIcon(icon("down"))
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setProperty("second", True)
        self.clicked.connect(self._open)
        self.card.chosen.connect(self._take)
        self._write()

    @property
    def choice(self) -> TargetChoice:
        return self._choice

    def show_prompt(self, prompt: Prompt) -> None:
        """Offer the candidates of ``prompt``; a choice of tokens belongs to its prompt and is given up."""
        if prompt.token_ids != self._prompt.token_ids and self._choice.kind != "logits":
            self._choice = TargetChoice(max_logits=self._choice.max_logits, logit_mass=self._choice.logit_mass)
            self.chosen.emit(self._choice)
        self._prompt = prompt
        self.card.show_candidates(prompt.candidates, self._choice)
        self._write()

    def _take(self, choice: TargetChoice) -> None:
        self._choice = choice
        self._write()
        self.chosen.emit(choice)

    def _open(self) -> None:
        self.card.show_candidates(self._prompt.candidates, self._choice)
        self.card.adjustSize()
        corner = self.mapToGlobal(QPoint(self.width() - self.card.sizeHint().width(), self.height() + 4))
        self.card.move(corner)
        self.card.show()

    def _write(self) -> None:
        words, more = describe(self._choice, self._prompt)
        self.setText(f"{words}  {more}".strip())
        self.setAccessibleName(f"Explain {words} {more}")


class TargetCard(QFrame):
    """Three ways to choose: the most probable tokens, listed or numbered tokens, one token minus another."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("card", True)
        self.setAccessibleName("What to explain")
        self._candidates: tuple[Candidate, ...] = ()
        self._extra: list[int] = []
        self._boxes: list[tuple[int, QCheckBox]] = []
        self._build()

    def show_candidates(self, candidates: tuple[Candidate, ...], choice: TargetChoice) -> None:
        self._candidates = candidates
        known = [candidate.token_id for candidate in candidates[:LISTED]]
        self._extra = [token for token in choice.tokens if token not in known]
        self._list(set(choice.tokens) if choice.kind == "tokens" else set())
        for combo, at in ((self.first, 0), (self.second, 1)):
            combo.clear()
            for candidate in candidates:
                combo.addItem(f"{token_text(candidate.text)}  {probability(candidate.probability)}")
            combo.setCurrentIndex(min(at, combo.count() - 1))
        self.contrast.setEnabled(len(candidates) > 1)
        {"logits": self.likely, "tokens": self.chosen_tokens, "contrast": self.contrast}[choice.kind].setChecked(True)
        self.fault.hide()

    # building

    def _build(self) -> None:
        self.likely = QRadioButton("The most probable, together")
        self.chosen_tokens = QRadioButton("Chosen tokens")
        self.contrast = QRadioButton("One token minus another")
        self.mass = QDoubleSpinBox()
        self.mass.setRange(0.05, 1.0)
        self.mass.setSingleStep(0.05)
        self.mass.setValue(TargetChoice().logit_mass)
        self.mass.setAccessibleName("Probability to reach")
        self.most = QSpinBox()
        self.most.setRange(1, 50)
        self.most.setValue(TargetChoice().max_logits)
        self.most.setAccessibleName("Number of tokens at most")
        for box in (self.mass, self.most):
            box.setFixedWidth(px(64))
        self.rows = QGridLayout()
        self.rows.setHorizontalSpacing(16)
        self.rows.setVerticalSpacing(4)
        self.rows.setColumnStretch(0, 1)
        self.custom = QLineEdit()
        self.custom.setPlaceholderText("Add a token by its number")
        self.custom.setAccessibleName("Add a token by its number")
        self.custom.returnPressed.connect(self._add)
        self.first, self.second = Choice(), Choice()
        self.first.setAccessibleName("Token that counts for")
        self.second.setAccessibleName("Token that counts against")
        self.fault = QLabel()
        self.fault.setProperty("role", "danger")
        self.fault.setWordWrap(True)
        self.take = QPushButton("Explain this")
        self.take.setProperty("primary", True)
        self.take.clicked.connect(self._take)
        self._lay_out()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 12, 14, 14)
        layout.setSpacing(7)
        layout.addWidget(self.likely)
        layout.addLayout(_indented(QLabel("until they hold"), self.mass, QLabel("at most"), self.most))
        layout.addWidget(self.chosen_tokens)
        held = QHBoxLayout()
        held.setContentsMargins(22, 0, 0, 0)
        held.addLayout(self.rows)
        layout.addLayout(held)
        layout.addLayout(_indented(self.custom))
        layout.addWidget(self.contrast)
        layout.addLayout(_indented(self.first, QLabel("\u2212"), self.second))
        layout.addWidget(self.fault)
        layout.addWidget(self.take, 0, Qt.AlignmentFlag.AlignRight)

    def _list(self, ticked: set[int]) -> None:
        while (item := self.rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._boxes = []
        listed = [(each.token_id, token_text(each.text), each.probability) for each in self._candidates]
        shown = listed[:LISTED] + [(token, f"token {token}", None) for token in self._extra]
        for row, (token, text, chance) in enumerate(shown):
            box = QCheckBox(text)
            box.setChecked(token in ticked)
            box.toggled.connect(self._ticked)
            self._boxes.append((token, box))
            self.rows.addWidget(box, row, 0)
            value = QLabel(probability(chance) if chance is not None else "not listed")
            value.setProperty("role", "caption")
            self.rows.addWidget(value, row, 1, Qt.AlignmentFlag.AlignRight)

    # choosing

    def _ticked(self) -> None:
        self.chosen_tokens.setChecked(True)

    def _add(self) -> None:
        text = self.custom.text().strip()
        known = {token_text(each.text).strip(): each.token_id for each in self._candidates}
        if text.isdecimal():
            token = int(text)
        elif text in known:
            token = known[text]
        else:
            self._complain(f"“{text}” is not among the likely tokens: give its number in the vocabulary.")
            return
        ticked = {number for number, box in self._boxes if box.isChecked()} | {token}
        if token not in [number for number, _ in self._boxes]:
            self._extra.append(token)
        self._list(ticked)
        self.chosen_tokens.setChecked(True)
        self.custom.clear()
        self.fault.hide()
        self.adjustSize()

    def _take(self) -> None:
        try:
            choice = self._choice()
        except PromptError as error:
            self._complain(str(error))
            return
        self.hide()
        self.chosen.emit(choice)

    def _choice(self) -> TargetChoice:
        limits = {"max_logits": self.most.value(), "logit_mass": round(self.mass.value(), 4)}
        if self.chosen_tokens.isChecked():
            tokens = tuple(token for token, box in self._boxes if box.isChecked())
            return TargetChoice("tokens", tokens, **limits)  # type: ignore[arg-type]
        if self.contrast.isChecked():
            both = (self.first.currentIndex(), self.second.currentIndex())
            tokens = tuple(self._candidates[at].token_id for at in both)
            return TargetChoice("contrast", tokens, **limits)  # type: ignore[arg-type]
        return TargetChoice("logits", (), **limits)  # type: ignore[arg-type]

    def _complain(self, sentence: str) -> None:
        self.fault.setText(sentence)
        self.fault.show()
        self.adjustSize()


def _indented(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(22, 0, 0, 4)
    row.setSpacing(8)
    for widget in widgets:
        stretch = int(isinstance(widget, QLineEdit | Choice))
        row.addWidget(widget, stretch)
    if not any(isinstance(widget, QLineEdit | Choice) for widget in widgets):
        row.addStretch()
    return row
