"""GroupPage: the inspector's page of a supernode: its members, and what flows in and out of it as one."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from explorer.circuits.graph import NodeKind
from explorer.session import edits as edit
from explorer.session.edge import said_of
from explorer.session.edits import Edits
from explorer.session.plates import share_text, where
from explorer.session.query import influence_share
from explorer.session.subgraph import Box, BoxLink, Subgraph, subgraph
from explorer.session.supernodes import Supernode, by_id
from explorer.session.view import GraphView, place
from explorer.ui import grouping
from explorer.ui.document import Document
from explorer.ui.labelling import NOTED, marks, tone
from explorer.ui.panels.inspect_node import noted, rule, section
from explorer.ui.panels.links_table import LinksTable, Row
from explorer.ui.panels.note_edit import NoteEdit
from explorer.ui.widgets.elided import ElidedLabel
from explorer.ui.widgets.icons import icon
from explorer.ui.widgets.label_edit import LabelEdit
from explorer.ui.widgets.look import per_cent, plain, set_property, signed
from explorer.ui.widgets.marks import Mark, mark_of
from explorer.ui.widgets.share_bar import Cell

MEMBERS, LINKS = 12, 14


class GroupPage(QWidget):
    """Name, members, inputs, outputs and note of a supernode."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown: tuple[object, ...] = ()
        self._id = ""
        self._ends: list[Box] = []
        self._rows: list[int] = []
        self.setProperty("panel", True)
        self.title = LabelEdit()
        self.title.setAccessibleName("Name of the supernode")
        self.about = ElidedLabel()
        self.about.setProperty("role", "second")
        self.figures = ElidedLabel()
        self.figures.setProperty("role", "caption")
        self.ungroup = QPushButton(icon("group"), "Ungroup")
        self.more = QToolButton()
        self.more.setIcon(icon("more"))
        self.more.setAccessibleName("More that can be done with the supernode")
        set_property(self.ungroup, "small", True)
        self.members = LinksTable("Members")
        self.inputs, self.outputs = (LinksTable(name, has_links=True) for name in ("Inputs", "Outputs"))
        self.note = NoteEdit(document, _annotated, "this supernode")
        self._lay_out()
        self.title.editingFinished.connect(self._rename)
        self.title.left.connect(self._show_name)
        self.ungroup.clicked.connect(self._ungroup)
        self.more.clicked.connect(self._open_menu)
        self.members.walked.connect(self._select_member)
        self.inputs.walked.connect(self._select_box)
        self.outputs.walked.connect(self._select_box)
        self.inputs.link_asked.connect(lambda number: document.select_link((self._id, self._ends[number].id)))
        self.outputs.link_asked.connect(lambda number: document.select_link((self._ends[number].id, self._id)))

    def show_group(self, view: GraphView, id: str) -> None:
        group = by_id(view.edits.supernodes, id)
        self.note.show_note(id, group.note)
        for part in (self.title, self.ungroup, self.more):
            part.setEnabled(not self._document.is_partial)
        if (view, id) == self._shown:
            return
        self._shown, self._id = (view, id), id
        self._show_name()
        drawn = subgraph(view, _around(view, group))
        box = next((box for box in drawn.boxes if box.id == id), None)
        if box is not None:
            self._show_box(view, drawn, box)

    def edit_name(self) -> None:
        self.title.setFocus()
        self.title.selectAll()

    # building

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.ungroup)
        buttons.addWidget(self.more)
        buttons.addStretch()
        head = QVBoxLayout()
        head.setContentsMargins(12, 14, 12, 12)
        head.setSpacing(6)
        for part in (self.title, self.about, self.figures):
            head.addWidget(part)
        head.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(0)
        layout.addLayout(head)
        captions = []
        for name, table in (("Members", self.members), ("Inputs", self.inputs), ("Outputs", self.outputs)):
            heading, caption = section(name)
            captions.append(caption)
            layout.addWidget(rule())
            layout.addLayout(heading)
            layout.addWidget(table)
            layout.addSpacing(8)
        self.members_caption, self.inputs_caption, self.outputs_caption = captions
        layout.addLayout(noted(self.note))
        layout.addStretch()

    # what it shows

    def _show_name(self) -> None:
        with QSignalBlocker(self.title):
            self.title.setText(by_id(self._document.edits.supernodes, self._id).name)

    def _show_box(self, view: GraphView, drawn: Subgraph, box: Box) -> None:
        n = len(box.rows)
        layers = where(view.graph, box).split(" · ")[0]
        missing = f", {box.missing} not in this graph" if box.missing else ""
        self.about.set_text(f"Supernode · {n} {'node' if n == 1 else 'nodes'}{missing} · {layers}")
        active = "" if math.isnan(box.activation) else f"activation {plain(box.activation)}, the sum of its features"
        self.figures.set_text(active or "no features, so no activation")
        self.members_caption.set_text(f"activation, influence {share_text(box.influence)} together")
        self._show_members(view, box)
        self._ends = []
        self.inputs_caption.set_text(f"share of Σ|in| from outside = {plain(box.outside)}")
        self.inputs.show_rows(self._sides(view, drawn, drawn.inputs(box.id), outwards=False) + _rest(box))
        outputs = self._sides(view, drawn, drawn.outputs(box.id), outwards=True)
        self.outputs_caption.set_text("share of each target’s Σ|in|" if outputs else "none in the diagram")
        self.outputs.show_rows(outputs)

    def _show_members(self, view: GraphView, box: Box) -> None:
        share = influence_share(view)
        self._rows = sorted(box.rows, key=lambda row: -float(share[row]))
        strongest = float(abs(view.effect[view.graph.block(NodeKind.FEATURE)]).max(initial=0.0))
        rows = []
        for row in self._rows[:MEMBERS]:
            active = float(view.graph.nodes.activation[row])
            told = "" if math.isnan(active) else plain(active)
            where = f"{place(view.graph, row)} {marks(view, row)}".strip()
            name = Cell(view.label(row), tone(view, row, "text_2"), mark_of(view, row, strongest), where)
            cells = (name, Cell(told, right=True), Cell(), Cell(share_text(float(share[row])), right=True))
            spoken = f"{view.label(row)}, activation {told or 'none'}, influence {share_text(float(share[row]))}"
            rows.append(Row(cells, spoken, row))
        if len(self._rows) > MEMBERS:
            text = f"{len(self._rows) - MEMBERS} more"
            rows.append(Row((Cell(text, "text_2", indent=True), Cell(), Cell(), Cell()), text))
        self.members.show_rows(rows)

    def _sides(self, view: GraphView, drawn: Subgraph, links: tuple[BoxLink, ...], *, outwards: bool) -> list[Row]:
        """The links of one side, strongest first; a row's number is that of its other end in ``_ends``."""
        largest = max((abs(link.share) for link in links), default=1.0)
        said = said_of(view, self._id, inwards=not outwards)
        rows = []
        for link in links[:LINKS]:
            end = drawn.box(link.target if outwards else link.source)
            mark = Mark(int(NodeKind.LOGIT if end.kind is None else end.kind))
            cells = (
                Cell(end.name, "text", mark, NOTED if end.id in said else ""),
                Cell(signed(link.weight), right=True),
                Cell(bar=link.share / largest),
                Cell(per_cent(link.share), right=True),
            )
            spoken = [end.name, signed(link.weight), f"share {per_cent(link.share)}", said.get(end.id, "")]
            row = Row(cells, ", ".join(filter(None, spoken)), len(self._ends), said=said.get(end.id, ""))
            rows.append(row)
            self._ends.append(end)
        if len(links) > LINKS:
            rest = sum(abs(link.share) for link in links[LINKS:])
            rows.append(_sum(f"{len(links) - LINKS} more, sizes added", rest))
        return rows

    # what is done

    def _select_member(self, row: int) -> None:
        self._document.select([row])

    def _select_box(self, number: int) -> None:
        box = self._ends[number]
        self._document.select(box.rows, "" if box.kind is not None else box.id)

    def _rename(self) -> None:
        if any(group.id == self._id for group in self._document.edits.supernodes):
            grouping.rename_group(self._document, self._id, self.title.text())
            self._show_name()

    def _ungroup(self) -> None:
        grouping.ungroup(self._document)

    def _open_menu(self) -> None:
        menu = QMenu(self)
        grouping.fill_group_menu(menu, self._document, self._id, self.edit_name)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))


