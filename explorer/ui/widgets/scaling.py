"""Sizes that follow the text size: set once in the design's pixels, kept right when the text grows."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakMethod

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from explorer.ui.widgets.look import px


def fixed(widget: QWidget, *, width: int | None = None, height: int | None = None) -> None:
    """Keep ``widget`` that wide and high."""
    _Sizes(widget, {"setFixedWidth": width, "setFixedHeight": height})


def at_least(widget: QWidget, *, width: int | None = None, height: int | None = None) -> None:
    _Sizes(widget, {"setMinimumWidth": width, "setMinimumHeight": height})


def at_most(widget: QWidget, *, width: int | None = None, height: int | None = None) -> None:
    _Sizes(widget, {"setMaximumWidth": width, "setMaximumHeight": height})


def on_text_size(widget: QWidget, measure: Callable[[], None]) -> None:
    """Call ``measure``, a method, now and whenever the application's text size changes."""
    _Measure(widget, measure)


class _Follower(QObject):
    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.installEventFilter(self)
        self.measure()

    def measure(self) -> None:
        raise NotImplementedError

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange:  # every change of text size brings another style sheet
            self.measure()
        return False


class _Sizes(_Follower):
    def __init__(self, widget: QWidget, sizes: dict[str, int | None]) -> None:
        self._widget = widget
        self._sizes = {setter: size for setter, size in sizes.items() if size is not None}
        super().__init__(widget)

    def measure(self) -> None:
        for setter, size in self._sizes.items():
            getattr(self._widget, setter)(px(size))


class _Measure(_Follower):
    def __init__(self, widget: QWidget, measure: Callable[[], None]) -> None:
        self._measure = WeakMethod(measure)
        super().__init__(widget)

    def measure(self) -> None:
        measure = self._measure()
        if measure is not None:
            measure()
