"""Gallery: pictures of links for the present place, ordered from the painting thread and kept until replaced."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QRect, QRectF
from PySide6.QtGui import QPainter

from explorer.circuits.graph import Floats, Ints
from explorer.ui.canvas.curves import controls
from explorer.ui.canvas.frame import Frame
from explorer.ui.canvas.links import ALPHAS, LinkPainter, Order, Picture
from explorer.ui.canvas.paint import paint_picture
from explorer.ui.canvas.viewport import Viewport

SLACK = 0.25  # of the view's size, painted beyond each side so that a pan shows no gap


class Gallery(QObject):
    """One picture and the order for the next. ``changed`` is called when a picture arrives."""

    def __init__(self, changed: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._changed = changed
        self._number = 0
        self._places: dict[int, tuple[Viewport, QRectF]] = {}
        self._picture: Picture | None = None
        self._painter = LinkPainter(self)
        self._painter.painted.connect(self._take)

    @property
    def is_complete(self) -> bool:
        """Whether the picture is the whole of what was ordered last."""
        picture = self._picture
        return picture is not None and picture.is_complete and picture.number == self._number

    @property
    def shown(self) -> Picture | None:
        """The picture that ``paint`` paints."""
        return self._picture

    @property
    def is_awaited(self) -> bool:
        return self._painter.is_busy

    def order(
        self,
        frame: Frame,
        ends: tuple[Ints, Ints],
        strength: Floats,
        hue: Ints,
        alphas: tuple[float, ...] = ALPHAS,
    ) -> None:
        """Have links from ``ends`` (sources, targets) painted, strongest first."""
        slack_x, slack_y = round(frame.width * SLACK), round(frame.height * SLACK)
        rect = QRect(-slack_x, -slack_y, round(frame.width) + 2 * slack_x, round(frame.height) + 2 * slack_y)
        points = controls(frame.ends, *ends) + np.array([slack_x, slack_y]) * frame.ratio
        self._number += 1
        self._places[self._number] = (frame.viewport, QRectF(rect))
        width, height = round(rect.width() * frame.ratio), round(rect.height() * frame.ratio)
        self._painter.paint(Order(self._number, width, height, points, strength, hue, frame.hues, frame.theme, alphas))

    def paint(self, painter: QPainter, frame: Frame, *, is_faded: bool) -> None:
        if self._picture is not None:
            at = self._places[self._picture.number]
            paint_picture(painter, frame, self._picture, at, is_faded=is_faded)

    def clear(self) -> None:
        """Forget the picture; one that is being painted still arrives only if ordered anew."""
        self._number += 1
        self._picture = None

    def stop(self) -> None:
        self._painter.stop()

    def _take(self, picture: Picture) -> None:
        if picture.number == self._number:
            self._picture = picture
            self._places = {picture.number: self._places[picture.number]}
            self._changed()
