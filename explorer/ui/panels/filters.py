"""Saved filters: the queries that a document keeps by name, to use, rename and forget."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import GraphError
from explorer.session.edits import Edits, rename_filter, save_filter
from explorer.session.query import parse
from explorer.ui.document import Document
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.look import px
from explorer.ui.widgets.scaling import fixed

WIDTH, ROW, MOST_ROWS = 300, 22, 8
NAME = Qt.ItemDataRole.UserRole
NONE = "No filter is kept yet. Write one into the field above the table, then keep it here under a name."


class FiltersButton(QToolButton):
    """Opens the card of the saved filters of a document; ``query`` says what the field holds now."""

    used = Signal(str)  # a query
    select_asked = Signal(str)  # what a query finds

    def __init__(self, document: Document, query: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._query = document, query
        self._card: FiltersCard | None = None
        self.setProperty("small", True)
        self.setToolTip("Keep this filter under a name, or use one that was kept")
        self.clicked.connect(self._open)
        document.edits_changed.connect(self._show)
        self._show()

    @property
    def card(self) -> FiltersCard:
        """Made when it is first asked for: a window opens faster without."""
        if self._card is None:
            self._card = FiltersCard(self._document, self)
            self._card.used.connect(self.used)
            self._card.select_asked.connect(self.select_asked)
        return self._card

    def _show(self) -> None:
        n_kept = len(self._document.edits.filters)
        self.setText(f"Saved filters {n_kept}" if n_kept else "Saved filters")
        self.setAccessibleName(f"Saved filters: {n_kept or 'none'}")
        self.setEnabled(self._document.view is not None)

    def _open(self) -> None:
        self.card.show_query(self._query())
        self.card.move(self.mapToGlobal(QPoint(0, self.height() + 4)))
        self.card.show()


class FiltersCard(QFrame):
    """Return uses a filter, Ctrl+Return selects all that it finds, F2 renames, Del forgets; each change is an edit."""

    used = Signal(str)
    select_asked = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._document, self._query = document, ""
        self.setProperty("card", True)
        self.setAccessibleName("Saved filters")
        fixed(self, width=WIDTH)
        self.names = QListWidget()
        self.names.setAccessibleName("Saved filters")
        self.names.setFrameShape(QFrame.Shape.NoFrame)
        self.names.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.names.installEventFilter(self)
        self.query, self.none = ElidedLabel(mode=Qt.TextElideMode.ElideRight), QLabel(NONE)
        self.none.setWordWrap(True)
        for words in (self.query, self.none):
            words.setProperty("role", "caption")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name for the present filter")
        self.use = self._button("Use", "Put it into the field (Return)")
        self.select = self._button("Select all", "Select every node that it finds (Ctrl+Return)")
        self.rename = self._button("Rename", "Give it another name (F2)")
        self.forget = self._button("Forget", "Take it out of the document; Undo brings it back (Del)")
        self.keep = self._button("Keep", "Keep what is in the field under this name")
        self._lay_out()
        self._connect()

    def show_query(self, query: str) -> None:
        """Offer to keep ``query``, which is in the field now."""
        self._query = query.strip()
        self.name.clear()
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        (self.names if self.names.count() else self.name).setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the list, before it takes them; F2 is its own whatever it does in the window."""
        if not isinstance(event, QKeyEvent) or self.names.state() == QAbstractItemView.State.EditingState:
            return False
        key, is_return = event.key(), event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() == QEvent.Type.ShortcutOverride and (is_return or key in (Qt.Key.Key_F2, Qt.Key.Key_Delete)):
            event.accept()
            return True
        if event.type() != QEvent.Type.KeyPress or not (is_return or key == Qt.Key.Key_Delete):
            return False
        if key == Qt.Key.Key_Delete:
            self._forget()
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._select()
        else:
            self._use()
        return True

    # building

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("small", True)
        button.setToolTip(tip)
        return button

    def _lay_out(self) -> None:
        title = QLabel("Saved filters")
        title.setProperty("role", "section")
        rows, new = QHBoxLayout(), QHBoxLayout()
        rows.setSpacing(6)
        for button in (self.use, self.select, self.rename, self.forget):
            rows.addWidget(button)
        rows.addStretch()
        new.setSpacing(6)
        new.addWidget(self.name, 1)
        new.addWidget(self.keep)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 12)
        layout.setSpacing(8)
        for part in (title, self.none, self.names, self.query):
            layout.addWidget(part)
        layout.addLayout(rows)
        layout.addLayout(new)

    def _connect(self) -> None:
        self.names.currentItemChanged.connect(self._show_current)
        self.names.itemDoubleClicked.connect(self._use)
        self.names.itemChanged.connect(self._renamed)
        self.name.textChanged.connect(self._show_keep)
        self.name.returnPressed.connect(self._keep)
        self.use.clicked.connect(self._use)
        self.select.clicked.connect(self._select)
        self.rename.clicked.connect(self._ask_name)
        self.forget.clicked.connect(self._forget)
        self.keep.clicked.connect(self._keep)
        self._document.edits_changed.connect(self._edited)

    # what it shows

    def _edited(self) -> None:
        if self.isVisible():
            self._show()

    def _show(self) -> None:
        row, filters = max(self.names.currentRow(), 0), self._document.edits.filters
        with QSignalBlocker(self.names):
            self.names.clear()
            for name in filters:
                item = QListWidgetItem(name)
                item.setData(NAME, name)
                item.setSizeHint(QSize(0, px(ROW)))
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self.names.addItem(item)
            self.names.setCurrentRow(min(row, len(filters) - 1))
        self.names.setFixedHeight(px(ROW) * min(len(filters), MOST_ROWS) + 2)
        self.names.setVisible(bool(filters))
        self.none.setVisible(not filters)
        self._show_current()
        self._show_keep()
        self.adjustSize()

    def _show_current(self) -> None:
        name, may_edit = self._current, not self._document.is_partial
        self.query.set_text(self._document.edits.filters.get(name, ""))
        for button in (self.use, self.select):
            button.setEnabled(bool(name))
        for button in (self.rename, self.forget):
            button.setEnabled(bool(name) and may_edit)

    def _show_keep(self) -> None:
        fits = bool(self._query) and not _fault(self._query)
        shown = self._query if len(self._query) <= 24 else f"{self._query[:23]}…"
        self.name.setPlaceholderText(f"Name for “{shown}”" if fits else "The field holds no filter to keep")
        self.name.setEnabled(fits and not self._document.is_partial)
        self.keep.setEnabled(self.name.isEnabled() and bool(self.name.text().strip()))

    @property
    def _current(self) -> str:
        item = self.names.currentItem()
        return str(item.data(NAME)) if item is not None else ""

    # what it does

    def _use(self) -> None:
        if self._current:
            self.hide()
            self.used.emit(self._document.edits.filters[self._current])

    def _select(self) -> None:
        if self._current:
            self.hide()
            self.select_asked.emit(self._document.edits.filters[self._current])

    def _ask_name(self) -> None:
        if self.names.currentItem() is not None:
            self.names.editItem(self.names.currentItem())

    def _renamed(self, item: QListWidgetItem) -> None:
        old, name = str(item.data(NAME)), item.text().strip()
        if name and name != old:
            self._do(f"rename the filter “{old}”", rename_filter(self._document.edits, old, name))
        else:
            self._show()

    def _forget(self) -> None:
        if self._current:
            self._do(f"forget the filter “{self._current}”", save_filter(self._document.edits, self._current, ""))

    def _keep(self) -> None:
        name = self.name.text().strip()
        if name and self._query:
            self.name.clear()
            self._do(f"keep the filter “{name}”", save_filter(self._document.edits, name, self._query))

    def _do(self, text: str, edits: Edits) -> None:
        if not self._document.is_partial:
            self._document.do(text, edits)


def _fault(query: str) -> str:
    try:
        parse(query)
    except GraphError as error:
        return str(error)
    return ""
