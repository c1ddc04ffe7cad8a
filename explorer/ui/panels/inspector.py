"""The inspector: the selected node, supernode or link, a summary of several nodes, or the document's note."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from explorer.session.edits import set_note
from explorer.ui.document import Document
from explorer.ui.panels.inspect_group import GroupPage
from explorer.ui.panels.inspect_link import LinkPage
from explorer.ui.panels.inspect_many import SelectionPage
from explorer.ui.panels.inspect_node import NodePage, noted
from explorer.ui.panels.note_edit import NoteEdit


class InspectorPanel(QScrollArea):
    """Follows the document's selection."""

    TITLE = "Inspector"

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.setAccessibleName("Inspector")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.node = NodePage(document)
        self.many = SelectionPage(document)
        self.pages = QStackedWidget()
        self.pages.setProperty("panel", True)
        self.group = GroupPage(document)
        self.link = LinkPage(document)
        self.note = NoteEdit(document, lambda edits, _, text: set_note(edits, None, text), "this document")
        for page in (self._nothing(), self.node, self.many, self.group, self.link):
            self.pages.addWidget(page)
        self.setWidget(self.pages)
        document.selection_changed.connect(self._show)
        document.view_changed.connect(self._show)
        document.edits_changed.connect(self._show)
        self._show()

    def edit_label(self) -> None:
        """Put the cursor into the label of the selected node or link, or the name of the supernode."""
        if self.pages.currentWidget() is self.group:
            self.group.edit_name()
        if self.pages.currentWidget() is self.link:
            self.link.edit_label()
        if self.pages.currentWidget() is self.node:
            self.node.head.edit_label()

    def edit_note(self) -> None:
        """Put the cursor into the note of what is shown; of the document while nothing, or several, are selected."""
        if self.pages.currentWidget() is self.many:
            self._document.select(())
        notes = {1: self.node.notes, 3: self.group.note, 4: self.link.note}
        note = notes.get(self.pages.currentIndex(), self.note)
        self.ensureWidgetVisible(note)
        note.setFocus()

    def take_focus(self) -> None:
        """Let the first table have the keys."""
        first = self.node.inputs if self.node.inputs.isVisible() else self.node.outputs
        {3: self.group.inputs, 4: self.link.ends}.get(self.pages.currentIndex(), first).setFocus()

    def _nothing(self) -> QWidget:
        page = QWidget()
        page.setProperty("panel", True)
        words = QLabel("Select a node, a link or a group.")
        words.setProperty("role", "second")
        words.setWordWrap(True)
        words.setContentsMargins(12, 14, 12, 12)
        self.own = QWidget()
        own = noted(self.note, "Notes on the document")
        own.setContentsMargins(0, 0, 0, 0)
        own.setSpacing(0)
        self.own.setLayout(own)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 12)
        layout.setSpacing(0)
        layout.addWidget(words)
        layout.addWidget(self.own)
        layout.addStretch()
        return page

    def _show(self) -> None:
        view, selection = self._document.view, self._document.selection
        self.own.setVisible(view is not None)
        self.note.show_note("document" if view is not None else None, self._document.edits.note)
        if view is None or not selection:
            page = 0
        elif self._document.group:
            page = 3
            self.group.show_group(view, self._document.group)
        elif (link := self._document.link) is not None:
            page = 4
            self.link.show_link(view, link)
        elif len(selection) == 1:
            page = 1
            self.node.show_node(view, selection[0])
        else:
            page = 2
            self.many.show_nodes(view, selection)
        if page != self.pages.currentIndex():
            has_keys = self.isAncestorOf(QApplication.focusWidget() or self)
            self.pages.setCurrentIndex(page)
            if has_keys and page in (1, 3, 4):
                self.take_focus()  # not a field of the other page
