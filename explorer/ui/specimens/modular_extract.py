"""RestrictedView: what the key waves of a + b do alone, what is left without them, and one sum as waves."""

from __future__ import annotations

from numpy import ndarray
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from explorer.shapes import Float
from explorer.ui.specimens.modular_curves import Curve, CurvePlot
from explorer.ui.specimens.modular_model import ModularModel
from explorer.ui.specimens.modular_parts import PartsTable, part_words
from explorer.ui.specimens.modular_probe import SumProbe
from explorer.ui.specimens.page import Heading, titled, words
from explorer.ui.widgets.scaling import at_least

LOSS = 1.0  # below which a curve counts as low
CURVES = (
    Curve("train_loss", "pairs trained on", "text"),
    Curve("test_loss", "other pairs", "select"),
    Curve("restricted_loss", "restricted", "select", dashed=True),
    Curve("excluded_loss", "excluded", "text", dashed=True),
)
HINT = "Restricted: the logits with nothing but the key waves of a + b. Excluded: the logits without them."


class RestrictedView(QWidget):
    """Restricted and excluded loss as a table with bars and over training; below, the logits of one sum."""

    def __init__(self, model: ModularModel, a: int, b: int) -> None:
        super().__init__()
        self._model = model
        self.readout = words(HINT, "caption")
        self.table = PartsTable("Right answers and loss of the parts of the logits")
        self.curves = CurvePlot("Losses while training", model.history, CURVES, is_loss=True)
        self.probe = SumProbe(model, a, b)
        self.titles = {name: Heading() for name in ("table", "curves")}
        self._lay_out()
        self.titles["curves"].setText(ahead_words(model.history))
        for signal in (self.curves.told, self.probe.told):
            signal.connect(self._tell)
        self.table.pointed.connect(self._tell_part)
        model.arrived.connect(self._show)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._model.need(parts=True)
        self._show()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        at_least(self.table, height=196)
        grid.addWidget(titled(self.titles["table"], self.table), 0, 0)
        grid.addWidget(titled(self.titles["curves"], self.curves), 0, 1)
        grid.addWidget(self.probe, 1, 0, 1, 2)
        for at in range(2):
            grid.setColumnStretch(at, 1)
            grid.setRowStretch(at, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(grid, 1)
        layout.addWidget(self.readout)

    def _show(self) -> None:
        parts = self._model.parts
        if parts is None:
            self.titles["table"].setText(f"Adding all {self._model.p**2:,} pairs and taking waves out…")
        elif not self.table.model().rowCount():
            self.table.show_parts(parts)
            alone, without = (100 * parts[name].accuracy for name in ("restricted", "excluded"))
            self.titles["table"].setText(f"The key waves alone add {alone:.1f} % right, all the rest {without:.1f} %")

    def _tell(self, text: str) -> None:
        self.readout.setText(text or HINT)

    def _tell_part(self, at: int) -> None:
        parts = self._model.parts
        self._tell("" if parts is None or at < 0 else part_words(*list(parts.items())[at]))


def ahead_words(history: dict[str, Float[ndarray, "step"]]) -> str:
    """How long before the other pairs the restricted loss falls: the waves are there before they show."""
    restricted, others = (_low_from(history, name) for name in ("restricted_loss", "test_loss"))
    if restricted is None or others is None:
        return "Restricted and excluded loss while training"
    return (
        f"The waves come early: restricted loss is below {LOSS:g} from step {restricted:,.0f}, "
        f"that on other pairs from {others:,.0f}"
    )


def _low_from(history: dict[str, Float[ndarray, "step"]], column: str) -> float | None:
    low = history["step"][history[column] < LOSS]
    return float(low[0]) if len(low) else None
