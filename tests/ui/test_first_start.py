"""The card of the first start: seen until something was opened, another engine was chosen or a GPU was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.session.settings import Recent, Settings
from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.panels.first_start import FirstStart
from explorer.ui.preferences import Preferences
from explorer.ui.window import MainWindow
from tests.ui.stand_in import StandInEngine

RECENT = Recent("/models/tiny", datetime(2026, 1, 2, tzinfo=UTC).isoformat())


@pytest.fixture
def engine() -> StandInEngine:
    return StandInEngine()


@pytest.fixture
def card(qtbot: QtBot, engine: StandInEngine) -> FirstStart:
    card = FirstStart()
    qtbot.addWidget(card)
    card.follow(engine)
    return card


def shown(qtbot: QtBot, settings: Settings) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), settings, lambda settings: None)
    qtbot.addWidget(made)
    with qtbot.waitActive(made):
        made.show()
    return made


def test_it_goes_when_another_engine_is_chosen_and_comes_back_with_the_built_in_one(
    card: FirstStart, engine: StandInEngine
) -> None:
    assert card.isVisible()
    engine.command = ("env/bin/circuit-explorer", "engine")
    engine.set_state("starting")
    assert not card.isVisible()
    engine.command = ()
    engine.set_state("starting")
    assert card.isVisible()


def test_it_is_for_those_whose_engine_has_no_gpu(card: FirstStart, engine: StandInEngine) -> None:
    engine.devices = ("cpu",)
    engine.set_state("ready")
    assert card.isVisible()
    engine.devices = ("cpu", "cuda:0")
    engine.set_state("ready")
    assert not card.isVisible()


def test_it_stands_where_what_is_recent_will_be(qtbot: QtBot) -> None:
    window = shown(qtbot, Settings())
    welcome = window.welcome
    assert welcome.first_start.isVisible()
    window.change_settings(replace(window.settings, recent=(RECENT,)))
    window.show_welcome()
    assert welcome.recent_head.isVisible()
    assert not welcome.first_start.isVisible()
    welcome.clear_asked.emit()
    assert welcome.first_start.isVisible()


def test_its_button_opens_the_preferences_at_the_command(qtbot: QtBot) -> None:
    window = shown(qtbot, Settings())
    qtbot.mouseClick(window.welcome.first_start.choose, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(Preferences)
    qtbot.waitUntil(dialog.isActiveWindow)
    assert dialog.command.hasFocus()
    qtbot.keyClicks(dialog.focusWidget(), "x engine")
    assert dialog.command.text() == "x engine"
    dialog.close()
