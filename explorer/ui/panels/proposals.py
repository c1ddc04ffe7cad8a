"""The proposals panel: groups of features that are alike, each with its reason, to be accepted or rejected.

Those that are accepted by default are ticked; who looks at the others may tick them too.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from explorer.circuits.graph import NodeKey
from explorer.session.proposals import Proposal, accept, propose
from explorer.session.view import rows_of
from explorer.ui.document import Document
from explorer.ui.evidence_index import EvidenceIndex
from explorer.ui.panels.aside import AsidePanel
from explorer.ui.widgets.look import per_cent
from explorer.ui.widgets.two_lines import TwoLines


class ProposalsPanel(AsidePanel):
    """``offered`` are the groups that are listed; one that was rejected is not offered again in this session.

    Without ``evidence``, or without an index of the graph's features, none is ticked at first.
    """

    TITLE = "Proposals"

    def __init__(
        self, document: Document, evidence: EvidenceIndex | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(document, parent)
        self._evidence = evidence
        self._turned: set[frozenset[NodeKey]] = set()  # whose tick a person has changed
        self.offered: tuple[Proposal, ...] = ()
        self._rejected: set[frozenset[NodeKey]] = set()
        self.accept, self.reject = QPushButton(), QPushButton("Reject")
        self.accept.setToolTip(
            "Make a supernode of each that is ticked (Space); Return takes the current one alone.\n"
            "Ticked at first are those whose members' labels agree with the graph on what they read or raise."
        )
        self.reject.setToolTip("Do not offer the current one again (Delete)")
        buttons = QHBoxLayout()
        buttons.setContentsMargins(12, 0, 12, 0)
        buttons.setSpacing(6)
        for button in (self.accept, self.reject):
            button.setProperty("small", True)
            buttons.addWidget(button)
        buttons.addStretch()
        self.page.addWidget(self.nothing)
        self.page.addWidget(self.list, 1)
        self.page.addStretch()
        self.page.addLayout(buttons)
        self.accept.clicked.connect(self._accept_ticked)
        self.reject.clicked.connect(self._reject_current)
        self.list.itemActivated.connect(self._accept_current)
        self.list.currentRowChanged.connect(self._enable)
        self.list.tick_changed.connect(self._ticked)
        if evidence is not None:
            evidence.changed.connect(self._view_changed)
        self.look()

    def look(self) -> None:
        view, known = self._document.view, self._evidence
        labels = known.named if known is not None and known.labels is not None else None
        found = propose(view, labels) if view is not None and not self._document.is_partial else ()
        self.offered = tuple(one for one in found if frozenset(one.members) not in self._rejected)
        row = min(max(self.list.currentRow(), 0), len(self.offered) - 1)
        self.list.show_rows((_row(one, self._is_ticked(one)) for one in self.offered), row)
        self.count.setText(f"{len(self.offered)} offered" if self.offered else "")
        self._enable()
        self._say("" if self.offered else _nothing(view is None, bool(found)))

    def nodes_of(self, row: int) -> tuple[int, ...]:
        graph = self._document.graph
        if graph is None or row >= len(self.offered):
            return ()
        return tuple(rows_of(graph, self.offered[row].members).tolist())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._reject_current()
            return
        super().keyPressEvent(event)

    def _is_ticked(self, one: Proposal) -> bool:
        return one.accepted != (frozenset(one.members) in self._turned)

    def _ticked(self) -> None:
        ticked = set(self.list.ticked())
        for row, one in enumerate(self.offered):
            turn = self._turned.add if one.accepted != (row in ticked) else self._turned.discard
            turn(frozenset(one.members))
        self._enable()

    def _enable(self) -> None:
        ticked = len(self.list.ticked())
        self.reject.setEnabled(self.list.currentRow() >= 0)
        self.accept.setEnabled(ticked > 0 and not self._document.is_partial)
        self.accept.setText(f"Accept {ticked} ticked" if ticked else "Accept ticked")

    def _accept_current(self) -> None:
        if self.list.currentRow() >= 0 and not self._document.is_partial:
            self._take((self.offered[self.list.currentRow()],))

    def _accept_ticked(self) -> None:
        self._take([self.offered[row] for row in self.list.ticked()])

    def _take(self, chosen: Sequence[Proposal]) -> None:
        text = f"group “{chosen[0].name}”" if len(chosen) == 1 else f"accept {len(chosen)} proposals"
        self._document.do(text, accept(self._document.edits, chosen))
        self.look()

    def _reject_current(self) -> None:
        row = self.list.currentRow()
        if 0 <= row < len(self.offered):
            self._rejected.add(frozenset(self.offered[row].members))
            self.look()


def _row(one: Proposal, ticked: bool) -> TwoLines:
    right = f"{len(one.members)} nodes, {per_cent(one.coherence)} alike"
    reason = one.reason[:1].upper() + one.reason[1:]
    doubt = f" Not ticked at first: {one.doubt}." if one.doubt else ""
    tone = "text" if one.accepted else "text_2"
    return TwoLines(one.name, right, reason, tone, f"{one.name}, {right}. {reason}.{doubt}", ticked)


def _nothing(no_graph: bool, were_rejected: bool) -> str:
    if no_graph:
        return "No graph yet."
    if were_rejected:
        return "Nothing more is offered: the rest was rejected."
    return "No two shown features are alike enough to be offered as a group."
