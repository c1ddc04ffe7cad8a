"""HeadsView: heads put to their means, one at a time and together, and what is foreseen without them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import induction, repeats
from explorer.specimens.induction import Head
from explorer.specimens.network import Network
from explorer.ui.background import Background
from explorer.ui.specimens.induction_prompt import InductionPrompt, PromptRow, spelled
from explorer.ui.specimens.page import titled, words
from explorer.ui.specimens.token_strip import TokenStrip
from explorer.ui.widgets.look import per_cent
from explorer.ui.widgets.plot import Plot
from explorer.work import Pause, Progress, Work

Accuracies = dict[tuple[Head, ...], float]


class HeadsView(QWidget):
    """The present prompt answers at once; the measuring on random repeats takes a moment and is done beside."""

    def __init__(self, prompt: InductionPrompt, work: Background) -> None:
        super().__init__()
        self._prompt, self._work = prompt, work
        self.row = PromptRow(prompt)
        self.heads = induction.heads(prompt.network)
        self.buttons = {head: QPushButton(f"{head[0]}.{head[1]}") for head in self.heads}
        for head, button in self.buttons.items():
            button.setCheckable(True)
            button.setProperty("small", True)
            button.setAccessibleName(f"Head {button.text()} off")
            button.setToolTip(f"Put head {head[1]} of layer {head[0]} to its mean")
            button.clicked.connect(self._switch)
        self.before = TokenStrip("The prompt and what all heads say comes next")
        self.after = TokenStrip("The prompt and what is said without the chosen heads")
        self.titles = {name: words("", "section") for name in ("before", "after", "plot", "together")}
        self.plot = Plot("Foreseen tokens lost without each head", "head", "points lost")
        at = np.arange(len(self.heads))
        self.bars = self.plot.bars(at, at * 0.0, "mark_ink")
        self.plot.name_ticks("bottom", [(at, button.text()) for at, button in enumerate(self.buttons.values())])
        self.found: Accuracies = {}
        self._lay_out()
        work.done.connect(self._take)
        prompt.changed.connect(self._show)
        self._show()

    @property
    def chosen(self) -> tuple[Head, ...]:
        """The heads that are off."""
        return tuple(head for head, button in self.buttons.items() if button.isChecked())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._measure()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(words("Heads to switch off", "section"))
        for button in self.buttons.values():
            buttons.addWidget(button)
        buttons.addStretch()
        below = QGridLayout()
        below.setHorizontalSpacing(20)
        below.addWidget(titled(self.titles["plot"], self.plot), 0, 0)
        below.addWidget(self.titles["together"], 0, 1, Qt.AlignmentFlag.AlignTop)
        below.setColumnStretch(0, 3)
        below.setColumnStretch(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.row)
        layout.addLayout(buttons)
        for name, strip in (("before", self.before), ("after", self.after)):
            layout.addWidget(self.titles[name])
            layout.addWidget(strip)
        layout.addLayout(below, 1)

    def _switch(self) -> None:
        self._show()
        self._measure()

    def _measure(self) -> None:
        """Ask for what is not known yet; nothing is measured twice."""
        wanted = [(), *((head,) for head in self.heads), self.chosen]
        missing = [chosen for chosen in wanted if chosen not in self.found]
        if missing:
            network, known = self._prompt.network, self.found
            self._work.start(lambda pause: _measured(network, missing, known, pause))
        self._tell()

    def _take(self, found: object) -> None:
        assert isinstance(found, dict)
        self.found = found
        self.bars.setOpts(height=[100 * (found[()] - found[(head,)]) for head in self.heads])
        self._tell()

    def _show(self) -> None:
        prompt = self._prompt
        sides = ((self.before, "before", ()), (self.after, "after", self.chosen))
        for strip, name, without in sides:
            reading = induction.read(prompt.network, prompt.reading.ids, without)
            strip.show_tokens(prompt.tokens, spelled(reading.said), reading.probability.max(-1), reading.foreseen)
            right = f"{len(reading.foreseen)} of {len(reading.again)} repeated tokens foreseen"
            self.titles[name].setText(f"{_named(without)}: {right}")

    def _tell(self) -> None:
        if () not in self.found:
            self.titles["plot"].setText(f"Measuring each head on {repeats.MEASURED[0]} random repeats …")
            self.titles["together"].setText("")
            return
        whole = self.found[()]
        worst = min(self.heads, key=lambda head: self.found[(head,)])
        lost = f"{100 * (whole - self.found[(worst,)]):.0f}"
        self.titles["plot"].setText(f"Alone, head {worst[0]}.{worst[1]} costs most: {lost} points of {per_cent(whole)}")
        text = "measuring …" if self.chosen not in self.found else per_cent(self.found[self.chosen])
        what = f"second halves of {repeats.MEASURED[0]} random repeats foreseen: {text}"
        self.titles["together"].setText(f"{_named(self.chosen)}, {what}")


def _named(off: Sequence[Head]) -> str:
    names = ", ".join(f"{layer}.{head}" for layer, head in off)
    return f"Without head{'s' if len(off) > 1 else ''} {names}" if off else "With all heads"


def _measured(
    network: Network, wanted: Sequence[tuple[Head, ...]], known: Accuracies, pause: Pause
) -> Work[Accuracies]:
    """``known``, and the accuracy without each of ``wanted``."""
    rows = repeats.measured()
    found = dict(known)
    for at, chosen in enumerate(wanted):
        yield Progress(at, len(wanted), "Measuring")
        pause()
        found[chosen] = induction.accuracy(network, rows, chosen)
    return found
