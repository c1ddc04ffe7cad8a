"""ScoresView: what each head does, and how it came to do it in training."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from explorer.io import specimens
from explorer.specimens import induction, repeats
from explorer.specimens.network import Network
from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.look import per_cent, plain
from explorer.ui.widgets.number_grid import NumberGrid
from explorer.ui.widgets.plot import Plot

ROWS, PERIOD = 20, 20
COLUMNS = {"previous": "previous token", "prefix": "what followed", "copying": "copying"}
INKS = {"accuracy": "mark_ink", "previous": "sign_lower", "prefix": "sign_raise", "copying": "select"}
NAMES = {"accuracy": "foreseen", **COLUMNS}


class ScoresView(QWidget):
    """The line over the curves is dragged; the words below tell the values where it stands."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        rows = repeats.twice(ROWS, PERIOD, np.random.default_rng(1))
        self.scores = induction.scores(network, rows)
        self.curve = specimens.history("induction")
        self.grid = NumberGrid("Scores of the heads", 104, signed=True)
        self.plot = Plot("Scores of the induction head in training", "step of training", "score")
        for name, ink in INKS.items():
            self.plot.line(self.curve["step"], self.curve[name], ink, NAMES[name])
        self.plot.legend.setOffset((-8, -8))  # where no curve runs
        self.sudden = induction.steepest(self.curve["prefix"])
        self.line = self.plot.down(float(self.curve["step"][self.sudden]), "text", movable=True)
        self.line.sigPositionChanged.connect(self._tell)
        self.title, self.curve_title, self.readout = words("", "section"), words("", "section"), words("", "caption")
        self._lay_out(network)
        self._tell()

    def _lay_out(self, network: Network) -> None:
        heads = induction.heads(network)
        values = np.array([[getattr(self.scores, name)[head] for name in COLUMNS] for head in heads])
        texts = [["–" if np.isnan(value) else plain(float(value)) for value in row] for row in values]
        names = [f"Head {layer}.{head}" for layer, head in heads]
        best = heads.index(self.scores.induction)
        self.grid.show_cells(names, list(COLUMNS.values()), texts, np.nan_to_num(values), (best, 1))
        followed = per_cent(float(self.scores.prefix[self.scores.induction]))
        self.title.setText(f"{names[best]} is the induction head: {followed} of its attention goes to what followed")
        before, after = (float(self.curve["prefix"][at]) for at in (self.sudden - 1, self.sudden))
        step = f"{self.curve['step'][self.sudden]:,.0f}"
        self.curve_title.setText(f"That rises fastest at step {step}: from {plain(before)} to {plain(after)}")
        row = QHBoxLayout()
        row.setSpacing(24)
        said = "Attention to the token before and to what followed the last time, and how far a head copies; −1 to 1."
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.title, self.grid, words(said, "caption")):
            column.addWidget(part)
        column.addStretch()
        row.addWidget(left, 1)
        row.addWidget(titled(self.curve_title, self.plot), 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row, 1)
        layout.addWidget(self.readout)

    def _tell(self) -> None:
        at = int(abs(self.curve["step"] - self.line.value()).argmin())
        parts = (f"{NAMES[name]} {plain(float(self.curve[name][at]))}" for name in NAMES)
        self.readout.setText(f"At step {self.curve['step'][at]:,.0f}, drag the line for others: {', '.join(parts)}")
