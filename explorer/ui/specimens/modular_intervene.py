"""FrequenciesView: which sums are lost when frequencies are taken out of the embedding."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import pairs
from explorer.ui.specimens.frequency_field import FrequencyField, written
from explorer.ui.specimens.modular_change import EmbeddingChange, Sums
from explorer.ui.specimens.modular_read import chip
from explorer.ui.specimens.page import Heading, titled, words
from explorer.ui.specimens.plot_reader import PlotReader
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import per_cent, probability, set_property
from explorer.ui.widgets.plot import Plot
from explorer.ui.widgets.scaling import at_least

FAINTEST = 0.4  # of the ink, for an answer that is off by one
HINT = "Click a bar to take its frequency out or put it back; hover over a picture, or walk with the arrow keys."


class FrequenciesView(QWidget):
    """The spectrum to take frequencies out of, the lost sums before and after, and how far the answers are off."""

    def __init__(self, change: EmbeddingChange) -> None:
        super().__init__()
        self._change, self._model = change, change.model
        self.state, self.readout = words("", "section"), words(HINT, "caption")
        self.chips = {k: chip(str(k), f"Take frequency {k} out, or put it back") for k in self._model.key}
        self.others = FrequencyField("Other frequencies to take out", self._model.n_frequencies)
        self.only_key, self.restore = QPushButton("Keep the key ones only"), QPushButton("Put all back")
        self.spectrum = Plot("Power of the embedding by frequency, before and after", "frequency", "share of power")
        self.before, self.after = (
            HeatMap(f"Lost sums {when}, a in rows and b in columns", 1) for when in ("before", "after")
        )
        self.off = Plot("How far the answers are off", "answer minus sum", "share of sums")
        self.titles = {name: Heading() for name in ("before", "after", "off")}
        self._lay_out()
        self._draw()
        self._connect()
        self._follow()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._change.need()
        self._follow()
        self._show()

    def _lay_out(self) -> None:
        for plot in (self.spectrum, self.off):
            plot.flex()
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(words("Take out:"))
        for button in self.chips.values():
            row.addWidget(button)
        self.others.setToolTip("Other frequencies to take out, as numbers and ranges")
        self.only_key.setToolTip("Take all others out: does the model need nothing else?")
        row.addWidget(self.others, 1)
        row.addWidget(self.only_key)
        row.addWidget(self.restore)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        power = titled(self.state, self.spectrum)
        at_least(power, height=130)
        grid.addWidget(power, 0, 0, 1, 3)
        for column, name in enumerate(("before", "after", "off")):
            part = getattr(self, name)
            at_least(part, width=150, height=150)
            grid.addWidget(titled(self.titles[name], part), 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(0, 3)
        grid.setRowStretch(1, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)

    def _draw(self) -> None:
        """What the pictures consist of, as yet without values."""
        k, power, p = self._frequencies, self._model.spectrum, self._model.p
        self.spectrum.bars(k, power, "hidden")
        self._left = self.spectrum.bars(k, power, "mark_ink")
        self.spectrum.setYRange(0, 1.06 * float(power.max()))
        self.spectrum.name_ticks("left", [(at, per_cent(at)) for at in (0, 0.1, 0.2, 0.3, 0.4) if at < power.max()])
        self._off = np.arange(-(p // 2), p // 2 + 1)
        self._waves = self.off.line([], [], "select", width=1)
        self._bars = self.off.bars(self._off, 0.0 * self._off, "mark_ink", width=1.4)
        self.off.setToolTip("Bars: the answers; line: how far the key waves that are left agree on an answer")

    def _connect(self) -> None:
        change = self._change
        for k, button in self.chips.items():
            button.clicked.connect(lambda _, k=k: change.toggle(k))
        self.others.asked.connect(lambda others: change.take_out(others | (change.out & set(self._model.key))))
        self.others.refused.connect(lambda text: self._say(text, "danger"))
        self.only_key.clicked.connect(lambda: change.take_out(set(self._frequencies.tolist()) - set(self._model.key)))
        self.restore.clicked.connect(lambda: change.take_out(()))
        reader = PlotReader(self.spectrum, self._frequencies.astype(float))
        reader.pointed.connect(self._tell_frequency)
        reader.pressed.connect(lambda at: change.toggle(at + 1))
        PlotReader(self.off, self._off.astype(float)).pointed.connect(self._tell_off)
        for heat_map, after in ((self.before, False), (self.after, True)):
            for signal in (heat_map.hovered, heat_map.chosen):
                signal.connect(lambda a, b, after=after: self._tell_pair(a, b, after))
        change.asked.connect(self._follow)
        change.arrived.connect(self._show)

    @property
    def _frequencies(self) -> np.ndarray:
        return np.arange(1, self._model.n_frequencies + 1)

    def _follow(self) -> None:
        """What is asked for, whether it is computed or not."""
        change, key = self._change, set(self._model.key)
        for k, button in self.chips.items():
            button.setChecked(k in change.out)
        self.others.show_frequencies(change.out - key)
        self.restore.setEnabled(bool(change.out))
        is_there = ~np.isin(self._frequencies, list(change.out))
        self._left.setOpts(height=self._model.spectrum * is_there)
        power = f"{per_cent(float(self._model.spectrum[is_there].sum()))} of the embedding's power is left"
        is_waiting = change.before is None or change.out != change.computed
        out = f"Without frequency {written(change.out)}: {power}" if change.out else "All frequencies are there"
        self._say(f"{out}. Adding all {self._model.p**2:,} pairs…" if is_waiting else f"{out}.", "section")

    def _say(self, text: str, role: str) -> None:
        self.state.setText(text)
        set_property(self.state, "role", role)

    def _show(self) -> None:
        """What is computed."""
        change, p = self._change, self._model.p
        if not self.isVisible():
            return
        self._follow()
        for sums, heat_map in ((change.before, self.before), (change.after, self.after)):
            if sums is not None:
                size = FAINTEST + (1 - FAINTEST) * abs(sums.distances) / (p // 2)
                heat_map.show_values((np.sign(sums.distances) * size).reshape(p, p), limit=1.0)
        if change.before is not None:
            self.titles["before"].setText(f"Before: {answers_words(change.before)}")
        if change.after is not None:
            colours = "; blue: too high, orange: too low" if change.after.distances.any() else ""
            self.titles["after"].setText(f"After: {answers_words(change.after)}{colours}")
            self._show_off(change.after)

    def _show_off(self, sums: Sums) -> None:
        shares = np.bincount(sums.distances + self._model.p // 2, minlength=self._model.p) / len(sums.distances)
        self._bars.setOpts(height=shares)
        agreement = self._agreement()
        self._waves.setData(self._off, np.maximum(agreement, 0) / max(float(agreement.max()), 1e-9) * shares.max())
        self._waves.setVisible(bool(agreement.any()))
        self.off.setYRange(0, float(shares.max()))
        self.titles["off"].setText(off_words(self._off, shares, agreement))

    def _agreement(self) -> np.ndarray:
        """The sum of the key waves left in the logits, by how far an answer is off."""
        found = self._model.found
        left = [at for at, k in enumerate(self._model.key) if k not in self._change.computed]
        if found is None or not left:
            return np.zeros(len(self._off))
        k = np.array(self._model.key)[left]
        result: np.ndarray = found.heights[left] @ np.cos(2 * np.pi * np.outer(k, self._off) / self._model.p)
        return result

    def _tell_frequency(self, at: int) -> None:
        if at < 0:
            self.readout.setText(HINT)
            return
        is_out = at + 1 in self._change.out
        self.readout.setText(
            f"Frequency {at + 1}: {100 * self._model.spectrum[at]:.1f} % of the power, "
            f"{'taken out' if is_out else 'there'}. "
            f"A click {'puts it back' if is_out else 'takes it out'}."
        )

    def _tell_off(self, at: int) -> None:
        sums = self._change.after
        if at < 0 or sums is None:
            self.readout.setText(HINT)
            return
        n = int((sums.distances == self._off[at]).sum())
        self.readout.setText(f"{n:,} of {len(sums.distances):,} answers are {distance_words(int(self._off[at]))}.")

    def _tell_pair(self, a: int, b: int, after: bool) -> None:
        sums, p = self._change.after if after else self._change.before, self._model.p
        if sums is None or min(a, b) < 0:
            self.readout.setText(HINT)
            return
        pair = a * p + b
        right, off = int(pairs.answers(p)[pair]), int(sums.distances[pair])
        chance = probability(float(np.exp(-sums.losses[pair])))
        self.readout.setText(
            f"{a} + {b} = {right}: the model says {(right + off) % p}, {distance_words(off)}; "
            f"the right answer has the probability {chance}."
        )


def answers_words(sums: Sums) -> str:
    return f"{100 * sums.answers.accuracy:.1f} % of all sums are right, loss {sums.answers.loss:.2g}"


def distance_words(off: int) -> str:
    return "right" if off == 0 else f"{abs(off)} too {'high' if off > 0 else 'low'}"


def off_words(off: np.ndarray, shares: np.ndarray, agreement: np.ndarray) -> str:
    """Where most wrong answers are, and whether the waves left say why."""
    wrong = np.where(off == 0, 0, shares)
    if not wrong.any():
        return "No answer is off"
    most = abs(int(off[wrong.argmax()]))
    share = per_cent(float(shares[abs(off) == most].sum() / wrong.sum()))
    said = f"{share} of the lost sums are off by {most}"
    next_best = abs(int(off[np.where(off == 0, -np.inf, agreement).argmax()]))
    return f"{said}, where the waves left agree next best (line)" if agreement.any() and most == next_best else said
