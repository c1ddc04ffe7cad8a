"""The tree of supernodes: what it lists, the selection it shares, and what dragging and keys do."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLineEdit, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from explorer.session import edits as edit
from explorer.ui.document import Document
from explorer.ui.panels.supernodes import KEY, SupernodesPanel
from explorer.ui.theme import load_fonts
from tests.graphs import feature_keys, random_graph
from tests.ui.showing import show
from tests.ui.text_boxes import faults, texts


@pytest.fixture
def document(qapp: object) -> Document:
    load_fonts()
    document = Document()
    graph = random_graph(60, 400, seed=3, n_layers=5, n_pos=6)
    features = feature_keys(graph)
    edits = edit.group(edit.Edits(), features[:3], "first", "teal")
    edits = edit.group(edits, features[10:12], "second")
    document.open_graph(graph, edits)
    return document


@pytest.fixture
def panel(qtbot: QtBot, document: Document) -> SupernodesPanel:
    panel = SupernodesPanel(document)
    show(qtbot, panel, 252, 260)
    return panel


def test_groups_are_listed_with_their_nodes_in_them(panel: SupernodesPanel, document: Document) -> None:
    tree = panel.tree
    assert [item.text(0) for item in tree.rows()] == ["first", "second"]
    tree.topLevelItem(0).setExpanded(True)
    assert sum(1 for _ in tree.rows()) == 5
    assert faults(texts(panel)) == []
    document.do("rename", edit.rename(document.edits, document.edits.supernodes[0].id, "Texas"))
    assert next(item.text(0) for item in tree.rows()) == "Texas"
    assert tree.topLevelItem(0).isExpanded()


def test_the_selection_is_the_documents(panel: SupernodesPanel, document: Document) -> None:
    first = document.edits.supernodes[0]
    panel.tree.setCurrentItem(panel.tree.item_of(first.id))
    assert document.group == first.id
    document.select_group(document.edits.supernodes[1].id)
    assert [item.text(0) for item in panel.tree.selectedItems()] == ["second"]
    document.select(())
    assert panel.tree.selectedItems() == []


def test_a_node_is_moved_between_groups_and_out_of_them(panel: SupernodesPanel, document: Document) -> None:
    tree = panel.tree
    key = document.edits.supernodes[0].members[0]
    tree.move_row(tree.topLevelItem(0).child(0), tree.topLevelItem(1))
    assert key in document.edits.supernodes[1].members
    found = tree.topLevelItem(1)
    tree.move_row(found.child(found.childCount() - 1), None)
    assert all(key not in group.members for group in document.edits.supernodes)
    assert key in document.edits.pinned


def test_a_group_is_nested_and_never_in_itself(panel: SupernodesPanel, document: Document) -> None:
    tree = panel.tree
    tree.move_row(tree.topLevelItem(0), tree.topLevelItem(1))
    assert document.edits.supernodes[0].parent == document.edits.supernodes[1].id
    before = document.edits
    outer = tree.topLevelItem(0)
    tree.move_row(outer, outer.child(0))
    assert document.edits == before


def test_f2_renames_and_a_blank_name_changes_nothing(
    qtbot: QtBot, panel: SupernodesPanel, document: Document
) -> None:
    for text, expected in (("Dallas", "Dallas"), ("  ", "Dallas")):
        panel.tree.setFocus()
        panel.tree.setCurrentItem(panel.tree.topLevelItem(0))
        qtbot.keyClick(panel.tree, Qt.Key.Key_F2)
        editor = panel.tree.findChild(QLineEdit)
        assert editor is not None
        editor.setText(text)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: panel.tree.findChild(QLineEdit) is None)
        assert document.edits.supernodes[0].name == expected
        assert panel.tree.topLevelItem(0).text(0) == expected


def test_shift_g_dissolves(qtbot: QtBot, panel: SupernodesPanel, document: Document) -> None:
    panel.tree.setCurrentItem(panel.tree.topLevelItem(1))
    qtbot.keyClick(panel.tree, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert [group.name for group in document.edits.supernodes] == ["first"]


def test_what_is_dropped_on_a_row_goes_into_its_supernode_and_on_free_ground_out_of_it(
    panel: SupernodesPanel, document: Document
) -> None:
    tree = panel.tree
    key = document.edits.supernodes[0].members[0]
    tree.topLevelItem(0).setExpanded(True)
    tree.topLevelItem(1).setExpanded(True)

    def drop(item: QTreeWidgetItem, place: QPoint) -> None:
        tree.setCurrentItem(item)
        held = tree.model().mimeData([tree.indexFromItem(item)])
        move, left, none = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        tree.dropEvent(QDropEvent(QPointF(place), move, held, left, none))

    drop(tree.topLevelItem(0).child(0), tree.visualItemRect(tree.topLevelItem(1).child(0)).center())
    assert key in document.edits.supernodes[1].members
    assert document.history.undo_text == "add to “second”"
    moved = next(item for item in tree.rows() if item.data(0, KEY) == str(key))
    drop(moved, QPoint(20, tree.viewport().height() - 1))
    assert all(key not in group.members for group in document.edits.supernodes)
    assert key in document.edits.pinned


def test_the_menu_of_a_node_puts_it_into_another_supernode(panel: SupernodesPanel, document: Document) -> None:
    first, second = document.edits.supernodes
    menu = panel.tree.menu_of(panel.tree.topLevelItem(0).child(0))
    into = next(action.menu() for action in menu.actions() if action.text() == "Put into")
    assert [action.text() for action in into.actions()] == ["second"]
    into.actions()[0].trigger()
    assert first.members[0] in document.edits.supernodes[1].members
    document.undo()
    assert document.edits.supernodes == (first, second)
