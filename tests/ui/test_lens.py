"""The lens window: each page asks when it is looked at and shows what the engine computed, of the newest alone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from explorer.engine.events import CancelledEvent, Failed, Result
from explorer.session.settings import Settings
from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.lens_window import LensWindow
from explorer.ui.panels.lens_page import CANCELLED, NO_PROMPT, LensPage
from explorer.ui.panels.lens_patching import NO_OTHER
from explorer.ui.widgets.number_grid import NumberGrid
from explorer.ui.window import MainWindow
from tests.ui.stand_in import MODEL, StandInEngine, prompt
from tests.ui.text_boxes import faults, texts

PROMPT = prompt("The sun is")
TOKENS = list(PROMPT.tokens)
N_POS, N_LAYERS, N_HEADS = len(TOKENS), 3, 2
NAMES = ("logits", "attribution", "attention", "heads", "patching")
MAPS = ("probability", "heads", "mlps", "stream", "previous", "induction", "copying")
RNG = np.random.default_rng(0)


def lens_answer() -> dict[str, Any]:
    chances = np.sort(RNG.dirichlet(np.ones(4), (N_LAYERS + 1, N_POS)))[:, :, :0:-1]
    texts = [[[f"{point}{pos}{rank}" for rank in "abc"] for pos in range(N_POS)] for point in range(N_LAYERS + 1)]
    pattern = np.tril(RNG.random((N_LAYERS, N_HEADS, N_POS, N_POS)).astype(np.float32))
    pattern /= pattern.sum(-1, keepdims=True)
    return {"tokens": TOKENS, "top_texts": texts, "probability": chances, "pattern": pattern}


def attribution_answer() -> dict[str, Any]:
    heads, mlps = RNG.normal(size=(N_LAYERS, N_HEADS)), RNG.normal(size=N_LAYERS)
    rest = {"embedding": 0.25, "position": 0.0, "constant": -9.5}
    total = sum(rest.values()) + float(heads.sum() + mlps.sum())
    said = {"token": 7, "token_text": " dry", "rival": None, "rival_text": "", "at": N_POS - 1}
    return {"tokens": TOKENS, "heads": heads, "mlps": mlps, **rest, **said, "total": total, "logit": total + 4e-7}


def heads_answer() -> dict[str, Any]:
    scores = {name: RNG.random((N_LAYERS, N_HEADS)) for name in ("previous", "induction")}
    return {"period": 24, **scores, "copying": RNG.uniform(-1, 1, (N_LAYERS, N_HEADS))}


def patching_answer() -> dict[str, Any]:
    maps = {"stream": RNG.normal(size=(N_LAYERS + 1, N_POS)), "heads": RNG.normal(size=(N_LAYERS, N_HEADS))}
    named = {"answer_text": " dry", "rival_text": " wet", "clean": 4.5, "corrupted": -3.25}
    return {"tokens": TOKENS, "other": [*TOKENS[:-2], " sea", TOKENS[-1]], **maps, **named}


ANSWERS = {
    "logits": lens_answer(),
    "attribution": attribution_answer(),
    "attention": lens_answer(),
    "heads": heads_answer(),
    "patching": patching_answer(),
}


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(made)
    document.set_model(MODEL)
    document.set_prompt(PROMPT)
    return made


@pytest.fixture
def lens(window: MainWindow) -> LensWindow:
    return opened(window)


def opened(window: MainWindow) -> LensWindow:
    window.actions_set.by_id["lens"].trigger()
    (found,) = window.findChildren(LensWindow)
    return found


def arrive(window: MainWindow, values: dict[str, Any], request: int | None = None) -> None:
    """The engine answers a request, or the newest."""
    window.engine.answered.emit(Result(request or len(window.engine.asked), "lens", values))


def turned(window: MainWindow, lens: LensWindow, name: str) -> Any:
    """The page of that name, looked at and answered."""
    page: Any = getattr(lens, name)
    lens.tabs.setCurrentWidget(page)
    if name == "patching":
        page.other.setText("The sea is")
        page.other.editingFinished.emit()
    arrive(window, ANSWERS[name])
    return page


def copied(page: LensPage) -> list[list[str]]:
    page.copy.click()
    return [line.split("\t") for line in QApplication.clipboard().text().splitlines()]


def table_of(rows: list[list[str]]) -> np.ndarray:
    """The numbers of a table below and right of its names."""
    return np.array([row[1:] for row in rows[1:]], dtype=float)


def test_each_page_asks_once_when_it_is_first_looked_at(window: MainWindow, lens: LensWindow) -> None:
    begun = len(window.engine.asked) - 1
    for name in (*NAMES[:4], *NAMES[:4]):
        lens.tabs.setCurrentWidget(getattr(lens, name))
        if lens.page.asker.is_busy:
            arrive(window, ANSWERS[name])
    text = {"text": PROMPT.text}
    assert window.engine.asked[begun:] == [
        ("lens", text),
        ("logit_attribution", {**text, "token": "", "rival": "", "at": -1}),
        ("lens", {**text, "patterns": True}),
        ("head_scores", {}),
    ]


def test_every_cell_shows_the_engines_most_probable_token(window: MainWindow, lens: LensWindow) -> None:
    page, answer = turned(window, lens, "logits"), ANSWERS["logits"]
    assert list(page.grid.columns) == ["Before layer 0", "Before layer 1", "Before layer 2", "Output"]
    np.testing.assert_array_equal(page.grid.values, answer["probability"][:, :, 0].T)
    assert page.grid.current == (N_POS - 1, 3)
    assert page.told.text().startswith("Output, at “ is”: “33a” .")
    assert page.told.text().count("“") - 1 == 3
    rows = copied(page)
    assert len(rows) == 1 + N_POS * 4 * 3
    assert rows[-1][:5] == ["3", " is", "Output", "3", "33c"]
    assert float(rows[-1][5]) == answer["probability"][3, 3, 2]


def test_arrows_and_the_mouse_choose_the_cell_that_is_told(
    qtbot: QtBot, window: MainWindow, lens: LensWindow
) -> None:
    page = turned(window, lens, "logits")
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up):  # the first two stop at the edge
        qtbot.keyClick(page.grid, key)
    assert page.grid.current == (N_POS - 2, 2)
    assert page.told.text().startswith("Before layer 2, at “ sun”: “22a”")
    qtbot.mouseClick(page.grid, Qt.MouseButton.LeftButton, pos=page.grid.cell(1, 0).center())
    assert page.grid.current == (1, 0)
    assert page.grid.accessibleDescription().startswith("The, Before layer 0: ")


def test_the_parts_of_the_logit_are_ranked_and_the_books_shown(window: MainWindow, lens: LensWindow) -> None:
    page, answer = turned(window, lens, "attribution"), ANSWERS["attribution"]
    assert "off by 4e-7" in page.books.text()
    assert list(page.grid.columns) == ["Head 0", "Head 1", "MLP"]
    largest = np.abs(np.column_stack([answer["heads"], answer["mlps"]])).max()
    np.testing.assert_allclose(page.grid.values[:, :2] * largest, answer["heads"])
    np.testing.assert_allclose(page.grid.values[:, 2] * largest, answer["mlps"])
    sizes = [abs(part.value) for part in page.list.parts]
    assert sizes == sorted(sizes, reverse=True)
    assert page.list.parts[0].name == "Constants"
    rows = dict(copied(page)[1:])
    assert sum(float(rows[part.name]) for part in page.list.parts) == pytest.approx(float(rows["Sum"]))
    assert float(rows["Head 2.1"]) == answer["heads"][2, 1]


def test_another_token_rival_or_place_is_asked_for(qtbot: QtBot, window: MainWindow, lens: LensWindow) -> None:
    page = turned(window, lens, "attribution")
    qtbot.keyClicks(page.token, " hot")
    qtbot.keyClick(page.token, Qt.Key.Key_Return)
    page.rival.setText(" warm")
    page.at.setCurrentIndex(1)
    page.at.activated.emit(1)
    asked = {"text": PROMPT.text, "token": " hot", "rival": "", "at": -1}
    newest = {**asked, "rival": " warm", "at": 1}
    first = window.engine.asked.index(("logit_attribution", asked)) + 1
    assert ("stop", first) in window.engine.asked  # the newest waits until the engine has stopped
    window.engine.answered.emit(CancelledEvent(first))
    assert window.engine.asked[-1] == ("logit_attribution", newest)
    arrive(window, {**ANSWERS["attribution"], "at": 1, "rival_text": " warm"})
    assert page.words.text() == "What each part adds to the logit of “ dry” − “ warm” behind “The”."
    assert page.at.currentIndex() == 1
    window.document.set_prompt(prompt("The moon is"))
    assert page.request()["at"] == -1


def test_a_head_that_is_clicked_or_taken_with_enter_shows_where_it_looks(
    qtbot: QtBot, window: MainWindow, lens: LensWindow
) -> None:
    attention: Any = turned(window, lens, "attention")
    pattern = ANSWERS["attention"]["pattern"]
    heads: Any = turned(window, lens, "heads")
    qtbot.mouseClick(heads.grid, Qt.MouseButton.LeftButton, pos=heads.grid.cell(2, 1).center())
    assert lens.page is attention
    assert attention.heads.current == (2, 1)
    np.testing.assert_array_equal(attention.grid.values, pattern[2, 1])
    assert attention.told.text().startswith("Head 2.1: “ is” (3) looks at ")
    np.testing.assert_array_equal(table_of(copied(attention)), pattern[2, 1])
    page: Any = turned(window, lens, "attribution")
    page.grid.choose(1, 0)
    qtbot.keyClick(page.grid, Qt.Key.Key_Return)
    assert (lens.page, attention.head) == (attention, (1, 0))
    lens.tabs.setCurrentWidget(page)
    row = [part.head for part in page.list.parts].index((0, 1))
    page.list.clicked.emit(page.list.model().index(row, 0))
    assert attention.head == (0, 1)
    qtbot.keyClick(attention.heads, Qt.Key.Key_Down)
    np.testing.assert_array_equal(attention.grid.values, pattern[1, 1])


def test_heads_are_ranked_by_the_score_that_is_chosen(window: MainWindow, lens: LensWindow) -> None:
    page, answer = turned(window, lens, "heads"), ANSWERS["heads"]
    for score in ("previous", "induction", "copying"):
        at = page.score.findData(score)
        page.score.setCurrentIndex(at)
        page.score.activated.emit(at)
        np.testing.assert_array_equal(page.grid.values, answer[score])
        assert [part.value for part in page.list.parts] == sorted(answer[score].ravel(), reverse=True)
        assert answer[score][page.grid.current] == answer[score].max()
    expected = np.stack([answer[score].ravel() for score in ("previous", "induction", "copying")], 1)
    np.testing.assert_array_equal(table_of(copied(page)), expected)
    window.document.set_prompt(prompt("Another text"))
    assert not page.asker.is_busy  # the scores are of no prompt


def test_the_patching_map_wants_another_prompt_and_shows_both_maps(window: MainWindow, lens: LensWindow) -> None:
    lens.tabs.setCurrentWidget(lens.patching)
    assert lens.patching.words.text() == NO_OTHER
    page, answer = turned(window, lens, "patching"), ANSWERS["patching"]
    request = {"text": PROMPT.text, "other": {"text": "The sea is"}, "answer": "", "rival": ""}
    assert window.engine.asked[-1] == ("patching", request)
    np.testing.assert_array_equal(page.grid.values, answer["stream"].T)
    np.testing.assert_array_equal(page.heads.values, answer["heads"])
    assert page.grid.rows[2] == " sun →  sea"
    assert "+4.50 with the prompt, −3.25 with the other" in page.words.text()
    rows = copied(page)
    np.testing.assert_array_equal(np.array([row[2:] for row in rows[1 : 1 + N_POS]], float), answer["stream"].T)
    np.testing.assert_array_equal(table_of(rows[1 + N_POS : -2]), answer["heads"])
    assert [row[2] for row in rows[-2:]] == ["4.5", "-3.25"]


def test_control_and_tab_turn_the_pages_and_no_text_is_cut(
    qtbot: QtBot, window: MainWindow, lens: LensWindow
) -> None:
    window.show()
    for name in NAMES:
        page = getattr(lens, name)
        assert lens.page is page
        turned(window, lens, name)
        assert [fault for fault in faults(texts(lens)) if "intersect" in fault or "cut" in fault] == []
        qtbot.keyClick(lens.focusWidget(), Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert lens.page is lens.logits
    assert lens.focusWidget() is lens.logits.grid


def test_the_newest_prompt_wins_and_closing_stops(qtbot: QtBot, window: MainWindow, lens: LensWindow) -> None:
    first = len(window.engine.asked)
    window.document.set_prompt(prompt("Another text"))
    assert window.engine.asked[-1] == ("stop", first)
    arrive(window, ANSWERS["logits"], first)
    assert not lens.logits.grid.rows
    assert window.engine.asked[-1] == ("lens", {"text": "Another text"})
    second = len(window.engine.asked)
    lens.close()
    assert window.engine.asked[-1] == ("stop", second)
    qtbot.waitUntil(lambda: not window.findChildren(LensWindow))


def test_a_page_that_is_left_stops_and_asks_again_when_it_is_looked_at(window: MainWindow, lens: LensWindow) -> None:
    first = len(window.engine.asked)
    lens.tabs.setCurrentWidget(lens.heads)
    assert ("stop", first) in window.engine.asked
    window.engine.answered.emit(CancelledEvent(first))
    lens.tabs.setCurrentWidget(lens.logits)
    assert window.engine.asked[-1] == ("lens", {"text": PROMPT.text})
    arrive(window, ANSWERS["logits"])
    assert lens.logits.grid.rows
    window.document.set_model(MODEL)  # read again in another precision, say
    assert window.engine.asked[-1] == ("lens", {"text": PROMPT.text})
    assert lens.logits.asker.is_busy


@pytest.mark.parametrize("name", NAMES[:4])
def test_it_says_why_there_is_nothing_to_see(window: MainWindow, lens: LensWindow, name: str) -> None:
    page = getattr(lens, name)
    lens.tabs.setCurrentWidget(page)
    asked = len(window.engine.asked)
    page.cancel.click()
    assert page.words.text() == CANCELLED
    window.engine.answered.emit(Failed(asked, page.JOB, "UnsupportedModel", "The layers cannot be read."))
    assert page.words.text() == "The layers cannot be read."
    assert not page.cancel.isEnabled()
    assert not page.copy.isEnabled()
    window.document.set_prompt(prompt(""))
    if name != "heads":
        assert page.words.text() == NO_PROMPT


def test_a_scrolled_table_keeps_its_names_in_sight_and_no_click_goes_through_them(qtbot: QtBot) -> None:
    area, grid = QScrollArea(), NumberGrid("many", 50, signed=True)
    qtbot.addWidget(area)
    values = np.linspace(-1, 1, 900).reshape(30, 30)
    names = [f"n{at}" for at in range(30)]
    grid.show_cells(names, names, [[""] * 30] * 30, values, (0, 0))
    area.setWidget(grid)
    area.resize(400, 300)
    area.show()
    area.verticalScrollBar().setValue(260)
    area.horizontalScrollBar().setValue(500)
    seen = {text.text: text.rect for text in texts(area)}
    assert {"n15", "n12"} <= seen.keys()
    assert not {"n0", "n29"} & seen.keys()
    qtbot.mousePress(grid, Qt.MouseButton.LeftButton, pos=QPoint(500 + 20, 260 + 60))  # on a row's name
    assert grid.current == (0, 0)
    qtbot.mousePress(grid, Qt.MouseButton.LeftButton, pos=grid.cell(13, 14).center())
    assert grid.current == (13, 14)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_copied_table_has_the_numbers_of_the_command(
    window: MainWindow, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    from explorer.cli import run_command
    from explorer.engine.inprocess import run_job
    from explorer.engine.state import EngineState
    from explorer.io.samples import SAMPLES, model_folder

    text = SAMPLES[0].prompt
    other = text.replace("Dallas", "Oakland")
    window.document.set_prompt(prompt(text))
    lens = opened(window)
    page: Any = getattr(lens, name)
    if name == "patching":
        page.other.setText(other)
    lens.tabs.setCurrentWidget(page)
    where = {"model": str(model_folder(SAMPLES[0])), "transcoders": "features", "neurons": False}  # as the window asks
    arrive(window, run_job(page.JOB, EngineState(), None, **where, **page.request()))
    asked = [] if name == "heads" else ["--prompt", text, *(["--other", other] if name == "patching" else [])]
    capsys.readouterr()
    assert run_command(["lens", "us-cities", "--show", name, *asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    numbers = {cell for row in copied(page) for cell in row}
    shown = {"attention": [told.get("pattern", [[[]]])[0][0]]}.get(name) or [
        *(told[key] for key in MAPS if key in told),
        *(told[key] for key in ("total", "logit", "clean", "corrupted", "embedding", "constant") if key in told),
    ]
    wanted = [repr(float(value)) for part in shown for value in np.ravel(part)]
    assert len(wanted) > 12
    assert set(wanted) <= numbers
