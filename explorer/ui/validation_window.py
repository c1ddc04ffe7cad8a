"""The window of the validation: its panel, beside the graph, and what it writes to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout

from explorer.io.validation_csv import write_csv, write_layers_csv
from explorer.session.figure import Figure
from explorer.session.figure_validation import effects_figure, layers_figure
from explorer.session.theme import PRINT, Theme
from explorer.session.validation import Validation
from explorer.ui.panels.validation import JOB, ValidationPanel
from explorer.ui.widgets.look import px

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow

EDGE = 40  # of the window that stays in sight
Table = Callable[[Validation, Path], None]
TABLES = "Tables (*.csv)"
FIGURES = "SVG pictures (*.svg);;PDF documents (*.pdf);;PNG pictures (*.png)"


class ValidationWindow(QDialog):
    """Not modal: what is chosen in it is chosen in the graph. Closing it stops the run, which can be resumed."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.setWindowTitle("Validation")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.panel = ValidationPanel(window.document, window.engine)
        self.panel.export_asked.connect(self._export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self.resize(min(px(1020), window.width() - EDGE), min(px(640), window.height() - EDGE))

    def done(self, result: int) -> None:
        self._window.engine.cancel(JOB)
        super().done(result)

    def _export(self, what: str) -> None:
        title, suffix, kinds, write = {
            "table": ("Export the table", ".csv", TABLES, self._write_effects),
            "figure": ("Export the figure", ".svg", FIGURES, self._write_effects),
            "layers": ("Export the layers", ".csv", f"{TABLES};;{FIGURES}", self._write_layers),
        }[what]
        self._window.files.ask_to_write(title, suffix, kinds, write)

    def _write_effects(self, path: Path) -> None:
        self._write(path, write_csv, effects_figure)

    def _write_layers(self, path: Path) -> None:
        self._write(path, write_layers_csv, layers_figure)

    def _write(self, path: Path, table: Table, figure: Callable[[Validation, Theme], Figure]) -> None:
        from explorer.ui.export import write_figure  # only when asked for: a window opens faster without

        found = self.panel.found
        if found is None:
            return
        if path.suffix.lower() == ".csv":
            table(found, path)
        else:
            write_figure(figure(found, PRINT), path)
        self._window.status.say(f"Exported “{path.name}”.")
