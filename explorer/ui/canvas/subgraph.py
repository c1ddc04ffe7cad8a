"""SubgraphCanvas: the diagram under the hand: select, move, join, name, open and group boxes."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QWidget

from explorer.circuits.graph import NodeKind
from explorer.session import edits as edit
from explorer.session.figure_ties import nearest_tie
from explorer.session.subgraph import Box, BoxLink
from explorer.ui import grouping
from explorer.ui.canvas import subgraph_walk as walk
from explorer.ui.canvas.hand import CARD_MS, DRAG, ZOOM_STEP
from explorer.ui.canvas.subgraph_name import NameEdit
from explorer.ui.canvas.subgraph_view import EDGE, DiagramView
from explorer.ui.document import Document
from explorer.ui.labelling import fill_status_menu
from explorer.ui.widgets.arrows import DIRECTIONS

NEAR = 6.0
LINK = "link"  # what is named, if it is no box


class SubgraphCanvas(DiagramView):
    """Click selects, Ctrl-click adds, drag moves a box or the ground, wheel zooms; see ``keyPressEvent``.

    A box that is dragged onto a supernode goes into it: a node joins it, another supernode is nested.
    """

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        self._press: QPointF | None = None
        self._drag = self._held = ""
        self.name_edit = NameEdit(self)
        self.name_edit.named.connect(self._rename)
        self._card_timer = QTimer(self, singleShot=True, interval=CARD_MS)
        self._card_timer.timeout.connect(self._open_card)

    # for the window

    def tidy(self) -> None:
        """Leave the layout to the program again."""
        if self._document.edits.places:
            self._document.do("tidy the layout", edit.forget_places(self._document.edits))
        self.fit()

    def choose(self, id: str) -> None:
        """Select a box and bring it into view."""
        self._select(self.drawn.box(id))
        place, size = self.place_of(id), QPointF(self.width(), self.height())
        dx = max(EDGE * 2 - place.x(), 0.0) + min(size.x() - EDGE * 2 - place.x(), 0.0)
        dy = max(EDGE * 2 - place.y(), 0.0) + min(size.y() - EDGE * 2 - place.y(), 0.0)
        if dx or dy:
            self.pan(dx, dy)

    def rename_current(self) -> None:
        """Let the name of the current box, or the label of the selected link, be written in its place."""
        if self.chosen is not None:
            self._edit_label(self.chosen)
        elif self.current:
            self._edit_name(self.drawn.box(self.current))

    def group(self) -> None:
        """Make a supernode of what is selected and ask for its name."""
        if grouping.group_selection(self._document):
            self.rename_current()

    def open_box(self, id: str) -> None:
        """Draw what is in a supernode in its place."""
        self.opened |= {id}
        self._take_view()

    def close_box(self, id: str) -> None:
        """Draw a supernode as one box again."""
        self.opened -= {id}
        self._take_view()
        self._document.select_group(id)

    # mouse

    def _box_at(self, point: QPointF, without: str = "") -> Box | None:
        if self.diagram is None:
            return None
        found = self.diagram.at(*self._lens.back(point.x(), point.y()))
        if found is None or found.id != without:
            return found
        rest = tuple(box for box in self.drawn.boxes if box.id != without)
        return replace(self.diagram, drawn=replace(self.drawn, boxes=rest)).at(*self._lens.back(point.x(), point.y()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        self._press = event.position()
        box = self._box_at(event.position()) if event.button() == Qt.MouseButton.LeftButton else None
        self._drag = ""
        self._held = box.id if box is not None else ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._press is None:
            self._hover(point)
            return
        moved = point - self._press
        if not self._drag and moved.manhattanLength() > DRAG:
            self._is_dragged = True
            self._drag = "box" if self._held and not self._document.is_partial else "pan"
        if self._drag == "pan":
            self._press = point
            self.pan(moved.x(), moved.y())
        elif self._drag == "box":
            self._press = point
            self._carry(moved, point)

    def _carry(self, moved: QPointF, point: QPointF) -> None:
        assert self.diagram is not None
        x, y = self.diagram.middles[self._held]
        place = x + moved.x() / self._lens.scale, y + moved.y() / self._lens.scale
        self.diagram = replace(self.diagram, middles={**self.diagram.middles, self._held: place})
        under = self._box_at(point, without=self._held)
        joins = under is not None and under.kind is None and self.drawn.box(self._held).kind != NodeKind.LOGIT
        self._joined = under.id if under is not None and joins else ""
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag, pressed = self._drag, "", self._press
        self._press, self._is_dragged = None, False
        if drag == "box":
            self._drop()
        elif not drag and pressed is not None and event.button() == Qt.MouseButton.LeftButton:
            self._click(event.position(), event.modifiers())

    def _drop(self) -> None:
        assert self.diagram is not None
        document, view, joined = self._document, self.diagram.view, self._joined
        self._joined = ""
        self._is_home = False
        box = self.drawn.box(self._held)
        if joined and box.kind is None:
            grouping.nest_group(document, box.id, joined)
        elif joined:
            grouping.add_to_group(document, joined, [view.graph.key(row) for row in box.rows])
        else:
            places = {box.id: self.diagram.middles[box.id]}
            document.do(f"move “{box.name}”", edit.move_boxes(document.edits, places))

    def _click(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        self._hover(point)
        box = self._box_at(point)
        several = modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if box is None:
            self._document.select(()) if not several and self._link is None else None
            if self._link is not None:
                self._document.select_link((self._link.target, self._link.source))
        elif several:
            rows = self._document.selection
            if box.id in self.selected:
                self._document.select(row for row in rows if row not in box.rows)
            else:
                self._document.select((*rows, *box.rows))
        else:
            self._select(box)

    def _select(self, box: Box) -> None:
        self._document.select(box.rows, "" if box.kind is not None else box.id)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        box = self._box_at(event.position())
        if box is not None and not self._document.is_partial:
            self._edit_name(box)
        elif box is None and self._link is not None:
            self._edit_label(self._link)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(QPointF(-1e6, -1e6))
        super().leaveEvent(event)

    def _hover(self, point: QPointF) -> None:
        box = self._box_at(point)
        link = None
        if box is None and self.diagram is not None:
            link = nearest_tie(self.diagram, *self._lens.back(point.x(), point.y()), NEAR / self._lens.scale)
        if (box.id if box else "") == self._hovered and link is self._link:
            return
        self._hovered, self._link = box.id if box else "", link
        self._document.hover(box.rows[0] if box is not None and len(box.rows) == 1 else None)
        self._card_open = False
        if box is not None or link is not None:
            self._card_timer.start()
        self.update()

    def _open_card(self) -> None:
        if (self._hovered or self._link is not None) and self.underMouse():
            self._card_open = True
            self.update()

    # names

    def _edit_name(self, box: Box) -> None:
        if self._document.is_partial or box.kind == NodeKind.LOGIT or self.diagram is None:
            return
        self._select(box)
        seen = self._lens.area(self.diagram.areas[box.id])
        self.name_edit.ask(box.id, box.name, seen.x0, seen.y0, seen.x1 - seen.x0)

    def _edit_label(self, link: BoxLink) -> None:
        if self.diagram is not None and not self._document.is_partial:
            self._document.select_link((link.target, link.source))
            route = self.diagram.routes[self.diagram.links.index(link)]
            x, y = self._lens.point(*route.at(0.5))
            self.name_edit.ask(LINK, link.label, x, y, 0.0)

    def _rename(self, id: str, name: str) -> None:
        document = self._document
        if id == LINK:
            if document.link is not None and name.strip() != document.edits.edge_labels.get(document.link, ""):
                document.do("label a link", edit.set_edge_label(document.edits, *document.link, name))
            return
        box = next((box for box in self.drawn.boxes if box.id == id), None)
        if box is None or self.diagram is None or name.strip() == box.name:
            return
        if box.kind is None:
            grouping.rename_group(self._document, id, name)
        else:
            key = self.diagram.view.graph.key(box.rows[0])
            self._document.do("label a node", edit.set_label(self._document.edits, key, name))

    # menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at = QPointF(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.current:
            at = self.place_of(self.current)
        box = self._box_at(at)
        if box is None or self._document.is_partial or box.kind == NodeKind.LOGIT:
            event.ignore()  # the page around it has a menu too
            return
        if box.id not in self.selected:
            self._select(box)
        menu = self.menu_of(box)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.mapToGlobal(at.toPoint()))

    def menu_of(self, box: Box) -> QMenu:
        """What can be done with a box."""
        document, menu = self._document, QMenu(self)
        if len(self.selected) > 1:
            grouping.add_row(menu, "Group the selection", self.group, "G")
        if box.kind is None:
            grouping.add_row(menu, "Show what is inside", lambda: self.open_box(box.id), "Return")
            grouping.fill_group_menu(menu, document, box.id, self.rename_current)
        else:
            self._fill_node_menu(menu, box)
        if box.parent:
            grouping.add_row(menu, "Draw its supernode as one box", lambda: self.close_box(box.parent), "Backspace")
        return menu

    def _fill_node_menu(self, menu: QMenu, box: Box) -> None:
        document, keys = self._document, self._keys(box)
        grouping.add_row(menu, "Label", self.rename_current, "F2")
        grouping.add_row(menu, "Make a supernode of it", self.group, "G")
        fill_status_menu(menu.addMenu("Status of the label"), document, box.rows[0])
        grouping.fill_into_menu(menu, document, keys)
        if box.parent:
            grouping.add_row(menu, "Take out of its supernode", lambda: grouping.take_out(document, keys))
        else:
            grouping.add_row(menu, "Unpin", lambda: document.do("unpin a node", edit.unpin(document.edits, keys)))

    def _keys(self, box: Box) -> list[edit.NodeKey]:
        graph = self._document.graph
        return [graph.key(row) for row in box.rows] if graph is not None else []

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down follow the strongest link, Left and Right go to the nearest box, I and O to the strongest input
        and output, G groups, Shift G ungroups, F2 and L rename, Return opens, Backspace closes, Space pins, Esc
        clears, + - 0 zoom, F fits, Shift F fits the selection."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if modifiers & ~Qt.KeyboardModifier.ShiftModifier or not self._press_key(event, bool(modifiers)):
            super().keyPressEvent(event)

    def _press_key(self, event: QKeyEvent, shift: bool) -> bool:
        key, text = Qt.Key(event.key()), event.text()
        if text and text in "+=-−":
            self.zoom(ZOOM_STEP if text in "+=" else 1 / ZOOM_STEP)
        elif key in DIRECTIONS:
            self._walk(walk.step(self.diagram, self.current, *DIRECTIONS[key]) if self.diagram else "")
        elif key in (Qt.Key.Key_I, Qt.Key.Key_O) and not shift:
            outwards = key == Qt.Key.Key_O
            current = self.current if self.diagram else ""
            self._walk(walk.strongest(self.diagram, current, outwards=outwards) if self.diagram and current else "")
        else:
            return self._press_other(key, shift)
        return True

    def _press_other(self, key: Qt.Key, shift: bool) -> bool:
        plain = {
            Qt.Key.Key_0: self.zoom_full,
            Qt.Key.Key_F: self.fit,
            Qt.Key.Key_G: self.group,
            Qt.Key.Key_F2: self.rename_current,
            Qt.Key.Key_L: self.rename_current,
            Qt.Key.Key_Escape: self._clear,
            Qt.Key.Key_Return: self._open_current,
            Qt.Key.Key_Enter: self._open_current,
            Qt.Key.Key_Backspace: self._close_current,
            Qt.Key.Key_Space: self._pin_current,
        }
        shifted = {Qt.Key.Key_F: self.fit_selection, Qt.Key.Key_G: self._ungroup}
        do = (shifted if shift else plain).get(key)
        if do is not None:
            do()
        return do is not None

    def _walk(self, id: str) -> None:
        if id:
            self.choose(id)

    def _clear(self) -> None:
        self._document.select(())

    def _ungroup(self) -> None:
        grouping.ungroup(self._document)

    def _open_current(self) -> None:
        if self.current and self.drawn.box(self.current).kind is None:
            self.open_box(self.current)

    def _close_current(self) -> None:
        if self.current and (parent := self.drawn.box(self.current).parent):
            self.close_box(parent)

    def _pin_current(self) -> None:
        if not self.current or self._document.is_partial:
            return
        box = self.drawn.box(self.current)
        if box.kind is not None:
            key = self._keys(box)[0]
            verb = "unpin" if key in self._document.edits.pinned else "pin"
            self._document.do(f"{verb} “{box.name}”", edit.toggle_pin(self._document.edits, key))
