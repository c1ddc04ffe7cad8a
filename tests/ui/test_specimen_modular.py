"""The page of modular addition: its waves, what is lost without some of them, and what they add up to."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from explorer.cli import specimen_modular
from explorer.errors import PromptError
from explorer.io import specimens
from explorer.specimens import modular
from explorer.specimens.catalogue import find
from explorer.specimens.modular import Outcome
from explorer.ui.specimens import window
from explorer.ui.specimens.frequency_field import parsed, written
from explorer.ui.specimens.modular import ModularPage
from explorer.ui.specimens.modular_extract import RestrictedView
from explorer.ui.specimens.modular_intervene import FrequenciesView
from explorer.ui.specimens.modular_model import Found
from explorer.ui.specimens.modular_read import WavesView
from explorer.ui.widgets.plot import Plot
from tests.ui.showing import looked_at

P, KEY = 59, (22, 25, 8)
SUMS = (np.arange(P)[:, None] + np.arange(P)) % P


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return modular.of_all(specimens.network("modular-59"))


@pytest.fixture(scope="module")
def found(outcome: Outcome) -> Found:
    reading = modular.read(specimens.network("modular-59"), outcome)
    return Found(outcome, reading, modular.heights(outcome.logits, reading.key))


@pytest.fixture
def fresh(qtbot: QtBot) -> ModularPage:
    made = ModularPage(find("modular-59"))
    qtbot.addWidget(made)
    return made


@pytest.fixture
def page(fresh: ModularPage, found: Found) -> ModularPage:
    """A page that has already found what all pairs tell."""
    fresh.work.done.emit(found)
    return fresh


def reading(qtbot: QtBot, page: ModularPage) -> WavesView:
    view = looked_at(page, page.read(), WavesView)
    qtbot.waitUntil(lambda: page.model.found is not None, timeout=20000)
    return view


def intervening(qtbot: QtBot, page: ModularPage) -> FrequenciesView:
    view = looked_at(page, page.intervene(), FrequenciesView)
    settle(qtbot, page)
    return view


def settle(qtbot: QtBot, page: ModularPage) -> None:
    change = page.change
    qtbot.waitUntil(lambda: change.after is not None and change.computed == change.out, timeout=20000)


def click(qtbot: QtBot, plot: Plot, x: float, y: float) -> None:
    """Click a plot where its axes say."""
    qtbot.wait(1)
    where = plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(x, y)))
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(where))


def test_reading_says_when_it_knew_and_shows_the_neurons_of_a_frequency(qtbot: QtBot, fresh: ModularPage) -> None:
    page = fresh
    view = reading(qtbot, page)
    assert view.titles["neuron"].text().startswith("Neuron ")
    curve = specimens.history("modular-59")
    first = [
        next(step for step, right in zip(curve["step"], curve[f"{of}_accuracy"], strict=True) if right > 0.999)
        for of in ("train", "test")
    ]
    expected = "Right on its training pairs from step {:.0f}, on the others only from step {:.0f}: {:.0f} steps later"
    assert view.titles["curve"].text() == expected.format(*first, first[1] - first[0])
    assert tuple(view.chips) == KEY
    qtbot.mouseClick(view.chips[25], Qt.MouseButton.LeftButton)
    view.rank.setFocus()
    qtbot.keyClick(view.rank, Qt.Key.Key_Right)
    found = page.model.found
    assert found is not None
    of_25 = found.reading.explained * (found.reading.neuron == 25)
    second = int(np.argsort(-of_25)[1])
    assert view.chosen == second
    assert np.array_equal(view.neuron.values, found.outcome.neurons[:, :, second])
    angle = 2 * np.pi * 25 * np.arange(P) / P
    assert np.corrcoef(view.circle.points[:, 0], np.cos(angle))[0, 1] > 0.99
    assert np.corrcoef(view.circle.points[:, 1], np.sin(angle))[0, 1] > 0.99


def test_along_the_circle_neighbours_are_one_step_of_the_wave_apart(qtbot: QtBot, page: ModularPage) -> None:
    view = reading(qtbot, page)
    before = view.neuron.values
    qtbot.mouseClick(view.around, Qt.MouseButton.LeftButton)
    assert (KEY[0] * view.order % P).tolist() == list(range(P))
    for i, j in ((0, 1), (17, 50)):
        assert view.neuron.values[i, j] == before[view.order[i], view.order[j]]
    assert abs(np.diff(view.neuron.values, axis=0)).mean() < 0.5 * abs(np.diff(before, axis=0)).mean()


def test_a_click_on_a_bar_looks_at_its_frequency_and_arrow_keys_read_it(qtbot: QtBot, page: ModularPage) -> None:
    view = reading(qtbot, page)
    click(qtbot, view.spectrum, 8, 0.1)
    assert view.k == 8
    assert view.chips[8].isChecked()
    view.spectrum.setFocus()
    click(qtbot, view.spectrum, 3, 0.3)
    assert view.titles["neuron"].text() == "No neuron has frequency 3 above all others"
    qtbot.keyClick(view.spectrum, Qt.Key.Key_Right)
    assert view.readout.text().startswith("Frequency 1 (no key frequency): ")
    view.right.setFocus(Qt.FocusReason.TabFocusReason)
    assert view.readout.text().startswith("Step 20: ")
    curve = specimens.history("modular-59")
    trained, others = (100 * curve[f"{of}_accuracy"][1] for of in ("train", "test"))
    assert view.readout.text() == f"Step 20: pairs trained on {trained:.1f} %, other pairs {others:.1f} %."


def test_a_frequency_taken_out_shows_the_sums_that_are_lost(qtbot: QtBot, page: ModularPage) -> None:
    view = intervening(qtbot, page)
    assert not view.before.values.any()
    qtbot.mouseClick(view.chips[22], Qt.MouseButton.LeftButton)
    assert view.state.text().endswith("Adding all 3,481 pairs…")
    settle(qtbot, page)
    network = specimens.network("modular-59")
    said = modular.of_all(modular.without(network, [22])).logits.argmax(1).reshape(P, P)
    assert np.array_equal(view.after.values != 0, said != SUMS)
    assert not view.before.values.any()
    assert f"{100 * (said == SUMS).mean():.1f} % of all sums are right" in view.titles["after"].text()
    off = int(said[3, 7]) - 10
    view.after.choose(3, 7)
    assert view.readout.text().startswith(f"3 + 7 = 10: the model says {said[3, 7]}, ")
    assert np.sign(view.after.values[3, 7]) == np.sign((off + P // 2) % P - P // 2)
    qtbot.mouseClick(view.restore, Qt.MouseButton.LeftButton)
    assert not view.after.values.any()
    assert not view.chips[22].isChecked()


def test_frequencies_are_written_clicked_and_kept_alone(qtbot: QtBot, page: ModularPage) -> None:
    view = intervening(qtbot, page)
    view.others.setFocus()
    qtbot.keyClicks(view.others, "3, 10-12")
    assert page.change.out == {3, 10, 11, 12}
    click(qtbot, view.spectrum, 11, 0.05)
    assert view.others.text() == "3, 10, 12"
    qtbot.keyClicks(view.others, "x")
    assert view.state.text() == "“12x” is no frequency of this model; write numbers from 1 to 29: 3, 10-15."
    assert page.change.out == {3, 10, 12}
    qtbot.mouseClick(view.only_key, Qt.MouseButton.LeftButton)
    settle(qtbot, page)
    assert view.others.text() == "1-7, 9-21, 23-24, 26-29"
    alone = modular.answers_of(modular.only(specimens.network("modular-59"), KEY))
    assert page.change.after is not None
    assert page.change.after.answers.loss == pytest.approx(alone.loss)


def test_what_is_given_up_comes_when_the_page_is_looked_at_again(qtbot: QtBot, fresh: ModularPage) -> None:
    page = fresh
    scrolling = page.intervene()
    view = looked_at(page, scrolling, FrequenciesView)
    qtbot.mouseClick(view.chips[8], Qt.MouseButton.LeftButton)
    scrolling.hide()
    page.rest()
    qtbot.wait(50)
    assert page.model.found is None
    assert page.change.after is None
    scrolling.show()
    settle(qtbot, page)
    qtbot.waitUntil(lambda: page.change.before is not None, timeout=20000)
    assert page.change.computed == {8}
    qtbot.mouseClick(view.restore, Qt.MouseButton.LeftButton)
    assert view.state.text() == "All frequencies are there."


def test_extract_shows_what_the_command_prints(qtbot: QtBot, page: ModularPage) -> None:
    view = looked_at(page, page.extract(), RestrictedView)
    qtbot.waitUntil(lambda: page.model.parts is not None, timeout=20000)
    printed, _ = specimen_modular.extract(Namespace(name="modular-59"))
    del printed["key"]
    table = view.table.model()
    assert table.rowCount() == len(printed)
    for row, part in enumerate(printed.values()):
        assert table.index(row, 1).data() == f"{100 * part['accuracy']:.1f} %"
        assert table.index(row, 2).data() == f"{part['loss']:.2g}"
    view.table.setFocus()
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    assert view.readout.text().startswith("Restricted: key waves; 100.00 % of all pairs are right")


def test_the_waves_of_a_sum_agree_at_its_answer_and_move_with_the_numbers(
    qtbot: QtBot, page: ModularPage, outcome: Outcome
) -> None:
    view = looked_at(page, page.extract(), RestrictedView)
    probe = view.probe
    probe.a.setFocus()
    qtbot.keyClick(probe.a, Qt.Key.Key_Right)
    logits = outcome.logits[18 * P + 50]
    assert np.allclose(probe.logits, logits - logits.mean())
    assert (probe.waves.argmax(1) == (18 + 50) % P).all()
    basis = np.cos(2 * np.pi * np.outer(KEY, 18 + 50 - np.arange(P)) / P)
    fitted, *_ = np.linalg.lstsq(basis.T, probe.logits, rcond=None)
    assert np.allclose(probe.waves.max(1), fitted, rtol=0.2)  # of this pair alone
    assert "18 + 50 = 9 mod 59: the model says 9; 3 waves agree there" in probe.said.text()
    probe.plot.setFocus()
    qtbot.keyClick(probe.plot, Qt.Key.Key_Right)
    assert view.readout.text().startswith("c = 0: logit ")


def test_both_models_have_the_page() -> None:
    assert {window.PAGES[name] for name in ("modular-113", "modular-59")} == {("modular", "ModularPage")}


def test_frequencies_are_numbers_and_ranges() -> None:
    assert parsed("3, 10-12 7", 29) == {3, 7, 10, 11, 12}
    assert parsed("", 29) == set()
    assert written(parsed("12, 3, 10–11", 29)) == "3, 10-12"
    for text in ("0", "30", "5-30", "-4", "a", "3.5"):
        with pytest.raises(PromptError, match="no frequency of this model"):
            parsed(text, 29)
