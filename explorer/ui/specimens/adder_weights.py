"""WeightsView: every weight of the adder, the seven dimensions of its stream below each other throughout."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from explorer.specimens.network import Network
from explorer.ui.specimens.page import titled, words
from explorer.ui.widgets.heat_map import HeatMap
from explorer.ui.widgets.look import px, signed
from explorer.ui.widgets.scaling import on_text_size

SMALLEST, LARGEST = 14, 19  # of a cell
GAP = 14
LINES = (("tokens", "positions"), ("norm 1", "query", "key", "value", "output"), ("norm 2", "up", "down", "last norm"))
TOLD = {
    "tokens": "the token “{column}”, as it is read and as it is said",
    "positions": "position {column}",
    "norm 1": "the {column} of the norm before attention",
    "query": "number {column} of the query",
    "key": "number {column} of the key",
    "value": "number {column} of the value",
    "output": "number {column} of what was gathered",
    "norm 2": "the {column} of the norm before the neurons",
    "up": "what neuron {column} reads",
    "down": "what neuron {column} writes",
    "last norm": "the {column} of the norm before the output",
}


def matrices(network: Network) -> dict[str, NDArray[np.floating]]:
    """All weights as matrices [dimension of the stream, ...], by the names of ``LINES``."""
    weights = network.weights
    block = "blocks.0"
    turned = {part: weights[f"{block}.attention.{part}.weight"].T for part in ("query", "key", "value")}
    return {
        "tokens": weights["embed.weight"].T,
        "positions": weights["positions.weight"].T,
        "norm 1": _norm(weights, f"{block}.attention_norm"),
        **turned,
        "output": weights[f"{block}.attention.output.weight"],
        "norm 2": _norm(weights, f"{block}.mlp_norm"),
        "up": weights[f"{block}.mlp.up.weight"].T,
        "down": weights[f"{block}.mlp.down.weight"],
        "last norm": _norm(weights, "final_norm"),
    }


class WeightsView(QWidget):
    """A heat map for each matrix, each with its own full colour; ``told`` says the cell that is looked at."""

    told = Signal(str)

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.maps: dict[str, _Exact] = {}
        held = matrices(network)
        counts = [str(held[name].size) for line in LINES for name in line]
        self.title = f"Every weight: {' + '.join(counts)} = {sum(map(int, counts))}"
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for line in LINES:
            row = QHBoxLayout()
            row.setSpacing(GAP)
            for name in line:
                row.addWidget(self._part(name, held[name], network), 0, Qt.AlignmentFlag.AlignTop)
            row.addStretch(1)
            layout.addLayout(row)
        on_text_size(self, self._measure)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()

    def _measure(self) -> None:
        n_columns = self.maps["tokens"].values.shape[1] + self.maps["positions"].values.shape[1]
        side = (self.width() - GAP - 4) // n_columns
        for shown in self.maps.values():
            shown.set_side(min(max(side, px(SMALLEST)), px(LARGEST)))

    def _part(self, name: str, values: NDArray[np.floating], network: Network) -> QWidget:
        n_rows, n_columns = values.shape
        columns = network.tokens if name == "tokens" else ("scale", "shift") if "norm" in name else ()
        shown = _Exact(f"{name}: {n_rows} by {n_columns} weights")
        shown.setToolTip(f"{name[0].upper()}{name[1:]}: {TOLD[name].format(column='…')}")
        shown.show_values(values, has_sign=True)
        named = [*columns] or [str(at) for at in range(n_columns)]
        self.maps[name] = shown
        for signal in (shown.hovered, shown.chosen):
            signal.connect(partial(self._tell, name, values, named))
        label = words(f"{name}\n{n_rows} × {n_columns} = {values.size}", "caption")
        label.setWordWrap(False)
        return titled(label, shown)

    def _tell(self, name: str, values: NDArray[np.floating], named: list[str], row: int, column: int) -> None:
        if min(row, column) < 0:
            self.told.emit("")
            return
        what = TOLD[name].format(column=named[column])
        self.told.emit(f"{name}: dimension {row}, {what}: {signed(float(values[row, column]))}.")


class _Exact(HeatMap):
    """As large as its cells."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._side = px(SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_side(self, side: int) -> None:
        self._side = side
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(*(self._side * n + 2 for n in self.values.shape[::-1]))

    def minimumSizeHint(self) -> QSize:
        return QSize(*(px(SMALLEST) * n + 2 for n in self.values.shape[::-1]))


def _norm(weights: Mapping[str, NDArray[np.floating]], name: str) -> NDArray[np.floating]:
    """Scale and shift side by side."""
    return np.stack([weights[f"{name}.weight"], weights[f"{name}.bias"]], 1)
