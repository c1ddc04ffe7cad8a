"""GraphCanvas: the widget that shows a document's graph and takes mouse and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.session.theme import Theme
from explorer.ui.canvas.card import card_text, paint_card
from explorer.ui.canvas.describe import spoken
from explorer.ui.canvas.frame import Frame
from explorer.ui.canvas.hand import CARD_MS, DRAG, ZOOM_STEP, Hand
from explorer.ui.canvas.link_hand import LinkHand
from explorer.ui.canvas.lit import paint_beside, paint_lit
from explorer.ui.canvas.moved import paint_moved
from explorer.ui.canvas.overview import Overview
from explorer.ui.canvas.paint import paint_hovered
from explorer.ui.canvas.stage import Stage
from explorer.ui.canvas.texts import TextBox, Texts
from explorer.ui.canvas.walker import Walker
from explorer.ui.document import Document
from explorer.ui.labelling import node_menu
from explorer.ui.theme import color


class GraphCanvas(Hand):
    """Click selects, Ctrl-click pins, Shift-drag selects many, drag pans, wheel zooms; see ``keyPressEvent``."""

    settled = Signal()  # the links on screen are complete

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._stage = Stage(theme, self.update, self)
        self._empty_text = "Type a prompt and press Run."
        self._press: QPointF | None = None
        self._drag = ""
        self._band: QRectF | None = None
        self._rises: Mapping[NodeKey, bool] = {}
        self._lit: tuple[Sequence[int], bool] = ((), False)
        self._beside: tuple[Sequence[Sequence[int]], str] = ((), "")
        self._card_open = False
        self._walker = Walker(document, self._stage)
        self.overview = Overview(document, self._stage, self)
        self._links = LinkHand(document, self)
        self._overlay_boxes: list[TextBox] | None = None
        self._card_timer = QTimer(self, singleShot=True, interval=CARD_MS)
        self._card_timer.timeout.connect(self._open_card)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 240)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Graph")
        document.view_changed.connect(self._take_view)
        document.selection_changed.connect(self._take_selection)
        document.hover_changed.connect(self._take_hover)
        document.edits_changed.connect(self._take_labels)
        document.prompt_changed.connect(self._take_prompt)
        self._take_view()

    # for the window

    def set_theme(self, theme: Theme, text_scale: float = 1.0) -> None:
        self._stage.set_theme(theme, text_scale)

    def warm(self) -> None:
        """Draw ahead what the first picture needs, while nothing else is to be done."""
        self._stage.warm(self.devicePixelRatioF())

    def set_empty_text(self, text: str) -> None:
        """What is said where no graph is open."""
        self._empty_text = text
        self.update()

    @property
    def frame(self) -> Frame | None:
        """What is to be seen now."""
        return self._stage.frame()

    @property
    def is_settled(self) -> bool:
        """Whether everything that is to be seen is painted, links included."""
        return self._stage.frame() is None or self._stage.is_settled

    def join(self, other: GraphCanvas) -> None:
        """Show the same part as ``other`` from now on, whichever of the two is moved."""
        self._stage.looked.connect(other._stage.follow)
        other._stage.looked.connect(self._stage.follow)

    def fit(self) -> None:
        """Show the whole graph."""
        self._stage.fit()

    def fit_selection(self) -> None:
        """Show the selected nodes as large as they fit."""
        frame, nodes = self._stage.frame(), list(self._document.selection)
        if frame is None or not nodes:
            return
        x, y = frame.ends.x[nodes] / frame.ratio, frame.ends.y[nodes] / frame.ratio
        width, height = max(float(x.max() - x.min()), 60.0), max(float(y.max() - y.min()), 60.0)
        factor = min(frame.plot.width() / (2 * width), frame.plot.height() / (2 * height))
        middle = QPointF(float(x.max() + x.min()) / 2, float(y.max() + y.min()) / 2)
        home = frame.plot.center() - middle
        self._stage.look(frame.viewport.zoomed(factor, middle.x(), middle.y()).panned(home.x(), home.y()))

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Enlarge by ``factor`` around a point, or the middle."""
        point = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        self._stage.look(self._stage.viewport.zoomed(factor, point.x(), point.y()))

    def zoom_full(self) -> None:
        """Show the drawing at the size for which it was made."""
        self.zoom(self._stage.viewport.full_size / self._stage.viewport.zoom)

    def pan(self, dx: float, dy: float) -> None:
        self._stage.look(self._stage.viewport.panned(dx, dy))

    def node_at(self, point: QPointF) -> int | None:
        """The mark nearest to a point, within 14 px."""
        return self._stage.node_at(point.x(), point.y())

    def place_of(self, node: int) -> QPointF:
        """Where a node's mark is on the widget."""
        frame = self._stage.frame()
        x, y, _ = frame.place(node) if frame is not None else (0.0, 0.0, 0.0)
        return QPointF(x, y)

    def mark_moved(self, rises: Mapping[NodeKey, bool]) -> None:
        """Mark the nodes whose activation rises (True) or falls with what is changed in the model."""
        if rises != self._rises:
            self._rises = rises
            self.update()

    def light(self, nodes: Sequence[int], is_path: bool = False) -> None:
        """Ring nodes that a panel points at; with ``is_path`` the links from each to the next are drawn too."""
        self._lit = (nodes, is_path)
        self.update()

    def light_beside(self, paths: Sequence[Sequence[int]], words: str = "") -> None:
        """Draw other paths thinly, with ``words`` about all of them at the top."""
        self._beside = (paths, words)
        self.update()

    def text_boxes(self) -> list[TextBox]:
        """The texts of the last painting."""
        return list(self._overlay_boxes if self._overlay_boxes is not None else self._stage.boxes)

    def walk_to(self, node: int) -> None:
        """Select a node, bring it into view and remember the step."""
        self._walker.go_to(node)

    # what the document says

    def _take_view(self) -> None:
        scene = self._stage.scene
        if scene is None or self._document.graph is not scene.view.graph:
            self._walker.forget()
        self._stage.is_out_of_date = self._document.is_out_of_date
        self._stage.set_view(self._document.view, self._document.selection)
        self._describe()

    def _take_selection(self) -> None:
        self._stage.select(self._document.selection)
        self._describe()

    def _take_labels(self) -> None:
        scene = self._stage.scene
        if scene is not None and self._document.view is not scene.view:
            self._take_view()

    def _take_prompt(self) -> None:
        if self._document.is_out_of_date != self._stage.is_out_of_date:
            self._take_view()

    def _take_hover(self) -> None:
        if self._document.hovered is None:
            self._card_timer.stop()
            self._card_open = False
        self.update()

    def _describe(self) -> None:
        view, current = self._document.view, self._document.current
        if view is None:
            text = self._empty_text
        elif current is None:
            text = f"{int(view.shown.sum())} of {len(view.graph)} nodes shown, none selected"
        else:
            text = spoken(view, current, selected=True)
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # painting

    def sizeHint(self) -> QSize:
        return QSize(848, 556)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._stage.set_size(float(self.width()), float(self.height()), self.devicePixelRatioF())
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._stage.set_size(float(self.width()), float(self.height()), self.devicePixelRatioF())
        pixmap, frame = self._stage.painted(), self._stage.frame()
        painter = QPainter(self)
        if pixmap is None or frame is None:
            self._paint_empty(painter)
        else:
            painter.drawPixmap(0, 0, pixmap)
            self._paint_overlay(painter, frame)
        if self._shows_focus:
            painter.setPen(QPen(QColor(self._stage.theme.select), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(1, 1, self.width() - 2, self.height() - 2))
        painter.end()
        if self._stage.is_settled:
            self.settled.emit()

    def _paint_empty(self, painter: QPainter) -> None:
        theme = self._stage.theme
        painter.fillRect(self.rect(), QColor(theme.surface_canvas))
        texts = Texts(painter, theme.surface_canvas, self._stage.text_scale, self.devicePixelRatioF())
        shown = texts.elided(self._empty_text, self.width() - 40, "body")
        texts.draw(shown, self.width() / 2, self.height() / 2, theme.text_2, "body", "middle")
        self._overlay_boxes = texts.boxes

    def _paint_overlay(self, painter: QPainter, frame: Frame) -> None:
        self._overlay_boxes = None
        hovered, theme = self._document.hovered, frame.theme
        paint_moved(painter, frame, self._rises)
        self._links.paint(painter, frame)
        if self._beside[0]:
            self._overlay_boxes = paint_beside(painter, frame, *self._beside, self._stage.boxes)
        paint_lit(painter, frame, *self._lit)
        if hovered is not None and hovered < len(frame.graph):
            painter.save()
            painter.setClipRect(frame.plot)
            painter.scale(1 / frame.ratio, 1 / frame.ratio)
            paint_hovered(painter, frame, hovered)
            painter.restore()
            if self._card_open:
                texts = Texts(painter, theme.surface_panel, frame.text_scale, frame.ratio)
                texts.boxes = list(self._overlay_boxes or self._stage.boxes)
                paint_card(texts, frame, hovered, card_text(frame, hovered))
                self._overlay_boxes = texts.boxes
        if self._band is not None:
            painter.setPen(QPen(QColor(theme.select), 1))
            painter.setBrush(color(theme.select, 0.10))
            painter.drawRect(self._band)

    # mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press = event.position()
        is_middle = event.button() == Qt.MouseButton.MiddleButton
        is_left = event.button() == Qt.MouseButton.LeftButton
        with_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._drag = "pan" if is_middle else "band?" if is_left and with_shift else "pan?" if is_left else ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._press is None or not self._drag:
            self._hover(point)
            return
        moved = point - self._press
        if self._drag.endswith("?") and moved.manhattanLength() > DRAG:
            self._drag = self._drag[:-1]
            self._document.hover(None)
        if self._drag == "pan":
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._press = point
            self.pan(moved.x(), moved.y())
        elif self._drag == "band":
            self._band = QRectF(self._press, point).normalized()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, ""
        self.unsetCursor()
        if drag == "band" and self._band is not None:
            self._select_inside(self._band)
            self._band = None
            self.update()
        elif drag.endswith("?"):
            self._click(event.position(), event.modifiers())
        self._press = None

    def _click(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        node, frame = self.node_at(point), self._stage.frame()
        if node is None or frame is None:
            if not modifiers and not self._links.click(frame, point):
                self._document.select(())
            return
        if not frame.layout.placed[node] and frame.graph.nodes.kind[node] == NodeKind.FEATURE:
            self.zoom(2.0, self.place_of(node))
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self._walker.pin(node)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            rest = tuple(other for other in self._document.selection if other != node)
            self._document.select((*rest, node))
        elif frame.graph.nodes.kind[node] == NodeKind.BIAS and not self._stage.bias_open:
            self._document.select((*self._biases(frame, node), node))
        else:
            self.walk_to(node)

    def _biases(self, frame: Frame, last: int) -> list[int]:
        block = frame.graph.block(NodeKind.BIAS)
        return [node for node in range(block.start, block.stop) if node != last]

    def _select_inside(self, band: QRectF) -> None:
        frame = self._stage.frame()
        if frame is None:
            return
        x, y = frame.ends.x / frame.ratio, frame.ends.y / frame.ratio
        inside = frame.scene.view.shown & frame.layout.placed
        inside = inside & (x >= band.left()) & (x <= band.right()) & (y >= band.top()) & (y <= band.bottom())
        self._document.select(inside.nonzero()[0].tolist())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key, current = event.reason() == QContextMenuEvent.Reason.Keyboard, self._document.current
        node = current if by_key else self.node_at(QPointF(event.pos()))
        if node is None or not self.actions():  # only the window's own canvas has any
            event.ignore()  # the page around it has a menu too
            return
        if node != current:
            self.walk_to(node)
        at = self.place_of(node).toPoint() if by_key else event.pos()
        node_menu(self, self._document, node).popup(self.mapToGlobal(at))

    def leaveEvent(self, event: QEvent) -> None:
        self._document.hover(None)
        super().leaveEvent(event)

    def _hover(self, point: QPointF) -> None:
        node = self.node_at(point)
        self._links.hover(self._stage.frame(), point if node is None else None)
        if node == self._document.hovered:
            return
        if node is not None and not self._card_open:
            self._card_timer.start()
        self._document.hover(node)

    def _open_card(self) -> None:
        if self._document.hovered is not None and self.underMouse():
            self._card_open = True
            self.update()

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, I and O follow the strongest link, [ and ] go back and forward, Space pins, H hides,
        Shift H shows all, Esc clears, + - 0 zoom, F fits, Shift F fits the selection."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if modifiers & ~Qt.KeyboardModifier.ShiftModifier or not self._press_key(event, bool(modifiers)):
            super().keyPressEvent(event)

    def _press_key(self, event: QKeyEvent, shift: bool) -> bool:
        key, text = Qt.Key(event.key()), event.text()
        if text and text in "+=-−":
            self.zoom(ZOOM_STEP if text in "+=" else 1 / ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.zoom_full()
        elif key == Qt.Key.Key_F:
            (self.fit_selection if shift else self.fit)()
        elif key == Qt.Key.Key_Escape:
            self._clear()
        else:
            return self._walker.press(event, shift)
        return True

    def _clear(self) -> None:
        if self._band is not None:
            self._band, self._drag = None, ""
            self.update()
        elif self._stage.bias_open:
            self._stage.open_bias(False)
        else:
            self._document.select(())
