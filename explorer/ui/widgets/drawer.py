"""Drawer: a dock at the lower edge that folds to a line."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QStackedWidget, QWidget

from explorer.ui.widgets.card import Card
from explorer.ui.widgets.dock import WIDEST
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.scaling import on_text_size

CLOSED, LEAST = 30, 150


class Lid(Card):
    """The folded dock: its name and ``words``; a click unfolds it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Show {name}", flat=True)
        self._name = name
        self.words = ""
        self.setToolTip(f"Show {name}")

    def sizeHint(self) -> QSize:
        return QSize(px(200), px(CLOSED))

    def show_words(self, words: str) -> None:
        if words != self.words:
            self.words = words
            self.setAccessibleDescription(words)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, middle = current_theme(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.surface_sunken if self.underMouse() else theme.surface_panel))
            icon("right").paint(painter, QRect(10, (self.height() - 12) // 2, 12, 12))
            painter.setFont(font("section"))
            painter.setPen(QColor(theme.select if self.hasFocus() else theme.text))
            painter.drawText(self.rect().adjusted(28, 0, 0, 0), middle, self._name)
            start = 28 + painter.fontMetrics().horizontalAdvance(self._name) + px(12)
            painter.setFont(font("caption"))
            painter.setPen(QColor(theme.text_3))
            painter.drawText(self.rect().adjusted(start, 0, -12, 0), middle, self.words)


class Drawer(QDockWidget):
    """Holds a panel ``height`` high (at 100 % text size) that the user may make higher; folded at first."""

    unfolded = Signal()

    def __init__(self, panel: QWidget, title: str, height: int, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.panel, self.preferred = panel, height
        self.setObjectName(title.lower())
        self.setAccessibleName(title)
        self.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
        self.setTitleBarWidget(QWidget(self))
        self.lid = Lid(title)
        self._pages = QStackedWidget()
        self._pages.addWidget(panel)
        self._pages.addWidget(self.lid)
        self.setWidget(self._pages)
        self.lid.clicked.connect(self.unfold)
        self.fold()
        on_text_size(self, self._measure)

    @property
    def folded(self) -> bool:
        return self._pages.currentWidget() is self.lid

    def fold(self) -> None:
        self._pages.setCurrentWidget(self.lid)
        self._measure()

    def unfold(self) -> None:
        if self.folded:
            self._pages.setCurrentWidget(self.panel)
            self._measure()
            self.unfolded.emit()

    def _measure(self) -> None:
        if self.folded:
            self._pages.setFixedHeight(px(CLOSED))
        else:
            self._pages.setMinimumHeight(px(LEAST))
            self._pages.setMaximumHeight(WIDEST)
