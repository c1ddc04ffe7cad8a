"""About: what runs here, copied with one click, and the licences of the parts, found by their words."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import PySide6
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from explorer import __version__
from explorer.io.licences import LINE
from explorer.session.settings import Settings
from explorer.session.theme import LIGHT
from explorer.ui.about import AboutWindow
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.window import MainWindow
from tests.ui.stand_in import StandInEngine

PARTS = "The program.\n\n\n" + "\n\n\n".join(
    f"{LINE}\n{part}" for part in ("two 2.0, MIT\n\nThe text of two.", "one 1.0, BSD\n\nThe text of one.")
)
VERSIONS = {"python": "3.12.9", "numpy": "2.1", "torch": "2.13.0", "transformers": ""}


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The text of licences that is read instead of a bundle's."""
    monkeypatch.setattr("explorer.io.licences.resources", lambda: tmp_path)
    (tmp_path / "licences.txt").write_text(PARTS)
    return tmp_path / "licences.txt"


@pytest.fixture
def window(qtbot: QtBot, bundle: Path) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def about(qtbot: QtBot, window: MainWindow) -> Iterator[AboutWindow]:
    window.actions_set.by_id["about"].trigger()
    (found,) = window.findChildren(AboutWindow)
    qtbot.waitUntil(lambda: found.licences.said.text() != "Reading the licences")
    yield found
    if isValid(found):
        found.close()


def listed(about: AboutWindow) -> list[str]:
    names = about.licences.names
    return [names.item(at).data(Qt.ItemDataRole.AccessibleTextRole) for at in range(names.count())]


def test_it_is_one_window_beside_the_other_and_escape_closes_it(
    qtbot: QtBot, window: MainWindow, about: AboutWindow
) -> None:
    assert not about.isModal()
    window.actions_set.by_id["about"].trigger()
    assert window.findChildren(AboutWindow) == [about]
    qtbot.keyClick(about.licences.text, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChildren(AboutWindow) == [])


def test_one_click_copies_what_runs_here(qtbot: QtBot, about: AboutWindow) -> None:
    qtbot.mouseClick(about.copy, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied[0] == f"Circuit Explorer {__version__}"
    assert copied[1].startswith(f"Window: Python {platform.python_version()}, Qt ")
    assert copied[1].endswith(f"PySide6 {PySide6.__version__}")
    assert copied[2] == "Engine: The engine has not started yet."
    assert about.copied.isVisible()
    assert [f"{name}: {value.text()}" for name, value in about.rows.items()] == copied[1:]


def test_what_the_engine_computes_with_is_shown_once_it_has_answered(window: MainWindow, about: AboutWindow) -> None:
    engine = window.engine
    engine.versions, engine.devices = VERSIONS, ("cpu", "cuda:0")
    engine.set_state("ready")
    assert about.rows["Engine"].text() == "Python 3.12.9, numpy 2.1, torch 2.13.0 on cpu, cuda:0"
    engine.command = ("other", "engine")
    engine.set_state("ready")
    assert about.rows["Engine"].text().endswith("; started by the command in Preferences")


def test_the_licence_of_the_chosen_part_is_shown_and_can_be_copied(qtbot: QtBot, about: AboutWindow) -> None:
    panel = about.licences
    assert listed(about) == ["one 1.0: BSD", "two 2.0: MIT"]
    assert panel.said.text() == "2 parts"
    assert panel.text.toPlainText() == "The text of one."
    qtbot.keyClick(panel.names, Qt.Key.Key_Down)
    assert panel.text.toPlainText() == "The text of two."
    assert panel.text.isReadOnly()
    qtbot.keyClick(panel.text, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(panel.text, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "The text of two."


def test_the_filter_finds_parts_by_name_and_licence_and_keeps_the_chosen_one(qtbot: QtBot, about: AboutWindow) -> None:
    panel = about.licences
    panel.names.setCurrentRow(1)
    qtbot.keyClicks(panel.filter, "mit TWO")
    assert listed(about) == ["two 2.0: MIT"]
    assert (panel.said.text(), panel.text.toPlainText()) == ("1 of 2 parts", "The text of two.")
    qtbot.keyClicks(panel.filter, " zlib")
    assert listed(about) == []
    assert (panel.said.text(), panel.text.toPlainText()) == ("No part matches “mit TWO zlib”.", "")
    panel.filter.clear()
    assert panel.text.toPlainText() == "The text of one."


def test_the_text_stays_as_it_is_while_the_filter_leaves_its_part(qtbot: QtBot, about: AboutWindow) -> None:
    panel = about.licences
    panel.text.selectAll()
    qtbot.keyClicks(panel.filter, "bsd")
    assert panel.text.textCursor().selectedText() == "The text of one."


def test_a_long_word_in_the_filter_leaves_the_window_as_wide_as_it_is(qtbot: QtBot, about: AboutWindow) -> None:
    width = about.width()
    about.licences.filter.insert(1000 * "a")  # as if it were pasted
    assert listed(about) == []
    qtbot.wait(20)
    assert about.width() == width


def test_return_in_the_filter_goes_to_the_list_and_tab_through_all(qtbot: QtBot, about: AboutWindow) -> None:
    panel = about.licences
    about.activateWindow()
    qtbot.waitUntil(lambda: panel.filter.hasFocus())
    qtbot.keyClick(panel.filter, Qt.Key.Key_Return)
    assert about.isVisible()
    assert panel.names.hasFocus()
    qtbot.keyClick(panel.names, Qt.Key.Key_Tab)
    assert panel.text.hasFocus()
    qtbot.keyClick(panel.text, Qt.Key.Key_Tab)
    assert about.focusWidget().text() == "Close"
    qtbot.keyClick(about.focusWidget(), Qt.Key.Key_Tab)
    assert about.copy.hasFocus()


@pytest.mark.parametrize("content", [b"\xff", b""])
def test_a_damaged_text_of_licences_is_a_sentence(
    qtbot: QtBot, window: MainWindow, bundle: Path, content: bytes
) -> None:
    bundle.write_bytes(content)
    window.actions_set.by_id["about"].trigger()
    (about,) = window.findChildren(AboutWindow)
    qtbot.waitUntil(lambda: about.licences.said.property("role") == "danger")
    assert about.licences.said.text() == f"“{bundle}” is damaged; install Circuit Explorer again."
    about.close()
