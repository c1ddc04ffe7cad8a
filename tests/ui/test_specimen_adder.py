"""The page of the adder: it shows the model's own numbers, switches neurons off, and walks through a sum."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from explorer.io.specimens import network
from explorer.session.theme import LIGHT
from explorer.specimens import adder, sums
from explorer.specimens.catalogue import find
from explorer.specimens.network import run
from explorer.ui.background import Background
from explorer.ui.specimens import adder_intervene
from explorer.ui.specimens.adder import AdderPage
from explorer.ui.specimens.adder_extract import CROSS, TICK, WalkView
from explorer.ui.specimens.adder_intervene import AblationView
from explorer.ui.specimens.adder_read import SumView
from explorer.ui.specimens.adder_weights import WeightsView
from explorer.ui.specimens.page import scrolled
from explorer.ui.specimens.paper_sum import PaperSum, wrong
from explorer.ui.widgets.chrome import dress
from tests.ui.showing import looked_at

MODEL = network("adder")
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def page(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> AdderPage:
    for name, n in (("N_RANDOM", 60), ("N_CARRY", 60), ("PART", 60), ("N_MAPPED", 300)):
        monkeypatch.setattr(adder_intervene, name, n)
    specimen = find("adder")
    assert specimen is not None
    made = AdderPage(specimen)
    qtbot.addWidget(made)
    return made


def settled(qtbot: QtBot, view: QWidget) -> None:
    qtbot.waitUntil(lambda: not any(work.is_busy for work in view.findChildren(Background)), timeout=20000)


@pytest.fixture
def reading(qtbot: QtBot, page: AdderPage) -> SumView:
    view = looked_at(page, page.read(), SumView)
    settled(qtbot, view)
    return view


def ablation(qtbot: QtBot, page: AdderPage) -> AblationView:
    """No fixture: pytest would hold its plot until the test is over, and the menu in it."""
    view = looked_at(page, page.intervene(), AblationView)
    settled(qtbot, view)
    return view


@pytest.fixture
def walking(page: AdderPage) -> WalkView:
    return looked_at(page, page.extract(), WalkView)


def typed(qtbot: QtBot, view: SumView, a: str, b: str) -> None:
    for field, text in ((view.fields.a, a), (view.fields.b, b)):
        field.setFocus()
        field.selectAll()
        qtbot.keyClicks(field, text)


def line(paper: PaperSum, name: str) -> str:
    """What a line says, as one reads it."""
    (found,) = [each for each in paper.lines if each.name == name]
    return "".join(found.texts)[::-1]


def click_column(qtbot: QtBot, paper: PaperSum, column: int) -> None:
    qtbot.mouseClick(paper, LEFT, pos=paper.cell(1, column).center().toPoint())


def test_a_typed_sum_stands_as_on_paper_with_its_carries(qtbot: QtBot, reading: SumView) -> None:
    typed(qtbot, reading, "705", "9,999,999,296")
    assert line(reading.paper, "a") == "0000000705"
    assert line(reading.paper, "b") == "+9999999296"
    assert line(reading.paper, "sum") == f".{705 + 9999999296:011d}"
    assert reading.paper.lines[0].texts[:11] == [""] * 1 + ["1"] * 10
    assert reading.fields.state.text() == "= 10000000001, right"


def test_attention_and_chances_are_those_of_a_pass_over_the_sum(qtbot: QtBot, reading: SumView) -> None:
    typed(qtbot, reading, "1234567890", "987654321")
    prompt = "1234567890+0987654321=" + f"{1234567890 + 987654321:011d}"[::-1]
    alone = run(MODEL, np.array([[MODEL.tokens.index(sign) for sign in prompt]]))
    assert np.allclose(reading.attention.values, alone.pattern[0][0, 0, 21:33])
    assert list(reading.attention.columns) == list(prompt)
    logits = alone.logits[0, 21:33]
    chance = 1 / np.exp(logits - logits.max(1, keepdims=True)).sum(1)
    assert reading.titles["paper"].text().endswith(f"{100 * chance.min():.2f} %")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12x", "“12x” is not a whole number; write up to 10 digits."),
        ("", "“” is not a whole number; write up to 10 digits."),
        ("12345678901", "12345678901 does not fit; the model adds whole numbers of up to 10 digits."),
    ],
)
def test_what_is_no_number_is_one_sentence_and_the_last_sum_stays(
    qtbot: QtBot, reading: SumView, text: str, said: str
) -> None:
    reading.fields.a.selectAll()
    qtbot.keyClick(reading.fields.a, Qt.Key.Key_Backspace)
    qtbot.keyClicks(reading.fields.a, text)
    assert reading.fields.state.text() == said
    if text != "12345678901":
        return
    qtbot.keyClick(reading.fields.a, Qt.Key.Key_Backspace)
    assert reading.fields.state.text() == f"= {1234567890 + 1234567891}, right"


def test_every_weight_is_shown_once_and_they_are_777(reading: SumView) -> None:
    shown = np.concatenate([heat_map.values.ravel() for heat_map in reading.weights.maps.values()])
    held = np.concatenate([weight.ravel() for weight in MODEL.weights.values()])
    assert np.array_equal(np.sort(shown), np.sort(held))
    assert reading.weights.title.endswith("= 777")
    assert len(shown) == 777


def test_the_mean_alignment_comes_after_a_moment(reading: SumView) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 10**10, 500) for _ in range(2))
    pattern = run(MODEL, sums.rows(a, b)[:, :33]).pattern[0][:, 0].mean(0)
    assert reading.alignment.values[3, :2].tolist() == pytest.approx([pattern[24, 6], pattern[24, 17]])
    assert np.allclose(reading.alignment.values.sum(1), 1)


def test_a_column_is_lit_in_all_pictures_and_read_out(qtbot: QtBot, reading: SumView) -> None:
    click_column(qtbot, reading.paper, 4)
    assert (reading.paper.column, reading.attention.lit, reading.alignment.lit) == (4, 4, 4)
    assert reading.readout.text().startswith("Ten thousands: the model says 6 (probability ")
    reading.attention.setFocus()
    qtbot.keyClick(reading.attention, Qt.Key.Key_Down)
    assert reading.paper.column == reading.attention.current[0]


def test_a_neuron_that_is_off_is_at_its_mean(qtbot: QtBot, page: AdderPage) -> None:
    ablating = ablation(qtbot, page)
    for neuron in (13, 0):
        qtbot.mouseClick(ablating.cards[neuron], LEFT)
    assert ablating.chosen == (0, 13)
    settled(qtbot, ablating)
    off = adder.ablated(MODEL, [0, 13])
    said = adder.read(MODEL, 4999999999, 1234567891, off)
    assert line(ablating.paper, "without") == said.said[::-1]
    assert ablating.paper.lines[4].bad == wrong(said) != frozenset()
    rng = np.random.default_rng(0)
    drawn = zip(sums.random_sums(60, rng), sums.carry_sums(60, rng), strict=True)
    a, b = (np.concatenate(pair) for pair in drawn)
    right, chain = adder.exact(MODEL, a, b, off), sums.longest_chain(a, b)
    expected = [100 * right[chain == n].mean() for n in np.unique(chain)]
    assert ablating._after_bars.opts["height"] == pytest.approx(expected)
    assert ablating._before_bars.opts["height"] == [100] * len(expected)
    qtbot.mouseClick(ablating.restore, LEFT)
    assert ablating.chosen == ()
    assert ablating.titles["plot"].text() == "100 % of 120 sums are exact: switch a neuron off"


def test_a_card_shows_its_neuron_over_both_digits_and_the_carry(qtbot: QtBot, page: AdderPage) -> None:
    ablating = ablation(qtbot, page)
    alone = adder.neurons(MODEL, 4, 300)
    assert np.array_equal(ablating.cards[6].maps[1].values, alone[6, :, :, 1], equal_nan=True)
    ablating.column.setCurrentIndex(0)
    ablating.column.activated.emit(0)
    settled(qtbot, ablating)
    assert np.isnan(ablating.cards[6].maps[1].values).all()  # no carry comes into the units
    ablating.cards[6].setFocus()
    assert np.array_equal(ablating.maps.maps[0].values, ablating.cards[6].maps[0].values, equal_nan=True)
    assert ablating.maps.title.text().startswith("Neuron 6: most at ")


def test_trying_sums_can_be_cancelled_and_leaving_gives_it_up(
    qtbot: QtBot, page: AdderPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adder_intervene, "N_RANDOM", 100_000)
    scrolling = page.intervene()
    view = looked_at(page, scrolling, AblationView)
    qtbot.waitUntil(lambda: view.state.text().startswith("The whole model, "), timeout=10000)
    qtbot.mouseClick(view.cancel, LEFT)
    assert not view.trying.is_busy
    assert view.state.text().startswith("Cancelled.")
    qtbot.mouseClick(view.cards[2], LEFT)
    assert view.trying.is_busy
    page.rest()
    assert not view.trying.is_busy
    scrolling.hide()
    monkeypatch.setattr(adder_intervene, "N_RANDOM", 60)
    scrolling.show()
    settled(qtbot, view)
    assert " exact, 100 % before" in view.titles["plot"].text()


def test_each_claim_of_a_column_is_shown_with_what_was_measured(qtbot: QtBot, walking: WalkView) -> None:
    shown = 0
    for column in range(11):
        click_column(qtbot, walking.paper, column)
        about = [claim for claim in adder.walkthrough(MODEL, 4999999999, 1234567891) if claim.column == column]
        rows = [row for row in walking.rows if not row.isHidden()]
        assert [row.text.text() for row in rows] == [claim.text for claim in about]
        assert [row.measured.text() for row in rows] == [f"Measured: {claim.measured}" for claim in about]
        assert [row.mark.text() for row in rows] == [TICK if claim.holds else CROSS for claim in about]
        shown += len(rows)
    counted = f"{shown - 1} of {shown} claims about this sum hold; look at the ten billions"
    assert walking.titles["paper"].text() == counted
    (looks,) = [each for each in walking.paper.lines if each.name == "looks"]
    assert looks.bad == {10}


def test_next_previous_and_the_arrow_keys_walk_through_the_columns(qtbot: QtBot, walking: WalkView) -> None:
    click_column(qtbot, walking.paper, 0)
    assert not walking.previous.isEnabled()
    walking.fields.a.setFocus()
    qtbot.mouseClick(walking.next, LEFT)
    assert walking.paper.hasFocus()
    qtbot.keyClick(walking.paper, Qt.Key.Key_Left)
    qtbot.keyClick(walking, Qt.Key.Key_PageDown)
    assert (walking.paper.column, walking.attention.lit) == (3, 3)
    assert walking.column.text() == "Thousands"
    qtbot.mouseClick(walking.previous, LEFT)
    qtbot.keyClick(walking.paper, Qt.Key.Key_Right)
    assert walking.paper.column == 1
    for _ in range(12):
        qtbot.keyClick(walking.paper, Qt.Key.Key_Left)
    assert walking.column.text() == "The end"
    assert not walking.next.isEnabled()


def test_all_verbs_look_at_the_same_sum_and_column(qtbot: QtBot, reading: SumView, page: AdderPage) -> None:
    walk = looked_at(page, page.extract(), WalkView)
    qtbot.mouseClick(walk.fields.carry, LEFT)
    click_column(qtbot, walk.paper, 7)
    assert line(walk.paper, "sum") == line(reading.paper, "sum")
    assert int(reading.fields.a.text()) + int(reading.fields.b.text()) == int(line(walk.paper, "sum").lstrip("."))
    assert reading.paper.column == 7


def test_the_weights_become_narrow_again_with_the_window_and_the_text(qtbot: QtBot, qapp: QApplication) -> None:
    dress(qapp, LIGHT, 1.0)
    area = scrolled(WeightsView(MODEL))
    qtbot.addWidget(area)
    area.resize(1200, 600)
    area.show()
    beyond = area.horizontalScrollBar()
    for scale in (1.0, 2.0, 1.0):
        dress(qapp, LIGHT, scale)
        area.resize(740, 600)
        qtbot.waitUntil(lambda wide=scale > 1: (beyond.maximum() > 0) == wide)
