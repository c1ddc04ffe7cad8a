"""DensitiesView: how many features a toy represents the rarer they are, and how they lie."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from explorer.specimens.superposition import DENSITIES, Toy
from explorer.ui.specimens.feature_arrows import FeatureArrows
from explorer.ui.specimens.page import titled, words
from explorer.ui.specimens.superposition_controls import ToyControls
from explorer.ui.specimens.superposition_read import dimensions
from explorer.ui.specimens.superposition_trainer import Trainer
from explorer.ui.widgets.plot import Plot
from explorer.ui.widgets.scaling import at_least

IN_A_ROW = 5


class DensitiesView(QWidget):
    """All densities trained at once; ``opened`` tells that one was put on show."""

    opened = Signal()

    def __init__(self, trainer: Trainer) -> None:
        super().__init__()
        self._trainer, self._n_shown = trainer, 0
        self.controls = ToyControls(trainer, with_density=False)
        self.state, self.title = words("", "section"), words("", "section")
        self.plot = Plot("Features represented against density", "density, rarer to the right", "features", log_x=True)
        self.tiles = [_Tile(density) for density in DENSITIES]
        self.plot.getViewBox().invertX(True)
        self._curve = self.plot.line([], [], "text")
        self._dots = self.plot.points([], [], "text", size=10)
        self._dots.sigPointsClicked.connect(lambda _, points: self.open_density(_nearest(10 ** points[0].pos().x())))
        self._room = self.plot.across(0.0)
        self._lay_out()
        for at, tile in enumerate(self.tiles):
            tile.clicked.connect(lambda _=False, at=at: self.open_density(at))
        trainer.trained.connect(self._show)
        trainer.asked.connect(self._show_state)

    def open_density(self, at: int) -> None:
        """Show the toy of a density in Read."""
        if self._trainer.toys:
            self._trainer.take(at)
            self.opened.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._trainer.need(many=True)
        self._show()

    def _lay_out(self) -> None:
        self.plot.flex(200, 140)
        pictures = QWidget()
        grid = QGridLayout(pictures)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        for at, tile in enumerate(self.tiles):
            grid.addWidget(tile, at // IN_A_ROW, at % IN_A_ROW)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.controls)
        layout.addLayout(self.controls.beside(self.state))
        layout.addWidget(titled(self.title, self.plot), 1)
        layout.addWidget(titled("Their geometry, rarer from left to right: a click shows it in Read", pictures), 1)

    def _show(self) -> None:
        self._show_state()
        toys = self._trainer.toys
        if not toys or not self.isVisible():
            return
        n = [int(toy.represented.sum()) for toy in toys]
        for drawn in (self._curve, self._dots):
            drawn.setData(np.array(DENSITIES), np.array(n, dtype=float))
        self._room.setValue(len(toys[0].W))
        self.plot.setYRange(0, len(toys[0].b) + 0.5)
        self._n_shown += 1
        for at, (tile, toy) in enumerate(zip(self.tiles, toys, strict=True)):
            if not self._trainer.is_busy or (at + self._n_shown) % 2:  # half of them at a time: all are slow to draw
                tile.show_toy(toy)
        names = list(dict.fromkeys(toy.geometry for toy in toys if toy.geometry))
        self.title.setText(
            f"From {n[0]} features at density {DENSITIES[0]:g} to {n[-1]} at {DENSITIES[-1]:g}, in "
            f"{dimensions(len(toys[0].W))} (dashed){': ' if names else ''}{', then '.join(names)}"
        )

    def _show_state(self) -> None:
        trainer = self._trainer
        busy = f"Training all {len(DENSITIES)}, step {trainer.step:,} of {trainer.setting.steps:,}."
        starts = "one start each" if trainer.starts == 1 else f"the best of {trainer.starts} starts each"
        done = f"All {len(DENSITIES)} densities are trained, {starts}."
        self.state.setText(busy if trainer.is_busy else done if trainer.toys else "")


class _Tile(QPushButton):
    """A toy drawn small, with its density, how many features it represents and the name of their shape."""

    def __init__(self, density: float) -> None:
        super().__init__()
        self._density = density
        self._arrows = FeatureArrows(f"The features at density {density:g}", bare=True)
        self.said = QLabel()
        self.said.setProperty("role", "caption")
        self.said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 6, 4, 6)
        layout.setSpacing(2)
        layout.addWidget(self._arrows, 1)
        layout.addWidget(self.said)
        for part in (self._arrows, self.said):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        at_least(self, height=104)

    def show_toy(self, toy: Toy) -> None:
        self._arrows.show_toy(toy)
        n = int(toy.represented.sum())
        self.said.setText(f"{self._density:g}: {n}\n{toy.geometry or 'no named shape'}")
        self.setAccessibleName(f"Density {self._density:g}: {n} features, {toy.geometry or 'no named shape'}")
        self.setToolTip(f"Show the toy of density {self._density:g} in Read")


def _nearest(density: float) -> int:
    return int(abs(np.log(DENSITIES) - np.log(density)).argmin())
