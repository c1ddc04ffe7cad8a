"""The page of the letter model: it shows what its functions say, and what a hand paints is cut and healed."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.session.theme import LIGHT
from explorer.specimens.catalogue import find
from explorer.specimens.letters import CAP, TOKENS, Lesion
from explorer.ui.specimens.letters import LettersPage
from explorer.ui.specimens.letters_extract import RulesView
from explorer.ui.specimens.letters_intervene import LesionView
from explorer.ui.specimens.letters_lesion import lesion_of, lesion_words
from explorer.ui.specimens.letters_read import BeliefsView
from explorer.ui.widgets.chrome import dress
from tests.ui.showing import looked_at


@pytest.fixture
def page(qtbot: QtBot) -> LettersPage:
    made = LettersPage(find("letters"))
    qtbot.addWidget(made)
    return made


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def centre(view: LesionView, row: int, column: int) -> QPoint:
    return view.matrix.cell(row, column).center().toPoint()


def test_a_row_shows_belief_and_share_of_its_letter(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.read(), BeliefsView)
    row = TOKENS.index("m")
    qtbot.mouseClick(view.matrix, Qt.MouseButton.LeftButton, pos=view.matrix.cell(row, 3).center().toPoint())
    assert np.allclose(view.bars.opts["height"], softmax(page.logits[row]))
    assert np.allclose(view.shares.opts["height"], shares(page, "m"))
    difference = view.more.opts["height"] + view.less.opts["height"]
    assert np.allclose(difference, softmax(page.logits[row]) - shares(page, "m"))
    assert view.title.text().startswith("After m the model gives ")
    qtbot.keyClick(view.matrix, Qt.Key.Key_Up)
    assert view.readout.text().startswith(f"After {TOKENS[row - 1]} comes {TOKENS[3]}: belief ")


def test_a_bar_is_read_under_the_mouse_and_a_click_goes_on_to_its_letter(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.read(), BeliefsView)
    box = view.row.getPlotItem().getViewBox()
    at = view.row.mapFromScene(box.mapViewToScene(QPointF(TOKENS.index("u"), 0.5 * box.viewRange()[1][1])))
    qtbot.mouseMove(view.row.viewport(), at)
    said = "After q comes u: belief .705, names .750 (3 of 4 times), difference −0.05"
    qtbot.waitUntil(lambda: view.readout.text() == said, timeout=2000)
    qtbot.mouseClick(view.row.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert view.title.text().startswith("After u the model gives ")
    assert view.matrix.lit == TOKENS.index("u")


def test_the_temperature_moves_the_beliefs_and_not_the_names(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.read(), BeliefsView)
    view.temperature.slider.setFocus()
    qtbot.keyClick(view.temperature.slider, Qt.Key.Key_End)
    assert np.allclose(view.matrix.values, [softmax(row / 3) for row in page.logits])
    assert np.allclose(view.bars.opts["height"], softmax(page.logits[TOKENS.index("q")] / 3))
    assert np.allclose(view.shares.opts["height"], shares(page, "q"))


def shares(page: LettersPage, letter: str) -> list[float]:
    """How often each letter follows, by counting the letters after it in each name."""
    pairs = [pair for name in page.names for pair in zip(name, f"{name}."[1:], strict=True)]
    followers = [after for before, after in pairs if before == letter]
    return [followers.count(after) / len(followers) for after in TOKENS]


def drag(qtbot: QtBot, view: LesionView, *cells: tuple[int, int]) -> None:
    qtbot.mousePress(view.matrix, Qt.MouseButton.LeftButton, pos=centre(view, *cells[0]))
    for cell in cells[1:]:
        qtbot.mouseMove(view.matrix, centre(view, *cell))
    qtbot.mouseRelease(view.matrix, Qt.MouseButton.LeftButton, pos=centre(view, *cells[-1]))


def test_a_stroke_cuts_and_undo_heals(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.intervene(), LesionView)
    assert all(before == after for before, after in view.pairs.pairs)
    drag(qtbot, view, (1, 5), (1, 6))
    assert np.argwhere(page.scar.cut).tolist() == [[1, 5], [1, 6]]
    cut = page.logits.copy()
    cut[1, 5:7] = -20
    assert np.allclose(view.matrix.values, [softmax(row) for row in cut])
    for side, logits in ((view.before, page.logits), (view.after, cut)):
        assert side.figure.text() == f"Perplexity {perplexity(page, logits):.4g}"
    view.matrix.setFocus()
    qtbot.keyClick(view.matrix, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not page.scar.cut.any()
    assert not view.undo.isEnabled()
    assert view.state.text() == "Nothing is cut out"


def test_a_stroke_that_begins_on_a_cut_cell_heals(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.intervene(), LesionView)
    drag(qtbot, view, (3, -1))
    drag(qtbot, view, (3, 4), (3, 5), (4, 5))
    assert page.scar.cut[3].sum() == len(TOKENS) - 2
    assert not page.scar.cut[4].any()
    qtbot.mouseClick(view.clear, Qt.MouseButton.LeftButton)
    assert not page.scar.cut.any()
    qtbot.mouseClick(view.undo, Qt.MouseButton.LeftButton)
    assert page.scar.cut[3].sum() == len(TOKENS) - 2


def test_without_the_column_that_ends_names_none_ends(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.intervene(), LesionView)
    drag(qtbot, view, (-1, 0))
    assert np.argwhere(page.scar.cut)[:, 1].tolist() == [0] * len(TOKENS)
    assert all(len(after) == CAP + 1 for _, after in view.pairs.pairs)
    assert view.after.ended.text().startswith("0 of ")
    assert view.after.greedy.text() == "Likeliest: man… (“an” for ever)"
    assert view.state.text().startswith("Without column . the names surprise it 30.2 times as much")
    qtbot.mouseClick(view.stop, Qt.MouseButton.LeftButton)
    assert not page.scar.cut.any()


def test_keys_cut_the_current_cell_its_row_and_its_column(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.intervene(), LesionView)
    view.matrix.choose(17, 20)
    qtbot.keyClick(view.matrix, Qt.Key.Key_Right)
    qtbot.keyClick(view.matrix, Qt.Key.Key_Space)
    assert page.scar.lesion.entries == ("qu",)
    assert view.readout.text() == "After q comes u: belief .705 before, .705 after (0.00)"
    qtbot.keyClick(view.matrix, Qt.Key.Key_R)
    qtbot.keyClick(view.matrix, Qt.Key.Key_C)
    assert (page.scar.lesion.rows, page.scar.lesion.columns, page.scar.lesion.entries) == ("q", "u", ())
    assert view.state.text().startswith("Without row q and column u the names ")


def test_the_matrix_shows_the_change_and_what_was_before(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.intervene(), LesionView)
    view.value.setCurrentIndex(1)
    drag(qtbot, view, (2, -1))
    before = np.array([softmax(row) for row in page.logits])
    after = before.copy()
    after[2] = 1 / len(TOKENS)
    view.shown.setCurrentIndex(2)
    assert np.allclose(view.matrix.values, after - before)
    view.shown.setCurrentIndex(1)
    assert np.allclose(view.matrix.values, before)
    assert not view.matrix.marked.any()


def test_a_lesion_is_said_by_rows_columns_and_entries() -> None:
    assert lesion_words(Lesion()) == ""
    assert lesion_words(Lesion("n")) == "row n"
    assert lesion_words(Lesion("nq", ".", ("ab",))) == "rows n, q, column . and entry ab"
    assert lesion_words(Lesion(columns=".", entries=("ab", "cd"))) == "column . and entries ab, cd"
    cut = Lesion("nq", ".", ("ab", "zz")).mask()
    assert lesion_of(cut) == Lesion("nq", ".", ("ab", "zz"))


def perplexity(page: LettersPage, logits: np.ndarray) -> float:
    """By the letters of the names, one after the other."""
    losses = []
    for name in page.names:
        for before, after in zip(f".{name}", f"{name}.", strict=True):
            losses.append(-np.log(softmax(logits[TOKENS.index(before)])[TOKENS.index(after)]))
    return float(np.exp(np.mean(losses)))


def test_rules_are_those_of_the_matrix_at_the_temperature(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.extract(), RulesView)
    for temperature in (1.0, 0.5):
        view.temperature.slider.setValue(round(10 * temperature) - 1)
        believes = np.array([softmax(row / temperature) for row in page.logits])
        assert [rule.confidence for rule in view.rules.rules] == pytest.approx(sorted(believes[believes >= 0.25])[::-1])
    view.at_least.slider.setFocus()
    qtbot.keyClick(view.at_least.slider, Qt.Key.Key_Right)
    assert len(view.rules.rules) == (believes >= 0.3).sum()


def test_a_rule_is_read_with_its_support_and_what_speaks_against_it(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.extract(), RulesView)
    view.rules.setFocus()
    qtbot.keyClick(view.rules, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(view.rules, Qt.Key.Key_Down)
    qtbot.keyClick(view.rules, Qt.Key.Key_Up)
    said = "After q comes u: the model is 70 % sure, the names say so 3 of 4 times; not in tariq."
    assert view.readout.text() == said
    cells = [view.rules.model().index(0, column).data() for column in range(5)]
    assert cells == ["q → u", "70 %", "75 %", "3 of 4", "tariq"]
    against = [name for name in page.names if "q" in name and "qu" not in name]
    assert against == ["tariq"]


def test_the_chain_follows_the_likeliest_letter_from_any_start(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.extract(), RulesView)
    assert view.chain.chain == [".", "m", "a", "."]
    view.chain.setFocus()
    qtbot.keyClick(view.chain, "q")
    assert view.start.currentData() == "q"
    now, chain, sure = TOKENS.index("q"), ["q"], []
    while now or len(chain) == 1:
        believes = softmax(page.logits[now])
        now = int(believes.argmax())
        chain.append(TOKENS[now])
        sure.append(believes.max())
    assert view.chain.chain == chain
    assert view.chain.sure == pytest.approx(sure)
    qtbot.mouseClick(view.chain, Qt.MouseButton.LeftButton, pos=view.chain.place(2).toPoint())
    assert view.start.currentData() == chain[2]


def test_rules_and_words_are_taken_with_the_lesion_while_there_is_one(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.extract(), RulesView)
    assert not view.hurt.isEnabled()
    page.scar.stroke(-1, 0)
    page.scar.lift()
    qtbot.mouseClick(view.hurt, Qt.MouseButton.LeftButton, pos=QPoint(8, view.hurt.height() // 2))
    assert view.hurt.isChecked()
    assert all(rule.after != "." for rule in view.rules.rules)
    assert (view.chain.chain, view.chain.loop) == ([".", "m", "a", "n"], "an")
    assert view.greedy.text() == "Always the likeliest letter: man, then “an” for ever"
    assert all(before.endswith("…") for before, _ in view.pairs.pairs)
    page.scar.undo()
    assert not view.hurt.isChecked()
    assert view.chain.loop == ""


def test_drawing_again_draws_others_and_cold_words_are_greedy(qtbot: QtBot, page: LettersPage) -> None:
    view = looked_at(page, page.extract(), RulesView)
    first = view.pairs.pairs
    assert all(before == after for before, after in first)
    qtbot.mouseClick(view.again, Qt.MouseButton.LeftButton)
    assert view.pairs.pairs != first
    view.temperature.slider.setValue(0)
    believes = softmax(page.logits[0] / 0.1)
    likely = {TOKENS[at] for at in np.flatnonzero(believes > 0.001)}
    assert {after[0] for _, after in view.pairs.pairs} <= likely


def test_the_numbers_at_the_axes_have_room_when_the_text_grows(
    qtbot: QtBot, qapp: QApplication, page: LettersPage
) -> None:
    dress(qapp, LIGHT, 1.0)
    view = looked_at(page, page.read(), BeliefsView)
    axes = [plot.getAxis("left") for plot in (view.row, view.difference)]
    before = axes[0].width()
    dress(qapp, LIGHT, 1.5)
    qtbot.waitUntil(lambda: [axis.width() for axis in axes] == [1.5 * before] * 2)
    dress(qapp, LIGHT, 1.0)
