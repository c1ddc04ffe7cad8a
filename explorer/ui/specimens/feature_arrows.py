"""FeatureArrows: how the features of a toy lie in its dimensions, as arrows from one point."""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from explorer.session.theme import Theme
from explorer.shapes import Float
from explorer.specimens.superposition import REPRESENTED, Toy
from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS
from explorer.ui.widgets.look import current_theme, font, px

REACH = 1.3  # length at the edge, if none is longer
NEAR = 14  # px from an arrow's tip within which the mouse means it
HEAD, HEAD_WIDTH = 7.0, 3.0


class FeatureArrows(QWidget):
    """Arrows in the plane of the two dimensions, or of the two principal axes if there are more.

    A dashed line joins antipodal pairs, an outline the corners of a regular figure. ``hovered`` and ``pressed`` tell
    a feature, ``hovered`` -1 for none; the arrow keys go through them. A ``bare`` one is a small picture only.
    """

    hovered = Signal(int)
    pressed = Signal(int)

    def __init__(self, name: str, *, bare: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._bare = bare
        self.setMouseTracking(not bare)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if bare else Qt.FocusPolicy.StrongFocus)
        self.toy: Toy | None = None
        self.current = -1

    def show_toy(self, toy: Toy) -> None:
        self.toy = toy
        self.current = min(self.current, len(toy.b) - 1)
        self._tips = plane(toy)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(64), px(64)) if self._bare else QSize(px(200), px(160))

    def minimumSizeHint(self) -> QSize:
        return QSize(px(48), px(48)) if self._bare else QSize(px(140), px(130))

    def tip(self, feature: int) -> QPointF:
        """Where the arrow of a feature ends."""
        x, y = self._tips[:, feature]
        return QPointF(self.width() / 2 + x * self._scale, self.height() / 2 - y * self._scale)

    @property
    def _scale(self) -> float:
        """Pixels for the length 1."""
        edge = 3 if self._bare else px(14)
        return (min(self.width(), self.height()) / 2 - edge) / max(REACH, float(abs(self._tips).max()))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.toy is None:
            return
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_ground(painter, theme)
            self._draw_shape(painter, theme, self.toy)
            for feature in range(len(self.toy.b)):
                self._draw_arrow(painter, theme, feature)
            if not self._bare:
                self._write_names(painter, theme)
            if self.hasFocus():
                painter.setPen(QPen(color(theme.select), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)

    def _draw_ground(self, painter: QPainter, theme: Theme) -> None:
        centre, radius = QPointF(self.width() / 2, self.height() / 2), self._scale
        painter.setPen(QPen(color(theme.line), 1))
        painter.drawEllipse(centre, radius, radius)
        if not self._bare:
            painter.drawLine(centre - QPointF(radius, 0), centre + QPointF(radius, 0))
            painter.drawLine(centre - QPointF(0, radius), centre + QPointF(0, radius))

    def _draw_shape(self, painter: QPainter, theme: Theme, toy: Toy) -> None:
        """What the geometry is named for."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if toy.geometry == "pentagon" or toy.geometry.startswith("regular"):
            there = np.flatnonzero(toy.represented)
            around = there[np.argsort(np.arctan2(self._tips[1, there], self._tips[0, there]))]
            painter.setBrush(color(theme.select, 0.1))
            painter.setPen(QPen(color(theme.select), 1))
            painter.drawPolygon(QPolygonF([self.tip(int(at)) for at in around]))
        painter.setPen(QPen(color(theme.select, 0.3), 4 if self._bare else 6))
        for one, other in toy.antipodal:
            painter.drawLine(self.tip(one), self.tip(other))

    def _draw_arrow(self, painter: QPainter, theme: Theme, feature: int) -> None:
        ink = color(self._ink(theme, feature))
        centre, tip = QPointF(self.width() / 2, self.height() / 2), self.tip(feature)
        along = tip - centre
        length = float(np.hypot(along.x(), along.y()))
        painter.setPen(QPen(ink, 1.2 if self._bare else 2.5 if feature == self.current else 1.6))
        painter.setBrush(ink)
        painter.drawLine(centre, tip)
        if self._bare or length < HEAD:
            painter.drawEllipse(tip, 1.6, 1.6)
            return
        along /= length
        across = QPointF(-along.y(), along.x())
        back = tip - along * HEAD
        painter.drawPolygon(QPolygonF([tip, back + across * HEAD_WIDTH, back - across * HEAD_WIDTH]))

    def _ink(self, theme: Theme, feature: int) -> str:
        if feature == self.current:
            return theme.select
        assert self.toy is not None
        return theme.mark_ink if self.toy.represented[feature] else theme.hidden

    def _write_names(self, painter: QPainter, theme: Theme) -> None:
        """The number of each represented feature behind its tip, where there is room."""
        painter.setFont(font("caption"))
        taken: list[QRectF] = []
        assert self.toy is not None
        for feature in np.argsort(-self.toy.length).tolist():
            x, y = self._tips[:, feature]
            length = float(np.hypot(x, y))
            if length < REPRESENTED and feature != self.current:
                continue
            out = self.tip(feature) + QPointF(x, -y) / max(length, 1e-9) * px(9)
            box = QRectF(out.x() - px(9), out.y() - px(7), px(18), px(14))
            if not any(box.intersects(other) for other in taken):
                taken.append(box)
                painter.setPen(color(theme.select if feature == self.current else theme.text_2))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(feature))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point_at(self._under(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        feature = self._under(event.position())
        if self._bare:
            event.ignore()
        elif feature >= 0:
            self.pressed.emit(feature)

    def leaveEvent(self, event: QEvent) -> None:
        if not self._bare:
            self._point_at(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        if self.toy is None or (direction is None and event.key() != Qt.Key.Key_Space):
            super().keyPressEvent(event)
        elif direction is not None:
            self._point_at((self.current + sum(direction)) % len(self.toy.b))
        elif self.current >= 0:
            self.pressed.emit(self.current)

    def _point_at(self, feature: int) -> None:
        if feature != self.current:
            self.current = feature
            self.update()
            self.hovered.emit(feature)

    def _under(self, at: QPointF) -> int:
        """The feature whose arrow ends nearest to a point; -1 if none does."""
        if self.toy is None:
            return -1
        ends = [self.tip(feature) - at for feature in range(len(self.toy.b))]
        distance = np.array([np.hypot(end.x(), end.y()) for end in ends])
        return int(distance.argmin()) if distance.min() <= px(NEAR) else -1


def plane(toy: Toy) -> Float[ndarray, "2 feature"]:
    """The features in the plane that is drawn: their two dimensions, or the two principal axes of more."""
    if len(toy.W) <= 2:
        return np.vstack([toy.W, np.zeros((2 - len(toy.W), len(toy.b)))])
    axes = np.linalg.svd(toy.W, full_matrices=False)[0][:, :2]
    largest = axes[abs(axes).argmax(0), np.arange(2)]
    result: ndarray = (axes * np.sign(largest)).T @ toy.W
    return result


def share_in_plane(toy: Toy) -> float:
    """The share of the features' squared lengths that the plane shows."""
    return float((plane(toy) ** 2).sum() / max(float((toy.W**2).sum()), 1e-12))
