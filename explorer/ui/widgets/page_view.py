"""PageView: a figure on its page, as large as it fits."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.session.figure import PX_PER_MM, Figure
from explorer.ui.widgets.look import current_theme, font, px, text_scale

EDGE = 16
LARGEST = 1.6  # times as large as on paper, at 96 dots per inch
PAPER = 96 / 25.4 / PX_PER_MM


class PageView(QWidget):
    """Paints ``figure`` on a page, or the words that say why there is none."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figure: Figure | None = None
        self.words = ""
        self._drawn: tuple[tuple[Figure, QSize, float], QPixmap] | None = None
        self.setAccessibleName(name)
        self.setMinimumSize(300, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_figure(self, figure: Figure | None, words: str = "") -> None:
        self.figure, self.words = figure, words
        self.setAccessibleDescription(figure.summary if figure is not None else words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(560), px(460))

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.surface_sunken))
            if self.figure is None:
                painter.setFont(font("body"))
                painter.setPen(QColor(theme.text))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(24, 24, -24, -24), int(flags), self.words)
                return
            sheet = self._sheet(self.figure)
            width, height = sheet.deviceIndependentSize().toTuple()
            left, top = (self.width() - width) // 2, (self.height() - height) // 2
            painter.drawPixmap(QPointF(left, top), sheet)
            painter.setPen(QPen(QColor(theme.line_strong), 1))
            painter.drawRect(QRectF(left - 0.5, top - 0.5, width + 1, height + 1))

    def _sheet(self, figure: Figure) -> QPixmap:
        """``figure`` as it fits, drawn once for each size."""
        from explorer.ui.export import paint  # only when a figure is shown: a window opens faster without

        key = (figure, self.size(), self.devicePixelRatioF())
        if self._drawn is None or self._drawn[0] != key:
            room = self.width() - 2 * EDGE, self.height() - 2 * EDGE
            most = LARGEST * PAPER * figure.zoom * text_scale()
            scale = min(room[0] / figure.width, room[1] / figure.height, most) * key[2]
            sheet = QPixmap(max(1, round(figure.width * scale)), max(1, round(figure.height * scale)))
            sheet.fill(QColor(figure.background))
            with QPainter(sheet) as painter:
                painter.scale(scale, scale)
                paint(figure, painter)
            sheet.setDevicePixelRatio(key[2])
            self._drawn = (key, sheet)
        return self._drawn[1]
