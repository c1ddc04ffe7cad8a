"""FigurePart: a figure as one of several below each other, as high as what it shows."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.session.figure import Figure
from explorer.session.theme import Theme
from explorer.ui.widgets.figure_view import FigureView
from explorer.ui.widgets.look import current_theme, text_scale
from explorer.ui.widgets.scaling import on_text_size

SLACK = 8  # pixels at the right for texts that are drawn wider than the figure has counted
Part = Callable[[Theme, float], Figure | None]


class FigurePart(FigureView):
    """Paints what ``part`` makes of theme and width; hidden while that is nothing."""

    def __init__(self, name: str, part: Part, parent: QWidget | None = None) -> None:
        super().__init__(name, lambda theme, width, _: part(theme, width - SLACK), parent)
        self._part = part
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        on_text_size(self, self.fit)

    def fit(self) -> None:
        """Take the height of what there is to show now."""
        figure = self._part(current_theme(), self.size_of_figure[0] - SLACK)
        shown = figure is not None and figure.height > 0
        if figure is not None and shown:
            self.setFixedHeight(ceil(figure.height * text_scale()))
            self.setAccessibleDescription(figure.summary)
        self.setVisible(shown)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()
