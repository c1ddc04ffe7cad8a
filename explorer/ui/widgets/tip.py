"""Tip: the card beside what the mouse is on, painted."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from explorer.ui.widgets.look import current_theme, font, px

PADDING, LINE, AWAY, WIDEST = 10, 16, 12, 340


def paint_tip(painter: QPainter, bounds: QRect, beside: QRectF, lines: list[str]) -> None:
    """A card with ``lines``, the first its title, beside a rectangle and within ``bounds``."""
    theme = current_theme()
    roles = ["section", *["caption"] * (len(lines) - 1)]
    metrics = [QFontMetricsF(font(role)) for role in roles]
    room = px(WIDEST) - 2 * px(PADDING)
    shown = [m.elidedText(line, Qt.TextElideMode.ElideRight, room) for m, line in zip(metrics, lines, strict=True)]
    width = max(m.horizontalAdvance(line) for m, line in zip(metrics, shown, strict=True)) + 2 * px(PADDING) + 1
    height = px(LINE) * len(lines) + 2 * px(PADDING) - 4
    left = beside.right() + AWAY
    if left + width > bounds.right() - 4:
        left = beside.left() - AWAY - width
    left = min(max(left, 4.0), max(bounds.right() - width - 4, 4.0))
    top = min(max(beside.center().y() - height / 2, 4.0), max(bounds.bottom() - height - 4, 4.0))
    card = QRectF(round(left) + 0.5, round(top) + 0.5, round(width), round(height))
    painter.setPen(QPen(QColor(theme.line_strong), 1))
    painter.setBrush(QColor(theme.surface_panel))
    painter.drawRoundedRect(card, 8, 8)
    for row, (line, role) in enumerate(zip(shown, roles, strict=True)):
        painter.setFont(font(role))
        painter.setPen(QColor(theme.text if row == 0 else theme.text_2))
        place = QRectF(card.left() + px(PADDING), card.top() + px(PADDING) - 2 + row * px(LINE), width, px(LINE))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), line)
