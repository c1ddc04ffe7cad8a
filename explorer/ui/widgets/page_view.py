"""PageView: a figure on its page, as large as it fits."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
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
        from explorer.ui.export import paint  # only when a figure is shown: a window opens faster without

        theme = current_theme()
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme.surface_sunken))
            if self.figure is None:
                painter.setFont(font("body"))
                painter.setPen(QColor(theme.text))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(24, 24, -24, -24), int(flags), self.words)
                return
            figure = self.figure
            room = self.width() - 2 * EDGE, self.height() - 2 * EDGE
            most = LARGEST * PAPER * figure.zoom * text_scale()
            scale = min(room[0] / figure.width, room[1] / figure.height, most)
            size = figure.width * scale, figure.height * scale
            corner = QPointF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2)
            painter.save()
            painter.setClipRect(QRectF(corner.x(), corner.y(), *size))
            painter.translate(corner)
            painter.scale(scale, scale)
            paint(figure, painter)
            painter.restore()
            painter.setPen(QPen(QColor(theme.line_strong), 1))
            painter.drawRect(QRectF(corner.x() - 0.5, corner.y() - 0.5, size[0] + 1, size[1] + 1))
