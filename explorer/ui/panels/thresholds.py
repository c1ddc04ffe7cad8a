"""The graph's part of the strip: the two thresholds with what they leave, further rules, fit and export."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from explorer.session.edits import set_thresholds
from explorer.ui.document import Document
from explorer.ui.dragged import Dragged
from explorer.ui.panels.pruning import PruningButton
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.value_slider import ValueSlider

NODES, LINKS = "change the node threshold", "change the link threshold"
STEP = 0.01


class ThresholdsPanel(QFrame):
    """Dragging a slider is one step of the history, however many values it passes."""

    TITLE = "Thresholds"
    fit_asked = Signal()
    export_asked = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._dragged = Dragged(document)
        self.setProperty("bar", True)
        self.setAccessibleName("Thresholds")
        self.nodes = ValueSlider("Nodes", "Share of the influence that the drawn nodes hold")
        self.links = ValueSlider("Links", "Share of the influence that the drawn links hold")
        self.rules = PruningButton(document)
        self.counts = QLabel()
        self.counts.setProperty("role", "caption")
        self.fit = QToolButton()
        self.fit.setIcon(icon("fit"))
        self.fit.setProperty("quiet", True)
        self.fit.setAccessibleName("Fit the graph into the window")
        self.fit.setToolTip("Fit all (F)")
        self.figure = QPushButton(icon("export"), "Figure")
        self.figure.setToolTip("Export as SVG, PDF or PNG (Ctrl+E)")
        self._lay_out()
        self.nodes.changed.connect(self._nodes_changed)
        self.links.changed.connect(self._links_changed)
        self.nodes.released.connect(self._dragged.rest)
        self.links.released.connect(self._dragged.rest)
        self.fit.clicked.connect(self.fit_asked)
        self.figure.clicked.connect(self.export_asked)
        document.edits_changed.connect(self._show)
        document.view_changed.connect(self._show)
        document.graph_changed.connect(self._show)
        self._show()

    def prune(self, direction: int) -> None:
        """One step tighter (-1) or looser (1)."""
        value = self._document.edits.node_threshold + direction * STEP
        self._dragged.step(NODES, set_thresholds(self._document.edits, node=round(value, 4)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_counts()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 10, 4)
        layout.setSpacing(14)
        layout.addWidget(self.nodes)
        layout.addWidget(self.links)
        layout.addWidget(self.rules)
        layout.addWidget(self.counts)
        layout.addStretch()
        layout.addWidget(self.fit)
        layout.addWidget(self.figure)
        layout.setAlignment(Qt.AlignmentFlag.AlignVCenter)

    def _nodes_changed(self, value: float) -> None:
        self._dragged.step(NODES, set_thresholds(self._document.edits, node=value))

    def _links_changed(self, value: float) -> None:
        self._dragged.step(LINKS, set_thresholds(self._document.edits, edge=value))

    def _show(self) -> None:
        view, edits = self._document.view, self._document.edits
        self.nodes.set_value(edits.node_threshold)
        self.links.set_value(edits.edge_threshold)
        for part in (self.nodes, self.links, self.rules, self.figure):
            part.setEnabled(view is not None and not self._document.is_partial)
        self.fit.setEnabled(view is not None)
        shown = f"{int(view.shown.sum()):,} nodes, {int(view.links.sum()):,} links" if view else ""
        self.counts.setText(shown)
        self._fit_counts()

    def _fit_counts(self) -> None:
        """The counts stand in the status bar too, so they go first where there is no room; then names grow short."""
        self.rules.set_short(False)
        others = (self.nodes, self.links, self.rules, self.fit, self.figure)
        taken = sum(part.sizeHint().width() for part in others) + 7 * 14 + 22
        self.counts.setVisible(bool(self.counts.text()) and self.width() - taken > self.counts.sizeHint().width())
        self.rules.set_short(taken > self.width())
