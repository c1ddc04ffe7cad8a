"""The middle of the dock: the next tokens, and what the model goes on to say."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from explorer.session.outcome import Outcome
from explorer.ui.continuing import Continuing
from explorer.ui.intervening import Intervening
from explorer.ui.panels.continuation import ContinuationView
from explorer.ui.panels.next_token import NextTokenTable
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import set_property, token_text

FRESH_MS = 120


class AnswerColumn(QWidget):
    """Next token before, now and predicted; below it both continuations in a line, or in a view of their own."""

    effect_asked = Signal()

    def __init__(self, intervening: Intervening, continuing: Continuing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._intervening, self._continuing = intervening, continuing
        self._fresh = QTimer(self, singleShot=True, interval=FRESH_MS)
        self._fresh.timeout.connect(self._show)
        self._outcome: Outcome | None = None
        self.title = QLabel("Next token")
        self.position = QPushButton()
        self.state = ElidedLabel(mode=Qt.TextElideMode.ElideLeft)
        self.table = NextTokenTable()
        self.words, self.notes = QLabel(), ElidedLabel()
        self.said = ElidedLabel()
        self.generate = QPushButton("Generate")
        self.effect = QPushButton("Effect")
        self.text = ContinuationView(continuing)
        self._build()
        self.generate.clicked.connect(self.show_continuation)
        self.effect.clicked.connect(self.effect_asked)
        self.text.back_asked.connect(self._show_table)
        intervening.changed.connect(self._take)
        continuing.changed.connect(self._show_said)
        self._show()
        self._show_said()

    def show_continuation(self) -> None:
        """The view of both texts; what is missing of them is generated."""
        self.pages.setCurrentWidget(self.text)
        if self._continuing.said["with"] is None and not self._continuing.is_busy:
            self._continuing.generate()

    def show_way(self, narrow: bool) -> None:
        """A way to the column that has no room beside this one."""
        self.effect.setVisible(narrow)

    def _show_table(self) -> None:
        self.pages.setCurrentIndex(0)

    def _take(self) -> None:
        """Numbers that have just come are not called old at once: while a slider moves they would flicker."""
        if self._intervening.outcome is not self._outcome:
            self._outcome = self._intervening.outcome
            self._fresh.start()
        self._show()

    def _show(self) -> None:
        one, words = self._intervening, self._intervening.words
        outcome = one.outcome
        waits = one.n_pending > 0 and not self._fresh.isActive()
        self.table.rows.show_outcome(outcome, waits or bool(words) or bool(one.fault))
        tokens = one.tokens
        self.position.setText(f"after “{token_text(tokens[one.position]).strip()}”\u2002" if tokens else "")
        self.position.setVisible(bool(tokens))
        self.state.set_text(self._state())
        set_property(self.state, "role", "stale" if waits else "caption")
        self.notes.set_text(" ".join(outcome.notes) if outcome is not None and not waits else "")
        self.notes.setVisible(bool(self.notes.whole))
        shown = words or one.fault or one.note
        self.words.setText(shown)
        self.words.setToolTip(shown)
        set_property(self.words, "role", "danger" if one.fault and not words else "stale" if one.note else "second")
        self.words.setVisible(bool(shown))
        self.table.setVisible(outcome is not None or not shown)

    def _state(self) -> str:
        one, n = self._intervening, self._intervening.n_pending
        if n and not self._fresh.isActive():
            return f"{n} {'change' if n == 1 else 'changes'} not measured yet."
        if one.outcome is None:
            return "Measuring" if one.is_busy and not one.words else ""
        if not one.outcome.is_exact:
            return "along the line of two answers"
        return f"updated in {1000 * one.outcome.seconds:.0f} ms · exact"

    def _show_said(self) -> None:
        one = self._continuing
        with_, without = one.said["with"], one.said["without"]
        texts = [f"“{token_text(said.text).strip()}”" for said in (without, with_) if said is not None]
        self.said.set_text(one.fault or (f"With: {' → '.join(texts)}" if len(texts) == 2 else ""))
        odd = [f"{said.perplexity:.3g}" for said in (without, with_) if said and said.perplexity is not None]
        self.said.setAccessibleDescription(f"perplexity {' → '.join(odd)}" if len(odd) == 2 else "")
        self.generate.setVisible(not self._intervening.words)

    # building

    def _build(self) -> None:
        self.title.setProperty("role", "section")
        set_property(self.position, "link", True)
        self.position.setAccessibleName("Position after which the next token is shown")
        menu = QMenu(self.position)
        self.position.setMenu(menu)
        menu.aboutToShow.connect(self._fill)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setProperty("role", "second")
        self.notes.setProperty("role", "caption")
        for button in (self.generate, self.effect):
            set_property(button, "inline", True)
        self.generate.setToolTip("Both texts, token by token")
        self.effect.setIcon(icon("right"))
        self.pages = QStackedWidget()
        self.pages.addWidget(self._next_token())
        self.pages.addWidget(self.text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 6)
        layout.addWidget(self.pages)

    def _next_token(self) -> QWidget:
        page = QWidget()
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.title)
        head.addWidget(self.position)
        head.addWidget(self.state, 1, Qt.AlignmentFlag.AlignRight)
        head.addWidget(self.effect)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.said, 1)
        foot.addWidget(self.generate)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.words)
        layout.addStretch()
        layout.addWidget(self.notes)
        layout.addLayout(foot)
        return page

    def _fill(self) -> None:
        menu, tokens = self.position.menu(), self._intervening.tokens
        menu.clear()
        for at in reversed(range(len(tokens))):
            words = f"{at}  after “{token_text(tokens[at]).strip()}”"
            menu.addAction(words, partial(self._intervening.look_at, -1 if at == len(tokens) - 1 else at))
