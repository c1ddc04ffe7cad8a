"""ACTIONS: unique, reachable, disabled when they would fail, and each does what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from explorer.session.edits import set_label
from explorer.session.settings import Settings
from explorer.ui.actions import ACTIONS, MENUS, Action
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.keys import CANVAS_KEYS, FINDING, KeyMap
from explorer.ui.palette import Palette
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.stand_in import MODEL, StandInEngine, prompt

ASKS = {"open_model", "open_document", "save", "save_copy", "export", "transcoders"}


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(f"explorer.ui.files.QFileDialog.{name}", lambda *args: ("", ""))
    monkeypatch.setattr("explorer.ui.files.QFileDialog.getExistingDirectory", lambda *args: "")
    document = Document()
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


def with_graph(window: MainWindow) -> None:
    window.document.open_graph(random_graph(60, 400, n_layers=4, n_pos=5))
    window.document.set_model(MODEL)
    window.document.set_prompt(prompt())
    window.show_workspace()
    window.document.select([0])


def test_ids_and_keys_are_unique() -> None:
    assert max(Counter(row.id for row in ACTIONS).values()) == 1
    keys = [QKeySequence(row.shortcut).toString() for row in ACTIONS if row.shortcut]
    assert max(Counter(keys).values()) == 1
    assert all(keys)


def test_every_action_has_a_menu_or_a_twin_that_has() -> None:
    assert {row.menu for row in ACTIONS} <= {*MENUS, ""}
    assert [row.id for row in ACTIONS if not row.menu] == ["label"]
    assert {name for name in MENUS if any(row.menu == name for row in ACTIONS)} == set(MENUS)


@pytest.mark.parametrize("prepare", [MainWindow.close_document, with_graph], ids=["empty", "graph"])
def test_each_action_runs_when_enabled_and_is_off_when_it_would_fail(
    qtbot: QtBot, window: MainWindow, prepare: Callable[[MainWindow], None]
) -> None:
    """One after the other in one window, for to make one takes half a second."""
    failed = {}
    for row in ACTIONS:
        action = window.actions_set.by_id[row.id]
        with qtbot.captureExceptions() as caught:
            prepare(window)
            window.actions_set.refresh()
            if action.isEnabled() and row.id not in ("quit", "palette"):
                action.trigger()
        for dialog in window.findChildren(QDialog):
            dialog.close()
        if caught:
            failed[row.id] = caught
    assert failed == {}


@pytest.mark.parametrize("row", [row for row in ACTIONS if row.single], ids=lambda row: row.id)
def test_single_letters_are_text_while_the_filter_has_the_focus(qtbot: QtBot, window: MainWindow, row: Action) -> None:
    with_graph(window)
    window.nodes.filter.setFocus()
    before = window.document.history
    key = QKeySequence(row.shortcut)[0]
    qtbot.keyClick(window.nodes.filter, key.key(), key.keyboardModifiers())
    assert window.document.history is before


@pytest.mark.parametrize(
    ("key", "step"),
    [(Qt.Key.Key_Space, "pin"), (Qt.Key.Key_H, "hide"), (Qt.Key.Key_Comma, "threshold")],
)
@pytest.mark.parametrize("place", ["canvas", "table"])
def test_single_letters_act_on_canvas_and_table(
    qtbot: QtBot, window: MainWindow, key: Qt.Key, step: str, place: str
) -> None:
    with_graph(window)
    widget = window.canvas if place == "canvas" else window.nodes.table
    window.activateWindow()
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus)
    qtbot.keyClick(widget, key)
    assert step in window.document.history.undo_text


def test_undo_is_named_after_the_edit(window: MainWindow) -> None:
    with_graph(window)
    graph = window.document.graph
    assert graph is not None
    window.document.do("label a node", set_label(window.document.edits, graph.key(0), "x"))
    undo, redo = window.actions_set.by_id["undo"], window.actions_set.by_id["redo"]
    assert undo.text() == "Undo label a node"
    undo.trigger()
    assert not undo.isEnabled()
    assert redo.text() == "Redo label a node"
    redo.trigger()
    assert window.document.edits.labels


def test_escape_clears_the_selection_then_asks_to_cancel(qtbot: QtBot, window: MainWindow) -> None:
    with_graph(window)
    window.engine.begin("attribute")
    escape = window.actions_set.by_id["escape"]
    escape.trigger()
    assert window.document.selection == ()
    escape.trigger()
    assert "Escape again" in window.status.message.whole
    assert ("cancel",) not in window.engine.asked
    escape.trigger()
    assert ("cancel",) in window.engine.asked


def test_label_key_opens_the_field(qtbot: QtBot, window: MainWindow) -> None:
    with_graph(window)
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_L)
    assert window.inspector.node.head.names.currentWidget() is window.inspector.node.head.edit
    qtbot.keyClick(window.inspector.node.head.edit, Qt.Key.Key_Escape)
    assert window.document.selection == (0,)


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)
def test_the_palette_finds_and_does(qtbot: QtBot, window: MainWindow) -> None:
    with_graph(window)
    window.actions_set.by_id["palette"].trigger()
    palette = window.findChildren(Palette)[0]
    qtbot.keyClicks(palette.words, "hist")
    assert palette.rows.count() == 1
    qtbot.keyClick(palette.words, Qt.Key.Key_Return)
    assert window.places.docks["history"].isVisible()


def test_the_keyboard_map_lists_every_key(qtbot: QtBot, window: MainWindow) -> None:
    from PySide6.QtWidgets import QLabel

    dialog = KeyMap(window)
    qtbot.addWidget(dialog)
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    wanted = {QKeySequence(row.shortcut).toString(QKeySequence.SequenceFormat.NativeText) for row in ACTIONS}
    menus = {row.shortcut: row.menu for row in ACTIONS}
    assert {key for key in wanted if key and menus.get(key, "x")} <= texts
    assert {text for text, _ in (*CANVAS_KEYS, *FINDING)} <= texts
