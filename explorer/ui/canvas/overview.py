"""Overview: the whole graph in a corner of the canvas, with the part that is shown, while not all of it is."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from explorer.circuits.graph import NodeKind
from explorer.session.layout import AXIS, TOKEN_ROW, Layout
from explorer.session.view import GraphView
from explorer.ui.canvas.stage import Stage
from explorer.ui.document import Document
from explorer.ui.theme import color
from explorer.ui.widgets.arrows import DIRECTIONS

MOST = QSize(176, 116)
LEAST = 24.0
MARGIN = 10
EDGE = 5.0  # around the drawing
LEAST_CANVAS = QSize(460, 320)
STEP = 0.2  # of the view, an arrow
FAINTEST, STRONGEST = 0.14, 0.75  # ink of a cell with one node and of the fullest


class Overview(QWidget):
    """Press or drag moves the part that is shown, and so do the arrows; only there once it is wanted."""

    def __init__(self, document: Document, stage: Stage, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._document, self._stage, self._canvas = document, stage, canvas
        self._is_wanted = False
        self._drawn_for: tuple[GraphView, Layout] | None = None
        self._key: object = None
        self._picture = QPixmap()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a drag leaves the focus with the canvas
        self.setCursor(Qt.CursorShape.SizeAllCursor)
        self.setAccessibleName("Overview of the graph")
        self.setToolTip("The whole graph. Drag the frame, or use the arrows, to see another part.")
        self.hide()
        canvas.installEventFilter(self)
        stage.looked.connect(self._show)
        document.view_changed.connect(self._show)
        document.selection_changed.connect(self.update)

    @property
    def is_wanted(self) -> bool:
        return self._is_wanted

    def set_wanted(self, wanted: bool) -> None:
        """Whether it is there while the graph does not fit into the canvas."""
        self._is_wanted = wanted
        self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._show()
        return False

    # where it is

    def _show(self) -> None:
        made, frame = self._stage.base, self._stage.frame() if self._is_wanted else None
        size = self._canvas.size()
        has_room = size.width() >= LEAST_CANVAS.width() and size.height() >= LEAST_CANVAS.height()
        if made is None or frame is None or not has_room or self._stage.viewport.zoom <= 1.0:
            if self.hasFocus():
                self._canvas.setFocus()
            self.hide()
            self._drawn_for = None
            return
        whole = self._whole(made)
        scale = min(MOST.width() / whole.width(), MOST.height() / whole.height())
        width, height = max(scale * whole.width(), LEAST), max(scale * whole.height(), LEAST)
        top = frame.strip_top - height - 2 * EDGE - MARGIN
        self.setGeometry(round(AXIS + MARGIN), round(top), round(width + 2 * EDGE), round(height + 2 * EDGE))
        self.setAccessibleDescription(self._words(made))
        self.show()
        self.update()

    def _whole(self, made: Layout) -> QRectF:
        """What is drawn, as places of the layout: columns and rows, outputs and tokens."""
        foot = made.token_y + TOKEN_ROW / 2
        return QRectF(float(made.columns[0]), 0.0, float(made.columns[-1] - made.columns[0]), foot)

    def _shown(self) -> QRectF:
        """The part of ``_whole`` that the canvas shows."""
        frame, made = self._stage.frame(), self._stage.base
        if frame is None or made is None:
            return QRectF()
        corners = [self._stage.viewport.place(*at) for at in ((frame.axis, 0.0), (frame.width, frame.strip_top))]
        return QRectF(QPointF(*corners[0]), QPointF(*corners[1])).intersected(self._whole(made))

    def _words(self, made: Layout) -> str:
        shown = self._shown()
        columns = np.flatnonzero((made.columns[1:] > shown.left()) & (made.columns[:-1] < shown.right()))
        rows = np.flatnonzero((made.rows[:-1] > shown.top()) & (made.rows[1:] < shown.bottom()))
        if not len(columns) or not len(rows):
            return ""
        return f"Shown: tokens {columns[0]} to {columns[-1]}, layers {rows[0]} to {rows[-1]}"

    def _map(self, made: Layout) -> tuple[QRectF, float, float]:
        whole = self._whole(made)
        return whole, (self.width() - 2 * EDGE) / whole.width(), (self.height() - 2 * EDGE) / whole.height()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        made, view, theme = self._stage.base, self._document.view, self._stage.theme
        if made is None or view is None:
            return
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._drawn(made, view))
            whole, x, y = self._map(made)
            current = self._document.current
            if current is not None and current < len(made.x):
                at = QPointF(made.x[current] - whole.left(), made.y[current])
                painter.fillRect(QRectF(EDGE + at.x() * x - 2, EDGE + at.y() * y - 2, 4, 4), QColor(theme.select))
            shown = self._shown()
            left, top = EDGE + (shown.left() - whole.left()) * x, EDGE + shown.top() * y
            painter.setPen(QPen(QColor(theme.select), 1.5))
            painter.setBrush(color(theme.select, 0.12))
            painter.drawRect(QRectF(left, top, shown.width() * x, shown.height() * y))
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(theme.select), 2))
                painter.drawRect(QRectF(1, 1, self.width() - 2, self.height() - 2))

    def _drawn(self, made: Layout, view: GraphView) -> QPixmap:
        """The graph without what is shown of it; cells are the darker the more nodes of them are drawn."""
        theme, ratio = self._stage.theme, self.devicePixelRatioF()
        of, key = self._drawn_for, (self.size(), theme.name, ratio)
        if of is not None and of[0] is view and of[1] is made and key == self._key:
            return self._picture
        self._drawn_for, self._key = (view, made), key
        self._picture = QPixmap(self.size() * ratio)
        self._picture.setDevicePixelRatio(ratio)
        self._picture.fill(QColor(theme.surface_panel))
        with QPainter(self._picture) as painter:
            whole, x, y = self._map(made)
            for box, strength in _cells(made, view):
                left, top = EDGE + (box.left() - whole.left()) * x, EDGE + box.top() * y
                ink = color(theme.mark_ink, FAINTEST + (STRONGEST - FAINTEST) * strength)
                cell = QRectF(left, top, max(box.width() * x - 0.6, 0.8), max(box.height() * y - 0.6, 0.8))
                painter.fillRect(cell, ink)
            painter.setPen(QPen(QColor(theme.line_strong), 1))
            painter.drawRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1))
        return self._picture

    # hand and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._centre(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons():
            self._centre(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = DIRECTIONS.get(Qt.Key(event.key()))
        frame = self._stage.frame()
        if direction is None or frame is None:
            super().keyPressEvent(event)
            return
        dx, dy = direction
        self._stage.look(self._stage.viewport.panned(-dx * STEP * frame.width, -dy * STEP * frame.strip_top))

    def _centre(self, at: QPointF) -> None:
        """Bring what is under ``at`` into the middle of the view."""
        made, frame = self._stage.base, self._stage.frame()
        if made is None or frame is None:
            return
        whole, x, y = self._map(made)
        viewport = self._stage.viewport
        here_x = (whole.left() + (at.x() - EDGE) / x) * viewport.scale_x + viewport.dx
        here_y = (at.y() - EDGE) / y * viewport.scale_y + viewport.dy
        middle_x, middle_y = (frame.axis + frame.width) / 2, frame.strip_top / 2
        self._stage.look(viewport.panned(middle_x - here_x, middle_y - here_y))


def _cells(made: Layout, view: GraphView) -> list[tuple[QRectF, float]]:
    """The boxes of cells, tokens and outputs that hold drawn nodes, and how full each is, 0 to 1."""
    nodes = view.graph.nodes
    inside = view.shown & ((nodes.kind == NodeKind.FEATURE) | (nodes.kind == NodeKind.ERROR))
    cell_of = nodes.layer[inside].astype(np.int64) * view.graph.n_pos + nodes.pos[inside]
    cells, count = np.unique(cell_of, return_counts=True)
    most = max(float(np.log1p(count.max(initial=1))), 1.0)
    boxes = []
    for cell, strength in zip(cells.tolist(), (np.log1p(count) / most).tolist(), strict=True):
        layer, pos = divmod(cell, view.graph.n_pos)
        left, right, top, foot = made.columns[pos], made.columns[pos + 1], made.rows[layer + 1], made.rows[layer]
        boxes.append((QRectF(QPointF(left, top), QPointF(right, foot)), strength))
    for node in np.flatnonzero(view.shown & (nodes.kind == NodeKind.EMBEDDING)).tolist():
        boxes.append((QRectF(float(made.x[node]) - 6, made.token_y - 6, 12, 12), 0.5))
    boxes += [(QRectF(*pill), 0.5) for pill in made.pills.tolist() if pill[2]]
    return boxes
