"""Viewport: which part of a layout the canvas shows, and the map between the two."""

from __future__ import annotations

from dataclasses import dataclass, replace

from explorer.circuits.graph import Floats
from explorer.session.layout import AXIS, BIAS_AXIS, OUTPUT, RIGHT, TOKEN_ROW, Layout

MOST = 24.0  # enlargement of a whole drawing that fits


@dataclass(frozen=True)
class Viewport:
    """``screen = place * scale + offset`` on each axis, for places of a layout of detail 1.

    ``fit_x`` and ``fit_y`` (at most 1) are the scales at which the whole drawing fits. ``zoom`` 1 shows all of
    it; an axis that had to be squeezed grows alone until it is at full size, then both grow together.
    """

    fit_x: float = 1.0
    fit_y: float = 1.0
    zoom: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    @property
    def scale_x(self) -> float:
        return self._scale(self.fit_x)

    @property
    def scale_y(self) -> float:
        return self._scale(self.fit_y)

    @property
    def scale(self) -> float:
        """The smaller of the two scales: how much room marks have."""
        return min(self.scale_x, self.scale_y)

    @property
    def full_size(self) -> float:
        """The zoom at which no axis is squeezed."""
        return 1.0 / min(self.fit_x, self.fit_y)

    def x(self, place: Floats, detail: float = 1.0) -> Floats:
        return place * (self.scale_x / detail) + self.dx

    def y(self, place: Floats, detail: float = 1.0) -> Floats:
        return place * (self.scale_y / detail) + self.dy

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The place of a layout of detail 1 that is seen at a point."""
        return (x - self.dx) / self.scale_x, (y - self.dy) / self.scale_y

    def panned(self, dx: float, dy: float) -> Viewport:
        return replace(self, dx=self.dx + dx, dy=self.dy + dy)

    def zoomed(self, factor: float, x: float, y: float) -> Viewport:
        """Enlarged by ``factor`` with what is at a point staying there."""
        place_x, place_y = self.place(x, y)
        new = replace(self, zoom=min(max(self.zoom * factor, 1.0), MOST * self.full_size))
        return replace(new, dx=x - place_x * new.scale_x, dy=y - place_y * new.scale_y)

    def _scale(self, fit: float) -> float:
        if fit * self.zoom <= 1.0:
            return fit * self.zoom
        return max(1.0, self.zoom * min(self.fit_x, self.fit_y))


def fit(layout: Layout, width: float, height: float) -> Viewport:
    """All of ``layout`` in ``width`` by ``height``; what frames it (axis, outputs, tokens) is not squeezed."""
    left = float(layout.columns[0])
    top, bottom = OUTPUT, layout.height - layout.token_y + TOKEN_ROW / 2
    fit_x = min(1.0, (width - left - RIGHT) / max(layout.width - left - RIGHT, 1.0))
    fit_y = min(1.0, (height - top - bottom) / max(layout.height - top - bottom, 1.0))
    fit_x, fit_y = max(fit_x, 0.002), max(fit_y, 0.05)
    return Viewport(fit_x, fit_y, 1.0, left * (1 - fit_x), top * (1 - fit_y))


def kept_inside(viewport: Viewport, layout: Layout, width: float, height: float) -> Viewport:
    """``viewport`` moved as little as needed for the drawing to fill the view, or to start where it fits."""
    if viewport.zoom <= 1.0:
        return fit(layout, width, height)
    detail = layout.detail
    left, right = layout.columns[0] / detail, layout.width / detail
    axis = AXIS + (BIAS_AXIS if layout.columns[0] / detail > AXIS else 0.0)
    dx = _bounded(viewport.dx, axis - left * viewport.scale_x, width - right * viewport.scale_x)
    foot = layout.height / detail
    dy = _bounded(viewport.dy, 0.0, height - foot * viewport.scale_y)
    return replace(viewport, dx=dx, dy=dy)


def _bounded(value: float, start: float, end: float) -> float:
    return min(start, max(value, end)) if end < start else start
