"""Section: a part of the evidence under its heading, which can be left out as a whole."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from explorer.ui.panels.inspect_node import rule, section
from explorer.ui.widgets.figure_part import SLACK, FigurePart

MARGIN = 12
EDGE = MARGIN - SLACK


class Section(QWidget):
    """A hairline, the heading with a ``caption`` and perhaps a control ``beside`` it, and the ``parts`` below."""

    def __init__(self, title: str, *parts: QWidget, beside: QWidget | None = None, inset: int = MARGIN) -> None:
        super().__init__()
        self.setProperty("panel", True)
        head, self.caption = section(title)
        self.caption.setContentsMargins(0, 0, 2, 0)  # figures of equal width reach that far
        if beside is not None:
            head.addWidget(beside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 8)
        layout.setSpacing(0)
        layout.addWidget(rule())
        layout.addLayout(head)
        below = QVBoxLayout()
        below.setContentsMargins(inset, 0, 0, 0)
        below.setSpacing(6)
        for part in parts:
            row = QHBoxLayout()
            row.setContentsMargins(0, 0, EDGE if inset and isinstance(part, FigurePart) else inset, 0)
            row.addWidget(part)
            below.addLayout(row)
        layout.addLayout(below)


def in_row(*widgets: QWidget) -> QWidget:
    """``widgets`` beside each other, at the left."""
    row = QWidget()
    row.setProperty("panel", True)
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return row
