"""A link in the inspector: reached by mouse and keys, named and noted undoably, left by its ends."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.session import edits as edit
from explorer.session.edge import edge_of
from explorer.session.edits import box_key
from explorer.ui.document import Document
from explorer.ui.panels.inspector import InspectorPanel
from explorer.ui.theme import load_fonts
from tests.graphs import feature_keys, random_graph
from tests.ui.showing import show
from tests.ui.text_boxes import faults, texts

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def document(qapp: object) -> Document:
    """A graph with the supernodes “early” and “late”; the node with most inputs is selected."""
    load_fonts()
    document = Document()
    graph = random_graph(60, 400, seed=3, n_layers=5, n_pos=6)
    features = feature_keys(graph)
    below, above = ([key for key in features if key.layer in layers] for layers in ((0, 1), (2, 3)))
    document.open_graph(graph, edit.group(edit.group(edit.Edits(), below, "early"), above, "late"))
    view = document.view
    assert view is not None
    document.select([int(np.argmax(np.diff(graph.rows.start) * view.shown))])
    return document


@pytest.fixture
def inspector(qtbot: QtBot, document: Document) -> InspectorPanel:
    inspector = InspectorPanel(document)
    show(qtbot, inspector, 340, 800)
    return inspector


def test_shift_return_and_shift_click_on_a_row_show_the_link(
    qtbot: QtBot, inspector: InspectorPanel, document: Document
) -> None:
    table, target = inspector.node.inputs, document.selection[0]
    source = table.links.rows[0].node
    table.setFocus()
    table.setCurrentIndex(table.links.index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Return, SHIFT)
    assert document.graph is not None
    link = box_key(document.graph.key(target)), box_key(document.graph.key(source or 0))
    assert document.link == link
    assert document.selection == (source, target)
    assert inspector.pages.currentWidget() is inspector.link
    assert inspector.link.ends.hasFocus()
    assert [fault for fault in faults(texts(inspector)) if "contrast" not in fault] == []
    document.select([target])
    place = table.visualRect(table.links.index(0, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, SHIFT, place)
    assert document.link == link
    qtbot.keyClick(inspector.link.ends, Qt.Key.Key_Down)
    inspector.link.ends.setCurrentIndex(inspector.link.ends.links.index(0, 0))
    qtbot.keyClick(inspector.link.ends, Qt.Key.Key_Return)
    assert (document.selection, document.link) == ((source,), None)
    assert inspector.node.outputs.hasFocus() or inspector.node.inputs.hasFocus()


def test_weight_and_both_shares_name_their_denominators(inspector: InspectorPanel, document: Document) -> None:
    view = document.view
    assert view is not None
    early, late = view.edits.supernodes
    document.select_link((late.id, early.id))
    edge = edge_of(view, (late.id, early.id))
    assert edge is not None
    facts = [inspector.link.facts.itemAt(at).widget() for at in range(6)]
    assert [widget.whole for widget in facts[::2]] == [
        f"direct effect, sum of {edge.count} links",
        f"share of Σ|in| from outside = {edge.into:.2f}",
        f"share of Σ|out| to outside = {edge.out:.2f}",
    ]
    shares = [f"{abs(share):.0%}".replace("%", " %") for share in (edge.share_in, edge.share_out)]
    assert [widget.text() for widget in facts[3::2]] == shares


def test_label_and_note_are_edits_and_shown_where_the_link_is_listed(
    qtbot: QtBot, inspector: InspectorPanel, document: Document
) -> None:
    target = document.selection[0]
    inspector.node.inputs.link_asked.emit(inspector.node.inputs.links.rows[0].node)
    link = document.link
    assert link is not None
    inspector.edit_label()
    qtbot.keyClicks(inspector.link.title, "copies it")
    qtbot.keyClick(inspector.link.title, Qt.Key.Key_Return)
    inspector.edit_note()
    qtbot.keyClicks(inspector.link.note, "only here")
    document.select([target])
    assert (document.edits.edge_labels, document.edits.edge_notes) == ({link: "copies it"}, {link: "only here"})
    row = inspector.node.inputs.links.rows[0]
    assert (row.said, row.cells[0].place[-1]) == ("copies it", "¶")
    assert row.spoken.endswith(", copies it")
    document.undo()
    document.undo()
    assert (document.edits.edge_labels, document.edits.edge_notes) == ({}, {})
    assert inspector.node.inputs.links.rows[0].said == ""


def test_escape_leaves_the_label_and_undo_shows_the_old_one(
    qtbot: QtBot, inspector: InspectorPanel, document: Document
) -> None:
    early, late = document.edits.supernodes
    document.select_link((late.id, early.id))
    for key, kept in ((Qt.Key.Key_Escape, {}), (Qt.Key.Key_Return, {(late.id, early.id): "x"})):
        inspector.link.title.setFocus()
        qtbot.keyClicks(inspector.link.title, "x")
        qtbot.keyClick(inspector.link.title, key)
        assert document.edits.edge_labels == kept
    document.undo()
    assert inspector.link.title.text() == ""


def test_two_selected_nodes_lead_to_their_link(inspector: InspectorPanel, document: Document) -> None:
    target = document.selection[0]
    source = inspector.node.inputs.links.rows[0].node
    assert source is not None
    document.select([target, source])
    assert inspector.pages.currentWidget() is inspector.many
    inspector.many.link.click()
    assert document.link is not None
    assert document.selection == (source, target)


def test_when_a_supernode_at_an_end_is_dissolved_the_link_goes_and_undo_brings_it_back(
    inspector: InspectorPanel, document: Document
) -> None:
    early, late = document.edits.supernodes
    document.do("label a link", edit.set_edge_label(document.edits, late.id, early.id, "x"))
    document.select_link((late.id, early.id))
    document.do("ungroup", edit.dissolve(document.edits, early.id))
    assert document.link is None
    assert inspector.pages.currentWidget() is inspector.many
    assert document.edits.edge_labels == {}
    document.undo()
    assert document.link == (late.id, early.id)
    assert inspector.link.title.text() == "x"
    document.do("take out", edit.remove_members(document.edits, early.members[:1]))
    assert len(document.selection) == len(early.members) + len(late.members) - 1


def test_the_tables_of_a_supernode_show_its_links(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    late = document.edits.supernodes[1]
    document.select_group(late.id)
    table = inspector.group.inputs
    table.setFocus()
    table.setCurrentIndex(table.links.index(0, 0))
    qtbot.keyClick(table, Qt.Key.Key_Return, SHIFT)
    assert document.link == (late.id, document.edits.supernodes[0].id)
