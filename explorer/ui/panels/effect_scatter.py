"""EffectScatter: how the features downstream moved, measured against predicted."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.circuits.graph import Floats
from explorer.session.outcome import Moved
from explorer.session.view import GraphView
from explorer.ui.effects import differences
from explorer.ui.theme import color
from explorer.ui.widgets.look import current_theme, font, plain, px, signed

NEAR = 14.0
MARGIN = 20
KEYS = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}


class EffectScatter(QWidget):
    """A dot per feature: predicted change of its activation to the right, measured upwards; equal on the diagonal.

    ``chosen`` carries the Moved that is clicked, or reached by the arrow keys and Return.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._moved: tuple[Moved, ...] = ()
        self._view: GraphView | None = None
        self._current = -1
        self._faint = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(px(100), px(90))
        self.setAccessibleName("Change of features, measured against predicted")

    def show_moved(self, moved: Sequence[Moved], view: GraphView | None, faint: bool) -> None:
        """``view`` names the features that its graph has."""
        self._moved, self._view, self._faint = tuple(moved), view, faint
        self._current = min(self._current, len(self._moved) - 1)
        self.update()

    def place_of(self, at: int) -> QPointF:
        """Where the dot of feature ``at`` is."""
        return QPointF(*self._places()[at].tolist())

    def describe(self, one: Moved) -> str:
        """What one dot says."""
        node = None if self._view is None else self._view.graph.index.get(one.key)
        name = f"L{one.layer} / {one.feature}" if node is None or self._view is None else self._view.label(node)
        measured, predicted = one.now - one.before, one.predicted - one.before
        figures = f"measured {signed(measured)}, predicted {signed(predicted)}"
        return f"{name}, layer {one.layer}, token {one.pos}: {plain(one.before)} → {plain(one.now)}, {figures}"

    def _box(self) -> QRectF:
        side = max(20.0, min(self.width(), self.height()) - px(MARGIN) - 2)
        return QRectF(px(MARGIN), 1, side, side)

    def _places(self) -> Floats:
        """(n, 2) where the dots are drawn."""
        points = np.stack(differences(self._moved), axis=1)
        box, largest = self._box(), float(np.abs(points).max(initial=0.0)) or 1.0
        half = box.width() / 2 - 6
        x, y = points[:, 0] / largest * half, points[:, 1] / largest * half
        return np.stack([box.center().x() + x, box.center().y() - y], axis=1)

    def _nearest(self, at: QPointF) -> int:
        if not self._moved:
            return -1
        away = np.hypot(*(self._places() - [at.x(), at.y()]).T)
        return int(away.argmin()) if away.min() <= NEAR else -1

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, box = current_theme(), self._box()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(box, QColor(theme.surface_canvas))
            painter.setPen(QPen(QColor(theme.line), 1))
            painter.drawRect(box)
            painter.drawLine(QPointF(box.center().x(), box.top()), QPointF(box.center().x(), box.bottom()))
            painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right(), box.center().y()))
            painter.setPen(QPen(QColor(theme.line_strong), 1, Qt.PenStyle.DashLine))
            painter.drawLine(box.bottomLeft(), box.topRight())
            if self._moved:
                self._paint_dots(painter)
            self._paint_names(painter, box)

    def _paint_dots(self, painter: QPainter) -> None:
        theme = current_theme()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(theme.text_2, 0.35 if self._faint else 0.75))
        places = self._places()
        for x, y in places.tolist():
            painter.drawEllipse(QPointF(x, y), 3, 3)
        if 0 <= self._current < len(places):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.mark_ink), 1.4, Qt.PenStyle.DashLine))
            painter.drawEllipse(QPointF(*places[self._current].tolist()), 6, 6)

    def _paint_names(self, painter: QPainter, box: QRectF) -> None:
        theme, band, middle = current_theme(), px(MARGIN) - 3, int(Qt.AlignmentFlag.AlignCenter)
        painter.setFont(font("caption"))
        painter.setPen(QColor(theme.text_3))
        painter.drawText(QRectF(box.left(), box.bottom() + 1, box.width(), band), middle, "predicted")
        painter.translate(0, box.bottom())
        painter.rotate(-90)
        painter.drawText(QRectF(0, 1, box.height(), band), middle, "measured")
        painter.resetTransform()
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.select), 2))
            painter.drawRect(box)

    # reached by hand

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(self._nearest(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._nearest(event.position())
        if found >= 0:
            self._go(found)
            self.chosen.emit(self._moved[found])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._moved and key in KEYS:
            self._go((self._current + KEYS[key]) % len(self._moved))
        elif 0 <= self._current < len(self._moved) and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._moved[self._current])
        else:
            super().keyPressEvent(event)

    def _go(self, current: int) -> None:
        if current != self._current:
            self._current = current
            self.setAccessibleDescription(self.describe(self._moved[current]) if current >= 0 else "")
            self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            found = self._nearest(QPointF(event.pos()))
            if found >= 0:
                QToolTip.showText(event.globalPos(), escape(self.describe(self._moved[found])), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)
