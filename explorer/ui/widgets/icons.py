"""Icons: 16 px line drawings, inked by the theme in which they are painted."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.widgets.look import current_theme

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><g fill="none" stroke="{ink}" stroke-width="1.4" '
    'stroke-linecap="round" stroke-linejoin="round">{body}</g></svg>'
)
ICONS: Mapping[str, str] = {
    "undo": '<path d="M6 3 2.5 6.5 6 10M2.5 6.5H10a3.5 3.5 0 0 1 0 7H7"/>',
    "redo": '<path d="M10 3l3.5 3.5L10 10M13.5 6.5H6a3.5 3.5 0 0 0 0 7h3"/>',
    "search": '<circle cx="7" cy="7" r="4.3"/><path d="M10.3 10.3 14 14"/>',
    "run": '<path d="M5 3.2v9.6l7.6-4.8z"/>',
    "cancel": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "close": '<path d="M4.5 4.5l7 7M11.5 4.5l-7 7"/>',
    "add": '<path d="M8 3.2v9.6M3.2 8h9.6"/>',
    "pin": '<path d="M5.5 2.5h5M6.5 2.5v4L4 9.5h8L9.5 6.5v-4M8 9.5v4"/>',
    "hide": '<path d="M2 8s2.2-4 6-4 6 4 6 4-2.2 4-6 4-6-4-6-4z"/><circle cx="8" cy="8" r="1.7"/>'
    '<path d="M3 13 13 3"/>',
    "more": '<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2"/>',
    "edit": '<path d="M3 13l.6-2.8 7.3-7.3 2.2 2.2-7.3 7.3z"/>',
    "fit": '<path d="M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3"/>',
    "export": '<path d="M8 10V2.5M5 5.2 8 2.3l3 2.9M2.5 9.5v4h11v-4"/>',
    "folder": '<path d="M2 4.2c0-.6.4-1 1-1h3l1.4 1.6H13c.6 0 1 .4 1 1v6c0 .6-.4 1-1 1H3c-.6 0-1-.4-1-1z"/>',
    "file": '<path d="M4 2h5.2L12.5 5.3V14H4zM9 2v3.6h3.5"/>',
    "check": '<path d="M3 8.5 6.3 12 13 4.5"/>',
    "warning": '<path d="M8 2.4 14.3 13.4H1.7zM8 6.5v3.2M8 11.6v.01"/>',
    "unknown": '<circle cx="8" cy="8" r="5.8"/><path d="M6.2 6.4a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.6-.8 1.2M8 11.3v.01"/>',
    "history": '<path d="M2.6 8a5.4 5.4 0 1 0 1.7-3.9L2.4 5.8M2.4 2.8v3h3M8 5v3.2l2.2 1.3"/>',
    "restore": '<path d="M6 3 2.5 6.5 6 10M2.5 6.5H10a3.5 3.5 0 0 1 0 7H7"/>',
    "down": '<path d="M4 6l4 4 4-4"/>',
    "right": '<path d="M6 4l4 4-4 4"/>',
    "left": '<path d="M10 4 6 8l4 4"/>',
    "copy": '<path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3"/>',
    "group": '<path d="M4.5 3.5h7a3 3 0 0 1 0 9h-7a3 3 0 0 1 0-9zM5 8h.01M8 8h.01M11 8h.01"/>',
    "tidy": '<path d="M8 2.5 14 5.5 8 8.5 2 5.5zM2 8.5l6 3 6-3M2 11l6 3 6-3"/>',
    "chart": '<path d="M2.5 2.5v11h11M4.5 11c2.5 0 2-5.5 4-5.5s1.5 2.5 4.5 2.5"/>',
}
SIZE = 16


class _Line(QIconEngine):
    """Draws one of ICONS; ``on_ink`` for buttons whose ground is ink."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self._name, self._role = name, role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        theme = current_theme()
        ink = theme.text_3 if mode == QIcon.Mode.Disabled else getattr(theme, self._role)
        drawing = SVG.format(ink=ink, body=ICONS[self._name])
        QSvgRenderer(QByteArray(drawing.encode())).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        picture = QPixmap(size)
        picture.fill(Qt.GlobalColor.transparent)
        with QPainter(picture) as painter:
            self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        return picture

    def clone(self) -> QIconEngine:
        return _Line(self._name, self._role)


def icon(name: str, role: str = "text_2") -> QIcon:
    """One of ICONS in the theme's colour ``role``, at the time it is painted."""
    return QIcon(_Line(name, role))


class IconLabel(QWidget):
    """An icon beside words."""

    def __init__(self, name: str, role: str = "text_2", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon(name, role)
        self._shown = (name, role)
        self.setFixedSize(SIZE, SIZE)

    def show_icon(self, name: str, role: str = "text_2") -> None:
        if (name, role) != self._shown:
            self._icon, self._shown = icon(name, role), (name, role)
            self.update()

    def paintEvent(self, event: object) -> None:
        with QPainter(self) as painter:
            self._icon.paint(painter, self.rect())


def scaled(widget: QWidget) -> QSize:
    """The size of icons at the application's text size: 12, 14 or 16 px at 100 %."""
    return QSize(SIZE, SIZE) * max(1.0, QApplication.font().pixelSize() / 12)
