"""FigureView: a figure drawn in a widget, by the same code that exports it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.session.figure import Figure
from explorer.session.theme import Theme
from explorer.ui.widgets.look import current_theme, text_scale

Draw = Callable[[Theme, float, float], Figure | None]


class FigureView(QWidget):
    """Paints what ``draw`` makes of theme, width and height; ``pressed`` is where, in the figure's pixels."""

    pressed = Signal(float, float)

    def __init__(self, name: str, draw: Draw, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draw = draw
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def size_of_figure(self) -> tuple[float, float]:
        """Its width and height; a larger text makes it smaller, so that its words grow too."""
        return self.width() / text_scale(), self.height() / text_scale()

    def paintEvent(self, event: QPaintEvent) -> None:
        from explorer.ui.export import paint  # only when a figure is shown: a window opens faster without

        figure = self._draw(current_theme(), *self.size_of_figure)
        if figure is None:
            return
        self.setAccessibleDescription(figure.summary)
        with QPainter(self) as painter:
            painter.scale(text_scale(), text_scale())
            paint(figure, painter)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position() / text_scale()
        self.pressed.emit(place.x(), place.y())
