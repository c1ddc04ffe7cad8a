"""AblationView: which sums the adder loses without some of its neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.specimens import adder, sums
from explorer.specimens.network import Network
from explorer.specimens.sums import N_DIGITS
from explorer.ui.background import Background
from explorer.ui.specimens.adder_neurons import NeuronCard, NeuronMaps, listed
from explorer.ui.specimens.adder_sum import NAMES, ShownSum, SumFields, column_words
from explorer.ui.specimens.page import Heading, titled, words
from explorer.ui.specimens.paper_sum import PaperSum, chances, lines_of
from explorer.ui.widgets.choice import choice_of
from explorer.ui.widgets.look import per_cent
from explorer.ui.widgets.plot import Plot
from explorer.work import Pause, Progress, Work

N_RANDOM = N_CARRY = 2000  # sums that are tried
PART = 500  # sums between two steps
N_MAPPED = 6000  # sums of the neurons' maps
IN_A_ROW = 7
FAR = 5  # columns: a long carry
HINT = "Click a neuron to put it to its mean; again, to put it back. Blue is positive, orange negative."
Chains = dict[int, tuple[int, int]]  # by longest carry: how many are exact, of how many


@dataclass(frozen=True)
class Usual:
    """The neurons' means, and how the whole model does."""

    means: NDArray[np.floating]
    chains: Chains


