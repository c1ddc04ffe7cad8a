"""The status of a label: seen and changed from every list, and never lowered by a program."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from explorer.session import edits as edit
from explorer.session.edits import Label
from explorer.ui import labelling
from explorer.ui.document import Document
from explorer.ui.panels.inspect_head import Head
from explorer.ui.panels.nodes import NodesPanel
from explorer.ui.panels.nodes_model import NAME
from explorer.ui.panels.supernodes import SupernodesPanel
from explorer.ui.widgets.share_bar import CELL
from tests.graphs import random_graph
from tests.ui.showing import show


@pytest.fixture
def document(qapp: object) -> Document:
    """Node 0 is named by a person, 1 by an index, 2 was tested and has a note, 3 has no name."""
    document = Document()
    graph = random_graph(60, 400, seed=3, n_layers=5, n_pos=6)
    edits = edit.set_label(edit.set_label(edit.Edits(), graph.key(0), "mine"), graph.key(2), "proven", "tested")
    edits = edit.group(edit.set_note(edits, graph.key(2), "by hand"), [graph.key(node) for node in range(4)], "all")
    document.open_graph(graph, edits)
    document.name_features({graph.key(1): "about cities"})
    return document


def chosen(menu: QMenu, word: str) -> None:
    status = next(action.menu() for action in menu.actions() if action.text() == "Status of the label")
    next(action for action in status.actions() if action.text().startswith(word)).trigger()


def test_each_status_looks_and_reads_its_own_way(qtbot: QtBot, document: Document) -> None:
    view = document.view
    assert view is not None
    assert [view.status(node) for node in range(4)] == ["human", "auto", "tested", ""]
    assert [labelling.tone(view, node) for node in range(4)] == ["text", "text_3", "text", "text_3"]
    assert [labelling.marks(view, node) for node in range(4)] == ["", "", "✓ ¶", ""]
    panel = NodesPanel(document)
    qtbot.addWidget(panel)
    panel.list_hidden("is:noted")
    index = panel.model.index(0, NAME)
    assert panel.model.data(index, CELL).place == "✓ ¶"
    assert panel.model.data(index, Qt.ItemDataRole.ToolTipRole).splitlines() == [
        "proven",
        "label: tested, tested by an intervention",
        "by hand",
    ]


def test_a_name_from_an_index_becomes_the_nodes_own_with_the_chosen_status(qtbot: QtBot, document: Document) -> None:
    graph, view = document.graph, document.view
    assert graph is not None
    assert view is not None
    head = Head(document)
    show(qtbot, head)
    head.show_node(view, 1)
    assert (head.status.text(), head.status.isEnabled()) == ("label: auto", True)
    menu = head.status.menu()
    menu.aboutToShow.emit()
    assert [action.isChecked() for action in menu.actions()] == [True, False, False]
    menu.actions()[1].trigger()
    assert document.edits.labels[graph.key(1)] == Label("about cities", "human")
    document.undo()
    assert graph.key(1) not in document.edits.labels


def test_the_menus_of_table_and_tree_change_it(qtbot: QtBot, document: Document) -> None:
    graph = document.graph
    assert graph is not None
    nodes, groups = NodesPanel(document), SupernodesPanel(document)
    qtbot.addWidget(nodes)
    qtbot.addWidget(groups)
    chosen(labelling.node_menu(nodes.table, document, 0), "Tested")
    assert document.edits.labels[graph.key(0)] == Label("mine", "tested")
    chosen(groups.tree.menu_of(groups.tree.topLevelItem(0).child(2)), "Human")
    assert document.edits.labels[graph.key(2)] == Label("proven", "human")
    menu = labelling.node_menu(nodes.table, document, 3)
    status = next(action for action in menu.actions() if action.text() == "Status of the label")
    assert not status.isEnabled()
    for shown in (nodes, groups):
        for left in shown.findChildren(QMenu):
            left.deleteLater()


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)
@pytest.mark.parametrize("reason", QContextMenuEvent.Reason)
def test_the_tables_menu_is_of_the_row_under_the_mouse_or_of_the_current_one(
    qtbot: QtBot, document: Document, reason: QContextMenuEvent.Reason
) -> None:
    nodes = NodesPanel(document)
    show(qtbot, nodes, 252)
    table = nodes.table
    table.setCurrentIndex(nodes.model.index(2, NAME))
    by_key = reason == QContextMenuEvent.Reason.Keyboard
    place = table.visualRect(nodes.model.index(2, NAME)).center()
    receiver = table if by_key else table.viewport()
    QApplication.sendEvent(receiver, QContextMenuEvent(reason, place, receiver.mapToGlobal(place)))
    menu = next(menu for menu in table.findChildren(QMenu) if menu.isVisible())
    next(action for action in menu.actions() if action.text().startswith("Pin")).trigger()
    assert document.graph is not None
    assert document.edits.pinned == (document.graph.key(nodes.model.node(2)),)
    menu.close()
