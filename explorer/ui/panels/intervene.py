"""The Intervene dock: rows that change the run, and beside them what the model answers then."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from explorer.ui.continuing import Continuing
from explorer.ui.document import Document
from explorer.ui.dosing import Dosing
from explorer.ui.effects import Effects
from explorer.ui.intervening import Intervening
from explorer.ui.intervention_edits import InterventionEdits
from explorer.ui.panels.intervene_answer import AnswerColumn
from explorer.ui.panels.intervene_effect import EffectColumn
from explorer.ui.panels.intervene_rows import InterveneRows
from explorer.ui.widgets.look import px

LEFT, MIDDLE, RIGHT = 430, 320, 272
LEAST = 560
NARROW = 1024  # below it the answer and the effect share one place


class IntervenePanel(QWidget):
    """Rows left, next tokens in the middle, effects on features or the dose-response right."""

    TITLE = "Intervene"
    fold_asked = Signal()
    moved = Signal(object)  # whether each feature that moved rises, by its key
    wanted = Signal()  # something was added: the dock is to be seen

    def __init__(self, document: Document, engine: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", True)
        self.setAccessibleName("Intervene")
        self._n_rows = 0
        self._on_right = False  # which of the two is seen while both do not fit
        self._document = document
        self.edits = InterventionEdits(document, self)
        self.intervening = Intervening(document, engine, self)
        self.effects = Effects(self.intervening, engine, self)
        self.continuing = Continuing(self.intervening, engine, self)
        self.dosing = Dosing(self.intervening, engine, self)
        self.rows = InterveneRows(document, self.edits)
        self.answer = AnswerColumn(self.intervening, self.continuing)
        self.effect = EffectColumn(document, self.effects, self.dosing)
        self._build()
        self.rows.fold_asked.connect(self.fold_asked)
        self.rows.dose_asked.connect(self._dose)
        self.answer.effect_asked.connect(self._show_right)
        self.effect.answer_asked.connect(self._show_left)
        self.effects.changed.connect(self._mark)
        document.edits_changed.connect(self._count)
        document.interventions_changed.connect(self._count)

    def take_focus(self) -> None:
        """The first slider, or the button that adds a row."""
        rows = self.rows.rows
        (rows[0].slider if rows else self.rows.add).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def generate(self) -> None:
        """Show both continuations, and make them."""
        self._show_left()
        self.answer.show_continuation()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.intervening.set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.intervening.set_active(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _build(self) -> None:
        row = QHBoxLayout(self)
        row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)  # _fit makes the columns fit
        self.setMinimumSize(px(LEAST), 0)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rows)
        for part in (self.answer, self.effect):
            line = QFrame()
            line.setProperty("hairline", True)
            line.setFixedWidth(1)
            row.addWidget(line)
            row.addWidget(part, 1 if part is self.answer else 0)
        self.answer.setMinimumWidth(px(MIDDLE))
        self._lines = [one for one in self.findChildren(QFrame) if one.property("hairline")]

    def _fit(self) -> None:
        """Where there is no room for three columns, one of the last two is seen."""
        narrow = self.width() < px(NARROW)
        self.rows.set_width(min(px(LEFT), max(self.width() // 2, px(240))))
        self.effect.setVisible(not narrow or self._on_right)
        self.answer.setVisible(not narrow or not self._on_right)
        for line, part in zip(self._lines, (self.answer, self.effect), strict=True):
            line.setVisible(not part.isHidden())
        self.effect.setFixedWidth(px(RIGHT) if not narrow else max(0, self.width() - self.rows.width() - 1))
        self.answer.show_way(narrow)
        self.effect.show_way(narrow)

    def _show_right(self) -> None:
        self._on_right = True
        self._fit()

    def _show_left(self) -> None:
        self._on_right = False
        self._fit()

    def _dose(self, row: int) -> None:
        self._show_right()
        self.effect.show_dose()
        self.dosing.measure(row)

    def _mark(self) -> None:
        """Tell which features moved, as long as that is measured."""
        moved = () if self.effects.is_old else self.effects.moved
        self.moved.emit({one.key: one.now > one.before for one in moved})

    def _count(self) -> None:
        """Ask to be seen when a row comes."""
        n_rows = len(self._document.edits.interventions.rows)
        if n_rows > self._n_rows:
            self.wanted.emit()
        self._n_rows = n_rows

