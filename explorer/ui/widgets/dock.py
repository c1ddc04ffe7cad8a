"""PanelDock: a dock without a title bar of its own, that can fold to a strip."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QDockWidget, QStackedWidget, QWidget

from explorer.ui.widgets.card import Card
from explorer.ui.widgets.look import current_theme, font, px
from explorer.ui.widgets.scaling import on_text_size

STRIP = 36
WIDEST = 16_777_215


class Strip(Card):
    """The folded dock: its name, upright; a click unfolds it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Show {name}", flat=True)
        self._name = name
        self.setToolTip(f"Show {name}")

    def sizeHint(self) -> QSize:
        return QSize(px(STRIP), px(120))

    def paintEvent(self, event: object) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            ground = theme.surface_sunken if self.underMouse() else theme.surface_panel
            painter.fillRect(self.rect(), QColor(ground))
            painter.setFont(font("section"))
            painter.setPen(QColor(theme.select if self.hasFocus() else theme.text))
            painter.rotate(-90)
            box = QRect(QPoint(-px(130), 0), QSize(px(118), self.width()))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._name)


class PanelDock(QDockWidget):
    """Holds a panel ``width`` wide (at 100 % text size); the user may widen it."""

    unfolded = Signal()

    def __init__(self, panel: QWidget, title: str, width: int, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.panel = panel
        self.preferred = width
        self.setObjectName(title.lower())
        self.setAccessibleName(title)
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )
        self.setTitleBarWidget(QWidget(self))
        self.strip = Strip(title)
        self._pages = QStackedWidget()
        self._pages.addWidget(panel)
        self._pages.addWidget(self.strip)
        self.setWidget(self._pages)
        self.strip.clicked.connect(self._unfold)
        self.set_folded(False)
        on_text_size(self, self._measure)

    @property
    def folded(self) -> bool:
        return self._pages.currentWidget() is self.strip

    def set_folded(self, folded: bool) -> None:
        self._pages.setCurrentWidget(self.strip if folded else self.panel)
        if folded:
            self._pages.setFixedWidth(px(STRIP))
        else:
            self._pages.setMinimumWidth(px(min(self.preferred, 220)))
            self._pages.setMaximumWidth(WIDEST)

    def _measure(self) -> None:
        self.set_folded(self.folded)

    def limit(self, widest: int | None) -> None:
        """Be ``widest`` wide, for the window would squeeze it further, or as wide as the user likes."""
        if not self.folded:
            self._pages.setMinimumWidth(px(widest if widest is not None else min(self.preferred, 220)))
            self._pages.setMaximumWidth(px(widest) if widest is not None else WIDEST)

    def _unfold(self) -> None:
        self.set_folded(False)
        self.unfolded.emit()
