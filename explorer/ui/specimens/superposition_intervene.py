"""HoleView: what becomes of each feature when weights of a toy are taken out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy import ndarray
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from explorer.shapes import Bool
from explorer.specimens.superposition import Toy, errors
from explorer.ui.specimens.feature_arrows import FeatureArrows
from explorer.ui.specimens.page import Heading, titled, words
from explorer.ui.specimens.superposition_controls import ToyControls
from explorer.ui.specimens.superposition_read import dimensions, feature_words
from explorer.ui.specimens.superposition_trainer import Trainer
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import px, signed
from explorer.ui.widgets.plot import Plot

HINT = "Click a weight, the name of a dimension or feature, or an arrow's tip to take it out; again, to put it back."


class HoleView(QWidget):
    """W to take weights out of, the arrows before and after, and each feature's error before and after."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self._trainer = trainer
        self.controls = ToyControls(trainer)
        self.state, self.readout = words("", "section"), words(HINT, "caption")
        self.chips: list[QPushButton] = []
        self._chips_row = QHBoxLayout()
        self._chips_row.setSpacing(6)
        self.restore = QPushButton("Put all back")
        self.weights = HeatMap("W, dimensions in rows and features in columns; Space takes a weight out", square=False)
        self.before, self.after = FeatureArrows("The features before"), FeatureArrows("The features after")
        self.errors = Plot("Error of each feature before and after", "feature", "error")
        self.titles = {name: Heading() for name in ("weights", "before", "after", "errors")}
        self.out = np.zeros((0, 0), dtype=bool)
        self._lay_out()
        self.restore.clicked.connect(self._put_back)
        self.weights.pressed.connect(self.take_out)
        self.weights.hovered.connect(self._tell_weight)
        self.weights.chosen.connect(self._tell_weight)
        for arrows in (self.before, self.after):
            arrows.pressed.connect(lambda feature: self.take_out(-1, feature))
            arrows.hovered.connect(self._tell_feature)
        trainer.trained.connect(self._show)
        trainer.asked.connect(self._show_state)

    @property
    def damaged(self) -> Toy | None:
        """The toy without what was taken out."""
        toy = self._trainer.toy
        return None if toy is None else without(toy, self.out)

    def take_out(self, row: int, column: int) -> None:
        """Take a weight out, all of a dimension (``column`` -1) or all of a feature (``row`` -1), or put it back."""
        where = np.zeros_like(self.out)
        where[slice(None) if row < 0 else row, slice(None) if column < 0 else column] = True
        self.out = self.out & ~where if self.out[where].all() else self.out | where
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._trainer.need(many=False)
        self._show()

    def _put_back(self) -> None:
        self.out = np.zeros_like(self.out)
        self._show()

    def _lay_out(self) -> None:
        self.errors.flex(160, 130)
        grid = QGridLayout()
        grid.setSpacing(16)
        grid.setVerticalSpacing(10)
        for column, name in enumerate(("weights", "before", "after")):
            grid.addWidget(titled(self.titles[name], getattr(self, name)), 0, column)
            grid.setColumnStretch(column, 1)
        grid.addWidget(titled(self.titles["errors"], self.errors), 1, 0, 1, 3)
        grid.setRowStretch(0, 1)
        grid.setRowStretch(1, 1)
        grid.setRowMinimumHeight(1, px(180))
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(words("Take out:"))
        row.addLayout(self._chips_row)
        row.addWidget(self.restore)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.controls)
        layout.addLayout(self.controls.beside(self.state))
        layout.addLayout(row)
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)

    def _show(self) -> None:
        toy = self._trainer.toy
        if toy is not None and self.out.shape != toy.W.shape:
            self._begin(toy)
        self._show_state()
        if toy is None or not self.isVisible():
            return
        damaged = without(toy, self.out)
        names = [str(feature) for feature in range(len(toy.b))]
        rows = [f"dimension {at}" for at in range(len(toy.W))]
        self.weights.show_values(toy.W, rows, names, marked=self.out)
        self.before.show_toy(toy)
        self.after.show_toy(damaged)
        self.restore.setEnabled(bool(self.out.any()))
        for at, chip in enumerate(self.chips):
            chip.setChecked(bool(self.out[at].all()))
        self._show_errors(toy, damaged)

    def _begin(self, toy: Toy) -> None:
        """A toy of another shape: nothing is taken out of it."""
        self.out = np.zeros(toy.W.shape, dtype=bool)
        for chip in self.chips:
            self._chips_row.removeWidget(chip)
            chip.deleteLater()
        self.chips = []
        for at in range(len(toy.W)):
            chip = QPushButton(f"dimension {at}" if len(toy.W) <= 4 else str(at))
            chip.setProperty("chip", True)
            chip.setCheckable(True)
            chip.setAccessibleName(f"Take dimension {at} out")
            chip.setToolTip(f"Take dimension {at} out, or put it back")
            chip.clicked.connect(lambda _, at=at: self.take_out(at, -1))
            self.chips.append(chip)
            self._chips_row.addWidget(chip)
        features = np.arange(len(toy.b))
        self.errors.clear_all()
        self.errors.name_ticks("bottom", [(at, str(at)) for at in features.tolist()])
        self._bars = [
            self.errors.bars(features + shift, 0.0 * features, ink, width=0.36)
            for shift, ink in ((-0.19, "hidden"), (0.19, "mark_ink"))
        ]

    def _show_state(self) -> None:
        trainer = self._trainer
        if trainer.is_busy or trainer.toy is None:
            self.state.setText(f"Training, step {trainer.step:,} of {trainer.setting.steps:,}.")
            return
        n = int(self.out.sum())
        share = f"{n} of {self.out.size} weights are taken out" if n else "Nothing is taken out yet"
        self.state.setText(f"{len(trainer.toy.b)} features in {dimensions(len(trainer.toy.W))}. {share}.")

    def _show_errors(self, toy: Toy, damaged: Toy) -> None:
        before, after = errors(toy), errors(damaged)
        for bars, values in zip(self._bars, (before, after), strict=True):
            bars.setOpts(height=values)
        worst = int((after - before).argmax())
        self.titles["weights"].setText("W: what is taken out is crossed out")
        self.titles["before"].setText(f"Before: {toy.represented.sum()} features are represented")
        self.titles["after"].setText(f"After: {damaged.represented.sum()} features are represented")
        said = f"Feature {worst} suffers most: its error goes from {before[worst]:.2g} to {after[worst]:.2g}"
        if not self.out.any():
            said = f"The largest mean squared error is {before.max():.2g}, of feature {int(before.argmax())}"
        self.titles["errors"].setText(f"{said} (grey before, ink after)")

    def _tell_weight(self, row: int, column: int) -> None:
        toy = self._trainer.toy
        if toy is None or row < 0 or column < 0:
            self.readout.setText(HINT)
        else:
            self.readout.setText(f"Dimension {row}, feature {column}: {signed(float(toy.W[row, column]))}.")

    def _tell_feature(self, feature: int) -> None:
        toy = self._trainer.toy if self.sender() is self.before else self.damaged
        self.readout.setText(HINT if toy is None or feature < 0 else feature_words(toy, feature))


def without(toy: Toy, out: Bool[ndarray, "dimension feature"]) -> Toy:
    """``toy`` with the weights ``out`` set to nought."""
    return replace(toy, W=np.where(out, 0.0, toy.W))
