"""ScoresView: what each head does, what it writes, and how the induction head came to do it in training."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from explorer.io import specimens
from explorer.specimens import induction, repeats
from explorer.specimens.induction import Scores, head_name
from explorer.specimens.network import Network
from explorer.ui.background import Background
from explorer.ui.specimens.induction_prompt import InductionPrompt
from explorer.ui.specimens.page import titled, words
from explorer.ui.specimens.plot_reader import PlotReader
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import per_cent, plain, signed
from explorer.ui.widgets.number_grid import NumberGrid
from explorer.ui.widgets.plot import Plot
from explorer.work import Progress, Work

ROWS = repeats.MEASURED[0]
COLUMNS = {"previous": "previous token", "prefix": "what followed", "copying": "copying"}
NAMES = {"accuracy": "foreseen", **COLUMNS}
INKS = {  # colours are for signs, so two are dashed
    "accuracy": ("text", False),
    "previous": ("text", True),
    "prefix": ("select", False),
    "copying": ("select", True),
}
HINT = "Point at the curves or at a cell, or walk with the arrow keys, to read them off; choose a head in the table."


class ScoresView(QWidget):
    """The head that is chosen in the table is the one that all verbs look at."""

    def __init__(self, prompt: InductionPrompt, work: Background) -> None:
        super().__init__()
        self._prompt, self._work = prompt, work
        self.scores: Scores | None = None
        self.heads = induction.heads(prompt.network)
        self.curve = specimens.history("induction")
        self.grid = NumberGrid("Scores of the heads", 92, name_width=66, signed=True)
        self.writes = HeatMap("What a head writes: token looked at down, next token across", 1)
        self.writes.setToolTip("Tokens looked at down, next tokens across; the diagonal is copying")
        self.writes.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.plot = Plot("Scores of the induction head in training", "step of training", "score")
        self.titles = {name: words("", "section") for name in ("scores", "writes", "curve")}
        self.readout = words(HINT, "caption")
        self._draw()
        self.reader = PlotReader(self.plot, self.curve["step"])
        self._lay_out()
        self._fill()
        self.reader.pointed.connect(self._tell_step)
        self.grid.chosen.connect(lambda row, _: prompt.turn(self.heads[row]))
        for tell in (self.writes.hovered, self.writes.chosen):
            tell.connect(self._tell_effect)
        work.done.connect(self._take)
        prompt.turned.connect(self._show_head)
        self._show_head()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.scores is None and not self._work.is_busy:
            self._work.start(lambda pause: _scored(self._prompt.network))

    def _draw(self) -> None:
        steps, prefix = self.curve["step"], self.curve["prefix"]
        for name, (ink, dashed) in INKS.items():
            self.plot.line(steps, self.curve[name], ink, NAMES[name], dashed=dashed)
        self.plot.setYRange(min(0.0, *(float(self.curve[name].min()) for name in INKS)), 1.02)
        self.plot.legend.setOffset((-8, -8))  # where no curve runs
        begin, end = induction.rise(prefix)
        self.titles["curve"].setText(
            f"It came suddenly: what followed got {per_cent(float(prefix[begin]))} of its attention at step "
            f"{steps[begin]:,.0f}, {per_cent(float(prefix[end]))} at {steps[end]:,.0f}"
        )

    def _lay_out(self) -> None:
        said = f"Mean attention to the token before and to what followed, on {ROWS} random repeats; copying, −1 to 1."
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(12)
        grid.addWidget(titled(self.titles["scores"], self.grid, words(said, "caption")), 0, 0)
        grid.addWidget(titled(self.titles["writes"], self.writes), 1, 0)
        grid.addWidget(titled(self.titles["curve"], self.plot), 0, 1, 2, 1)
        grid.setRowStretch(1, 1)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)

    def _take(self, found: Scores) -> None:
        self.scores = found
        self._fill()

    def _fill(self) -> None:
        """The table, with dots while its values are being measured."""
        found, values = self.scores, np.zeros((len(self.heads), len(COLUMNS)))
        texts = [["…"] * len(COLUMNS) for _ in self.heads]
        title = f"Measuring every head on {ROWS} random repeats …"
        if found is not None:
            values = np.array([[getattr(found, name)[head] for name in COLUMNS] for head in self.heads])
            texts = [["–" if np.isnan(value) else plain(float(value)) for value in row] for row in values]
            share, name = per_cent(float(found.prefix[found.induction])), head_name(found.induction)
            title = f"Head {name} is the induction head: what followed gets {share}"
        current = self.heads.index(self._prompt.head), list(COLUMNS).index("prefix")
        names = [f"Head {head_name(head)}" for head in self.heads]
        self.grid.show_cells(names, list(COLUMNS.values()), texts, np.nan_to_num(values), current)
        self.titles["scores"].setText(title)

    def _show_head(self) -> None:
        head, network = self._prompt.head, self._prompt.network
        row = self.heads.index(head)
        if self.grid.current[0] != row:
            self.grid.choose(row, self.grid.current[1])
        reads, writes = induction.circuit(network, *head)
        self.writes.show_values(reads @ writes, has_sign=True)
        raised, by = induction.raised(network, head)
        copied = int((raised == np.arange(len(raised))).sum())
        text = f"{copied} of {len(raised)} tokens raise themselves most" if by.any() else "nothing, it is empty"
        self.titles["writes"].setText(f"What head {head_name(head)} writes: {text}")

    def _tell_step(self, at: int) -> None:
        values = ", ".join(f"{called} {plain(float(self.curve[name][at]))}" for name, called in NAMES.items())
        self.readout.setText(f"Step {self.curve['step'][at]:,.0f}: {values}." if at >= 0 else HINT)

    def _tell_effect(self, seen: int, then: int) -> None:
        if min(seen, then) < 0:
            self.readout.setText(HINT)
            return
        effect = signed(float(self.writes.values[seen, then]))
        name, tokens = head_name(self._prompt.head), repeats.TOKENS
        text = f"Head {name}, when it looks at {tokens[seen]}, adds {effect} to the logit of {tokens[then]}."
        self.readout.setText(text)
        self.writes.setAccessibleDescription(text)


def _scored(network: Network) -> Work[Scores]:
    yield Progress(0, 1, "Measuring the heads")
    return induction.scores(network, repeats.measured())
