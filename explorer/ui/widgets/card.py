"""Card: a button with a frame that holds a picture and lines of text."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QLayout, QWidget

from explorer.ui.widgets.look import current_theme


class Card(QAbstractButton):
    """Acts on click, Return and Space. ``flat`` has a hairline below instead of a frame, ``bare``
    nothing, ``ink`` is filled."""

    def __init__(
        self,
        name: str,
        *,
        flat: bool = False,
        ink: bool = False,
        bare: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._flat, self._ink, self._bare = flat, ink, bare
        self.setAccessibleName(name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def hold(self, layout: QLayout) -> None:
        """Show ``layout`` inside; its widgets let the mouse through."""
        self.setLayout(layout)
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:
        layout = self.layout()
        return QSize(80, 28) if layout is None else layout.sizeHint()

    def hasHeightForWidth(self) -> bool:
        layout = self.layout()
        return layout is not None and layout.hasHeightForWidth()

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        return -1 if layout is None else layout.heightForWidth(width)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def keyPressEvent(self, event: object) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):  # type: ignore[attr-defined]
            self.click()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            hovered = self.underMouse() and self.isEnabled()
            if (self._flat or self._bare) and hovered:
                painter.fillRect(rect, QColor(theme.surface_sunken))
            if self._bare:
                pass
            elif self._flat:
                painter.setPen(QPen(QColor(theme.line), 1))
                painter.drawLine(rect.bottomLeft(), rect.bottomRight())
            else:
                fill = theme.text if self._ink else theme.surface_panel
                painter.setBrush(QColor(theme.text_2 if self._ink and hovered else fill))
                frame = theme.text if self._ink else theme.line_strong if hovered else theme.line
                painter.setPen(QPen(QColor(frame), 1))
                painter.drawRoundedRect(rect, 8, 8)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(theme.select), 2))
                painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
