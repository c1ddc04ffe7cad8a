"""Supernodes: the tree of groups and what is in them, to select, rename, drag and nest."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, QRect, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QDropEvent, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.graph import NodeKey
from explorer.session import edits as edit
from explorer.session.figure_marks import strengths
from explorer.session.supernodes import Supernode, children, members_below
from explorer.session.theme import group_colour
from explorer.session.view import GraphView, place, rows_of
from explorer.ui import grouping
from explorer.ui.document import Document
from explorer.ui.labelling import fill_status_menu, marks, status_line, tone
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.marks import Mark, paint_mark
from explorer.ui.widgets.scaling import on_text_size

ROW, INDENT = 22, 18
MOST_ROWS = 9  # before it scrolls
MOST_DOTS, DOT_APART, DOT = 9, 9.0, 3.1
GROUP, KEY, MARKS, PLACE, TONE = (Qt.ItemDataRole.UserRole + n for n in range(1, 6))


class SupernodesPanel(QWidget):
    """Stands below the table of nodes, with the same selection."""

    TITLE = "Supernodes"

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setProperty("panel", True)
        self.setAccessibleName("Supernodes")
        title = QLabel("Supernodes")
        title.setProperty("role", "section")
        self.hint = QLabel("G groups the selection")
        self.hint.setProperty("role", "caption")
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 12, 4)
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self.hint)
        line = QFrame()
        line.setFixedHeight(1)
        line.setAutoFillBackground(True)
        line.setBackgroundRole(line.palette().ColorRole.Mid)
        self.tree = GroupTree(document)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line)
        layout.addLayout(head)
        layout.addWidget(self.tree)
        on_text_size(self, self._fit)
        for signal in (document.view_changed, self.tree.itemExpanded, self.tree.itemCollapsed):
            signal.connect(self._fit)
        self._fit()

    def _fit(self, _item: object = None) -> None:
        """As high as its rows, up to a limit."""
        n_rows = sum(1 for _ in self.tree.rows())
        self.tree.setVisible(n_rows > 0)
        self.tree.setFixedHeight(px(ROW) * min(n_rows, MOST_ROWS) + 8)


class GroupTree(QTreeWidget):
    """Groups with the groups and nodes in them. Dragging moves nodes and groups; F2 and a double click rename."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown: tuple[object, ...] = ()
        self.setAccessibleName("Tree of supernodes")
        self.setHeaderHidden(True)
        self.setIndentation(px(INDENT))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setExpandsOnDoubleClick(False)
        self.setItemDelegate(_RowDelegate(self))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.itemSelectionChanged.connect(self._give_selection)
        self.itemChanged.connect(self._rename)
        document.view_changed.connect(self._show)
        document.selection_changed.connect(self._take_selection)
        self._show()

    def rows(self) -> Iterator[QTreeWidgetItem]:
        """The rows that are in sight or would be if it were high enough."""
        waiting = [self.topLevelItem(at) for at in range(self.topLevelItemCount())]
        while waiting:
            item = waiting.pop(0)
            if item is not None:
                yield item
                if item.isExpanded():
                    waiting = [item.child(at) for at in range(item.childCount())] + waiting

    def item_of(self, group: str) -> QTreeWidgetItem | None:
        """The row of a supernode."""
        found = self.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)
        return next((item for item in found if item.data(0, GROUP) == group), None)

    # what it shows

    def _show(self) -> None:
        view = self._document.view
        edits = self._document.edits
        named = view.named if view is not None else None
        shown = (edits.supernodes, edits.labels, edits.notes, named, view.graph if view is not None else None)
        if shown == self._shown:
            return
        self._shown = shown
        opened = {item.data(0, GROUP) for item in self.rows() if item.isExpanded()}
        with QSignalBlocker(self):
            self.clear()
            if view is not None:
                strength = strengths(view).tolist()
                self.addTopLevelItems([self._group(view, group, strength) for group in children(edits.supernodes, "")])
            for item in self.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive):
                item.setExpanded(item.data(0, GROUP) in opened)
        self._take_selection()

    def _group(self, view: GraphView, group: Supernode, strength: list[float]) -> QTreeWidgetItem:
        groups = view.edits.supernodes
        nodes = view.graph.nodes
        rows = rows_of(view.graph, members_below(groups, group.id)).tolist()
        item = QTreeWidgetItem([group.name])
        item.setData(0, GROUP, group.id)
        item.setData(0, MARKS, [Mark(int(nodes.kind[row]), strength[row]) for row in rows])
        item.setData(0, PLACE, group.colour)
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{group.name}, supernode of {len(rows)} nodes")
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        item.addChildren([self._group(view, inner, strength) for inner in children(groups, group.id)])
        for key in group.members:
            if key in view.graph.index:
                item.addChild(self._node(view, key, strength))
        return item

    def _node(self, view: GraphView, key: NodeKey, strength: list[float]) -> QTreeWidgetItem:
        row = view.graph.index[key]
        item = QTreeWidgetItem([view.label(row)])
        item.setData(0, KEY, str(key))
        item.setData(0, MARKS, [Mark(key.kind, strength[row])])
        item.setData(0, PLACE, f"{marks(view, row)} {place(view.graph, row)}".strip())
        item.setData(0, TONE, tone(view, row, "text_2"))
        item.setData(0, Qt.ItemDataRole.ToolTipRole, f"{view.label(row)}\n{status_line(view, row)}".strip())
        said = (view.label(row), status_line(view, row), place(view.graph, row))
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, ", ".join(filter(None, said)))
        item.setFlags((item.flags() | Qt.ItemFlag.ItemIsEditable) & ~Qt.ItemFlag.ItemIsDropEnabled)
        return item

    # selection

    def _take_selection(self) -> None:
        document, graph = self._document, self._document.graph
        current = document.current
        key = str(graph.key(current)) if graph is not None and current is not None else ""
        with QSignalBlocker(self):
            self.clearSelection()
            for item in self.rows():
                chosen = item.data(0, GROUP) == document.group if document.group else key and item.data(0, KEY) == key
                if chosen:
                    self.setCurrentItem(item)
                    return
            self.setCurrentIndex(QModelIndex())

    def _give_selection(self) -> None:
        items = self.selectedItems()
        if not items or self._document.graph is None:
            return
        if items[0].data(0, GROUP):
            self._document.select_group(items[0].data(0, GROUP))
        else:
            self._document.select([self._document.graph.index[NodeKey.parse(items[0].data(0, KEY))]])

    # edits

    def _rename(self, item: QTreeWidgetItem) -> None:
        text, document = item.text(0), self._document
        if item.data(0, GROUP):
            grouping.rename_group(document, item.data(0, GROUP), text)
        elif document.view is not None and not document.is_partial:
            key = NodeKey.parse(item.data(0, KEY))
            if text.strip() and text.strip() != document.view.label(document.view.graph.index[key]):
                document.do("label a node", edit.set_label(document.edits, key, text))
        self._shown = ()
        self._show()  # what was refused, or blank, is as it was

    def dropEvent(self, event: QDropEvent) -> None:
        """Move what is dragged by an edit; the rows follow from it."""
        items, target = self.selectedItems(), self.itemAt(event.position().toPoint())
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        if items:
            self.move_row(items[0], target)

    def move_row(self, item: QTreeWidgetItem, target: QTreeWidgetItem | None) -> None:
        """Put a row into the group of another row, or to the top for None."""
        if target is not None and not target.data(0, GROUP):
            target = target.parent()
        goal = target.data(0, GROUP) if target is not None else ""
        if item.data(0, GROUP):
            if item.data(0, GROUP) != goal:
                grouping.nest_group(self._document, item.data(0, GROUP), goal)
            return
        key = NodeKey.parse(item.data(0, KEY))
        if not goal:
            grouping.take_out(self._document, [key])
        elif item.parent() is not target:
            grouping.add_to_group(self._document, goal, [key])

    def _open_menu(self, at: QPoint) -> None:
        item = self.itemAt(at)
        if item is not None and not self._document.is_partial:
            menu = self.menu_of(item)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(self.viewport().mapToGlobal(at))

    def menu_of(self, item: QTreeWidgetItem) -> QMenu:
        """What can be done with a row."""
        menu = QMenu(self)
        if item.data(0, GROUP):
            grouping.fill_group_menu(menu, self._document, item.data(0, GROUP), lambda: self.editItem(item))
        else:
            key = NodeKey.parse(item.data(0, KEY))
            grouping.add_row(menu, "Label", lambda: self.editItem(item), "F2")
            if self._document.graph is not None:
                fill_status_menu(menu.addMenu("Status of the label"), self._document, self._document.graph.index[key])
            grouping.fill_into_menu(menu, self._document, [key])
            grouping.add_row(menu, "Take out of its supernode", lambda: grouping.take_out(self._document, [key]))
        return menu

    # keys

    def event(self, event: QEvent) -> bool:
        """F2 renames here, whatever it does elsewhere in the window."""
        is_key = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_key and event.key() == Qt.Key.Key_F2:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_G and event.modifiers() == Qt.KeyboardModifier.ShiftModifier:
            grouping.ungroup(self._document)
        elif event.key() == Qt.Key.Key_G and not event.modifiers():
            grouping.group_selection(self._document)
        else:
            super().keyPressEvent(event)


