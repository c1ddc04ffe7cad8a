"""Sizes that follow the text size: set once in the design's pixels, kept right when the text grows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from weakref import WeakMethod

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from explorer.ui.widgets.look import px


def fixed(widget: QWidget, *, width: int | None = None, height: int | None = None) -> None:
    """Keep ``widget`` that wide and high."""
    _Follower(widget, partial(_set, widget, {"setFixedWidth": width, "setFixedHeight": height}))


def at_least(widget: QWidget, *, width: int | None = None, height: int | None = None) -> None:
    _Follower(widget, partial(_set, widget, {"setMinimumWidth": width, "setMinimumHeight": height}))


def at_most(widget: QWidget, *, width: int | None = None, height: int | None = None) -> None:
    _Follower(widget, partial(_set, widget, {"setMaximumWidth": width, "setMaximumHeight": height}))


def on_text_size(widget: QWidget, measure: Callable[[], None]) -> None:
    """Call ``measure``, a method, now and whenever the application's text size changes."""
    _Follower(widget, partial(_call, WeakMethod(measure)))


class _Follower(QObject):
    """Calls ``measure`` now and after each change of the text size, as long as ``widget`` lives."""

    def __init__(self, widget: QWidget, measure: Callable[[], None]) -> None:
        super().__init__(widget)
        self._measure = measure
        widget.installEventFilter(self)
        measure()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange:  # every change of text size brings another style sheet
            self._measure()
        return False


def _set(widget: QWidget, sizes: dict[str, int | None]) -> None:
    for setter, size in sizes.items():
        if size is not None:
            getattr(widget, setter)(px(size))


def _call(measure: WeakMethod[Callable[[], None]]) -> None:
    method = measure()
    if method is not None:
        method()
