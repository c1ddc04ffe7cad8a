"""The inspector: the selected node with what flows in and out, or a summary of several."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from explorer.ui.document import Document
from explorer.ui.panels.inspect_group import GroupPage
from explorer.ui.panels.inspect_many import SelectionPage
from explorer.ui.panels.inspect_node import NodePage


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
        for page in (self._nothing(), self.node, self.many, self.group):
            self.pages.addWidget(page)
        self.setWidget(self.pages)
        document.selection_changed.connect(self._show)
        document.view_changed.connect(self._show)
        document.edits_changed.connect(self._show)
        self._show()

    def edit_label(self) -> None:
        """Put the cursor into the label of the selected node, or the name of the supernode."""
        if self.pages.currentWidget() is self.group:
            self.group.edit_name()
        if self.pages.currentWidget() is self.node:
            self.node.head.edit_label()

    def take_focus(self) -> None:
        """Let the first table have the keys."""
        (self.group if self.pages.currentWidget() is self.group else self.node).inputs.setFocus()

    def _nothing(self) -> QWidget:
        page = QWidget()
        page.setProperty("panel", True)
        words = QLabel("Select a node, a link or a group.")
        words.setProperty("role", "second")
        words.setWordWrap(True)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(12, 14, 12, 12)
        layout.addWidget(words)
        layout.addStretch()
        return page

    def _show(self) -> None:
        view, selection = self._document.view, self._document.selection
        if view is None or not selection:
            page = 0
        elif self._document.group:
            page = 3
            self.group.show_group(view, self._document.group)
        elif len(selection) == 1:
            page = 1
            self.node.show_node(view, selection[0])
        else:
            page = 2
            self.many.show_nodes(view, selection)
        if page != self.pages.currentIndex():
            self.pages.setCurrentIndex(page)
