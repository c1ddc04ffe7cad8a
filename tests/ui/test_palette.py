"""The palette: nodes by query, all of them as a set, filters kept by name, beside the actions."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKind
from explorer.session.edits import Edits, save_filter, set_label
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.palette import Palette, Row
from explorer.ui.theme import LIGHT, load_fonts
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.stand_in import StandInEngine

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    load_fonts()
    document = Document()
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    graph = random_graph(60, 400, seed=1, n_layers=4, n_pos=5)
    document.open_graph(graph, set_label(save_filter(Edits(), "late", "layer>=3"), graph.key(2), "say Austin"))
    window.show()
    window.show_workspace()
    return window


@pytest.fixture
def palette(qtbot: QtBot, window: MainWindow) -> Palette:
    window.actions_set.refresh()
    window.actions_set.by_id["palette"].trigger()
    palette = window.findChildren(Palette)[0]
    qtbot.waitExposed(palette)
    return palette


def rows(palette: Palette, what: str = "") -> list[Row]:
    every = (palette.rows.item(at).data(Qt.ItemDataRole.UserRole) for at in range(palette.rows.count()))
    return [row for row in every if what in ("", row.what)]


def test_return_goes_to_the_node_that_is_found(qtbot: QtBot, palette: Palette, window: MainWindow) -> None:
    qtbot.keyClicks(palette.words, "/^SAY/")
    assert [row.value for row in rows(palette, "node")] == ["2"]
    qtbot.keyClick(palette.words, Qt.Key.Key_Return)
    assert window.document.selection == (2,)
    assert palette.isHidden()


def test_control_return_selects_all_with_the_most_influential_last(
    qtbot: QtBot, palette: Palette, window: MainWindow
) -> None:
    qtbot.keyClicks(palette.words, "kind:feature")
    view = window.document.view
    listed = [int(row.value) for row in rows(palette, "node")]
    qtbot.keyClick(palette.words, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    shown = set((view.shown & (view.graph.nodes.kind == NodeKind.FEATURE)).nonzero()[0].tolist())
    assert set(window.document.selection) == shown
    assert window.document.current == listed[0] == max(shown, key=lambda node: view.influence[node])


def test_actions_come_before_nodes(qtbot: QtBot, palette: Palette) -> None:
    qtbot.keyClicks(palette.words, "say")
    assert [row.what for row in rows(palette)] == ["node", "keep"]
    palette.words.setText("a")
    order = [row.what for row in rows(palette)]
    assert order == sorted(order, key=["action", "filter", "node", "keep"].index)
    assert {"action", "filter", "node", "keep"} == set(order)


def test_what_makes_no_sense_is_said(palette: Palette) -> None:
    palette.words.setText("layer>=x")
    assert palette.hint.text().startswith("“layer>=x” is not understood")
    assert palette.hint.property("role") == "danger"
    palette.words.setText("layer>=1")
    assert "Ctrl+Return" in palette.hint.text()


def test_a_filter_is_kept_by_name_undoably(qtbot: QtBot, palette: Palette, window: MainWindow) -> None:
    qtbot.keyClicks(palette.words, "reads:capital")
    keep = len(rows(palette)) - 1
    assert rows(palette)[keep].what == "keep"
    palette.rows.setCurrentRow(keep)
    qtbot.keyClick(palette.words, Qt.Key.Key_Return)
    assert not palette.isHidden()
    qtbot.keyClicks(palette.words, "of the capital")
    qtbot.keyClick(palette.words, Qt.Key.Key_Return)
    assert window.document.edits.filters == {"late": "layer>=3", "of the capital": "reads:capital"}
    window.document.undo()
    assert window.document.edits.filters == {"late": "layer>=3"}


def test_a_kept_filter_is_listed_used_and_forgotten(qtbot: QtBot, palette: Palette, window: MainWindow) -> None:
    qtbot.keyClicks(palette.words, "late")
    at = [row.what for row in rows(palette)].index("filter")
    palette.rows.setCurrentRow(at)
    qtbot.keyClick(palette.words, Qt.Key.Key_Return)
    assert palette.words.text() == "layer>=3"
    graph = window.document.graph
    assert min(int(graph.nodes.layer[int(row.value)]) for row in rows(palette, "node")) == 3
    palette.words.setText("filter: late")
    qtbot.keyClick(palette.words, Qt.Key.Key_Delete)
    assert window.document.edits.filters == {}
    assert rows(palette, "filter") == []


def test_hidden_nodes_are_found_if_no_other_is(palette: Palette, window: MainWindow) -> None:
    view = window.document.view
    palette.words.setText("is:hidden")
    assert len(rows(palette, "node")) == min(50, int((~view.shown).sum())) > 0
    assert "All of them are hidden." in palette.hint.text()
