"""What opened files do not say is asked in one dialog, and the answer goes to the engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QPushButton
from pytestqt.qtbot import QtBot

from explorer.errors import Unsaid
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.question import Question
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from tests.ui.stand_in import StandInEngine

HOOK = Unsaid("/sets/plt", "read", "where its transcoders read", ("hook_resid_mid", "mlp.hook_in"))
K = Unsaid("/sets/plt", "k", "how many features its TopK keeps")
Ask = Callable[[Unsaid], Question]


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda _: None)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def ask(qtbot: QtBot, window: MainWindow) -> Ask:
    def ask(asked: Unsaid) -> Question:
        window.engine.unsaid.emit(asked)
        dialog = window.findChild(Question)
        assert dialog is not None
        assert dialog.isVisible()
        return dialog

    return ask


def button(dialog: Question, name: str) -> QPushButton:
    return dialog.buttons.button(QDialogButtonBox.StandardButton[name])


def test_one_of_the_choices_is_taken(qtbot: QtBot, window: MainWindow, ask: Ask) -> None:
    dialog = ask(HOOK)
    assert dialog.words.text() == "“plt” does not say where its transcoders read."
    assert not dialog.line.isVisible()
    assert not button(dialog, "Open").isEnabled()
    assert [dialog.choice.itemText(row) for row in range(dialog.choice.count())] == list(HOOK.choices)
    dialog.choice.setCurrentIndex(1)
    qtbot.mouseClick(button(dialog, "Open"), Qt.MouseButton.LeftButton)
    assert window.engine.asked == [("answer", "read", "mlp.hook_in")]


def test_a_number_is_typed(qtbot: QtBot, window: MainWindow, ask: Ask) -> None:
    dialog = ask(K)
    assert not dialog.choice.isVisible()
    qtbot.keyClicks(dialog.line, "  ")
    assert not button(dialog, "Open").isEnabled()
    qtbot.keyClicks(dialog.line, "64")
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    assert window.engine.asked == [("answer", "k", "64")]


def test_without_an_answer_nothing_is_opened(qtbot: QtBot, window: MainWindow, ask: Ask) -> None:
    dialog = ask(HOOK)
    with qtbot.waitSignal(window.engine.job_cancelled) as cancelled:
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert cancelled.args == ["open"]
    assert window.engine.asked == []
    assert window.document.model is None
