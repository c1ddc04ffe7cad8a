"""ToyView: a toy while it trains: what its features disturb, how they lie, how strongly each is held, and its loss."""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from explorer.specimens.superposition import REPRESENTED, Toy
from explorer.ui.specimens.feature_arrows import FeatureArrows, share_in_plane
from explorer.ui.specimens.page import Heading, titled, words
from explorer.ui.specimens.superposition_controls import ToyControls
from explorer.ui.specimens.superposition_trainer import Trainer
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import per_cent, plain, signed
from explorer.ui.widgets.plot import Plot

HINT = "Blue is positive, orange negative. Hover over a cell or an arrow, or walk with the arrow keys, to read it."


class ToyView(QWidget):
    """Six pictures of the trainer's toy; it is trained when they are first looked at."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self._trainer = trainer
        self.controls = ToyControls(trainer)
        self.state, self.readout = words("", "section"), words(HINT, "caption")
        self.gram = HeatMap("WᵀW, features in rows as outputs and in columns as inputs")
        self.arrows = FeatureArrows("The features as arrows in their dimensions")
        self.weights = HeatMap("W, dimensions in rows and features in columns", square=False)
        self.loss = Plot("Loss while training", "step", "loss")
        self.length = Plot("Length of each feature", "feature", "length")
        self.shares = Plot("Dimensions that each feature has for itself", "feature", "dimensions")
        self.titles = {name: Heading() for name in ("gram", "arrows", "loss", "length", "shares", "weights")}
        self._n = 0
        self._lay_out()
        self._curve = self.loss.line([], [], "text")
        for heat_map, tell in ((self.gram, self._tell_gram), (self.weights, self._tell_weight)):
            heat_map.hovered.connect(tell)
            heat_map.chosen.connect(tell)
        self.arrows.hovered.connect(self._tell_feature)
        trainer.asked.connect(self._show_state)
        trainer.trained.connect(self._show)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._trainer.need(many=False)
        self._show()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(16)
        grid.setVerticalSpacing(10)
        for at, (name, title) in enumerate(self.titles.items()):
            grid.addWidget(titled(title, getattr(self, name)), at // 3, at % 3)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(0, 5)
        grid.setRowStretch(1, 4)
        for plot in (self.loss, self.length, self.shares):
            plot.flex(160, 120)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.controls)
        layout.addLayout(self.controls.beside(self.state))
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)

    def _show(self) -> None:
        toy = self._trainer.toy
        if toy is None or not self.isVisible():
            return
        self._show_state()
        names = [str(feature) for feature in range(len(toy.b))]
        self.gram.show_values(toy.gram, names, names, limit=max(1.0, float(abs(toy.gram).max())))
        self.arrows.show_toy(toy)
        kinds = ["monosemantic" if alone else "polysemantic" for alone in toy.monosemantic]
        rows = [f"{at} {kind}" for at, kind in enumerate(kinds)]
        self.weights.show_values(toy.W, rows, names)
        self._curve.setData(*(np.array(part) for part in self._trainer.curve))
        self._show_bars(toy)
        self._write_titles(toy)

    def _show_bars(self, toy: Toy) -> None:
        if self._n != len(toy.b):
            self._n = len(toy.b)
            self._draw_bars(np.arange(self._n))
        self._lengths.setOpts(height=toy.length)
        self._shares.setOpts(height=toy.dimensionality * toy.represented)
        share = named_share(toy)
        self._share.setVisible(share is not None)
        if share is not None:
            self._share.setValue(share[0])
        self.shares.name_ticks("left", [(0, "0"), (1, "1"), *([share] if share else [])])

    def _draw_bars(self, features: np.ndarray) -> None:
        ticks = [(at, str(at)) for at in features.tolist() if len(features) <= 10 or at % 2 == 0]
        for plot, top in ((self.length, 1.3), (self.shares, 1.1)):
            plot.clear_all()
            plot.name_ticks("bottom", ticks)
            plot.setYRange(0, top)
            plot.setXRange(-0.6, len(features) - 0.4)
        self.length.across(REPRESENTED)
        self._share = self.shares.across(1.0)
        self._lengths = self.length.bars(features, 0.0 * features, "mark_ink")
        self._shares = self.shares.bars(features, 0.0 * features, "mark_ink")

    def _show_state(self) -> None:
        trainer, toy = self._trainer, self._trainer.toy
        if toy is None:
            self.state.setText("Training begins.")
            return
        shape = toy.geometry or "a shape without a name"
        held = f"{toy.represented.sum()} of {len(toy.b)} features are represented"
        found = f"{held} in {dimensions(len(toy.W))}: {shape}."
        busy = f"Training, step {trainer.step:,} of {trainer.setting.steps:,}: so far " if trainer.is_busy else ""
        self.state.setText(busy + found)

    def _write_titles(self, toy: Toy) -> None:
        off = toy.gram - np.diag(np.diag(toy.gram))
        worst = float(off.flat[int(abs(off).argmax())])
        self.titles["gram"].setText(f"WᵀW: off the diagonal features disturb each other, most by {signed(worst)}")
        self.titles["arrows"].setText(shape_title(toy))
        self.titles["loss"].setText(f"The loss is {toy.loss:.4f} at step {self._trainer.step:,}")
        self.titles["length"].setText(f"{toy.represented.sum()} features are longer than {REPRESENTED:g}: represented")
        there = toy.dimensionality[toy.represented]
        mean = plain(float(there.mean())) if len(there) else "none"
        self.titles["shares"].setText(f"A represented feature has {mean} of a dimension to itself, on average")
        n_mixed = int((~toy.monosemantic).sum())
        self.titles["weights"].setText(f"W: {n_mixed} of {len(toy.W)} dimensions hold several features: polysemantic")

    def _tell_gram(self, row: int, column: int) -> None:
        toy = self._trainer.toy
        if toy is None or row < 0 or column < 0:
            self.readout.setText(HINT)
            return
        self.readout.setText(f"Feature {column} brings {signed(toy.gram[row, column])} into output {row}.")

    def _tell_weight(self, row: int, column: int) -> None:
        toy = self._trainer.toy
        if toy is None or row < 0 or column < 0:
            self.readout.setText(HINT)
            return
        power = toy.W[row] ** 2
        share = float(power[column] / max(power.sum(), 1e-12))
        self.readout.setText(
            f"Feature {column} has the weight {signed(toy.W[row, column])} in dimension {row}: "
            f"{per_cent(share)} of its power."
        )

    def _tell_feature(self, feature: int) -> None:
        toy = self._trainer.toy
        self.readout.setText(HINT if toy is None or feature < 0 else feature_words(toy, feature))


def shape_title(toy: Toy) -> str:
    """What the arrows show."""
    name = toy.geometry or "no named shape"
    name = name[0].upper() + name[1:]
    if len(toy.W) > 2:
        return f"{name}: two principal axes, with {per_cent(share_in_plane(toy))} of the power"
    return f"{name}: {toy.represented.sum()} features in {dimensions(len(toy.W))}"


def named_share(toy: Toy) -> tuple[float, str] | None:
    """The dimensions that each feature of a named shape has, and how they are written."""
    n = int(toy.represented.sum())
    if toy.geometry == "antipodal pairs":
        return 0.5, "1/2"
    if toy.geometry == "one dimension each":
        return 1.0, "1"
    return (2 / n, f"2/{n}") if toy.geometry else None


def feature_words(toy: Toy, feature: int) -> str:
    """Length, dimensionality and opposite of a feature."""
    opposite = [str(sum(pair) - feature) for pair in toy.antipodal if feature in pair]
    held = "represented" if toy.represented[feature] else "not represented"
    text = f"Feature {feature}: {held}, length {plain(float(toy.length[feature]))}"
    text += f", {plain(float(toy.dimensionality[feature]))} of a dimension to itself"
    return text + (f"; antipodal to feature {' and '.join(opposite)}." if opposite else ".")


def dimensions(n_dimensions: int) -> str:
    return "1 dimension" if n_dimensions == 1 else f"{n_dimensions} dimensions"
