"""LinkPage: the inspector's page of a link: its ends, its weight with both shares, its label and its note."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKind
from explorer.session.edge import Edge, End, edge_of
from explorer.session.edits import Edits, Link, set_edge_label, set_edge_note
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.panels.inspect_many import Facts
from explorer.ui.panels.inspect_node import noted, rule, section
from explorer.ui.panels.links_table import LinksTable, Row
from explorer.ui.panels.note_edit import NoteEdit
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.label_edit import LabelEdit
from explorer.ui.widgets.look import per_cent, plain, signed
from explorer.ui.widgets.marks import Mark, mark_of
from explorer.ui.widgets.share_bar import Cell


class LinkPage(QWidget):
    """Follows ``show_link``; its ends lead to their own pages."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._link: Link | None = None
        self._ends: tuple[End, ...] = ()
        self.setProperty("panel", True)
        self.title = LabelEdit()
        self.title.setAccessibleName("Label of the link")
        self.title.setPlaceholderText("A name for what this link does")
        self.about = ElidedLabel()
        self.about.setProperty("role", "second")
        self.ends = LinksTable("Ends of the link")
        self.facts = Facts()
        self.note = NoteEdit(document, _noted, "this link")
        self._lay_out()
        self.title.editingFinished.connect(self.keep_label)
        self.title.left.connect(self._show_label)
        self.ends.walked.connect(self._select_end)
        document.settling.connect(self.keep_label)

    def show_link(self, view: GraphView, link: Link) -> None:
        edge = edge_of(view, link)
        if edge is None:
            return
        if link != self._link:
            self.keep_label()
            self._link = link
            self._show_label()
        elif not self.title.isModified():
            self._show_label()
        self.title.setEnabled(not self._document.is_partial)
        self.about.set_text(f"Link · {edge.ends}")
        self.note.show_note(link, edge.note)
        self._ends = (edge.source, edge.target)
        self.ends.show_rows([_end_row(view, "from", edge.source, 0), _end_row(view, "to", edge.target, 1)])
        self.facts.fill(_facts(edge))

    def edit_label(self) -> None:
        self.title.setFocus()
        self.title.selectAll()

    def keep_label(self) -> None:
        """Make what is written an edit now."""
        if self._link is None or not self.title.isModified():
            return
        self.title.setModified(False)
        edits = set_edge_label(self._document.edits, *self._link, self.title.text())
        self._document.do("label a link", edits)

    # building

    def _lay_out(self) -> None:
        head = QVBoxLayout()
        head.setContentsMargins(12, 14, 12, 12)
        head.setSpacing(6)
        head.addWidget(self.title)
        head.addWidget(self.about)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(0)
        layout.addLayout(head)
        self.facts.setContentsMargins(12, 2, 12, 0)
        layout.addWidget(rule())
        layout.addLayout(section("Ends")[0])
        layout.addWidget(self.ends)
        layout.addSpacing(8)
        layout.addWidget(rule())
        layout.addLayout(section("Weight")[0])
        layout.addLayout(self.facts)
        layout.addSpacing(8)
        layout.addLayout(noted(self.note))
        layout.addStretch()

    # what it does

    def _show_label(self) -> None:
        text = self._document.edits.edge_labels.get(self._link, "") if self._link is not None else ""
        with QSignalBlocker(self.title):
            self.title.setText(text)

    def _select_end(self, number: int) -> None:
        end = self._ends[number]
        self._document.select(end.rows.tolist(), end.box if end.is_group else "")


def _noted(edits: Edits, link: Link, note: str) -> Edits:
    return set_edge_note(edits, *link, note)


def _end_row(view: GraphView, way: str, end: End, number: int) -> Row:
    mark = Mark(int(NodeKind.LOGIT)) if end.is_group else mark_of(view, int(end.rows[0]), 0.0)
    what = f"supernode of {len(end.rows)}" if end.is_group else ""
    cells = (Cell(end.name, "text", mark, what), Cell(), Cell(), Cell(way, "text_2", right=True))
    return Row(cells, f"{way} {end.name}", number)


def _facts(edge: Edge) -> list[tuple[str, str]]:
    outside = " from outside" if edge.target.is_group else ""
    leaving = " to outside" if edge.source.is_group else ""
    many = edge.source.is_group or edge.target.is_group
    facts = [
        (f"direct effect, sum of {edge.count:,} links" if many else "direct effect", signed(edge.weight)),
        (f"share of Σ|in|{outside} = {plain(edge.into)}", per_cent(edge.share_in) if edge.into else "–"),
        (f"share of Σ|out|{leaving} = {plain(edge.out)}", per_cent(edge.share_out) if edge.out else "–"),
    ]
    if edge.drawn < edge.count:
        which = f"{edge.count - edge.drawn:,} of its links " if many else ""
        facts.append((f"{which}hidden by pruning", ""))
    return facts if edge.count else [("no direct link between them", "")]
