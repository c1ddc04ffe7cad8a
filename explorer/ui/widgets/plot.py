"""Plot: curves, points and bars over two axes, by pyqtgraph, in the colours and fonts of the theme."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pyqtgraph as pg
from numpy.typing import ArrayLike
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QSizePolicy

from explorer.session.theme import Theme
from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.scaling import at_least

Draw = Callable[[Theme], None]
APART = 44  # px between the middles of a logarithmic axis's numbers


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """Colours are names of the theme's tokens (``text``, ``sign_raise``); what was drawn follows a change of theme.

    It pans and zooms under the mouse; a double click shows all again. A logarithmic ``x`` takes positive values.
    """

    def __init__(self, name: str, x: str, y: str, *, log_x: bool = False) -> None:
        super().__init__(background=None, axisItems={"bottom": _Powers("bottom")} if log_x else None)
        self.setAccessibleName(name)
        self._labels = {"bottom": x, "left": y}
        self._drawn: list[Draw] = []
        self._dressed: tuple[Theme, int] | None = None
        self.getPlotItem().setMenuEnabled(False)
        self.getPlotItem().hideButtons()
        self.getPlotItem().setLogMode(x=log_x)
        for side in self._labels:  # before there is a label: with one it would keep the scale of the moment
            self.getAxis(side).enableAutoSIPrefix(False)
        self.legend = self.addLegend(offset=(-8, 8))
        self.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self.setStyleSheet("background: transparent")  # the ground is whatever it lies on
        self._dress()

    def sizeHint(self) -> QSize:
        return QSize(px(240), px(150))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(140), px(100))

    def flex(self, width: int = 160, height: int = 110) -> None:
        """Take what room there is, but no less than this; the height grows with the text."""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.setMinimumWidth(width)
        at_least(self, height=height)

    def clear_all(self) -> None:
        """Take everything out that was drawn."""
        self._drawn.clear()
        self.legend.clear()
        self.getPlotItem().clear()

    def line(
        self, x: ArrayLike, y: ArrayLike, ink: str, name: str | None = None, *, width: float = 2, dashed: bool = False
    ) -> Any:
        """A curve; what is returned takes new values by setData(x, y)."""
        curve = self.plot(x, y, name=name)
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        self._draw(lambda theme: curve.setPen(pg.mkPen(getattr(theme, ink), width=width, style=style)))
        return curve

    def points(self, x: ArrayLike, y: ArrayLike, ink: str, name: str | None = None, size: int = 8) -> Any:
        """Dots; what is returned takes new values by setData(x, y)."""
        dots = self.plot(x, y, name=name, pen=None, symbol="o", symbolSize=size)

        def draw(theme: Theme) -> None:
            dots.setSymbolBrush(color(getattr(theme, ink)))
            dots.setSymbolPen(color(theme.surface_panel))

        self._draw(draw)
        return dots

    def bars(self, x: ArrayLike, height: ArrayLike, ink: str, *, width: float = 0.7) -> Any:
        """Bars from nought; what is returned takes new values by setOpts(height=...)."""
        bars = pg.BarGraphItem(x=x, height=height, width=width)
        self.addItem(bars)
        self._draw(lambda theme: bars.setOpts(brush=color(getattr(theme, ink)), pen=pg.mkPen(None)))
        return bars

    def across(self, y: float, ink: str = "line_strong") -> Any:
        """A dashed line at the height ``y``."""
        line = pg.InfiniteLine(y, angle=0)
        self.addItem(line)
        self._draw(lambda theme: line.setPen(pg.mkPen(getattr(theme, ink), style=Qt.PenStyle.DashLine)))
        return line

    def down(self, x: float, ink: str = "select", *, movable: bool = False) -> Any:
        """A line at ``x`` (its exponent on a logarithmic axis), which the hand may drag if it is ``movable``."""
        line = pg.InfiniteLine(x, angle=90, movable=movable)
        self.addItem(line)
        self._draw(lambda theme: line.setPen(pg.mkPen(getattr(theme, ink), width=1.5)))
        return line

    def name_ticks(self, axis: str, names: Sequence[tuple[float, str]]) -> None:
        """Words instead of numbers at the ``bottom`` or ``left`` axis."""
        self.getAxis(axis).setTicks([list(names)])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and hasattr(self, "_drawn"):
            self._dress()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        self.getPlotItem().enableAutoRange()

    def _draw(self, draw: Draw) -> None:
        self._drawn.append(draw)
        self.legend.setVisible(bool(self.legend.items))
        draw(current_theme())

    def _dress(self) -> None:
        """Look as the theme and the text size have it, if they have changed: most changes of style are none."""
        theme = current_theme()
        look = theme, font("caption").pixelSize()
        if look == self._dressed:
            return
        self._dressed = look
        for side, text in self._labels.items():
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(theme.line_strong))
            axis.setTextPen(pg.mkPen(theme.text_2))
            axis.setStyle(tickFont=font("caption"))
            style = {"color": theme.text_2, "font-size": f"{font('caption').pixelSize()}px"}
            axis.setLabel(text, **style)
        self.legend.setVisible(bool(self.legend.items))
        self.legend.setBrush(color(theme.surface_panel, 0.85))
        self.legend.setLabelTextColor(theme.text)
        self.legend.setLabelTextSize(f"{font('caption').pixelSize()}px")
        for _, label in self.legend.items:
            label.setText(label.text)  # which alone looks at colour and size
        self.legend.updateSize()
        for draw in self._drawn:
            draw(theme)


class _Powers(pg.AxisItem):  # type: ignore[misc]
    """A logarithmic axis that writes each power of ten as a plain number, and 2 and 5 times it if there is room."""

    def logTickValues(self, low: float, high: float, size: float, *_: Any) -> list[tuple[float | None, list[float]]]:
        powers = range(math.floor(low), math.ceil(high) + 1)
        has_room = math.log10(2) * size >= px(APART) * (high - low)  # from 1 to 2, the narrowest gap
        steps = (1, 2, 5) if has_room else (1,)
        at = [power + math.log10(step) for power in powers for step in steps]
        return [(None, [value for value in at if low <= value <= high])]

    def logTickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [f"{10**value:,.4g}" if value < 3 else f"{round(10**value):,}" for value in values]
