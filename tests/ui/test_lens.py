"""The lens window: it shows what the engine computed, at each cell, of the newest prompt alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.engine.events import Failed, Result
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io.samples import SAMPLES, model_folder
from explorer.session.settings import Settings
from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.lens_window import CANCELLED, NO_PROMPT, LensWindow
from explorer.ui.window import MainWindow
from tests.ui.stand_in import MODEL, StandInEngine, prompt

PROMPT = prompt(SAMPLES[0].prompt)


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    """The engine's own, asked as the window asks: with the transcoders that are open, which it does not need."""
    where = {"model": str(model_folder(SAMPLES[0])), "transcoders": "features", "neurons": False}
    return run_job("lens", EngineState(), None, text=PROMPT.text, **where)


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(made)
    document.set_model(MODEL)
    document.set_prompt(PROMPT)
    return made


def opened(window: MainWindow) -> LensWindow:
    window.actions_set.by_id["lens"].trigger()
    (found,) = window.findChildren(LensWindow)
    return found


def arrive(window: MainWindow, request: int, values: dict[str, Any]) -> None:
    window.engine.answered.emit(Result(request, "lens", values))


def test_every_cell_shows_the_engines_most_probable_token(
    qtbot: QtBot, window: MainWindow, answer: dict[str, Any]
) -> None:
    lens = opened(window)
    assert window.engine.asked[-1] == ("lens", {"text": PROMPT.text})
    arrive(window, len(window.engine.asked), answer)
    assert lens.grid.rows == answer["tokens"]
    assert list(lens.grid.columns) == ["Before layer 0", "Before layer 1", "Before layer 2", "Output"]
    np.testing.assert_array_equal(lens.grid.values, answer["probability"][:, :, 0].T)
    assert lens.grid.current == (len(answer["tokens"]) - 1, 3)
    assert lens.told.text().startswith("Output, at “is”: “Austin” .9")
    assert len(answer["top_texts"][3][-1]) == lens.told.text().count("“") - 1 == 3


def test_arrows_and_the_mouse_choose_the_cell_that_is_told(
    qtbot: QtBot, window: MainWindow, answer: dict[str, Any]
) -> None:
    lens = opened(window)
    arrive(window, len(window.engine.asked), answer)
    last = len(answer["tokens"]) - 1
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up):  # the first two stop at the edge
        qtbot.keyClick(lens.grid, key)
    assert lens.grid.current == (last - 1, 2)
    assert lens.told.text().startswith(f"Before layer 2, at “Dallas”: “{answer['top_texts'][2][last - 1][0]}”")
    qtbot.mouseClick(lens.grid, Qt.MouseButton.LeftButton, pos=lens.grid.cell(1, 0).center())
    assert lens.grid.current == (1, 0)
    assert lens.grid.accessibleDescription().startswith(f"{answer['tokens'][1]}, Before layer 0: ")


def test_the_newest_prompt_wins_and_closing_stops(qtbot: QtBot, window: MainWindow, answer: dict[str, Any]) -> None:
    lens = opened(window)
    first = len(window.engine.asked)
    window.document.set_prompt(prompt("Another text"))
    assert window.engine.asked[-1] == ("stop", first)
    arrive(window, first, answer)
    assert not lens.grid.rows
    assert window.engine.asked[-1] == ("lens", {"text": "Another text"})
    second = len(window.engine.asked)
    lens.close()
    assert window.engine.asked[-1] == ("stop", second)
    qtbot.waitUntil(lambda: not window.findChildren(LensWindow))


def test_it_says_why_there_is_nothing_to_see(qtbot: QtBot, window: MainWindow) -> None:
    lens = opened(window)
    asked = len(window.engine.asked)
    lens.cancel.click()
    assert lens.words.text() == CANCELLED
    window.engine.answered.emit(Failed(asked, "lens", "UnsupportedModel", "The layers cannot be read."))
    assert lens.words.text() == "The layers cannot be read."
    assert not lens.cancel.isEnabled()
    window.document.set_prompt(prompt(""))
    assert lens.words.text() == NO_PROMPT
