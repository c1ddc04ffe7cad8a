"""SelectionPage: the inspector's page of several nodes, and of the link between two."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.session.edits import hide, pin
from explorer.session.links import inputs_of, outputs_of
from explorer.session.query import influence_share
from explorer.session.view import GraphView, place
from explorer.ui.document import Document
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.look import per_cent, signed

KINDS = {
    NodeKind.FEATURE: ("feature", "features"),
    NodeKind.ERROR: ("error", "errors"),
    NodeKind.EMBEDDING: ("token", "tokens"),
    NodeKind.BIAS: ("bias node", "bias nodes"),
    NodeKind.LOGIT: ("output", "outputs"),
}


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
        self.facts = QGridLayout()
        self.facts.setHorizontalSpacing(12)
        self.facts.setVerticalSpacing(4)
        self.facts.setColumnStretch(0, 1)
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
        layout.addStretch()
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
        if len(nodes) == 2:
            facts += _link_facts(view, *nodes)
        self._fill(facts)

    def _fill(self, facts: list[tuple[str, str]]) -> None:
        while (item := self.facts.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for row, (name, value) in enumerate(facts):
            text = ElidedLabel(name)
            text.setProperty("role", "second" if value else "section")
            self.facts.addWidget(text, row, 0)
            self.facts.addWidget(QLabel(value), row, 1)

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


def _link_facts(view: GraphView, one: int, other: int) -> list[tuple[str, str]]:
    """The direct link between two nodes, whichever feeds the other."""
    graph = view.graph
    for source, target in ((one, other), (other, one)):
        found, weight = graph.inputs(target)
        at = np.flatnonzero(found == source)
        if at.size == 0 or weight[at[0]] == 0:
            continue
        size = float(weight[at[0]])
        into, out = inputs_of(view, target), outputs_of(view, source)
        names = [f"{view.label(node)} {place(graph, node)}".strip() for node in (source, target)]
        span = int(graph.rows.start[target]) + int(at[0])
        facts = [
            ("", ""),
            (f"{names[0]} → {names[1]}", ""),
            ("direct effect", signed(size)),
            (f"share of Σ|in| = {into.mass:.2f}", per_cent(size / into.mass) if into.mass else "\u2013"),
            (f"share of Σ|out| = {out.mass:.2f}", per_cent(size / out.mass) if out.mass else "\u2013"),
        ]
        return facts if view.links[span] else [*facts, ("hidden by pruning", "")]
    return [("", ""), ("no direct link between them", "")]
