"""Notes: each is one step of the history while it is written, and none is lost when something else happens."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from explorer.session import edits as edit
from explorer.ui.document import Document
from explorer.ui.panels.inspector import InspectorPanel
from tests.graphs import random_graph
from tests.ui.showing import show


@pytest.fixture
def document(qapp: object) -> Document:
    document = Document()
    graph = random_graph(60, 400, seed=3, n_layers=5, n_pos=6)
    document.open_graph(graph, edit.group(edit.Edits(), [graph.key(1), graph.key(2)], "both"))
    return document


@pytest.fixture
def inspector(qtbot: QtBot, document: Document) -> InspectorPanel:
    inspector = InspectorPanel(document)
    show(qtbot, inspector)
    return inspector


def test_the_documents_note_is_written_while_nothing_is_selected(
    qtbot: QtBot, inspector: InspectorPanel, document: Document
) -> None:
    document.select([0, 3])
    inspector.edit_note()
    assert document.selection == ()
    qtbot.keyClicks(inspector.note, "Texas")
    document.select([0])
    assert document.edits.note == "Texas"
    document.undo()
    document.select(())
    assert inspector.note.toPlainText() == ""


def test_notes_on_two_things_are_two_steps(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    for node in (0, 3):
        document.select([node])
        qtbot.keyClicks(inspector.node.notes, "odd")
        inspector.node.notes.keep()
        qtbot.keyClicks(inspector.node.notes, "ly")
    document.select(())
    assert list(document.edits.notes.values()) == ["oddly", "oddly"]
    document.undo()
    assert list(document.edits.notes.values()) == ["oddly"]
    document.undo()
    assert document.edits.notes == {}


def test_what_is_being_written_is_saved_and_survives_its_supernode(
    qtbot: QtBot, inspector: InspectorPanel, document: Document
) -> None:
    id = document.edits.supernodes[0].id
    document.select_group(id)
    qtbot.keyClicks(inspector.group.note, "kept")
    document.settling.emit()
    assert document.edits.supernodes[0].note == "kept"
    qtbot.keyClicks(inspector.group.note, "lost")
    document.do("ungroup", edit.dissolve(document.edits, id))
    document.settling.emit()
    assert document.edits.supernodes == ()
    document.undo()
    assert document.edits.supernodes[0].note == "kept"
