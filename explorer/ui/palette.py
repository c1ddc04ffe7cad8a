"""The palette: whatever the window can do and whatever node the graph has, found by a few letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QIcon, QKeyEvent, QKeySequence, QPainter, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from explorer.circuits.graph import Ints, NodeKind
from explorer.errors import GraphError
from explorer.session.edits import save_filter
from explorer.session.query import find, influence_share
from explorer.session.view import GraphView, place
from explorer.ui.action_set import ActionSet
from explorer.ui.actions import ACTIONS
from explorer.ui.document import Document
from explorer.ui.widgets.look import current_theme, font, px, set_property
from explorer.ui.widgets.marks import Mark, mark_of, paint_mark

ROW, RIGHT = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
LISTED = 50  # nodes
ICON = 14
HINT = "Actions, filters and nodes: a label, /a pattern/, token:is, reads:is, pushes:is, peaks:is, logit:is, layer>2"
BY_INDEX = PEAKS, LOGIT = ("peaks:", "logit:")  # asked of the evidence for features


@dataclass(frozen=True)
class Row:
    """One line; ``what`` is action, filter, node or keep, ``value`` its id, name, row or query."""

    what: str
    value: str
    text: str
    right: str = ""
    mark: Mark | None = None


def native(key: str) -> str:
    """A key as this system writes it."""
    text = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    return text or key


class _RowDelegate(QStyledItemDelegate):
    """Writes the key, or where a node is, at the right of its row."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        right = index.data(RIGHT) or ""
        place = option.rect.adjusted(0, 0, -12, 0)
        face = font("caption")
        width = QFontMetrics(face).horizontalAdvance(right) + 24
        part = QStyleOptionViewItem(option)
        part.rect = option.rect.adjusted(0, 0, -width, 0)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, QColor(current_theme().select_tint))
        super().paint(painter, part, index)
        painter.setFont(face)
        painter.setPen(QColor(current_theme().text_3))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), right)


