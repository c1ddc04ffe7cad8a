"""The window of the specimens: a list, three verbs, and pages that are made once and given up when one leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from explorer.io import specimens
from explorer.io.specimens import model_folder
from explorer.session.settings import Settings
from explorer.session.theme import LIGHT
from explorer.specimens.catalogue import SPECIMENS, find
from explorer.specimens.superposition import Setting
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.specimens.window import PAGES, SpecimensWindow
from explorer.ui.window import MainWindow
from tests.ui.stand_in import StandInEngine


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def shown(window: MainWindow) -> Iterator[SpecimensWindow]:
    window.actions_set.by_id["specimens"].trigger()
    (found,) = window.findChildren(SpecimensWindow)
    yield found
    if isValid(found):
        found.close()


def test_every_specimen_has_its_page() -> None:
    assert list(PAGES) == [specimen.name for specimen in SPECIMENS]


def test_it_opens_once_and_begins_with_the_first_specimen(window: MainWindow, shown: SpecimensWindow) -> None:
    assert shown.specimen == SPECIMENS[0]
    assert shown.title.text() == SPECIMENS[0].title
    window.actions_set.by_id["specimens"].trigger()
    assert window.findChildren(SpecimensWindow) == [shown]


def test_a_card_on_the_welcome_page_opens_its_specimen(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.mouseClick(window.welcome.specimens.cards[1], Qt.MouseButton.LeftButton)
    (found,) = window.findChildren(SpecimensWindow)
    assert found.specimen == SPECIMENS[1]
    found.close()


def test_the_keyboard_turns_specimens_and_verbs_and_a_view_is_made_once(qtbot: QtBot, shown: SpecimensWindow) -> None:
    first = shown.views.currentWidget()
    qtbot.keyClick(shown.verbs, Qt.Key.Key_Right)
    second = shown.views.currentWidget()
    assert second is not first
    qtbot.keyClick(shown.verbs, Qt.Key.Key_Left)
    assert shown.views.currentWidget() is first
    page = shown.page
    qtbot.keyClick(shown.names, Qt.Key.Key_Down)
    assert shown.specimen == SPECIMENS[1]
    qtbot.keyClick(shown.names, Qt.Key.Key_Up)
    assert shown.page is page


def test_closing_gives_up_what_is_computed(qtbot: QtBot, shown: SpecimensWindow) -> None:
    shown.turn_to("superposition")
    page = shown.page
    assert page is not None
    page.trainer.setting = Setting(steps=10**6)  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: page.work.is_busy)
    shown.close()
    assert not page.work.is_busy


def test_a_damaged_specimen_is_one_sentence(
    shown: SpecimensWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adder" / "model").mkdir(parents=True)
    (tmp_path / "adder" / "model" / "model.safetensors").write_bytes(b"damaged")
    (tmp_path / "adder" / "model" / "config.json").write_text("{}", "utf-8")
    monkeypatch.setattr(specimens, "folder", lambda name: tmp_path / name)
    shown.turn_to("adder")
    assert shown.page is None
    assert "model.safetensors" in shown.views.currentWidget().text()  # type: ignore[attr-defined]


def test_one_that_takes_prompts_opens_as_a_model(window: MainWindow, shown: SpecimensWindow) -> None:
    specimen = find("adder")
    assert specimen is not None
    assert not shown.opener.isVisible()
    shown.turn_to(specimen.name)
    shown.opener.click()
    assert ("open", str(model_folder(specimen)), "") in window.engine.asked
    assert window.prompt.edit.text() == specimen.prompt
    assert window.in_workspace
