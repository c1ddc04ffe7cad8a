"""The label of a node wherever it is shown: how its status is seen, and the menu that changes it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from explorer.circuits.graph import NodeKind
from explorer.session import edits as edit
from explorer.session.edits import STATUSES
from explorer.session.view import GraphView
from explorer.ui.document import Document
from explorer.ui.grouping import add_row

STATUS_WORDS = {
    "auto": "Proposed by a program",
    "human": "Written by a person",
    "tested": "Tested by an intervention",
}
TESTED, NOTED = "✓", "¶"
ROWS = ("label", "note", "group", "add_selected", "paths")  # of ACTIONS, as far as the widget takes them


def tone(view: GraphView, node: int, grey: str = "text_3") -> str:
    """The colour of a node's name: grey where no person has named a feature."""
    is_named = view.status(node) in ("human", "tested") or view.graph.nodes.kind[node] != NodeKind.FEATURE
    return "text" if is_named else grey


def marks(view: GraphView, node: int) -> str:
    """What stands behind the name of a node: whether its label was tested, and whether it has a note."""
    is_tested, is_noted = view.status(node) == "tested", view.graph.key(node) in view.edits.notes
    return " ".join([TESTED] * is_tested + [NOTED] * is_noted)


def status_line(view: GraphView, node: int) -> str:
    """The status of a node's label in words; empty without a label."""
    status = view.status(node)
    return f"label: {status}, {STATUS_WORDS[status].lower()}" if status else ""


def set_status(document: Document, node: int, status: str) -> None:
    """Give the label of a node another status; one that an index proposed becomes the node's own."""
    view = document.view
    if view is not None and not document.is_partial and view.status(node) not in ("", status):
        edits = edit.set_label(document.edits, view.graph.key(node), view.label(node), status)
        document.do("change a label's status", edits)


def fill_status_menu(menu: QMenu, document: Document, node: int) -> None:
    """Add the statuses that the label of a node can have; its own is checked."""
    view = document.view
    now = view.status(node) if view is not None else ""
    group = QActionGroup(menu)
    for status in STATUSES:
        row = add_row(menu, f"{status.capitalize()}: {STATUS_WORDS[status].lower()}", _setter(document, node, status))
        row.setCheckable(True)
        row.setChecked(status == now)
        group.addAction(row)
    menu.setEnabled(bool(now) and not document.is_partial)


def node_menu(widget: QWidget, document: Document, node: int) -> QMenu:
    """What can be done with the current node, from ``widget``."""
    menu = QMenu(widget)
    actions = {action.objectName(): action for action in widget.actions()}
    for name in ROWS:
        if name in actions:
            menu.addAction(actions[name])
    fill_status_menu(menu.addMenu("Status of the label"), document, node)
    graph, edits = document.graph, document.edits
    if graph is not None and not document.is_partial:
        key = graph.key(node)
        verb = "Unpin" if key in edits.pinned else "Pin"
        add_row(menu, verb, lambda: document.do(f"{verb.lower()} a node", edit.toggle_pin(edits, key)), "Space")
        if verb == "Pin" and key.kind != NodeKind.LOGIT:
            add_row(menu, "Hide", lambda: document.do("hide a node", edit.hide(edits, [key])), "H")
    menu.aboutToHide.connect(menu.deleteLater)
    return menu


def _setter(document: Document, node: int, status: str) -> Callable[[], None]:
    return lambda: set_status(document, node, status)