class AblationView(QWidget):
    """The neurons to switch off, what becomes of the shown sum at once, and of many sums a moment later."""

    def __init__(self, shown: ShownSum) -> None:
        super().__init__()
        self._shown = shown
        self.usual: Usual | None = None
        self.after: Chains = {}
        self.answer = shown.reading  # what is said without the neurons that are off
        self.mapped: dict[int, NDArray[np.floating]] = {}  # by column: [neuron, a, b, carry]
        self.trying, self.mapping = Background("specimen adder: sums", self), Background("specimen adder: maps", self)
        self._mapping_column = -1
        self.fields = SumFields(shown)
        self.paper = PaperSum("The sum before and after")
        self.plot = Plot("Exact sums by the longest carry", "longest carry", "exact, % (grey before)")
        self.maps = NeuronMaps()
        self.cards = [NeuronCard(neuron) for neuron in range(shown.network.n_neurons)]
        self.column = choice_of("Column of the maps", [(str(at), NAMES[at]) for at in range(N_DIGITS)], "4")
        self.restore, self.cancel = QPushButton("Put all back"), QPushButton("Cancel")
        self.titles = {name: Heading() for name in ("paper", "plot")}
        self.state, self.readout = words("", "second"), words(HINT, "caption")
        self._neuron = 0
        self._lay_out()
        self._before_bars, self._after_bars = (
            self.plot.bars(np.zeros(1), np.zeros(1), ink, width=0.38) for ink in ("hidden", "mark_ink")
        )
        self._connect()
        self._show_sum()

    @property
    def chosen(self) -> tuple[int, ...]:
        """The neurons that are off."""
        return tuple(card.neuron for card in self.cards if card.isChecked())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._map()
        if not self.trying.is_busy and (self.usual is None or not self.after):
            self._try()

    def _connect(self) -> None:
        for card in self.cards:
            card.clicked.connect(self._switch)
            card.looked.connect(lambda neuron=card.neuron: self._look(neuron))
        self.restore.clicked.connect(self._put_back)
        self.cancel.clicked.connect(self._cancel)
        self.column.activated.connect(self._map)
        for signal in (self.paper.hovered, self.paper.chosen):
            signal.connect(self._tell_column)
        self.paper.chosen.connect(self._shown.look_at)
        self.maps.told.connect(lambda text: self.readout.setText(text or HINT))
        self.trying.stepped.connect(self._show_step)
        self.trying.done.connect(self._finish)
        self.mapping.done.connect(self._put_maps)
        self._shown.changed.connect(self._show_sum)
        self._shown.looked.connect(self.paper.light)

    def _lay_out(self) -> None:
        self.plot.flex(170, 150)
        self.restore.setToolTip("Every neuron works again")
        self.cancel.setToolTip("Give up trying the sums")
        top = QGridLayout()
        top.setHorizontalSpacing(20)
        for at, part in enumerate((titled(self.titles["paper"], self.paper), titled(self.titles["plot"], self.plot))):
            top.addWidget(part, 0, at)
        top.addWidget(self.maps, 0, 2)
        for at, stretch in enumerate((3, 3, 3)):
            top.setColumnStretch(at, stretch)
        row = QHBoxLayout()
        row.setSpacing(8)
        label = QLabel("Neurons in the column of the")
        label.setProperty("role", "section")
        label.setBuddy(self.column)
        for each in (label, self.column, self.restore, self.cancel):
            row.addWidget(each)
        row.addWidget(self.state, 1)
        grid = QGridLayout()
        grid.setSpacing(8)
        for at, card in enumerate(self.cards):
            grid.addWidget(card, at // IN_A_ROW, at % IN_A_ROW)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(self.fields)
        layout.addLayout(top, 1)
        layout.addLayout(row)
        layout.addLayout(grid)
        layout.addWidget(self.readout)

    def _switch(self) -> None:
        self.after = {}
        self._show_sum()
        self._try()

    def _put_back(self) -> None:
        for card in self.cards:
            card.setChecked(False)
        self._switch()

    def _cancel(self) -> None:
        self.trying.close()
        self.cancel.setEnabled(False)
        self.state.setText("Cancelled. Click a neuron to try the sums again.")

    def _try(self) -> None:
        """Try many sums; without any neuron off nothing is left to be tried."""
        network, usual, chosen = self._shown.network, self.usual, self.chosen
        if usual is not None and not chosen:
            self.trying.close()
            self._finish((usual, usual.chains))
            return
        self.cancel.setEnabled(True)
        self.state.setText("Trying sums.")
        self.trying.start(lambda pause: _tried(network, usual, chosen))

    def _show_step(self, step: Progress) -> None:
        self.state.setText(f"{step.text}, {step.done:,} of {step.total:,}.")

    def _finish(self, found: tuple[Usual, Chains]) -> None:
        self.usual, self.after = found
        self.cancel.setEnabled(False)
        self.state.setText("")
        before = self.usual.chains
        chains = np.array(sorted(before))
        for bars, held, shift in ((self._before_bars, before, -0.2), (self._after_bars, self.after, 0.2)):
            bars.setOpts(x=chains + shift, height=[100 * held[chain][0] / held[chain][1] for chain in chains.tolist()])
        self.plot.setXRange(-0.6, chains[-1] + 0.6, padding=0)
        self.plot.setYRange(0, 105, padding=0)
        self.titles["plot"].setText(self._plot_title())
        self._show_sum()

    def _plot_title(self) -> str:
        if self.usual is None or not self.chosen:
            n = sum(total for _, total in self.after.values())
            return f"{per_cent(share(self.after))} of {n:,} sums are exact: switch a neuron off"
        far = share({chain: held for chain, held in self.after.items() if chain >= FAR})
        was, now = per_cent(share(self.usual.chains)), per_cent(share(self.after))
        return f"{now} exact, {was} before; {per_cent(far)} with carries through {FAR} columns or more"

    def _show_sum(self) -> None:
        """The shown sum without the neurons, as soon as their means are known."""
        before, chosen = self._shown.reading, self.chosen
        answers = [("whole", before)]
        title = "With all neurons; switch some off below"
        if chosen and self.usual is not None:
            change = adder.ablated(self._shown.network, chosen, self.usual.means)
            after = adder.read(self._shown.network, before.a, before.b, change)
            answers.append(("without", after))
            n = sum(one != other for one, other in zip(before.said, after.said, strict=True))
            changed = "1 digit of this sum changes" if n == 1 else f"{n or 'no'} digits of this sum change"
            title = f"Without {listed(chosen)}, {changed}"
        self.titles["paper"].setText(title)
        lines, rule = lines_of(answers)
        self.answer = answers[-1][1]
        self.paper.show_lines([*lines, chances(self.answer)], rule)
        self.paper.light(self._shown.column)

    def _map(self) -> None:
        """Draw the neurons' maps of the chosen column, measured first if they are not known."""
        column = self.column.currentIndex()
        if column in self.mapped:
            self._show_maps()
        elif not (self.mapping.is_busy and self._mapping_column == column):
            network = self._shown.network
            self._mapping_column = column
            self.maps.title.setText(f"Measuring the neurons on {N_MAPPED:,} sums …")
            self.mapping.start(lambda pause: _mapped(network, column, pause))

    def _put_maps(self, values: NDArray[np.floating]) -> None:
        self.mapped[self._mapping_column] = values
        self._show_maps()

    def _show_maps(self) -> None:
        values = self.mapped[self.column.currentIndex()]
        for card in self.cards:
            card.show_activations(values[card.neuron])
        self._look(self._neuron)

    def _look(self, neuron: int) -> None:
        self._neuron = neuron
        values = self.mapped.get(self.column.currentIndex())
        if values is not None:
            self.maps.show_neuron(neuron, values[neuron])

    def _tell_column(self, column: int) -> None:
        self.readout.setText(column_words(self.answer, column) if column >= 0 else HINT)


def share(chains: Chains) -> float:
    """How many of the sums are exact."""
    right, total = (sum(held[at] for held in chains.values()) for at in (0, 1))
    return right / max(total, 1)


def _tried(network: Network, usual: Usual | None, chosen: Sequence[int]) -> Work[tuple[Usual, Chains]]:
    if usual is None:
        means = adder.mean_neurons(network)
        usual = Usual(means, (yield from _chains(network, adder.ablated(network, (), means), "The whole model")))
    if not chosen:
        return usual, usual.chains
    change = adder.ablated(network, chosen, usual.means)
    return usual, (yield from _chains(network, change, f"Without {listed(chosen)}"))


def _chains(network: Network, change: adder.Change, what: str) -> Work[Chains]:
    rng = np.random.default_rng(0)
    drawn = zip(sums.random_sums(N_RANDOM, rng), sums.carry_sums(N_CARRY, rng), strict=True)
    a, b = (np.concatenate(pair) for pair in drawn)
    found: Chains = {}
    for start in range(0, len(a), PART):
        yield Progress(start, len(a), what)
        part = slice(start, start + PART)
        for chain, (right, total) in adder.by_chain(network, a[part], b[part], change).items():
            held = found.get(chain, (0, 0))
            found[chain] = (held[0] + right, held[1] + total)
    return found


def _mapped(network: Network, column: int, pause: Pause) -> Work[NDArray[np.floating]]:
    yield Progress(0, 1, "Measuring the neurons")
    return adder.neurons(network, column, N_MAPPED, pause=pause)
