"""Preferences: what is chosen is told at once."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.session.settings import DEVICES, DTYPES, TEXT_SCALES, THEMES, Settings
from explorer.session.theme import LIGHT
from explorer.ui.preferences import Preferences
from explorer.ui.widgets.chrome import dress

START = Settings(theme="dark", text_scale=120, device="cpu", dtype="float64", threads=1, engine_command="ssh x engine")


@pytest.fixture
def dialog(qtbot: QtBot) -> Preferences:
    dialog = Preferences(START)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_it_shows_the_settings(dialog: Preferences) -> None:
    assert dialog.theme.currentData() == "dark"
    assert dialog.size_value.text() == "120 %"
    assert dialog.device.currentData() == "cpu"
    assert dialog.dtype.currentData() == "float64"
    assert dialog.threads.value() == 1
    assert dialog.command.text() == "ssh x engine"


def test_every_value_that_settings_know_can_be_chosen(dialog: Preferences) -> None:
    offered = [
        {combo.itemData(at) for at in range(combo.count())} for combo in (dialog.theme, dialog.device, dialog.dtype)
    ]
    assert offered == [set(THEMES), set(DEVICES), set(DTYPES)]
    sizes = (10 * dialog.text_size.minimum(), 10 * dialog.text_size.maximum())
    assert sizes == TEXT_SCALES


def test_only_devices_that_exist_are_offered_and_the_chosen_one(qtbot: QtBot) -> None:
    for devices, chosen, offered in (
        (("cpu",), "auto", ["auto", "cpu"]),
        (("cpu", "cuda:0"), "cpu", ["auto", "cpu", "cuda"]),
        (("cpu",), "mps", ["auto", "cpu", "mps"]),
    ):
        dialog = Preferences(Settings(device=chosen), None, devices)
        qtbot.addWidget(dialog)
        assert [dialog.device.itemData(at) for at in range(dialog.device.count())] == offered
        assert dialog.device.currentData() == chosen


def test_each_change_is_told_with_all_the_rest(qtbot: QtBot, dialog: Preferences) -> None:
    told: list[Settings] = []
    dialog.changed.connect(told.append)
    dialog.theme.setCurrentIndex(dialog.theme.findData("light"))
    dialog.text_size.setFocus()
    qtbot.keyClick(dialog.text_size, Qt.Key.Key_Right)
    dialog.threads.setValue(0)
    dialog.command.setText(" other ")
    qtbot.keyClick(dialog.command, Qt.Key.Key_Return)
    assert [each.theme for each in told] == ["light"] * 4
    assert told[1].text_scale == 130
    assert told[-1] == Settings("light", 130, "cpu", "float64", 0, "other")


def test_what_was_not_changed_is_not_told(qtbot: QtBot, dialog: Preferences) -> None:
    told: list[Settings] = []
    dialog.changed.connect(told.append)
    dialog.theme.setCurrentIndex(dialog.theme.currentIndex())
    dialog.command.editingFinished.emit()
    assert told == []


def test_it_grows_with_what_the_test_of_an_engine_says(qtbot: QtBot, dialog: Preferences) -> None:
    before = dialog.height()
    dialog.command.setText("/nowhere/" + "a-folder-with-a-long-name/" * 6 + "engine")
    qtbot.mouseClick(dialog.engine.test, Qt.MouseButton.LeftButton)
    said = dialog.engine.said
    qtbot.waitUntil(lambda: said.property("role") == "danger")
    qtbot.waitUntil(lambda: said.height() >= said.heightForWidth(said.width()))
    assert dialog.height() > before
    assert dialog.command.geometry().bottom() < said.geometry().top()


def test_it_grows_with_the_text(qtbot: QtBot, qapp: QApplication, dialog: Preferences) -> None:
    dress(qapp, LIGHT, 1.2)
    dialog.changed.connect(lambda settings: dress(qapp, LIGHT, settings.text_scale / 100))
    dialog.command.setText("/nowhere/" + "a-folder-with-a-long-name/" * 6 + "engine")
    qtbot.mouseClick(dialog.engine.test, Qt.MouseButton.LeftButton)
    said = dialog.engine.said
    qtbot.waitUntil(lambda: said.property("role") == "danger")
    width = dialog.width()
    qtbot.keyClick(dialog.text_size, Qt.Key.Key_End)
    assert dialog.settings.text_scale == TEXT_SCALES[1]
    qtbot.waitUntil(lambda: said.height() >= said.heightForWidth(said.width()))
    assert dialog.width() > width
    assert dialog.command.geometry().bottom() < said.geometry().top()
    dress(qapp, LIGHT, 1.0)
