"""The curves of links: one cubic each, from the top of the source to the foot of the target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from explorer.circuits.graph import Bools, Floats, Graph, Ints, NodeKind
from explorer.session.layout import RIGHT, Layout
from explorer.ui.canvas.viewport import Viewport

APART = 0.7  # px between lines of a bundle: a little less than their width, or the ground would shine through
BEND = 1.5  # shorter lines near the source, where curves bend most


@dataclass(frozen=True, eq=False)
class Ends:
    """Where marks stand on the screen, in device pixels, and where links meet them."""

    x: Floats
    y: Floats
    top: Floats  # (n_nodes) half height of the mark
    column: Ints
    is_output: Bools


def ends(
    graph: Graph, layout: Layout, viewport: Viewport, mark_scale: float, width: float, ratio: float
) -> Ends:
    """The ends of links of all nodes at a device pixel ratio.

    Outputs hold text, so they are not scaled; they stay above the top layer and inside a view of ``width``.
    """
    outputs = graph.block(NodeKind.LOGIT)
    half = layout.radius * mark_scale
    half[outputs] = layout.pills[:, 3] / 2
    is_output = np.zeros(len(graph), dtype=np.bool_)
    is_output[outputs] = True
    x, y = viewport.x(layout.x, layout.detail), viewport.y(layout.y, layout.detail)
    right, top = layout.columns[-1:] / layout.detail, layout.rows[-1:] / layout.detail
    x[outputs] = np.minimum(viewport.x(right), width - RIGHT) - right + _middle(layout.pills, 0)
    y[outputs] = viewport.y(top) - top + _middle(layout.pills, 1)
    return Ends(
        x * ratio,
        y * ratio,
        half * ratio,
        graph.nodes.pos.astype(np.int64),
        is_output,
    )


def _middle(pills: Floats, axis: int) -> Floats:
    return np.asarray(pills[:, axis] + pills[:, 2 + axis] / 2, dtype=np.float64)


def controls(ends: Ends, source: Ints, target: Ints) -> Floats:
    """(n, 4, 2) control points. Links within a column bow to the left."""
    x0, y0 = ends.x[source], ends.y[source] - ends.top[source]
    x1, y1 = ends.x[target], ends.y[target] + ends.top[target]
    dx, dy = x1 - x0, y0 - y1
    rise = np.maximum(dy, 0.0)
    bow = (ends.column[source] == ends.column[target]) & ~ends.is_output[target]
    out = np.where(bow, np.minimum(10.0 + 0.16 * rise, 60.0), 0.0)
    upright = ends.is_output[target]
    points = np.empty((len(source), 4, 2))
    points[:, 0, 0], points[:, 0, 1] = x0, y0
    points[:, 1, 0], points[:, 1, 1] = x0 - out, y0 - np.where(bow, 0.4, 0.5) * rise
    points[:, 2, 0] = np.where(bow, x1 - out, x1 - np.where(upright, 0.0, 0.3) * dx)
    points[:, 2, 1] = y1 + np.where(bow | upright, 0.4, 0.25) * rise
    points[:, 3, 0], points[:, 3, 1] = x1, y1
    return points


def lines(points: Floats, n_segments: int) -> Floats:
    """(n * n_segments, 4) the curves as straight lines x1 y1 x2 y2, C-contiguous for ``drawLines``."""
    curve = _basis(n_segments) @ points
    return np.concatenate([curve[:, :-1], curve[:, 1:]], axis=2).reshape(-1, 4)


@lru_cache(maxsize=64)
def _basis(n_segments: int) -> Floats:
    """(n_segments + 1, 4) how much each control point counts at each end of a segment."""
    t = np.linspace(0.0, 1.0, n_segments + 1)[:, None] ** BEND
    return np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])


def beside(drawn: Floats, width: float) -> Floats:
    """Straight lines (n, 4) as bundles of lines of 1 px that together are ``width`` px wide."""
    along = drawn[:, 2:] - drawn[:, :2]
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    away = np.linspace(-0.5, 0.5, 1 + ceil((width - 1) / APART))[:, None, None] * (width - 1) * np.tile(normal, 2)
    return np.ascontiguousarray((drawn + away).reshape(-1, 4))
