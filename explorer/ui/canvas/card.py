"""The card beside a hovered mark."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPen

from explorer.circuits.graph import NodeKind
from explorer.ui.canvas.describe import card_lines
from explorer.ui.canvas.frame import LEGEND, Frame
from explorer.ui.canvas.texts import TextBox, Texts

PADDING = 10.0
LINE = 16.0
AWAY = 15.0
WIDEST = 320.0


def paint_card(texts: Texts, frame: Frame, node: int, lines: list[str]) -> QRectF:
    """A card with ``lines``, the first of them its title, beside a mark and inside the widget."""
    theme, painter = frame.theme, texts.painter
    roles = ["section", *["caption"] * (len(lines) - 1)]
    shown = [texts.elided(line, WIDEST - 2 * PADDING, role) for line, role in zip(lines, roles, strict=True)]
    width = max(texts.width(line, role) for line, role in zip(shown, roles, strict=True)) + 2 * PADDING
    rect, joint = _beside(frame, node, width, LINE * len(lines) + 2 * PADDING - 4, texts.boxes)
    texts.drop_under(rect)
    painter.setRenderHint(painter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.line_strong), 1))
    painter.drawLine(*joint)
    painter.setBrush(QColor(theme.surface_panel))
    painter.drawRoundedRect(rect, 8, 8)
    for row, (line, role) in enumerate(zip(shown, roles, strict=True)):
        ink = theme.text if row == 0 else theme.text_2 if row < 3 else theme.text_3
        y = rect.top() + PADDING - 2 + LINE * (row + 0.5)
        texts.draw(line, rect.left() + PADDING, y, ink, role, background=theme.surface_panel)
    painter.setRenderHint(painter.RenderHint.Antialiasing, False)
    return rect


def card_text(frame: Frame, node: int) -> list[str]:
    """What the card of a node says: of one that stands in a “+n”, how many do."""
    view = frame.scene.view
    for more in frame.layout.more:
        if node in more.nodes:
            shown = int(view.shown[more.nodes].sum())
            first = frame.graph.key(int(more.nodes[0]))
            head = f"{len(more.nodes)} more features, {shown} of them shown"
            return [head, f"layer {first.layer}, token {first.pos}", "click to zoom in"]
    return card_lines(view, node, frame.scene.current)


def _beside(
    frame: Frame, node: int, width: float, height: float, texts: list[TextBox]
) -> tuple[QRectF, tuple[QPointF, QPointF]]:
    """The card's place beside the mark, cutting as few texts as may be, and the line that joins them."""
    x, y, half = frame.place(node)
    reach = half + 7
    if frame.graph.nodes.kind[node] == NodeKind.LOGIT:
        reach = frame.pill(node - frame.graph.block(NodeKind.LOGIT).start).width() / 2 + 3
    places: list[tuple[int, int, QRectF, bool]] = []
    for is_left, lift in ((True, 0.5), (False, 0.5), (True, 1.2), (False, 1.2), (True, -0.2), (False, -0.2)):
        left = x - reach - AWAY - width if is_left else x + reach + AWAY
        inside = min(max(left, 6.0), frame.width - width - 6)
        top = min(max(y - height * lift, 6.0), frame.height - LEGEND - height - 6)
        rect = QRectF(round(inside) + 0.5, round(top) + 0.5, round(width), round(height))
        cut = sum(rect.intersects(box.rect) and not rect.contains(box.rect) for box in texts)
        covers = rect.contains(x, y) or inside != left
        places.append((10 * covers + cut, len(places), rect, is_left))
    _, _, rect, is_left = min(places)
    middle = min(max(y, rect.top() + 10), rect.bottom() - 10)
    edge = rect.right() if is_left else rect.left()
    return rect, (QPointF(edge, middle), QPointF(x - reach if is_left else x + reach, y))
