"""LinkHand: the links of the graph under the mouse: which one is near, and the one that is selected."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.circuits.graph import Floats, Ints
from explorer.session.edge import Edge, edge_of, rows_of_box
from explorer.session.edits import Link, box_key
from explorer.session.overlay import Aligned
from explorer.ui.canvas.curves import controls
from explorer.ui.canvas.frame import Frame
from explorer.ui.canvas.lit import paint_lit
from explorer.ui.document import Document
from explorer.ui.widgets.look import per_cent, signed

NEAR = 5.0  # px
HALO = 5.0  # around the one that is selected
MOST = 1_500  # of the strongest links that are drawn
STEPS = np.linspace(0.0, 1.0, 33)
BASIS = np.stack([(1 - STEPS) ** 3, 3 * STEPS * (1 - STEPS) ** 2, 3 * STEPS**2 * (1 - STEPS), STEPS**3], axis=1)


class LinkHand(QObject):
    """Selects links of a document by a click on ``canvas``, and says what a link is on which the mouse rests."""

    def __init__(self, document: Document, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._document, self._canvas = document, canvas
        self._near: Link | None = None
        canvas.installEventFilter(self)

    def hover(self, frame: Frame | None, point: QPointF | None) -> None:
        """The mouse is at ``point``; None while it is on a mark."""
        near = _link(frame, point)
        if (near is None) != (self._near is None):
            self._canvas.setCursor(Qt.CursorShape.ArrowCursor if near is None else Qt.CursorShape.PointingHandCursor)
        self._near = near

    def click(self, frame: Frame | None, point: QPointF) -> bool:
        """Select the link at a point; False if there is none."""
        link = _link(frame, point)
        if link is not None:
            self._document.select_link(link)
        return link is not None

    def paint(self, painter: QPainter, frame: Frame) -> None:
        """The link that is selected, with its ends ringed; of supernodes the ends are lit anyway."""
        link = self._document.link
        if link is None or not all(box.startswith("node:") for box in link):
            return
        rows = [rows_of_box(frame.scene.view, box).tolist() for box in link]
        if all(rows):
            (target,), (source,) = rows
            painter.save()
            painter.setClipRect(frame.plot)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.strokePath(_way(frame, source, target), QPen(QColor(frame.theme.surface_canvas), HALO))
            painter.restore()
            paint_lit(painter, frame, (source, target), is_path=True)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        view = self._document.view
        if not isinstance(event, QHelpEvent) or self._near is None or view is None or isinstance(view, Aligned):
            return False
        edge = edge_of(view, self._near)
        if edge is not None:
            QToolTip.showText(event.globalPos(), "\n".join(link_words(edge)), self._canvas)
        return edge is not None


def _link(frame: Frame | None, point: QPointF | None) -> Link | None:
    found = link_at(frame, point.x(), point.y()) if frame is not None and point is not None else None
    if frame is None or found is None:
        return None
    source, target = (box_key(frame.graph.key(node)) for node in found)
    return target, source


def link_words(edge: Edge) -> list[str]:
    """What the card of a link says."""
    shares = (f"{per_cent(edge.share_in)} of the target’s input", f"{per_cent(edge.share_out)} of the source’s output")
    return list(filter(None, (edge.label, edge.ends, f"{signed(edge.weight)}, {', '.join(shares)}", edge.note)))


def _way(frame: Frame, source: int, target: int) -> QPainterPath:
    curve = controls(frame.ends, np.array([source]), np.array([target]))[0] / frame.ratio
    start, *rest = (QPointF(x, y) for x, y in curve.tolist())
    path = QPainterPath(start)
    path.cubicTo(*rest)
    return path


def link_at(frame: Frame, x: float, y: float) -> tuple[int, int] | None:
    """Source and target of the drawn link that runs within NEAR px of a place, the nearest.

    While something is selected these are the links of what is selected alone: the others are hardly to be seen.
    """
    if not frame.plot.contains(x, y):
        return None
    source, target = _drawn(frame)
    points = controls(frame.ends, source, target) / frame.ratio
    place = np.array([x, y])
    low, high = points.min(axis=1) - NEAR, points.max(axis=1) + NEAR
    there = np.flatnonzero(((low <= place) & (place <= high)).all(axis=1))
    if not len(there):
        return None
    away = _distance(np.einsum("sk,nkd->nsd", BASIS, points[there]), place)
    nearest = int(np.argmin(away))
    return (int(source[there[nearest]]), int(target[there[nearest]])) if away[nearest] <= NEAR else None


def _drawn(frame: Frame) -> tuple[Ints, Ints]:
    scene = frame.scene
    sides = (scene.inputs, scene.outputs) if scene.selection else (scene.links,)
    source = np.concatenate([side.source[:MOST] for side in sides])
    return source, np.concatenate([side.target[:MOST] for side in sides])


def _distance(ways: Floats, place: Floats) -> Floats:
    """(n) from a place to each of the ways (n, steps, 2) as broken lines."""
    start, step = ways[:, :-1], np.diff(ways, axis=1)
    length = np.maximum((step**2).sum(axis=2), 1e-9)
    part = np.clip(((place - start) * step).sum(axis=2) / length, 0.0, 1.0)
    return np.asarray(np.linalg.norm(start + part[..., None] * step - place, axis=2).min(axis=1))
