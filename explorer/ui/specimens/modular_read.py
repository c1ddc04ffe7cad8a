"""WavesView: how a model learned to add, and the waves in its embedding and its neurons."""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.shapes import Int
from explorer.specimens import modular
from explorer.specimens.modular import EXPLAINED, KEY
from explorer.ui.specimens.modular_curves import Curve, CurvePlot
from explorer.ui.specimens.modular_model import Found, ModularModel
from explorer.ui.specimens.number_circle import NumberCircle
from explorer.ui.specimens.page import Heading, titled, words
from explorer.ui.specimens.plot_reader import PlotReader
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import per_cent, plain, px
from explorer.ui.widgets.plot import Plot
from explorer.ui.widgets.scaling import at_least, fixed

BINS = np.linspace(0, 1, 21)  # of the shares that are explained
HINT = "Hover over a picture, or walk with the arrow keys, to read it. A click on a bar above looks at its frequency."


class WavesView(QWidget):
    """The curve and the spectrum above; below, of one frequency, the circle and the neurons."""

    def __init__(self, model: ModularModel) -> None:
        super().__init__()
        self._model = model
        self.k = model.key[0]
        self.right, self.loss = (
            CurvePlot(
                f"{name} while training",
                model.history,
                [Curve(f"train_{kind}", "pairs trained on", "text"), Curve(f"test_{kind}", "other pairs", "select")],
                is_loss=kind == "loss",
            )
            for name, kind in (("Right answers", "accuracy"), ("Loss", "loss"))
        )
        self.spectrum = Plot("Power of the embedding by frequency", "frequency", "share of power")
        self.circle = NumberCircle("The numbers in the plane of a wave")
        self.neuron = HeatMap("A neuron over both numbers, a in rows and b in columns", 1)
        self.shares = Plot("Neurons by how much of them is one frequency", "share in one frequency", "neurons")
        self.titles = {name: Heading() for name in ("curve", "spectrum", "circle", "neuron", "shares")}
        self.readout = words(HINT, "caption")
        self.chips = {k: chip(f"{k}", f"Look at frequency {k}") for k in model.key}
        self.rank = QSlider(Qt.Orientation.Horizontal)
        self.around = chip("Along the circle", "Put the numbers in the order of the circle: then the wave is seen")
        self.neurons: Int[ndarray, "neuron"] = np.zeros(0, dtype=int)  # of frequency k, the most explained first
        self._lay_out()
        self._draw_spectrum()
        self._draw_shares()
        self._connect()
        self.look_at(self.k)

    @property
    def chosen(self) -> int | None:
        """The neuron on show."""
        return int(self.neurons[self.rank.value() - 1]) if len(self.neurons) else None

    @property
    def order(self) -> Int[ndarray, "p"]:
        """The numbers as the neuron's picture has them: as they come, or as they come along the circle."""
        numbers = np.arange(self._model.p)
        return np.argsort(self.k * numbers % self._model.p) if self.around.isChecked() else numbers

    def look_at(self, k: int) -> None:
        """Show the circle and the neurons of frequency ``k``."""
        self.k = k
        for at, button in self.chips.items():
            button.setChecked(at == k)
        self._lit.setOpts(x=[k], height=[self._model.spectrum[k - 1]])
        points, share = modular.circle(self._model.table, k)
        self.circle.show_points(points)
        seen = "a circle" if share > EXPLAINED else "no clean circle"
        self.titles["circle"].setText(f"Frequency {k}: {seen}; {100 * share:.1f} % of what is seen here is this wave")
        if self._model.found is not None:
            self._show_neurons(self._model.found)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._model.need()
        if self._model.found is None:
            self.titles["neuron"].setText(f"Adding all {self._model.p**2:,} pairs to see the neurons…")
            self.titles["shares"].setText("")

    def _lay_out(self) -> None:
        self.curves, by = QStackedWidget(), QButtonGroup(self)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(self.titles["curve"], 1)
        for at, (name, plot) in enumerate((("Right", self.right), ("Loss", self.loss))):
            button = chip(name, f"{name} over the steps of training")
            button.setChecked(at == 0)
            by.addButton(button, at)
            head.addWidget(button)
            self.curves.addWidget(plot)
        by.idClicked.connect(self.curves.setCurrentIndex)
        self.by = by
        curve = QWidget()
        box = QVBoxLayout(curve)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addLayout(head)
        box.addWidget(self.curves, 1)
        for plot in (self.spectrum, self.shares):
            plot.flex()
        at_least(self.neuron, width=150, height=150)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        grid.addWidget(curve, 0, 0, 1, 2)
        grid.addWidget(titled(self.titles["spectrum"], self.spectrum), 0, 2)
        grid.addLayout(self._controls(), 1, 0, 1, 3)
        for column, name in enumerate(("circle", "neuron", "shares")):
            grid.addWidget(titled(self.titles[name], getattr(self, name)), 2, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(0, 4)
        grid.setRowStretch(2, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)

    def _controls(self) -> QHBoxLayout:
        self.rank.setAccessibleName("Which neuron of this frequency, the most explained first")
        self.rank.setToolTip("Step through the neurons of this frequency, the most explained first")
        self.rank.setEnabled(False)
        fixed(self.rank, width=120)
        self.of = QLabel()
        at_least(self.of, width=52)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(QLabel("Key frequency"))
        for button in self.chips.values():
            row.addWidget(button)
        row.addSpacing(px(16))
        row.addWidget(QLabel("Neuron"))
        for part in (self.rank, self.of, self.around):
            row.addWidget(part)
        row.addStretch(1)
        return row

    def _connect(self) -> None:
        for k, button in self.chips.items():
            button.clicked.connect(lambda _, k=k: self.look_at(k))
        self.around.toggled.connect(self._show_neuron)
        self.rank.valueChanged.connect(self._show_neuron)
        for plot in (self.right, self.loss):
            plot.told.connect(self._tell)
        self.circle.chosen.connect(self._tell_number)
        for signal in (self.neuron.hovered, self.neuron.chosen):
            signal.connect(self._tell_pair)
        reader = PlotReader(self.spectrum, np.arange(1.0, self._model.n_frequencies + 1))
        reader.pointed.connect(self._tell_frequency)
        reader.pressed.connect(lambda at: self.look_at(at + 1))
        PlotReader(self.shares, (BINS[1:] + BINS[:-1]) / 2).pointed.connect(self._tell_bin)
        self._model.arrived.connect(lambda: self.look_at(self.k))

    def _draw_spectrum(self) -> None:
        model, k = self._model, np.arange(1, self._model.n_frequencies + 1)
        is_key = np.isin(k, model.key)
        self.spectrum.bars(k, np.where(is_key, 0, model.spectrum), "line_strong")
        self.spectrum.bars(k, np.where(is_key, model.spectrum, 0), "mark_ink")
        self._lit = self.spectrum.bars([self.k], [0.0], "select")
        self.spectrum.across(KEY)
        self.spectrum.setYRange(0, 1.06 * float(model.spectrum.max()))
        shares = [at for at in (0, KEY, 0.1, 0.2, 0.3, 0.4) if at < model.spectrum.max()]
        self.spectrum.name_ticks("left", [(at, per_cent(at)) for at in shares])
        power = per_cent(float(model.spectrum[np.array(model.key) - 1].sum()))
        self.titles["spectrum"].setText(f"{len(model.key)} key frequencies hold {power} of the embedding's power")
        self.titles["curve"].setText(known_words(model.history))

    def _draw_shares(self) -> None:
        middle, wide = (BINS[1:] + BINS[:-1]) / 2, 0.8 * (BINS[1] - BINS[0])
        self._all = self.shares.bars(middle, 0 * middle, "hidden", width=wide)
        self._of_k = self.shares.bars(middle, 0 * middle, "mark_ink", width=wide)
        self.shares.down(EXPLAINED, "text_3")
        self.shares.name_ticks("bottom", [(at, f"{100 * at:.0f} %") for at in (0, 0.25, 0.5, EXPLAINED)])
        self.shares.setXRange(0, 1)

    def _show_neurons(self, found: Found) -> None:
        """Those of frequency k; all of them in the histogram."""
        reading = found.reading
        there = np.flatnonzero(reading.neuron == self.k)
        self.neurons = there[np.argsort(-reading.explained[there])]
        with QSignalBlocker(self.rank):
            self.rank.setRange(min(len(there), 1), len(there))
            self.rank.setValue(1)
        self.rank.setEnabled(len(there) > 0)
        self._all.setOpts(height=np.histogram(reading.explained, BINS)[0])
        self._of_k.setOpts(height=np.histogram(reading.explained[there], BINS)[0])
        share = per_cent(float((reading.explained > EXPLAINED).mean()))
        self.titles["shares"].setText(
            f"{share} of {len(reading.neuron)} neurons are over {per_cent(EXPLAINED)} one frequency; "
            f"ink: frequency {self.k}"
        )
        self._show_neuron()

    def _show_neuron(self) -> None:
        neuron, found = self.chosen, self._model.found
        if found is None:
            return
        self.of.setText(f"{self.rank.value()} of {len(self.neurons)}")
        if neuron is None:
            self.neuron.show_values(np.zeros((self._model.p, self._model.p)), limit=1.0)
            self.titles["neuron"].setText(f"No neuron has frequency {self.k} above all others")
            return
        self.neuron.show_values(found.outcome.neurons[:, :, neuron][np.ix_(self.order, self.order)])
        share = per_cent(float(found.reading.explained[neuron]))
        self.titles["neuron"].setText(f"Neuron {neuron}, a down and b across: {share} of it is frequency {self.k}")

    def _tell(self, text: str) -> None:
        self.readout.setText(text or HINT)

    def _tell_number(self, number: int) -> None:
        if number < 0:
            self._tell("")
            return
        p, k = self._model.p, self.k
        cos, sin = (plain(float(each)) for each in self.circle.points[number])
        turn = f"{k * number % p}/{p} of a turn, cosine {cos}, sine {sin}"
        self._tell(f"The number {number}: {turn}; each step of 1 turns by {k}/{p}.")

    def _tell_pair(self, a: int, b: int) -> None:
        if min(a, b) < 0 or self.chosen is None:
            self._tell("")
            return
        one, other = self.order[a], self.order[b]
        self._tell(f"a = {one}, b = {other}: neuron {self.chosen} is {self.neuron.values[a, b]:.2f}.")

    def _tell_frequency(self, at: int) -> None:
        if at < 0:
            self._tell("")
            return
        kind = "key" if at + 1 in self._model.key else "no key"
        power = f"{100 * self._model.spectrum[at]:.1f} % of the power"
        once = f"once round is {self._model.p / (at + 1):.2f} numbers"
        self._tell(f"Frequency {at + 1} ({kind} frequency): {power}; {once}. A click looks at it.")

    def _tell_bin(self, at: int) -> None:
        found = self._model.found
        if at < 0 or found is None:
            self._tell("")
            return
        n = int(np.histogram(found.reading.explained, BINS)[0][at])
        shares = f"{100 * BINS[at]:.0f} to {100 * BINS[at + 1]:.0f} %"
        self._tell(f"{n} neurons have {shares} of their variance in one frequency.")


def known_words(history: dict[str, np.ndarray]) -> str:
    """When it knew the pairs that it was trained on, when the others, and how long that took."""
    trained, others = modular.known_from(history, "train"), modular.known_from(history, "test")
    if np.isnan(trained + others):
        return "It never came to know all pairs"
    return (
        f"Right on its training pairs from step {trained:,.0f}, on the others only from step {others:,.0f}: "
        f"{others - trained:,.0f} steps later"
    )


def chip(text: str, does: str) -> QPushButton:
    """A small button that is on or off."""
    button = QPushButton(text)
    button.setProperty("chip", True)
    button.setCheckable(True)
    button.setAccessibleName(does)
    button.setToolTip(does)
    return button