def _around(view: GraphView, group: Supernode) -> frozenset[str]:
    """The supernodes that ``group`` lies in: they are opened, so that it is a box of its own."""
    found = set()
    while group.parent:
        found.add(group.parent)
        group = by_id(view.edits.supernodes, group.parent)
    return frozenset(found)


def _rest(box: Box) -> list[Row]:
    """What makes the shares add up to 100 %."""
    if box.outside <= 0:
        return [_sum("no input from outside", 0.0)]
    rows = [_sum("not in a group", box.loose), _sum("cancels within its group", box.cancels)]
    total = (
        Cell("all inputs from outside", strong=True, indent=True, rule=True),
        Cell(rule=True),
        Cell(plain(box.outside), right=True, rule=True),
        Cell("100 %", right=True, strong=True, rule=True),
    )
    return [*rows, Row(total, f"all inputs from outside, {plain(box.outside)}, 100 %")]


def _sum(text: str, share: float) -> Row:
    cells = (Cell(text, "text_2", indent=True), Cell(), Cell(), Cell(per_cent(share), "text_2", right=True))
    return Row(cells, f"{text}, {per_cent(share)}")


def _annotated(edits: Edits, id: str, note: str) -> Edits:
    """The note of a supernode that may be gone meanwhile."""
    return edit.annotate(edits, id, note) if any(group.id == id for group in edits.supernodes) else edits
