"""Saved filters: kept, used, renamed and forgotten from their card, undoably, and what they find is selected."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from explorer.session import query
from explorer.session.edits import Edits, save_filter, set_label
from explorer.session.query import find
from explorer.ui.document import Document
from explorer.ui.panels.filters import FiltersCard
from explorer.ui.panels.nodes import NodesPanel
from explorer.ui.theme import load_fonts
from tests.graphs import random_graph
from tests.ui.showing import show
from tests.ui.text_boxes import faults, texts

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)
LEFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def document(qapp: object) -> Document:
    load_fonts()
    document = Document()
    graph = random_graph(60, 400, seed=1, n_layers=4, n_pos=5)
    edits = save_filter(save_filter(Edits(), "late", "layer>=3"), "features", "kind:feature")
    document.open_graph(graph, set_label(edits, graph.key(2), "a" * 80 + "!"))
    return document


@pytest.fixture
def nodes(qtbot: QtBot, document: Document) -> NodesPanel:
    nodes = NodesPanel(document)
    show(qtbot, nodes, 252)
    return nodes


def opened(qtbot: QtBot, nodes: NodesPanel, row: int = 0) -> FiltersCard:
    qtbot.mouseClick(nodes.saved, LEFT)
    card = nodes.saved.card
    qtbot.waitExposed(card)
    card.names.setCurrentRow(row)
    return card


def test_what_the_field_holds_is_kept_under_a_name(qtbot: QtBot, nodes: NodesPanel, document: Document) -> None:
    assert nodes.saved.text() == "Saved filters 2"
    nodes.filter.setText("reads:capital")
    card = opened(qtbot, nodes)
    assert [fault for fault in faults(texts(card)) if "contrast" not in fault] == []
    qtbot.keyClicks(card.name, "of the capital")
    qtbot.keyClick(card.name, Qt.Key.Key_Return)
    assert document.edits.filters["of the capital"] == "reads:capital"
    assert [card.names.item(row).text() for row in range(3)] == ["late", "features", "of the capital"]
    document.undo()
    assert "of the capital" not in document.edits.filters


@pytest.mark.parametrize("text", ["", "layer>=x"])
def test_what_is_no_filter_cannot_be_kept(qtbot: QtBot, nodes: NodesPanel, text: str) -> None:
    nodes.filter.setText(text)
    card = opened(qtbot, nodes)
    assert not card.name.isEnabled()
    assert not card.keep.isEnabled()
    card.close()


def test_return_uses_a_filter_and_control_return_selects_all_that_it_finds(
    qtbot: QtBot, nodes: NodesPanel, document: Document
) -> None:
    card = opened(qtbot, nodes)
    assert card.query.whole == "layer>=3"
    qtbot.keyClick(card.names, Qt.Key.Key_Return)
    assert nodes.filter.text() == "layer>=3"
    assert card.isHidden()
    assert document.selection == ()
    qtbot.keyClick(opened(qtbot, nodes, 1).names, Qt.Key.Key_Return, CTRL)
    assert document.view is not None
    assert document.selection == tuple(find(document.view, "kind:feature")[::-1].tolist())


def test_f2_renames_and_del_forgets(qtbot: QtBot, nodes: NodesPanel, document: Document) -> None:
    card = opened(qtbot, nodes)
    card.names.setFocus()
    qtbot.keyClick(card.names, Qt.Key.Key_F2)
    editor = card.names.findChild(QLineEdit)
    assert editor is not None
    editor.setText("last layers")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: list(document.edits.filters) == ["last layers", "features"])
    qtbot.keyClick(card.names, Qt.Key.Key_Delete)
    assert list(document.edits.filters) == ["features"]
    document.undo()
    document.undo()
    assert list(document.edits.filters) == ["late", "features"]
    assert [card.names.item(row).text() for row in range(2)] == ["late", "features"]
    card.close()


def test_all_that_is_listed_is_selected_the_most_influential_last(
    qtbot: QtBot, nodes: NodesPanel, document: Document
) -> None:
    assert nodes.select_all.isHidden()
    nodes.filter.setText("kind:feature")
    view = document.view
    assert view is not None
    assert nodes.select_all.text() == f"Select all {nodes.model.rowCount()}"
    qtbot.mouseClick(nodes.select_all, LEFT)
    assert len(document.selection) == nodes.model.rowCount()
    assert document.current == max(document.selection, key=lambda node: view.influence[node])
    qtbot.keyClick(nodes.filter, Qt.Key.Key_Return)
    assert nodes.table.hasFocus()


def test_a_slow_pattern_is_tried_once(nodes: NodesPanel, document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "LONGEST", 0.02)
    tried = []
    monkeypatch.setattr("explorer.ui.panels.nodes.matches", lambda *args: tried.append(args) or query.matches(*args))
    nodes.filter.setText("/(a|aa)+$/")
    assert nodes.fault.text().endswith("takes too long on these labels; write a simpler pattern.")
    document.do("name it", set_label(document.edits, document.graph.key(3), "x"))  # type: ignore[union-attr]
    assert len(tried) == 1
    assert nodes.fault.text()
    monkeypatch.setattr(query, "LONGEST", 30.0)
    nodes.filter.setText("/^a/")
    assert (nodes.fault.text(), nodes.model.rowCount()) == ("", 1)
