"""The page of the induction specimen: what it shows is what the model says, with and without its heads."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.io import specimens
from explorer.session.theme import LIGHT
from explorer.specimens import induction, repeats
from explorer.specimens.catalogue import find
from explorer.ui.specimens.induction import InductionPage
from explorer.ui.specimens.induction_extract import ScoresView
from explorer.ui.specimens.induction_intervene import HeadsView
from explorer.ui.specimens.induction_read import RepeatView
from tests.ui.showing import looked_at


@pytest.fixture
def page(qtbot: QtBot) -> InductionPage:
    made = InductionPage(find("induction"))
    qtbot.addWidget(made)
    return made


def test_the_strip_marks_what_is_foreseen_and_a_head_is_seen_large(qtbot: QtBot, page: InductionPage) -> None:
    view = looked_at(page, page.read(), RepeatView)
    assert view.strip.said[5] == "Q"
    assert view.strip.right == frozenset({5, 6})
    layer, head = page.prompt.induction
    assert np.array_equal(view.pattern.values, page.prompt.reading.pattern[layer, head])
    looked = [view.pattern.values[query, key] for query, key in ((5, 1), (6, 2), (7, 3))]
    assert f"what followed the last time, with {100 * np.mean(looked):.0f} %" in view.pattern_title.text()
    qtbot.mouseClick(view.heads, Qt.MouseButton.LeftButton, pos=view.heads.cell(0, 3).center())
    pattern = page.prompt.reading.pattern[0, 3]
    assert np.array_equal(view.pattern.values, pattern)
    assert f"one token back, with {100 * np.diag(pattern, -1).mean():.0f} %" in view.pattern_title.text()
    qtbot.mouseClick(view.heads, Qt.MouseButton.LeftButton, pos=view.heads.cell(1, 3).center())
    assert view.pattern_title.text() == "Head 1.3 is empty: it looks evenly and writes nothing"


def test_a_text_that_is_no_prompt_is_one_sentence_and_what_was_read_stays(qtbot: QtBot, page: InductionPage) -> None:
    view = looked_at(page, page.read(), RepeatView)
    qtbot.keyClicks(view.row.field, "-")
    assert "“-”" in view.row.fault.text()
    assert "".join(view.strip.tokens) == "kQ7pxkQ7"
    qtbot.keyClick(view.row.field, Qt.Key.Key_Backspace)
    assert not view.row.fault.isVisible()
    view.row.random.click()
    half = len(page.prompt.text) // 2
    assert page.prompt.text[:half] == page.prompt.text[half:]


def test_bars_are_what_the_model_foresees_whole_and_without_heads(qtbot: QtBot, page: InductionPage) -> None:
    view = looked_at(page, page.intervene(), HeadsView)
    assert view.bars.whole.share is None
    qtbot.waitUntil(lambda: not page.work.is_busy, timeout=30_000)
    rows = repeats.twice(100, 20, np.random.default_rng(1))
    network = specimens.network("induction")
    assert view.bars.whole.share == induction.accuracy(network, rows)
    for head, bar in view.bars.heads.items():
        assert bar.share == induction.accuracy(network, rows, [head])
    qtbot.mouseClick(view.bars.heads[page.prompt.induction], Qt.MouseButton.LeftButton)
    assert view.titles["after"].text() == "With head 1.0 off: 0 of 2 repeated tokens foreseen"
    assert view.before.right == frozenset({5, 6})
    assert view.bars.together.name == "1.0 off"
    assert view.bars.together.share == view.bars.heads[1, 0].share


def test_the_keyboard_walks_along_the_bars_and_switches_heads_off(qtbot: QtBot, page: InductionPage) -> None:
    view = looked_at(page, page.intervene(), HeadsView)
    first, second = view.bars.heads[0, 0], view.bars.heads[0, 1]
    page.activateWindow()
    first.setFocus()
    qtbot.waitUntil(first.hasFocus)
    qtbot.keyClick(first, Qt.Key.Key_Space)
    qtbot.keyClick(first, Qt.Key.Key_Right)
    assert second.hasFocus()
    qtbot.keyClick(second, Qt.Key.Key_Space)
    assert view.bars.chosen == ((0, 0), (0, 1))
    assert second.accessibleName().startswith("Head 0.1, off")
    qtbot.waitUntil(lambda: not page.work.is_busy, timeout=30_000)
    rows = repeats.twice(100, 20, np.random.default_rng(1))
    assert view.bars.together.share == induction.accuracy(page.network, rows, [(0, 0), (0, 1)])
    view.restore.click()
    assert view.bars.chosen == ()
    assert view.bars.together.share == view.bars.whole.share


def test_the_strips_follow_each_other_and_tell_the_chance_before_and_after(qtbot: QtBot, page: InductionPage) -> None:
    view = looked_at(page, page.intervene(), HeadsView)
    assert view.titles["before"].text() != view.titles["after"].text()  # also with nothing off
    view.bars.heads[1, 0].click()
    qtbot.mouseMove(view.before, view.before.cell(6, 0).center().toPoint())
    assert view.after.current == page.prompt.position == 6
    ids = page.prompt.reading.ids
    seven = int(ids[7])
    for without in ((), [(1, 0)]):
        chance = induction.read(page.network, ids, without).probability[6, seven]
        assert f"{chance:.3f}".removeprefix("0") in view.readout.text()
    qtbot.keyClick(view.after, Qt.Key.Key_Left)
    assert view.before.current == 5


def test_scores_are_those_of_the_command_and_a_chosen_head_shows_what_it_writes(
    qtbot: QtBot, page: InductionPage
) -> None:
    view = looked_at(page, page.extract(), ScoresView)
    assert view.titles["scores"].text().endswith("…")
    qtbot.waitUntil(lambda: view.scores is not None, timeout=30_000)
    found = induction.scores(page.network, repeats.measured())
    assert view.grid.rows[view.grid.current[0]] == "Head 1.0"
    assert view.grid.values[:, 1].tolist() == found.prefix.ravel().tolist()
    reads, writes = induction.circuit(page.network, 1, 0)
    assert (reads @ writes).argmax(-1).tolist() == list(range(62)), "what the title says of head 1.0"
    assert view.titles["writes"].text() == "What head 1.0 writes: 62 of 62 tokens raise themselves most"
    qtbot.mouseClick(view.grid, Qt.MouseButton.LeftButton, pos=view.grid.cell(6, 0).center())
    assert page.prompt.head == (1, 2)
    assert view.titles["writes"].text() == "What head 1.2 writes: nothing, it is empty"


def test_the_curves_are_read_off_with_keys_and_none_has_the_colour_of_a_sign(qtbot: QtBot, page: InductionPage) -> None:
    view = looked_at(page, page.extract(), ScoresView)
    view.plot.setFocus()
    for _ in range(3):
        qtbot.keyClick(view.plot, Qt.Key.Key_Right)
    curve = specimens.history("induction")
    at = view.reader.current
    assert at > 0
    assert view.readout.text().startswith(f"Step {curve['step'][at]:,.0f}: foreseen {curve['accuracy'][at]:.2f}")
    drawn = {item.opts["pen"].color().name().upper() for item in view.plot.getPlotItem().listDataItems()}
    assert not drawn & {LIGHT.sign_raise, LIGHT.sign_lower}
    qtbot.waitUntil(lambda: not page.scoring.is_busy, timeout=30_000)


def test_a_rise_goes_from_a_tenth_to_nine_tenths_of_the_end() -> None:
    assert induction.rise(np.array([0.0, 0.05, 0.2, 0.5, 0.95, 1.0])) == (2, 4)


def test_turning_away_gives_up_what_is_measured(qtbot: QtBot, page: InductionPage) -> None:
    for scrolling, kind in ((page.intervene(), HeadsView), (page.extract(), ScoresView)):
        looked_at(page, scrolling, kind)
    assert page.work.is_busy
    assert page.scoring.is_busy
    page.rest()
    assert not page.work.is_busy
    assert not page.scoring.is_busy
