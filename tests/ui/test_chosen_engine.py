"""Another engine under the real window: it computes, it fails and is told of once, and the built-in one takes over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton

from explorer.io import settings_file
from explorer.session.settings import Settings
from explorer.ui.app import Shell

WAIT = 120_000
GONE = f'"{sys.executable}" -c "raise SystemExit(\'no module named explorer\')"'
NOISE = f'"{sys.executable}" -c "print(\'Welcome to this machine.\')"'
OTHER = f"{sys.executable} -m explorer engine"


@pytest.fixture
def begin(qtbot, qapp: QApplication) -> Iterator[type[Shell]]:
    made: list[Shell] = []

    def start(setting: str = "", engine: str = "") -> Shell:
        settings_file.write(Settings(engine_command=setting))
        made.append(Shell(qapp, engine))
        made[0].window.show()
        made[0].begin(())
        return made[0]

    yield start  # type: ignore[misc]
    made[0].close()
    made[0].deleteLater()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (GONE, "stopped before it answered (exit code 1); its last line was “no module named explorer”."),
        (NOISE, "answers, but not as an engine does"),
        ("/no/such/engine engine", "The engine “/no/such/engine” was not found"),
    ],
)
def test_one_that_fails_at_start_is_told_of_once(qtbot, begin, command, words) -> None:
    shell = begin(setting=command)
    window = shell.window
    qtbot.waitUntil(lambda: shell.engine.state == "failing", timeout=WAIT)
    assert words in window.banner.words.text()
    assert window.banner.more.text() == ""


def test_the_built_in_engine_takes_over_and_the_choice_is_forgotten(qtbot, begin) -> None:
    shell = begin(setting=GONE)
    window = shell.window
    qtbot.waitUntil(lambda: shell.engine.state == "failing", timeout=WAIT)
    (own,) = [each for each in window.banner.findChildren(QPushButton) if each.text() == "Use the built-in engine"]
    qtbot.mouseClick(own, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shell.engine.state == "ready", timeout=WAIT)
    assert window.banner.present is None
    assert settings_file.read().engine_command == ""


@pytest.mark.slow
def test_the_option_comes_before_the_setting_and_a_changed_setting_starts_another(qtbot, begin) -> None:
    shell = begin(setting=GONE, engine=OTHER)
    qtbot.waitUntil(lambda: shell.engine.state == "ready", timeout=WAIT)
    first = shell.engine.pid
    assert shell.engine.command == (sys.executable, "-m", "explorer", "engine")
    assert shell.engine.versions["torch"]
    shell.window.change_settings(replace(shell.window.settings, engine_command=""))
    assert shell.engine.pid != first
    assert shell.engine.command == ()
    qtbot.waitUntil(lambda: shell.engine.state == "ready", timeout=WAIT)
