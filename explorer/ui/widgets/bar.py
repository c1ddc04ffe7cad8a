"""A row across the window."""

from __future__ import annotations

from PySide6.QtWidgets import QToolBar, QWidget


def bar_of(name: str, widget: QWidget) -> QToolBar:
    """A row across the window that holds ``widget`` and cannot be moved."""
    bar = QToolBar(name)
    bar.setObjectName(name)
    bar.setMovable(False)
    bar.setFloatable(False)
    bar.toggleViewAction().setEnabled(False)
    bar.addWidget(widget)
    return bar
