"""The command of another engine: tried out with real processes, and taken into use when it answers."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.session.settings import Settings
from explorer.ui.engine_field import EngineField
from explorer.ui.preferences import Preferences

DEAF = f'"{sys.executable}" -c "import sys; sys.stdin.read()"'
GONE = f'"{sys.executable}" -c "raise SystemExit(\'no module named explorer\')"'


@pytest.fixture
def field(qtbot: QtBot) -> EngineField:
    field = EngineField("", seconds=20)
    qtbot.addWidget(field)
    field.show()
    return field


def press(qtbot: QtBot, field: EngineField) -> None:
    qtbot.mouseClick(field.test, Qt.MouseButton.LeftButton)


@pytest.mark.slow  # torch is imported; tests/engine/test_trial.py does so in the quick suite
def test_an_engine_that_answers_is_described_and_chosen(qtbot: QtBot, field: EngineField) -> None:
    qtbot.keyClicks(field.command, f"{sys.executable} -m explorer engine")
    with qtbot.waitSignal(field.chosen, timeout=60_000):
        press(qtbot, field)
        assert field.test.text() == "Cancel"
    assert field.said.text().startswith("That engine answers: version ")
    assert field.test.text() == "Test"


def test_one_that_fails_is_told_of_and_not_chosen(qtbot: QtBot, field: EngineField) -> None:
    told: list[None] = []
    field.chosen.connect(lambda: told.append(None))
    field.command.setFocus()
    qtbot.keyClicks(field.command, GONE)
    press(qtbot, field)
    qtbot.waitUntil(lambda: field.said.property("role") == "danger", timeout=20_000)
    assert field.said.text().endswith("its last line was “no module named explorer”. It is not used.")
    assert told == []


def test_a_test_can_be_cancelled_and_ends_when_the_command_is_changed(qtbot: QtBot, field: EngineField) -> None:
    qtbot.keyClicks(field.command, DEAF)
    press(qtbot, field)
    press(qtbot, field)
    assert (field.said.text(), field.test.text()) == ("Cancelled.", "Test")
    press(qtbot, field)
    qtbot.keyClicks(field.command, " ")
    assert field.test.text() == "Test"
    assert field.said.isHidden()


def test_no_answer_is_waited_for_within_the_limit(qtbot: QtBot) -> None:
    field = EngineField(DEAF, seconds=0.3)
    qtbot.addWidget(field)
    field.show()
    press(qtbot, field)
    qtbot.waitUntil(lambda: field.said.text().startswith("There was no answer"), timeout=20_000)


def test_leaving_the_field_chooses_but_not_for_the_test(qtbot: QtBot) -> None:
    dialog = Preferences(Settings())
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.show()
    told: list[Settings] = []
    dialog.changed.connect(told.append)
    dialog.command.setFocus()
    qtbot.keyClicks(dialog.command, "x")
    dialog.theme.setFocus()
    assert [each.engine_command for each in told] == ["x"]
    told.clear()
    dialog.command.setFocus()
    dialog.command.setText("")
    qtbot.keyClicks(dialog.command, DEAF)
    press(qtbot, dialog.engine)
    dialog.theme.setFocus()
    assert told == []
    qtbot.keyClick(dialog.command, Qt.Key.Key_Return)
    assert [each.engine_command for each in told] == [DEAF]


def test_a_command_that_failed_is_used_only_if_return_insists_on_it(qtbot: QtBot) -> None:
    dialog = Preferences(Settings())
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.show()
    told: list[Settings] = []
    dialog.changed.connect(told.append)
    qtbot.keyClicks(dialog.command, "<b>/no/such</b>")
    press(qtbot, dialog.engine)
    said = dialog.engine.said
    qtbot.waitUntil(lambda: said.property("role") == "danger", timeout=20_000)
    assert said.textFormat() == Qt.TextFormat.PlainText  # the marks of the command are shown, not obeyed
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    dialog.command.setFocus()
    dialog.theme.setFocus()
    assert [(each.theme, each.engine_command) for each in told] == [("dark", "")]
    qtbot.keyClick(dialog.command, Qt.Key.Key_Return)
    assert told[-1].engine_command == "<b>/no/such</b>"