class Palette(QDialog):
    """Return takes a row, Ctrl+Return selects all nodes that are found; a filter is kept by name."""

    chosen = Signal(str)  # the id of an action
    gone_to = Signal(int)  # a node

    def __init__(
        self,
        actions: ActionSet,
        document: Document,
        parent: QWidget | None = None,
        by_index: Callable[[str], Sequence[tuple[int, str]]] = lambda text: (),
    ) -> None:
        """``by_index`` finds nodes by the evidence for their features, with what they were found by."""
        super().__init__(parent, Qt.WindowType.Popup)
        self._actions, self._document, self._by_index = actions, document, by_index
        self._known: dict[int, str] = {}  # nodes that the index finds
        self._found: Ints = np.empty(0, dtype=np.int64)
        self._kept = ""  # the query that is being named
        self.setProperty("card", True)
        self.setAccessibleName("Do or find anything")
        self.words = QLineEdit()
        self.words.setPlaceholderText("Do or find anything")
        self.words.setAccessibleName("Name of an action, or of nodes")
        self.words.installEventFilter(self)
        self.rows = QListWidget()
        self.rows.setFrameShape(QFrame.Shape.NoFrame)
        self.rows.setAccessibleName("Actions, filters and nodes")
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setIconSize(QSize(ICON, ICON))
        self.rows.setItemDelegate(_RowDelegate(self.rows))
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.hint.setContentsMargins(4, 0, 4, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        for part in (self.words, self.rows, self.hint):
            layout.addWidget(part)
        self.setFixedSize(px(480), px(400))
        self.words.textChanged.connect(self._fill)
        self.rows.itemClicked.connect(self._take)
        self._fill()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the list, before the line takes them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_return(event):
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._press(event)
        return False

    def select_all(self) -> None:
        """Select every node that is found; the most influential becomes the current one."""
        if len(self._found):
            self.hide()
            self._document.select(self._found[::-1].tolist())

    def _press(self, event: QKeyEvent) -> bool:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if _is_return(event):
            every = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            self.select_all() if every else self._take()
        elif step and self.rows.count():
            self.rows.setCurrentRow((self.rows.currentRow() + step) % self.rows.count())
        elif event.key() == Qt.Key.Key_Delete and self.words.cursorPosition() == len(self.words.text()):
            self._forget()
        else:
            return False
        return True

    # what it lists

    def _fill(self) -> None:
        text = self.words.text().strip()
        self._found, fault = self._find(text)
        self.rows.clear()
        for row in self._list(text) if not self._kept else ():
            item = QListWidgetItem(row.text)
            item.setData(ROW, row)
            item.setData(RIGHT, row.right)
            item.setSizeHint(QSize(0, px(24)))
            if row.mark is not None:
                item.setIcon(_icon(row.mark))
            self.rows.addItem(item)
        self.rows.setCurrentRow(0)
        set_property(self.hint, "role", "danger" if fault else "caption")
        self.hint.setText(fault or self._words(text))

    def _find(self, text: str) -> tuple[Ints, str]:
        """The nodes that ``text`` finds, and what is wrong with it."""
        view = self._document.view
        self._known = {}
        if view is None or not text or self._kept:
            return np.empty(0, dtype=np.int64), ""
        self._known = dict(self._by_index(text))
        if text.startswith(BY_INDEX):
            return np.array(list(self._known), dtype=np.int64), ""
        try:
            return find(view, text), ""
        except GraphError as error:
            return np.empty(0, dtype=np.int64), str(error)

    def _list(self, text: str) -> Iterator[Row]:
        words = text.casefold().split()
        for row in ACTIONS:
            action = self._actions.by_id[row.id]
            name = f"{row.menu}: {action.text()}" if row.menu else action.text()
            if row.id not in ("palette", "label") and action.isEnabled() and _has(name, words):
                yield Row("action", row.id, action.text(), native(row.shortcut) if row.shortcut else "")
        filters = self._document.edits.filters
        for name, query in filters.items():
            if _has(f"filter: {name}", words):
                yield Row("filter", name, name, query)
        view = self._document.view
        if view is None:
            return
        yield from self._nodes(view, list(dict.fromkeys([*self._found.tolist(), *self._known])))
        is_new = text not in filters.values() and not text.startswith(BY_INDEX)
        if len(self._found) and is_new and not self._document.is_partial:
            yield Row("keep", text, f"Keep “{text}” as a filter…")

    def _nodes(self, view: GraphView, found: Sequence[int]) -> Iterator[Row]:
        share = influence_share(view)
        strongest = float(np.abs(view.effect[view.graph.block(NodeKind.FEATURE)]).max(initial=0.0))
        for node in found[:LISTED]:
            part = self._known.get(node) or (f"{100 * share[node]:.2f} %" if share[node] else "")
            status = view.status(node)
            right = "   ".join(filter(None, (status if status != "human" else "", place(view.graph, node), part)))
            yield Row("node", str(node), view.label(node), right, mark_of(view, node, strongest))

    def _words(self, text: str) -> str:
        if self._kept:
            return f"Return keeps “{self._kept}” under this name."
        if not len(self._found):
            return HINT if self.rows.count() or not text else f"No action, filter or node goes by “{text}”."
        listed = f" The {LISTED} most influential are listed." if len(self._found) > LISTED else ""
        hidden = " All of them are hidden." if not self._shows_found() else ""
        count = "1 node" if len(self._found) == 1 else f"{len(self._found):,} nodes"
        return f"{count}; Ctrl+Return selects them all.{listed}{hidden}"

    def _shows_found(self) -> bool:
        view = self._document.view
        return view is not None and bool(view.shown[self._found].any())

    # what a row does

    def _take(self) -> None:
        item = self.rows.currentItem()
        if self._kept:
            self._keep()
        elif item is None:
            self.hide()
        else:
            self._do(item.data(ROW))

    def _do(self, row: Row) -> None:
        if row.what == "filter":
            self.words.setText(self._document.edits.filters[row.value])
            return
        if row.what == "keep":
            self._kept = row.value
            self.words.clear()
            self.words.setPlaceholderText("Name of the filter")
            return
        self.hide()
        if row.what == "node":
            self.gone_to.emit(int(row.value))
        else:
            self.chosen.emit(row.value)

    def _keep(self) -> None:
        name = self.words.text().strip()
        if name:
            self.hide()
            self._document.do(f"keep the filter “{name}”", save_filter(self._document.edits, name, self._kept))

    def _forget(self) -> None:
        """Forget the filter of the current row."""
        item = self.rows.currentItem()
        row = item.data(ROW) if item is not None else None
        if row is not None and row.what == "filter":
            edits = save_filter(self._document.edits, row.value, "")
            self._document.do(f"forget the filter “{row.value}”", edits)
            self._fill()


def _is_return(event: QKeyEvent) -> bool:
    return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def _has(name: str, words: list[str]) -> bool:
    return all(word in name.casefold() for word in words)


def _icon(mark: Mark) -> QIcon:
    picture = QPixmap(2 * ICON, 2 * ICON)
    picture.setDevicePixelRatio(2.0)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        paint_mark(painter, QPointF(ICON / 2, ICON / 2), 3.9, mark, current_theme())
    return QIcon(picture)
