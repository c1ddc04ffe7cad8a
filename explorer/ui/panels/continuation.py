"""Continuation: what the model goes on to say, without and with the interventions, as it is said."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from explorer.ui.continuing import BOTH, Continuing, Said
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import set_property, token_text
from explorer.ui.widgets.scaling import fixed

TITLES = {"without": "Without the changes", "with": "With the changes"}
LONGEST = 4096


class SaidText(QPlainTextEdit):
    """A continuation; the pointer over a token tells its probability."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said = Said()
        self.setReadOnly(True)
        self.setMouseTracking(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName(name)

    def show_said(self, said: Said) -> None:
        if said != self._said:
            self._said = said
            self.setPlainText("".join(text for text, _ in said.tokens))

    def token_at(self, position: int) -> int | None:
        """The token that the character behind ``position`` belongs to."""
        end = 0
        for at, (text, _) in enumerate(self._said.tokens):
            end += len(text.encode("utf-16-le")) // 2  # as Qt counts
            if position < end:
                return at
        return None

    def words_at(self, at: int) -> str:
        """What is told of token ``at``."""
        text, probability = self._said.tokens[at]
        return f"“{token_text(text).strip()}” probability {probability:.3f}"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        at = self.token_at(self.cursorForPosition(event.position().toPoint()).position())
        if at is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), escape(self.words_at(at)), self)


class ContinuationView(QWidget):
    """Both texts beside each other, how they are drawn, Generate and Stop."""

    back_asked = Signal()

    def __init__(self, continuing: Continuing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._continuing = continuing
        self.texts = {name: SaidText(TITLES[name]) for name in BOTH}
        self.captions = {name: ElidedLabel() for name in BOTH}
        self.n, self.seed = QSpinBox(), QSpinBox()
        self.temperature, self.top_p = QDoubleSpinBox(), QDoubleSpinBox()
        self.go, self.back = QPushButton("Generate"), QPushButton("Next token")
        self._build()
        self.go.clicked.connect(self.press)
        self.back.clicked.connect(self.back_asked)
        continuing.changed.connect(self._show)
        self._show()

    def press(self) -> None:
        """Generate as the boxes say, or stop what is being generated."""
        if self._continuing.is_busy:
            self._continuing.stop()
            return
        self._continuing.set_sampling(
            n=self.n.value(), seed=self.seed.value(), temperature=self.temperature.value(), top_p=self.top_p.value()
        )

    def _show(self) -> None:
        for name in BOTH:
            said = self._continuing.said[name] or Said()
            self.texts[name].show_said(said)
            odd = f" · perplexity {said.perplexity:.3g}" if said.perplexity is not None else ""
            self.captions[name].set_text(f"{TITLES[name]}{odd}")
        self.go.setText("Stop" if self._continuing.is_busy else "Generate")

    def _build(self) -> None:
        drawn = self._continuing.sampling
        self.n.setRange(1, LONGEST)
        self.seed.setRange(0, 2**31 - 1)
        self.temperature.setRange(0.0, 100.0)
        self.temperature.setSingleStep(0.1)
        self.top_p.setRange(0.01, 1.0)
        self.top_p.setSingleStep(0.05)
        self.n.setValue(drawn.n)
        self.top_p.setValue(drawn.top_p)
        self.n.setSuffix(" tokens")
        head, line = QHBoxLayout(), QHBoxLayout()
        line.setSpacing(6)
        head.addWidget(self.back)
        head.addStretch()
        head.addWidget(self.go)
        for box, front, words, width in (
            (self.n, "", "Number of tokens", 78),
            (self.temperature, "temp. ", "Temperature; 0 takes the most probable token", 86),
            (self.top_p, "top-p ", "Top-p: the share of probability that is drawn from", 82),
            (self.seed, "seed ", "Seed", 68),
        ):
            box.setPrefix(front)
            box.setAccessibleName(words)
            box.setToolTip(words)
            set_property(box, "small", True)
            fixed(box, width=width)
            line.addWidget(box)
        line.addStretch()
        for button in (self.go, self.back):
            set_property(button, "inline", True)
        self.back.setIcon(icon("left"))
        self._lay_out(head, line)

    def _lay_out(self, head: QHBoxLayout, line: QHBoxLayout) -> None:
        both = QHBoxLayout()
        both.setSpacing(12)
        for name in BOTH:
            self.captions[name].setProperty("role", "caption")
            column = QVBoxLayout()
            column.setSpacing(2)
            column.addWidget(self.captions[name])
            column.addWidget(self.texts[name], 1)
            both.addLayout(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addLayout(line)
        layout.addLayout(both, 1)
