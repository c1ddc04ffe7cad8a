"""DiagramView: the diagram of what is pinned and grouped, drawn, with what is selected and where one looks."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.circuits.graph import NodeKind
from explorer.session.diagram import OVER, Diagram, diagram, main_outputs
from explorer.session.figure_boxes import Lens, Lit, box_items
from explorer.session.figure_ties import share_texts, tie_items, touches
from explorer.session.subgraph import BoxLink, Subgraph, subgraph
from explorer.ui.canvas.hand import Hand
from explorer.ui.canvas.subgraph_words import box_lines, chosen_items, link_lines, spoken_box
from explorer.ui.document import Document
from explorer.ui.export import paint_items
from explorer.ui.widgets.look import current_theme, font, text_scale
from explorer.ui.widgets.tip import paint_tip

EMPTY = "Pin nodes in the graph (Ctrl-click) to build a diagram here."
NO_GRAPH = "Type a prompt and press Run."
EDGE = 28.0
LEAST, MOST = 0.4, 4.0
READABLE = 0.75  # the least scale of a fit: names of 11 px still stand on their boxes whole


class DiagramView(Hand):
    """Shows the document's subgraph; its boxes stand where the layout, or a person, has put them."""

    changed = Signal()  # another diagram, or more or fewer of its links are drawn

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._lens = Lens()
        self._is_home = True
        self._over, self._weights = OVER, False
        self._hovered, self._joined = "", ""
        self._link: BoxLink | None = None
        self._card_open = self._is_dragged = self._is_stale = False
        self.opened: frozenset[str] = frozenset()
        self.diagram: Diagram | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 200)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Subgraph")
        document.view_changed.connect(self._take_view)
        document.selection_changed.connect(self._describe)
        self._take_view()

    # for the window

    @property
    def drawn(self) -> Subgraph:
        return self.diagram.drawn if self.diagram is not None else Subgraph()

    @property
    def over(self) -> float:
        """Links of a smaller share are not drawn."""
        return self._over

    @over.setter
    def over(self, share: float) -> None:
        self._over = share
        if self.diagram is not None:
            self._show(replace(self.diagram, over=share))

    def set_weights(self, shown: bool) -> None:
        """Write the share on every link, or on those of what is selected."""
        self._weights = shown
        self.update()

    def fit(self) -> None:
        """Show all boxes, at most at 100 %; if they could not be read, those around the current one or the output."""
        self._is_home = True
        if self.diagram is not None and self.diagram.drawn.boxes:
            bounds = self.diagram.bounds
            room = self.width() - 2 * EDGE, self.height() - 2 * EDGE
            scale = min(room[0] / (bounds.x1 - bounds.x0), room[1] / (bounds.y1 - bounds.y0), text_scale())
            scale = max(scale, READABLE * text_scale())
            outputs = [box.id for box in self.drawn.boxes if box.kind == NodeKind.LOGIT]
            x, y = self.diagram.middles[self.current or (outputs or [self.drawn.boxes[0].id])[0]]
            x = _middle(bounds.x0, bounds.x1, room[0] / scale, x)
            self._center(scale, x, _middle(bounds.y0, bounds.y1, room[1] / scale, y))

    def fit_selection(self) -> None:
        """Bring what is selected into the middle, at 100 %."""
        if self.diagram is not None and (ids := self.selected):
            middles = [self.diagram.middles[id] for id in ids]
            x, y = (sum(values) / len(middles) for values in zip(*middles, strict=True))
            self._is_home = False
            self._center(text_scale(), x, y)

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Enlarge by ``factor`` around a point, or the middle."""
        point = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        x, y = self._lens.back(point.x(), point.y())
        scale = min(max(self._lens.scale * factor, LEAST), MOST)
        self._is_home = False
        self._lens = Lens(scale, point.x() - x * scale, point.y() - y * scale)
        self.update()

    def zoom_full(self) -> None:
        self.zoom(text_scale() / self._lens.scale)

    def pan(self, dx: float, dy: float) -> None:
        self._is_home = False
        self._lens = replace(self._lens, dx=self._lens.dx + dx, dy=self._lens.dy + dy)
        self.update()

    def place_of(self, id: str) -> QPointF:
        """Where the middle of a box is on the widget."""
        assert self.diagram is not None
        return QPointF(*self._lens.point(*self.diagram.middles[id]))

    @property
    def selected(self) -> tuple[str, ...]:
        """The boxes that are selected: the supernode that was chosen, or all whose nodes are."""
        boxes = self.drawn.boxes
        if any(box.id == self._document.group for box in boxes):
            return (self._document.group,)
        rows = set(self._document.selection)
        return tuple(box.id for box in boxes if rows.issuperset(box.rows)) if rows else ()

    @property
    def current(self) -> str:
        """The selected box that holds the current node; "" without one."""
        last = self._document.current
        ids = [id for id in self.selected if last in self.drawn.box(id).rows]
        return ids[-1] if ids else ""

    @property
    def chosen(self) -> BoxLink | None:
        """The link that is selected, if it is drawn."""
        link = self._document.link
        shown = self.diagram.links if link is not None and self.diagram is not None else ()
        return next((one for one in shown if (one.target, one.source) == link), None)

    # what the document says

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._take_view()

    def _take_view(self) -> None:
        """Not while the page is hidden: with a million links the sums of a subgraph would hold up every slider."""
        self._is_stale = not self.isVisible()
        if self._is_stale:
            return
        view = self._document.view
        self._hovered, self._link, self._card_open = "", None, False
        if view is None:
            self._show(None)
            return
        known = {group.id for group in view.edits.supernodes}
        self.opened &= known
        drawn = main_outputs(view, subgraph(view, self.opened))
        self._show(None if drawn.is_empty else diagram(view, drawn, self._over))

    def _show(self, shown: Diagram | None) -> None:
        self.diagram = shown
        if self._is_home:
            self.fit()
        self._describe()
        self.changed.emit()

    def _describe(self) -> None:
        self.update()
        if self.diagram is None:
            said = EMPTY if self._document.view is not None else NO_GRAPH
        elif self.chosen is not None:
            said = f"Link, {', '.join(link_lines(self.drawn, self.chosen))}, selected"
        elif self.current:
            said = spoken_box(self.diagram, self.drawn.box(self.current))
        else:
            said = f"{len(self.drawn.boxes)} boxes, none selected"
        if said != self.accessibleDescription():
            self.setAccessibleDescription(said)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def _center(self, scale: float, x: float, y: float) -> None:
        self._lens = Lens(scale, self.width() / 2 - scale * x, self.height() / 2 - scale * y)
        self.update()

    # painting

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_home:
            self.fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._show(self.diagram)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.surface_canvas))
            if self.diagram is None:
                self._paint_empty(painter)
            else:
                painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
                self._paint(painter, self.diagram)
            if self._shows_focus:
                painter.setPen(QPen(QColor(theme.select), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(1, 1, self.width() - 2, self.height() - 2))

    def _paint(self, painter: QPainter, shown: Diagram) -> None:
        theme, lens = current_theme(), self._lens
        hovered = self._hovered if not self._is_dragged else ""
        lit = Lit(frozenset(self.selected), hovered, self._joined)
        paint_items(chosen_items(shown, lens, theme, self.chosen), painter)
        paint_items(tie_items(shown, lens, theme, lit), painter)
        paint_items(box_items(shown, lens, theme, lit), painter)
        always = (self._link, self.chosen)
        told = [o for o in shown.links if self._weights or o.label or touches(o, lit) or o in always]
        told.sort(key=lambda link: link is not self.chosen)
        paint_items(share_texts(shown, lens, theme, told), painter)
        if self._card_open and not self._is_dragged:
            self._paint_card(painter, shown)

    def _paint_card(self, painter: QPainter, shown: Diagram) -> None:
        if self._hovered:
            seen = self._lens.area(shown.areas[self._hovered])
            rect = QRectF(seen.x0, seen.y0, seen.x1 - seen.x0, seen.y1 - seen.y0)
            paint_tip(painter, self.rect(), rect, box_lines(shown, self.drawn.box(self._hovered)))
        elif self._link is not None:
            at = QPointF(self.mapFromGlobal(self.cursor().pos()))
            paint_tip(painter, self.rect(), QRectF(at.x() - 8, at.y() - 8, 16, 16), link_lines(self.drawn, self._link))

    def _paint_empty(self, painter: QPainter) -> None:
        painter.setFont(font("body"))
        painter.setPen(QColor(current_theme().text_2))
        words = EMPTY if self._document.view is not None else NO_GRAPH
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(20, 20, -20, -20), int(flags), words)


def _middle(low: float, high: float, room: float, wished: float) -> float:
    """What stands in the middle: all if there is room for it, else as near to ``wished`` as the ends allow."""
    return (low + high) / 2 if high - low <= room else min(max(wished, low + room / 2), high - room / 2)
