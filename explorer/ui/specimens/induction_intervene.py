"""HeadsView: heads put to their means, one at a time and together, and what is foreseen without them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import induction, repeats
from explorer.specimens.induction import Head, Reading, head_name
from explorer.specimens.network import Network
from explorer.ui.background import Background
from explorer.ui.specimens.head_bars import Accuracies, HeadBars, off_words
from explorer.ui.specimens.induction_prompt import InductionPrompt, PromptRow, spelled
from explorer.ui.specimens.page import words
from explorer.ui.specimens.token_strip import TokenStrip
from explorer.ui.widgets.look import per_cent, probability
from explorer.work import Pause, Progress, Work


class HeadsView(QWidget):
    """The present prompt answers at once; the measuring on random repeats takes a moment and is done beside."""

    def __init__(self, prompt: InductionPrompt, work: Background) -> None:
        super().__init__()
        self._prompt, self._work = prompt, work
        self.row = PromptRow(prompt)
        self.bars = HeadBars(induction.heads(prompt.network))
        self.restore = QPushButton("Put all back")
        self.restore.setToolTip("Every head works again")
        self.before = TokenStrip("The prompt and what all heads say comes next")
        self.after = TokenStrip("The prompt and what is said without the chosen heads")
        self.titles = {name: words("", "section") for name in ("before", "after", "bars")}
        self.readout = words()
        self.found: Accuracies = {}
        self._changed = prompt.reading  # what is said without the chosen heads
        self._lay_out()
        self.bars.switched.connect(self._switch)
        self.restore.clicked.connect(self.bars.put_back)
        work.done.connect(self._take)
        for strip in (self.before, self.after):
            strip.pointed.connect(prompt.point)
        prompt.changed.connect(self._show)
        prompt.pointed.connect(self._point)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._measure()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.row)
        for name, strip in (("before", self.before), ("after", self.after)):
            layout.addWidget(self.titles[name])
            layout.addWidget(strip)
        layout.addWidget(self.readout)
        row = QHBoxLayout()
        row.addWidget(self.titles["bars"], 1)
        row.addWidget(self.restore)
        layout.addLayout(row)
        layout.addWidget(self.bars, 1)

    def _switch(self) -> None:
        self._show()
        self._measure()

    def _measure(self) -> None:
        """Ask for what is not known yet; nothing is measured twice."""
        wanted = [(), *((head,) for head in self.bars.heads), self.bars.chosen]
        missing = [chosen for chosen in wanted if chosen not in self.found]
        if missing:
            network, known = self._prompt.network, self.found
            self._work.start(lambda pause: _measured(network, missing, known, pause))
        self._tell()

    def _take(self, found: object) -> None:
        assert isinstance(found, dict)
        self.found = found
        self._tell()

    def _show(self) -> None:
        prompt, chosen = self._prompt, self.bars.chosen
        self._changed = after = induction.read(prompt.network, prompt.reading.ids, chosen)
        for strip, reading in ((self.before, prompt.reading), (self.after, after)):
            strip.show_tokens(prompt.tokens, spelled(reading.said), reading.probability.max(-1), reading.foreseen)
        self.titles["before"].setText(f"Whole model: {_foreseen(prompt.reading)}")
        said = f"With {off_words(chosen)}: {_foreseen(after)}"
        self.titles["after"].setText(said if chosen else "With nothing off, the same: switch a head off below")
        self.restore.setEnabled(bool(chosen))
        self._point()

    def _point(self) -> None:
        """Both strips at the same position, and the chance there before and after."""
        prompt, after = self._prompt, self._changed
        at, reading = prompt.position, prompt.reading
        for strip in (self.before, self.after):
            strip.point(at)
        token = int(reading.said[at])
        was, now = (probability(float(each.probability[at, token])) for each in (reading, after))
        text = f"Behind {prompt.tokens[at]} (position {at}) the whole model says {repeats.TOKENS[token]} ({was})"
        if self.bars.chosen:
            same = after.said[at] == token
            other = "and still says so" if same else f"and says {_best(after, at)} instead"
            text += f"; with {off_words(self.bars.chosen)} it gives {repeats.TOKENS[token]} {now} {other}"
        self.readout.setText(f"{text}.")

    def _tell(self) -> None:
        found, chosen = self.found, self.bars.chosen
        self.bars.show_accuracies(found)
        rows = f"{repeats.MEASURED[0]} random repeats"
        if () not in found:
            text = f"Measuring each head on {rows} …"
        elif len(chosen) < 2:
            worst = min(self.bars.heads, key=lambda head: found[(head,)])
            lost = f"{100 * (found[()] - found[(worst,)]):.0f} points"
            text = f"Of the second halves of {rows}, head {head_name(worst)} alone costs most: {lost}"
        else:
            left = "measuring"
            if chosen in found:
                left = f"{per_cent(found[chosen])} foreseen, {per_cent(found[()])} before"
            text = f"With {off_words(chosen)}, second halves of {rows}: {left}"
        self.titles["bars"].setText(text)


def _foreseen(reading: Reading) -> str:
    if not reading.again:
        return "nothing goes on here as it went on before"
    return f"{len(reading.foreseen)} of {len(reading.again)} repeated tokens foreseen"


def _best(reading: Reading, at: int) -> str:
    return f"{repeats.TOKENS[reading.said[at]]} ({probability(float(reading.probability[at].max()))})"


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