class _RowDelegate(QStyledItemDelegate):
    """A group: name, how many, a dot for each; a node: its mark, name and place."""

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:
        return QSize(60, px(ROW))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        theme, rect, data = current_theme(), QRect(option.rect), index.data  # type: ignore[attr-defined]
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        marks, is_group = data(MARKS) or [], bool(data(GROUP))
        painter.save()
        if chosen:
            painter.fillRect(rect, QColor(theme.select_tint))
        middle, left, right = rect.center().y() + 0.5, rect.left() + 4, rect.right() - 12
        if is_group:
            if data(PLACE):
                stripe = QRect(left, rect.top() + 5, 3, rect.height() - 10)
                painter.fillRect(stripe, QColor(group_colour(data(PLACE), theme)))
                left += 7
            for mark in reversed(marks[:MOST_DOTS]):
                paint_mark(painter, QPointF(right - DOT, middle), DOT, mark, theme)
                right -= round(DOT_APART)
            more = f"+{len(marks) - MOST_DOTS}" if len(marks) > MOST_DOTS else ""
            right = _right(painter, rect, right, more)
        else:
            paint_mark(painter, QPointF(left + 6, middle), 3.9, marks[0], theme)
            left += 17
            right = _right(painter, rect, right, data(PLACE))
        count = f" {len(marks)}" if is_group else ""
        name_font = font("strong" if chosen else "body")
        metrics = QFontMetrics(name_font)
        room = right - left - 6 - metrics.horizontalAdvance(count)
        name = metrics.elidedText(data(Qt.ItemDataRole.DisplayRole), Qt.TextElideMode.ElideRight, room)
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(name_font)
        painter.setPen(QColor(getattr(theme, data(TONE) or "text")))
        painter.drawText(QRect(left, rect.top(), room + 2, rect.height()), flags, name)
        if count:
            at = left + metrics.horizontalAdvance(name)
            painter.setPen(QColor(theme.text_3))
            painter.drawText(QRect(at, rect.top(), right - at, rect.height()), flags, count)
        painter.restore()


def _right(painter: QPainter, rect: QRect, right: int, text: str) -> int:
    """Write ``text`` in grey up to ``right``; where it begins."""
    if not text:
        return right
    painter.setFont(font("caption"))
    painter.setPen(QColor(current_theme().text_3))
    width = QFontMetrics(font("caption")).horizontalAdvance(text)
    flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    painter.drawText(QRect(right - width - 2, rect.top(), width + 2, rect.height()), flags, text)
    return right - width - 4
