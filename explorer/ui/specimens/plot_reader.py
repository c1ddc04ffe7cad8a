"""PlotReader: reads a plot off at one place after the other, with the mouse or the arrow keys."""

from __future__ import annotations

from typing import Any

from numpy import ndarray
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent

from explorer.shapes import Float
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.plot import Plot

BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class PlotReader(QObject):
    """``pointed`` tells which of the places ``x`` is read, -1 for none; ``pressed`` one that a click or Space took.

    ``x`` is as the axis has it (exponents on a logarithmic one). A line stands where the plot is read.
    """

    pointed = Signal(int)
    pressed = Signal(int)

    def __init__(self, plot: Plot, x: Float[ndarray, "place"]) -> None:
        super().__init__(plot)
        self._plot, self._x = plot, x
        self.current = -1
        self._line = plot.down(float(x[0]), "line_strong")
        self._line.hide()
        plot.scene().sigMouseMoved.connect(self._follow)
        plot.scene().sigMouseClicked.connect(self._click)
        plot.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Leave, QEvent.Type.FocusOut):
            self.point_at(-1)
        if isinstance(event, QFocusEvent) and event.gotFocus() and event.reason() in BY_KEY:
            self.point_at(0)  # so that it is seen where the keys are
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        if direction is not None:
            self.point_at(min(max(self.current + direction[0] - direction[1], 0), len(self._x) - 1))
        elif event.key() == Qt.Key.Key_Space and self.current >= 0:
            self.pressed.emit(self.current)
        else:
            return False
        return True

    def point_at(self, place: int) -> None:
        if place == self.current:
            return
        self.current = place
        self._line.setVisible(place >= 0)
        if place >= 0:
            self._line.setValue(float(self._x[place]))
        self.pointed.emit(place)

    def _follow(self, where: Any) -> None:
        self.point_at(self._under(where))

    def _click(self, event: Any) -> None:
        place = self._under(event.scenePos())
        if place >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit(place)

    def _under(self, where: Any) -> int:
        """The place nearest to a point of the scene; -1 outside of the axes."""
        box = self._plot.getViewBox()
        if not box.sceneBoundingRect().contains(where):
            return -1
        return int(abs(self._x - box.mapSceneToView(where).x()).argmin())
