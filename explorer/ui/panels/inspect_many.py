"""SelectionPage: the inspector's page of several nodes, and of the link between two."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.session.edge import Edge, edge_of
from explorer.session.edits import box_key, hide, pin
from explorer.session.query import influence_share
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import per_cent, plain, signed

KINDS = {
    NodeKind.FEATURE: ("feature", "features"),
    NodeKind.ERROR: ("error", "errors"),
    NodeKind.EMBEDDING: ("token", "tokens"),
    NodeKind.BIAS: ("bias node", "bias nodes"),
    NodeKind.LOGIT: ("output", "outputs"),
}


class Facts(QGridLayout):
    """Lines of a name and a value; one without a value is a heading."""

    def __init__(self) -> None:
        super().__init__()
        self.setHorizontalSpacing(12)
        self.setVerticalSpacing(4)
        self.setColumnStretch(0, 1)

    def fill(self, facts: list[tuple[str, str]]) -> None:
        while (item := self.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row, (name, value) in enumerate(facts):
            text = ElidedLabel(name)
            text.setProperty("role", "second" if value else "section")
            self.addWidget(text, row, 0)
            self.addWidget(QLabel(value), row, 1)


class SelectionPage(QWidget):
    """Counts and sums of the selection; for two nodes their direct link with both shares."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setProperty("panel", True)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.kinds = ElidedLabel()
        self.kinds.setProperty("role", "second")
        self.pin = QPushButton(icon("pin"), "Pin all")
        self.hide_nodes = QPushButton(icon("hide"), "Hide all")
        self.pin.setProperty("small", True)
        self.hide_nodes.setProperty("small", True)
        self._edge: Edge | None = None
        self.link = QPushButton("Show the link")
        self.link.setProperty("small", True)
        self.link.setToolTip("Its ends, its label and its note")
        self.facts = Facts()
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.pin)
        buttons.addWidget(self.hide_nodes)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 14, 12, 12)
        layout.setSpacing(6)
        layout.addWidget(self.title)
        layout.addWidget(self.kinds)
        layout.addLayout(buttons)
        layout.addSpacing(8)
        layout.addLayout(self.facts)
        layout.addWidget(self.link, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch()
        self.link.clicked.connect(self._show_link)
        self.pin.clicked.connect(self._pin)
        self.hide_nodes.clicked.connect(self._hide)

    def show_nodes(self, view: GraphView, nodes: tuple[int, ...]) -> None:
        self.title.setText(f"{len(nodes):,} nodes selected")
        for button in (self.pin, self.hide_nodes):
            button.setEnabled(not self._document.is_partial)
        kinds = view.graph.nodes.kind[list(nodes)]
        counts = [(names, int((kinds == kind).sum())) for kind, names in KINDS.items()]
        self.kinds.set_text(", ".join(f"{n:,} {names[n > 1]}" for names, n in counts if n))
        facts = _sums(view, nodes)
        self._edge = _between(view, *nodes) if len(nodes) == 2 else None
        if self._edge is not None:
            facts += _link_facts(self._edge)
        elif len(nodes) == 2:
            facts += [("", ""), ("no direct link between them", "")]
        self.link.setVisible(self._edge is not None)
        self.facts.fill(facts)

    def _show_link(self) -> None:
        if self._edge is not None:
            self._document.select_link(self._edge.link)

    def _pin(self) -> None:
        self._document.do("pin nodes", pin(self._document.edits, self._keys()))

    def _hide(self) -> None:
        self._document.do("hide nodes", hide(self._document.edits, self._keys()))

    def _keys(self) -> list[NodeKey]:
        graph = self._document.graph
        return [graph.key(node) for node in self._document.selection] if graph is not None else []


def _sums(view: GraphView, nodes: tuple[int, ...]) -> list[tuple[str, str]]:
    chosen = np.array(nodes)
    facts = [("influence together", f"{100 * influence_share(view)[chosen].sum():.2f} %")]
    effect = float(view.effect[chosen].sum())
    facts.append(("effect on the target, all paths", signed(effect)))
    return facts


def _between(view: GraphView, one: int, other: int) -> Edge | None:
    """The direct link between two nodes, whichever feeds the other."""
    boxes = [box_key(view.graph.key(node)) for node in (one, other)]
    for target, source in (boxes[::-1], boxes):
        edge = edge_of(view, (target, source))
        if edge is not None and edge.count:
            return edge
    return None


def _link_facts(edge: Edge) -> list[tuple[str, str]]:
    facts = [
        ("", ""),
        (edge.ends, ""),
        ("direct effect", signed(edge.weight)),
        (f"share of Σ|in| = {plain(edge.into)}", per_cent(edge.share_in) if edge.into else "\u2013"),
        (f"share of Σ|out| = {plain(edge.out)}", per_cent(edge.share_out) if edge.out else "\u2013"),
    ]
    return facts if edge.drawn else [*facts, ("hidden by pruning", "")]
