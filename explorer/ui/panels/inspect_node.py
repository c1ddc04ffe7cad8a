"""NodePage: the inspector's page of one node."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.session.edits import set_note
from explorer.session.links import Side, book_of, inputs_of, outputs_of
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.panels.inspect_head import Head
from explorer.ui.panels.links_table import LinksTable, Row, book_rows
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.look import plain
from explorer.ui.widgets.scaling import fixed

OUTPUTS_LISTED = 6
NOTE_REST = 600
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


class NodePage(QWidget):
    """Title, inputs, outputs and notes of a node."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._node = -1
        self._view: GraphView | None = None
        self.setProperty("panel", True)
        self.head = Head(document)
        self.inputs = LinksTable("Inputs")
        self.outputs = LinksTable("Outputs")
        self.no_inputs = QLabel()
        self.no_inputs.setProperty("role", "caption")
        self.no_inputs.setWordWrap(True)
        self.no_inputs.setContentsMargins(12, 0, 12, 6)
        self.notes = _Notes(document)
        inputs, self.inputs_caption = section("Inputs")
        outputs, self.outputs_caption = section("Outputs")
        notes, _ = section("Notes")
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
        layout.addWidget(rule())
        layout.addLayout(notes)
        held = QHBoxLayout()
        held.setContentsMargins(12, 2, 12, 0)
        held.addWidget(self.notes)
        layout.addLayout(held)
        layout.addStretch()
        for table in (self.inputs, self.outputs):
            table.walked.connect(self._walk)
            table.hovered.connect(document.hover)

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
        self.inputs.show_side(view, side, end)
        side = outputs_of(view, node)
        self.outputs.setVisible(side.count > 0)
        self.outputs_caption.set_text(_denominator("out", side) if side.count else "none")
        self.outputs.show_side(view, side, [], OUTPUTS_LISTED)

    def _walk(self, node: int) -> None:
        self._document.select([node])


def _denominator(way: str, side: Side) -> str:
    links = "link" if side.count == 1 else "links"
    return f"share of Σ|{way}| = {plain(side.mass)}, {side.count:,} {links}"


class _Notes(QPlainTextEdit):
    """The node's note; it becomes an edit while it is written, one step of the history, and when the hand leaves."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._key: NodeKey | None = None
        self._is_written = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(NOTE_REST)
        self._rest.timeout.connect(self.keep)
        document.settling.connect(self.keep)
        self.setAccessibleName("Notes")
        self.setPlaceholderText("What you make of this node")
        self.setTabChangesFocus(True)
        fixed(self, height=66)
        self.textChanged.connect(self._changed)

    def show_note(self, key: NodeKey, text: str) -> None:
        self.setReadOnly(self._document.is_partial)
        if key != self._key:
            self.keep()
            self._key = key
        elif self._is_written:
            return
        if text != self.toPlainText():
            with QSignalBlocker(self):
                self.setPlainText(text)

    def _changed(self) -> None:
        """Not begun anew with each letter, or a crash would take all that was written in one go."""
        self._is_written = True
        if not self._rest.isActive():
            self._rest.start()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.keep()
        super().focusOutEvent(event)

    def keep(self) -> None:
        """Make what is written an edit now."""
        self._rest.stop()
        if not self._is_written or self._key is None:
            return
        self._is_written = False
        edits = set_note(self._document.edits, self._key, self.toPlainText())
        self._document.do("write a note", edits, merge=True)
