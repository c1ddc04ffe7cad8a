"""The keyboard map and the palette: two views of ACTIONS."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from explorer.ui.action_set import ActionSet
from explorer.ui.actions import ACTIONS, MENUS
from explorer.ui.widgets.look import current_theme, font, px

KEYS = Qt.ItemDataRole.UserRole + 1

CANVAS_KEYS = (
    ("Walk to the nearest mark", "Arrows"),
    ("Pin or unpin", "Ctrl click"),
    ("Add to the selection", "Shift click"),
    ("Select what is in a box", "Shift drag"),
    ("Move the graph", "Drag"),
    ("Zoom", "Wheel"),
    ("Zoom in, out, 100 %", "+  \u2212  0"),
    ("Fit all, fit the selection", "F  Shift+F"),
    ("Back, forward along the walk", "[  ]"),
    ("Subgraph: rename in place", "Double click"),
    ("Subgraph: put a node into a supernode", "Drag onto it"),
    ("Subgraph: open, close a supernode", "Return  Backspace"),
    ("On a slider: by 0.05, by 0.5", "\u2212 =  Shift"),
    ("On a slider: 0, its own strength", "Home  End"),
)


def native(key: str) -> str:
    """A key as this system writes it."""
    text = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    return text or key


class KeyMap(QDialog):
    """Every key, by menu, and what the mouse and keys do on the canvas."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard map")
        groups = [(name, _of_menu(name)) for name in MENUS]
        columns = QHBoxLayout()
        columns.setSpacing(36)
        for chosen in (("Graph", "Edit"), ("View", "Intervene", "Help"), ("File", "Model")):
            column = QVBoxLayout()
            column.setSpacing(4)
            for name, rows in groups:
                if name in chosen and rows:
                    _add(column, name, rows)
            if "File" in chosen:
                _add(column, "On the graph", list(CANVAS_KEYS))
            column.addStretch()
            columns.addLayout(column)
        title = QLabel("Keyboard map")
        title.setProperty("role", "title")
        hint = QLabel("Keys without Ctrl act while the graph or a table has the focus.")
        hint.setProperty("role", "caption")
        inner = QWidget()
        inner.setProperty("panel", True)
        inner.setLayout(columns)
        columns.setContentsMargins(0, 0, 12, 0)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(inner)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 16)
        layout.setSpacing(8)
        for part in (title, hint):
            layout.addWidget(part)
        layout.addSpacing(6)
        layout.addWidget(area, 1)
        layout.addWidget(buttons)
        self.resize(px(920), px(560))


def _of_menu(name: str) -> list[tuple[str, str]]:
    rows = [row for row in ACTIONS if row.menu == name and row.shortcut]
    return [(row.text.rstrip("…"), native(row.shortcut)) for row in rows]


def _add(column: QVBoxLayout, name: str, rows: list[tuple[str, str]]) -> None:
    head = QLabel(name)
    head.setProperty("role", "section")
    head.setContentsMargins(0, 8, 0, 2)
    column.addWidget(head)
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(5)
    grid.setColumnStretch(0, 1)
    for at, (text, keys) in enumerate(rows):
        words = QLabel(text)
        words.setProperty("role", "second")
        cap = QLabel(keys)
        cap.setProperty("keycap", True)
        grid.addWidget(words, at, 0)
        grid.addWidget(cap, at, 1, Qt.AlignmentFlag.AlignRight)
    column.addLayout(grid)


class _KeyDelegate(QStyledItemDelegate):
    """Writes the key at the right of its row."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        painter.setFont(font("caption"))
        painter.setPen(QColor(current_theme().text_3))
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(option.rect.adjusted(0, 0, -12, 0), right, index.data(KEYS) or "")


class Palette(QDialog):
    """Do anything: type a few letters of an action's name, Return takes it."""

    chosen = Signal(str)

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._actions = actions
        self.setProperty("card", True)
        self.setAccessibleName("Do anything")
        self.words = QLineEdit()
        self.words.setPlaceholderText("Do anything")
        self.words.setAccessibleName("Name of an action")
        self.rows = QListWidget()
        self.rows.setFrameShape(QFrame.Shape.NoFrame)
        self.rows.setAccessibleName("Actions")
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setItemDelegate(_KeyDelegate(self.rows))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.words)
        layout.addWidget(self.rows)
        self.setFixedSize(px(460), px(360))
        self.words.textChanged.connect(self._fill)
        self.words.returnPressed.connect(self._take)
        self.rows.itemClicked.connect(self._take)
        self._fill()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()), 0)
        if step and self.rows.count():
            self.rows.setCurrentRow((self.rows.currentRow() + step) % self.rows.count())
            return
        super().keyPressEvent(event)

    def _fill(self) -> None:
        wanted = self.words.text().casefold().split()
        self.rows.clear()
        for row in ACTIONS:
            action = self._actions.by_id[row.id]
            text = f"{row.menu}: {action.text()}" if row.menu else action.text()
            if row.id in ("palette", "label") or not action.isEnabled():
                continue
            if all(word in text.casefold() for word in wanted):
                keys = native(row.shortcut) if row.shortcut else ""
                item = QListWidgetItem(action.text())
                item.setData(Qt.ItemDataRole.UserRole, row.id)
                item.setData(KEYS, keys)
                item.setSizeHint(QSize(0, px(24)))
                self.rows.addItem(item)
        self.rows.setCurrentRow(0)

    def _take(self) -> None:
        item = self.rows.currentItem()
        self.hide()
        if item is not None:
            self.chosen.emit(str(item.data(Qt.ItemDataRole.UserRole)))
