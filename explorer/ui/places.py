"""Places: the docks of the window, where they stand and how they give way when it is narrow."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtWidgets import QMainWindow, QWidget

from explorer.ui.widgets.dock import PanelDock
from explorer.ui.widgets.look import px

NODES, INSPECTOR, HISTORY = "nodes", "inspector", "history"
WIDTHS = {NODES: 252, INSPECTOR: 340, HISTORY: 230}
VERSION = 1
NARROW, NARROWER = 1280, 1120
INSPECTOR_NARROW = 300


class Places(QObject):
    """Shows the docks that are wanted while the workspace is on screen.

    Below 1280 px the nodes fold to a strip (until the user unfolds them), below 1120 the inspector narrows.
    """

    def __init__(self, window: QMainWindow, nodes: QWidget, inspector: QWidget, history: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._unfolded = False
        self._placed = False
        self._state = ""
        self.wanted = {NODES: True, INSPECTOR: True, HISTORY: False}
        self.docks = {
            NODES: PanelDock(nodes, "Nodes", WIDTHS[NODES]),
            INSPECTOR: PanelDock(inspector, "Inspector", WIDTHS[INSPECTOR]),
            HISTORY: PanelDock(history, "History", WIDTHS[HISTORY]),
        }
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        window.addDockWidget(left, self.docks[NODES])
        window.addDockWidget(right, self.docks[INSPECTOR])
        window.addDockWidget(left, self.docks[HISTORY])
        self.docks[NODES].unfolded.connect(self._nodes_unfolded)

    def show(self) -> None:
        for name, dock in self.docks.items():
            dock.setVisible(self.wanted[name])
        self.fit()
        if not self._placed:
            self._placed = True
            self._widen(NODES, INSPECTOR)

    def restore(self, state: str) -> None:
        """Put the docks where ``state`` says, before they are shown for the first time."""
        if state and self._window.restoreState(QByteArray.fromBase64(state.encode()), VERSION):
            self._placed = True
            self._state = state
            self.wanted = {name: not dock.isHidden() for name, dock in self.docks.items()}

    def state(self) -> str:
        """Where the docks stand, or last stood, as text."""
        if any(not dock.isHidden() for dock in self.docks.values()):
            self._state = bytes(self._window.saveState(VERSION).toBase64().data()).decode()
        return self._state

    def hide(self) -> None:
        self.state()
        for dock in self.docks.values():
            dock.hide()

    def toggle(self, name: str, *, visible: bool) -> None:
        self.wanted[name] = not self.wanted[name]
        self.docks[name].setVisible(self.wanted[name] and visible)

    def fit(self) -> None:
        """Give way to the canvas, or take the room back."""
        width = self._window.width()
        narrow = width < px(NARROW)
        if not narrow:
            self._unfolded = False
        was_folded = self.docks[NODES].folded
        self.docks[NODES].set_folded(narrow and not self._unfolded)
        if was_folded and not self.docks[NODES].folded and self._placed:
            self._widen(NODES)
        self.docks[INSPECTOR].limit(INSPECTOR_NARROW if width < px(NARROWER) else None)

    def unfold_nodes(self) -> None:
        if self.docks[NODES].folded:
            self.docks[NODES].set_folded(False)
            self._nodes_unfolded()

    def _nodes_unfolded(self) -> None:
        self._unfolded = True
        self._widen(NODES)

    def _widen(self, *names: str) -> None:
        open_docks = [name for name in names if not self.docks[name].folded]
        widths = [px(WIDTHS[name]) for name in open_docks]
        docks = [self.docks[name] for name in open_docks]
        self._window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)
