"""The panels of the window, one file each; PANELS lists them.

A panel takes the document and, if it computes, the engine; it keeps nothing that they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from explorer.ui.panels.graph_area import GraphArea
from explorer.ui.panels.history import HistoryPanel
from explorer.ui.panels.inspector import InspectorPanel
from explorer.ui.panels.intervene import IntervenePanel
from explorer.ui.panels.nodes import NodesPanel
from explorer.ui.panels.paths import PathsPanel
from explorer.ui.panels.prompt import PromptPanel
from explorer.ui.panels.proposals import ProposalsPanel
from explorer.ui.panels.status import StatusPanel
from explorer.ui.panels.subgraph import SubgraphPage
from explorer.ui.panels.supernodes import SupernodesPanel
from explorer.ui.panels.thresholds import ThresholdsPanel
from explorer.ui.panels.validation import ValidationPanel
from explorer.ui.panels.welcome import WelcomePanel


@dataclass(frozen=True)
class Panel:
    """``needs`` are what the constructor takes, in order: document, engine, canvas."""

    kind: type[QWidget]
    needs: tuple[str, ...]


PANELS = (
    Panel(WelcomePanel, ()),
    Panel(PromptPanel, ("document", "engine")),
    Panel(ThresholdsPanel, ("document",)),
    Panel(GraphArea, ("document", "engine", "canvas")),
    Panel(SubgraphPage, ("document",)),
    Panel(NodesPanel, ("document",)),
    Panel(SupernodesPanel, ("document",)),
    Panel(InspectorPanel, ("document",)),
    Panel(IntervenePanel, ("document", "engine")),
    Panel(HistoryPanel, ("document",)),
    Panel(PathsPanel, ("document",)),
    Panel(ProposalsPanel, ("document",)),
    Panel(StatusPanel, ("document", "engine")),
    Panel(ValidationPanel, ("document", "engine")),
)
