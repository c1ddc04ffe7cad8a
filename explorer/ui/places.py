"""Places: the docks of the window, where they stand and how they give way when it is narrow."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from explorer.ui.widgets.dock import PanelDock
from explorer.ui.widgets.drawer import Drawer
from explorer.ui.widgets.look import px

NODES, INSPECTOR, HISTORY, INTERVENE = "nodes", "inspector", "history", "intervene"
PATHS, PROPOSALS = "paths", "proposals"
ASIDES = (HISTORY, PATHS, PROPOSALS)  # below the nodes
WIDTHS = {NODES: 252, INSPECTOR: 340, HISTORY: 230, PATHS: 300, PROPOSALS: 300}
HEIGHT = 206
ASIDE_HEIGHT = 360  # beside the nodes, which are above it
VERSION = 3
FOLDED, WAITING = "folded", "waiting"  # behind the state, if the lower dock is, or the inspector
NARROW, NARROWER = 1280, 1120
INSPECTOR_NARROW = 300


class Places(QObject):
    """Shows the docks that are wanted while the workspace is on screen.

    Below 1280 px the nodes fold to a strip (until the user unfolds them), below 1120 the inspector narrows; while
    something is open below the nodes, they stay and the inspector waits instead. ``drawer`` lies below, left of the
    inspector, and is folded until something is put into it.
    """

    def __init__(
        self, window: QMainWindow, nodes: QWidget, inspector: QWidget, history: QWidget, intervene: QWidget
    ) -> None:
        super().__init__(window)
        self._window = window
        self._unfolded = False
        self._placed = False
        self._state = ""
        self.wanted = {NODES: True, INSPECTOR: True, HISTORY: False, INTERVENE: True}
        self._sides = {
            NODES: PanelDock(nodes, "Nodes", WIDTHS[NODES]),
            INSPECTOR: PanelDock(inspector, "Inspector", WIDTHS[INSPECTOR]),
            HISTORY: PanelDock(history, "History", WIDTHS[HISTORY]),
        }
        self.drawer = Drawer(intervene, "Intervene", HEIGHT)
        self.docks: dict[str, QDockWidget] = {**self._sides, INTERVENE: self.drawer}
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        window.addDockWidget(left, self.docks[NODES])
        window.addDockWidget(right, self.docks[INSPECTOR])
        window.addDockWidget(left, self.docks[HISTORY])
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.drawer)
        window.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.BottomDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, right)
        self._sides[NODES].unfolded.connect(self._nodes_unfolded)
        self.drawer.unfolded.connect(self._heighten)

    def add(self, name: str, panel: QWidget) -> None:
        """A further dock at the left, which is put away until it is asked for."""
        self._sides[name] = self.docks[name] = dock = PanelDock(panel, name.capitalize(), WIDTHS[name])
        self.wanted[name] = False
        self._window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        dock.hide()

    def show(self) -> None:
        for name, dock in self.docks.items():
            dock.setVisible(self.wanted[name])
        self.fit()
        if not self._placed:
            self._placed = True
            self._widen(NODES, INSPECTOR)

    def restore(self, state: str) -> None:
        """Put the docks where ``state`` says, before they are shown for the first time."""
        held, *marks = state.split() or [""]
        if held and self._window.restoreState(QByteArray.fromBase64(held.encode()), VERSION):
            if FOLDED not in marks:
                self.drawer.unfold()
            self._placed = True
            self._state = state
            self.wanted = {name: not dock.isHidden() for name, dock in self.docks.items()}
            self.wanted[INSPECTOR] |= WAITING in marks

    def state(self) -> str:
        """Where the docks stand, or last stood, as text."""
        if any(not dock.isHidden() for dock in self.docks.values()):
            self._state = bytes(self._window.saveState(VERSION).toBase64().data()).decode()
            waits = self.wanted[INSPECTOR] and self.docks[INSPECTOR].isHidden()
            self._state += f" {FOLDED}" * self.drawer.folded + f" {WAITING}" * waits
        return self._state

    def hide(self) -> None:
        self.state()
        for dock in self.docks.values():
            dock.hide()

    def toggle(self, name: str, *, visible: bool) -> None:
        self.wanted[name] = not self.wanted[name]
        self.docks[name].setVisible(self.wanted[name] and visible)
        if visible:
            self.fit()
        if name in (PATHS, PROPOSALS) and self.docks[name].isVisible():
            self._widen(name)
            halves = [self.docks[NODES], self.docks[name]]
            self._window.resizeDocks(halves, [px(ASIDE_HEIGHT)] * 2, Qt.Orientation.Vertical)

    def fit(self) -> None:
        """Give way to the canvas, or take the room back."""
        width = self._window.width()
        narrow = width < px(NARROW)
        if not narrow:
            self._unfolded = False
        nodes = self._sides[NODES]
        was_folded = nodes.folded
        nodes.set_folded(narrow and not self._unfolded and not self._has_aside)
        self.docks[INSPECTOR].setVisible(self.wanted[INSPECTOR] and not (narrow and self._has_aside))
        if was_folded and not nodes.folded and self._placed:
            self._widen(NODES)
        self._sides[INSPECTOR].limit(INSPECTOR_NARROW if width < px(NARROWER) else None)

    @property
    def _has_aside(self) -> bool:
        return any(self.wanted.get(name) for name in ASIDES)

    def unfold_nodes(self) -> None:
        if self._sides[NODES].folded:
            self._sides[NODES].set_folded(False)
            self._nodes_unfolded()

    def _nodes_unfolded(self) -> None:
        self._unfolded = True
        self._widen(NODES)

    def _widen(self, *names: str) -> None:
        open_docks = [name for name in names if not self._sides[name].folded]
        widths = [px(WIDTHS[name]) for name in open_docks]
        docks = [self.docks[name] for name in open_docks]
        self._window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)

    def _heighten(self) -> None:
        self._window.resizeDocks([self.drawer], [px(HEIGHT)], Qt.Orientation.Vertical)
