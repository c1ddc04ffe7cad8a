"""MenuRow: name, menus, what is open, undo and redo, and the way to the palette."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QMenuBar, QSizePolicy, QToolButton, QWidget

from explorer.ui.action_set import ActionSet
from explorer.ui.document import Document
from explorer.ui.widgets.card import Card
from explorer.ui.widgets.icons import IconLabel, icon
from explorer.ui.widgets.scaling import fixed

HEIGHT = 28


class MenuRow(QWidget):
    """The first row of the window. The title lies in the middle of the window, whatever stands beside it."""

    def __init__(self, actions: ActionSet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._words = ("", "")
        self.setProperty("menu_row", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        name = QLabel("Circuit Explorer")
        name.setProperty("role", "section")
        self.bar = QMenuBar()
        self.bar.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.menus = actions.fill(self.bar)
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.RichText)
        self.undo = self._button("undo")
        self.redo = self._button("redo")
        row = QHBoxLayout()
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(4)
        row.addWidget(name)
        row.addSpacing(4)
        row.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch()
        row.addWidget(self.undo)
        row.addWidget(self.redo)
        row.addSpacing(8)
        row.addWidget(self._anything())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addLayout(row, 0, 0)
        grid.addWidget(self.title, 0, 0, Qt.AlignmentFlag.AlignCenter)
        self.title.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        fixed(self, height=HEIGHT)

    def show_title(self, name: str, more: str) -> None:
        """``name`` is what is open, ``more`` its state in grey."""
        self._words = name, more
        self._write_title()
        self._fit_title()

    def _write_title(self) -> None:
        name, more = self._words
        self.title.setText(f"{_escaped(name)} <span style='color:{_grey(self)}'>· {_escaped(more)}</span>")

    def changeEvent(self, event: QEvent) -> None:
        """Another theme has another grey."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._write_title()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_title()

    def _fit_title(self) -> None:
        """Where the title would cover the menus, it goes: the window's frame has it too."""
        room = self.width() // 2 - self.bar.mapTo(self, self.bar.rect().topRight()).x() - 8
        self.title.setVisible(self.title.sizeHint().width() // 2 <= room)

    def _button(self, row: str) -> QToolButton:
        button = QToolButton()
        action = self._actions.by_id[row]
        action.setIcon(icon(row))
        action.setIconVisibleInMenu(False)
        button.setDefaultAction(action)
        button.setProperty("quiet", True)
        button.setIconSize(QSize(16, 16))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return button

    def _anything(self) -> Card:
        card = Card("Do anything", bare=True)
        words = QLabel("Do anything")
        words.setProperty("role", "second")
        cap = QLabel("Ctrl K")
        cap.setProperty("keycap", True)
        row = QHBoxLayout()
        row.setContentsMargins(6, 0, 4, 0)
        row.setSpacing(7)
        for part in (IconLabel("search"), words, cap):
            row.addWidget(part)
        card.hold(row)
        card.clicked.connect(self._actions.by_id["palette"].trigger)
        card.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return card


def title_of(document: Document, *, welcome: bool) -> tuple[str, str]:
    """What is open, and whether it is saved."""
    if welcome:
        return "Welcome", "nothing open" if document.graph is None else "a graph is open behind it"
    if document.is_partial:
        return "Part of a graph", "run under way"
    if document.path is not None:
        return document.path.name, "saved" if document.is_saved else "edited"
    if document.graph is not None:
        return "New graph", "not saved"
    return (document.model.name if document.model is not None else "No model"), "no graph yet"


def _grey(widget: QWidget) -> str:
    return widget.palette().placeholderText().color().name()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
