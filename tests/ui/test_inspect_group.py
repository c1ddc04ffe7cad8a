"""The inspector of a supernode: its sides add up, it follows edits, and its rows lead on."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from explorer.session import edits as edit
from explorer.session.subgraph import subgraph
from explorer.ui.document import Document
from explorer.ui.panels.inspector import InspectorPanel
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
    edits = edit.group(edit.Edits(), features[20:25], "late", "teal")
    edits = edit.group(edits, features[:6], "early")
    document.open_graph(graph, edits)
    document.select_group(document.edits.supernodes[0].id)
    return document


@pytest.fixture
def inspector(qtbot: QtBot, document: Document) -> InspectorPanel:
    inspector = InspectorPanel(document)
    show(qtbot, inspector, 340, 800)
    return inspector


def test_a_supernode_has_its_page_with_members_and_sides(inspector: InspectorPanel, document: Document) -> None:
    assert inspector.pages.currentWidget() is inspector.group
    assert inspector.group.title.text() == "late"
    assert len(inspector.group.members.links.rows) == 5
    wrong = faults(texts(inspector))
    assert [fault for fault in wrong if "contrast" not in fault] == []  # the application is not dressed here


def test_the_shares_of_its_inputs_add_up_to_the_whole(inspector: InspectorPanel, document: Document) -> None:
    assert document.view is not None
    drawn = subgraph(document.view)
    box = drawn.box(document.group)
    total = sum(abs(link.share) for link in drawn.inputs(box.id)) + box.loose + box.cancels
    assert total == pytest.approx(1.0, abs=1e-9)
    words = [row.cells[0].text for row in inspector.group.inputs.links.rows]
    assert words[-3:] == ["not in a group", "cancels within its group", "all inputs from outside"]
    assert words[:-3] == [drawn.box(link.source).name for link in drawn.inputs(box.id)]


def test_a_row_leads_to_the_other_end(inspector: InspectorPanel, document: Document) -> None:
    outputs = inspector.group.outputs
    end = inspector.group._ends[outputs.links.rows[0].node or 0]
    outputs.walked.emit(outputs.links.rows[0].node)
    assert set(end.rows) == set(document.selection)


def test_its_name_and_note_are_edits(inspector: InspectorPanel, document: Document) -> None:
    page = inspector.group
    page.title.setText("say Austin")
    page.title.editingFinished.emit()
    assert document.edits.supernodes[0].name == "say Austin"
    page.note.setPlainText("to test")
    page.note.keep()
    assert document.edits.supernodes[0].note == "to test"
    document.undo()
    assert page.note.toPlainText() == ""


def test_a_nested_supernode_is_shown_as_itself(inspector: InspectorPanel, document: Document) -> None:
    late, early = document.edits.supernodes
    document.do("nest", edit.nest(document.edits, late.id, early.id))
    document.select_group(late.id)
    assert len(inspector.group.members.links.rows) == 5
    assert inspector.group.about.whole.startswith("Supernode · 5 nodes")


def test_when_it_is_dissolved_its_nodes_stay_selected(inspector: InspectorPanel, document: Document) -> None:
    inspector.group.ungroup.click()
    assert document.group == ""
    assert len(document.selection) == 5
    assert inspector.pages.currentWidget() is inspector.many
