"""NodePage: the inspector's page of one node."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.session.edge import rows_of_box, said_of
from explorer.session.edits import box_key, set_note
from explorer.session.links import Side, book_of, inputs_of, outputs_of
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.panels.inspect_head import Head
from explorer.ui.panels.links_table import LinksTable, Row, book_rows
from explorer.ui.panels.note_edit import NoteEdit
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.look import plain

OUTPUTS_LISTED = 6
NO_INPUTS = {
    NodeKind.ERROR: "None: an error is what the transcoders leave out, taken as it is.",
    NodeKind.EMBEDDING: "None: the graph begins at its tokens.",
    NodeKind.BIAS: "None: the model adds this by itself.",
}


def section(title: str) -> tuple[QHBoxLayout, ElidedLabel]:
    """A section's heading and the caption at its right."""
    name = QLabel(title)
    name.setProperty("role", "section")
    caption = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
    caption.setProperty("role", "caption")
    caption.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    row = QHBoxLayout()
    row.setContentsMargins(12, 9, 12, 3)
    row.setSpacing(12)
    row.addWidget(name)
    row.addWidget(caption, 1)
    return row, caption


def rule() -> QFrame:
    """A hairline."""
    line = QFrame()
    line.setFixedHeight(1)
    line.setProperty("hairline", True)
    line.setFrameShape(QFrame.Shape.NoFrame)
    line.setAutoFillBackground(True)
    line.setBackgroundRole(line.palette().ColorRole.Mid)
    return line


def noted(note: QWidget, title: str = "Notes") -> QVBoxLayout:
    """A section that holds a note."""
    held = QHBoxLayout()
    held.setContentsMargins(12, 2, 12, 0)
    held.addWidget(note)
    whole = QVBoxLayout()
    whole.setSpacing(0)
    whole.addWidget(rule())
    whole.addLayout(section(title)[0])
    whole.addLayout(held)
    return whole


class NodePage(QWidget):
    """Title, inputs, outputs and notes of a node."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._node = -1
        self._view: GraphView | None = None
        self.setProperty("panel", True)
        self.head = Head(document)
        self.inputs = LinksTable("Inputs", has_links=True)
        self.outputs = LinksTable("Outputs", has_links=True)
        self.no_inputs = QLabel()
        self.no_inputs.setProperty("role", "caption")
        self.no_inputs.setWordWrap(True)
        self.no_inputs.setContentsMargins(12, 0, 12, 6)
        self.notes = NoteEdit(document, set_note, "this node")
        inputs, self.inputs_caption = section("Inputs")
        outputs, self.outputs_caption = section("Outputs")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(rule())
        layout.addLayout(inputs)
        layout.addWidget(self.no_inputs)
        layout.addWidget(self.inputs)
        layout.addSpacing(8)
        layout.addWidget(rule())
        layout.addLayout(outputs)
        layout.addWidget(self.outputs)
        layout.addSpacing(8)
        self.evidence = QVBoxLayout()  # the window puts its panel here
        layout.addLayout(self.evidence)
        layout.addLayout(noted(self.notes))
        layout.addStretch()
        for table in (self.inputs, self.outputs):
            table.walked.connect(self._walk)
            table.hovered.connect(document.hover)
        self.inputs.link_asked.connect(lambda source: self._show_link(self._node, source))
        self.outputs.link_asked.connect(lambda target: self._show_link(target, self._node))

    def show_node(self, view: GraphView, node: int) -> None:
        key = view.graph.key(node)
        self.head.show_node(view, node)
        self.notes.show_note(key, view.edits.notes.get(key, ""))
        if view is self._view and node == self._node:
            return
        self._view, self._node = view, node
        self._show_sides(view, node, key)

    def _show_sides(self, view: GraphView, node: int, key: NodeKey) -> None:
        side = inputs_of(view, node)
        none = NO_INPUTS.get(NodeKind(key.kind), "")
        self.no_inputs.setText(none)
        self.no_inputs.setVisible(bool(none))
        self.inputs.setVisible(not none)
        self.inputs_caption.set_text("" if none else _denominator("in", side))
        end: list[Row] = [] if none else book_rows(book_of(view, node), key.kind)
        self.inputs.show_side(view, side, end, said=_said(view, key, inwards=True))
        side = outputs_of(view, node)
        self.outputs.setVisible(side.count > 0)
        self.outputs_caption.set_text(_denominator("out", side) if side.count else "none")
        self.outputs.show_side(view, side, [], OUTPUTS_LISTED, _said(view, key, inwards=False))

    def _walk(self, node: int) -> None:
        self._document.select([node])

    def _show_link(self, target: int, source: int) -> None:
        graph = self._document.graph
        if graph is not None:
            self._document.select_link((box_key(graph.key(target)), box_key(graph.key(source))))


def _said(view: GraphView, key: NodeKey, *, inwards: bool) -> dict[int, str]:
    """What a person says of the links of a node, by the node at their other end."""
    said = said_of(view, box_key(key), inwards=inwards)
    return {int(row): text for box, text in said.items() if box.startswith("node:") for row in rows_of_box(view, box)}


def _denominator(way: str, side: Side) -> str:
    links = "link" if side.count == 1 else "links"
    return f"share of Σ|{way}| = {plain(side.mass)}, {side.count:,} {links}"
