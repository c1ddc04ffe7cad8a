"""Asides: what is opened for a task: paths and proposals beside the nodes, a comparison in its own window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from explorer.ui.comparing import Comparing
from explorer.ui.places import PATHS, PROPOSALS

if TYPE_CHECKING:
    from explorer.ui.panels.aside import AsidePanel
    from explorer.ui.panels.paths import PathsPanel
    from explorer.ui.panels.proposals import ProposalsPanel
    from explorer.ui.window import MainWindow


class Asides(QObject):
    """Makes each when it is first asked for: a window opens faster without. What they point at is lit on the canvas."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.comparing: Comparing = Comparing(window)
        self._paths: PathsPanel | None = None
        self._proposals: ProposalsPanel | None = None

    @property
    def paths(self) -> PathsPanel:
        if self._paths is None:
            from explorer.ui.panels.paths import PathsPanel

            self._paths = PathsPanel(self._window.document)
            self._paths.close_asked.connect(self._close_paths)
            self._add(PATHS, self._paths)
        return self._paths

    @property
    def proposals(self) -> ProposalsPanel:
        if self._proposals is None:
            from explorer.ui.panels.proposals import ProposalsPanel

            self._proposals = ProposalsPanel(self._window.document, self._window.evidence.index)
            self._proposals.close_asked.connect(self._close_proposals)
            self._add(PROPOSALS, self._proposals)
        return self._proposals

    def show_paths(self) -> None:
        """The paths that the selection asks for."""
        self._show(PATHS, self.paths)
        self.paths.between()

    def show_proposals(self) -> None:
        self._show(PROPOSALS, self.proposals)

    def _add(self, name: str, panel: AsidePanel) -> None:
        self._window.places.add(name, panel)
        panel.lit.connect(self._window.canvas.light)
        panel.lit_beside.connect(self._window.canvas.light_beside)

    def _show(self, name: str, panel: AsidePanel) -> None:
        if not self._window.places.wanted[name]:
            self._window.toggle(name)
        panel.take_focus()

    def _close_paths(self) -> None:
        self._window.toggle(PATHS)

    def _close_proposals(self) -> None:
        self._window.toggle(PROPOSALS)
