"""Asides: the panels that are opened beside the nodes for a task: paths and proposals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from explorer.ui.panels.paths import PathsPanel
from explorer.ui.panels.proposals import ProposalsPanel
from explorer.ui.places import PATHS, PROPOSALS

if TYPE_CHECKING:
    from explorer.ui.window import MainWindow


class Asides(QObject):
    """Puts them into the window's places; what they point at is lit on the canvas."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.paths, self.proposals = PathsPanel(window.document), ProposalsPanel(window.document)
        window.places.add(PATHS, self.paths)
        window.places.add(PROPOSALS, self.proposals)
        for panel in (self.paths, self.proposals):
            panel.lit.connect(window.canvas.light)
        self.paths.close_asked.connect(self._close_paths)
        self.proposals.close_asked.connect(self._close_proposals)

    def show_paths(self) -> None:
        """The paths that the selection asks for."""
        self._open(PATHS)
        self.paths.between()
        self.paths.take_focus()

    def show_proposals(self) -> None:
        self._open(PROPOSALS)
        self.proposals.take_focus()

    def _open(self, name: str) -> None:
        if not self._window.places.wanted[name]:
            self._window.toggle(name)

    def _close_paths(self) -> None:
        self._window.toggle(PATHS)

    def _close_proposals(self) -> None:
        self._window.toggle(PROPOSALS)
