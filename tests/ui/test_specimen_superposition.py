"""The page of superposition: it trains as the specimen does, takes weights out, and shows ten densities at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from explorer.specimens.catalogue import find
from explorer.specimens.superposition import DENSITIES, Setting, Toy, train
from explorer.ui.specimens.feature_arrows import plane, share_in_plane
from explorer.ui.specimens.superposition import SuperpositionPage
from explorer.ui.specimens.superposition_extract import DensitiesView
from explorer.ui.specimens.superposition_intervene import HoleView
from explorer.ui.specimens.superposition_read import ToyView
from explorer.ui.specimens.superposition_trainer import Trainer
from explorer.work import run
from tests.ui.showing import looked_at

SHORT = Setting(steps=60, batch=64)  # too few steps to name a shape, enough to tell one training from another
PAIR = Toy(0.1, np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]), np.zeros(3), 0.1)


@pytest.fixture
def page(qtbot: QtBot) -> SuperpositionPage:
    made = SuperpositionPage(find("superposition"))
    made.trainer.setting = SHORT
    qtbot.addWidget(made)
    return made


def trained(qtbot: QtBot, trainer: Trainer) -> None:
    qtbot.waitUntil(lambda: not trainer.is_busy, timeout=20000)


def reading(qtbot: QtBot, page: SuperpositionPage) -> ToyView:
    view = looked_at(page, page.read(), ToyView)
    trained(qtbot, page.trainer)
    return view


def test_reading_trains_what_the_specimen_trains(qtbot: QtBot, page: SuperpositionPage) -> None:
    view = reading(qtbot, page)
    alone = run(train(SHORT, [page.trainer.density]))[0]
    assert np.array_equal(view.weights.values, alone.W)
    assert np.allclose(view.gram.values, alone.W.T @ alone.W)
    assert view.arrows.toy is not None
    assert view.titles["loss"].text() == f"The loss is {alone.loss:.4f} at step 60"
    assert page.trainer.curve[0][-1] == 60


def test_a_slider_trains_anew_for_its_density(qtbot: QtBot, page: SuperpositionPage) -> None:
    view = reading(qtbot, page)
    view.controls.density.slider.setFocus()
    qtbot.keyClick(view.controls.density.slider, Qt.Key.Key_End)
    assert page.trainer.density == 1.0
    assert page.trainer.is_busy
    trained(qtbot, page.trainer)
    assert np.array_equal(view.weights.values, run(train(SHORT, [1.0]))[0].W)


def test_fewer_features_than_dimensions_are_never_asked_for(qtbot: QtBot, page: SuperpositionPage) -> None:
    view = reading(qtbot, page)
    view.controls.dimensions.setValue(5)
    view.controls.features.setValue(3)
    assert (page.trainer.setting.n_features, page.trainer.setting.n_dimensions) == (3, 3)
    trained(qtbot, page.trainer)
    assert view.weights.values.shape == (3, 3)


def test_each_dimension_says_whether_it_is_monosemantic(qtbot: QtBot, page: SuperpositionPage) -> None:
    view = reading(qtbot, page)
    page.trainer.toy = PAIR
    page.trainer.trained.emit()
    assert list(view.weights.rows) == ["0 polysemantic", "1 monosemantic"]
    view.arrows.setFocus()
    qtbot.keyClick(view.arrows, Qt.Key.Key_Right)
    assert view.readout.text() == (
        "Feature 0: represented, length 1.00, 0.50 of a dimension to itself; antipodal to feature 1."
    )


def test_leaving_gives_the_training_up_and_coming_back_begins_it_again(qtbot: QtBot, page: SuperpositionPage) -> None:
    page.trainer.setting = replace(SHORT, steps=100_000)
    scrolling = page.read()
    view = looked_at(page, scrolling, ToyView)
    qtbot.waitUntil(lambda: page.trainer.toy is not None, timeout=10000)
    assert view.state.text().startswith("Training, step ")
    scrolling.hide()
    page.rest()
    assert not page.trainer.is_busy
    page.trainer.setting = SHORT
    scrolling.show()
    trained(qtbot, page.trainer)
    assert page.trainer.curve[0][-1] == 60


def test_a_dimension_and_a_feature_are_taken_out_and_put_back(qtbot: QtBot, page: SuperpositionPage) -> None:
    view = looked_at(page, page.intervene(), HoleView)
    trained(qtbot, page.trainer)
    toy = page.trainer.toy
    assert toy is not None
    qtbot.mouseClick(view.chips[1], Qt.MouseButton.LeftButton)
    header = view.weights.cell(-1, 3).center().toPoint()
    qtbot.mouseClick(view.weights, Qt.MouseButton.LeftButton, pos=QPoint(header))
    expected = toy.W.copy()
    expected[1] = 0
    expected[:, 3] = 0
    assert view.damaged is not None
    assert np.array_equal(view.damaged.W, expected)
    assert view.state.text().endswith("6 of 10 weights are taken out.")
    assert np.allclose(view._bars[1].opts["height"], error_by_hand(expected, toy))
    assert np.allclose(view._bars[0].opts["height"], error_by_hand(toy.W, toy))
    qtbot.mouseClick(view.restore, Qt.MouseButton.LeftButton)
    assert not view.out.any()
    assert not view.chips[1].isChecked()


def test_space_takes_one_weight_out_and_puts_it_back(qtbot: QtBot, page: SuperpositionPage) -> None:
    view = looked_at(page, page.intervene(), HoleView)
    trained(qtbot, page.trainer)
    view.weights.setFocus()
    qtbot.keyClick(view.weights, Qt.Key.Key_Right)
    qtbot.keyClick(view.weights, Qt.Key.Key_Space)
    assert np.argwhere(view.out).tolist() == [[0, 1]]
    qtbot.keyClick(view.weights, Qt.Key.Key_Space)
    assert not view.out.any()


def test_a_click_on_a_density_shows_its_toy_in_read(qtbot: QtBot, page: SuperpositionPage) -> None:
    view = looked_at(page, page.extract(), DensitiesView)
    trained(qtbot, page.trainer)
    alone = run(train(replace(SHORT, n_seeds=page.trainer.starts), DENSITIES))
    assert [toy.loss for toy in page.trainer.toys] == [toy.loss for toy in alone]
    densities, represented = view._dots.getOriginalDataset()
    assert densities.tolist() == list(DENSITIES)
    assert represented.tolist() == [toy.represented.sum() for toy in alone]
    with qtbot.waitSignal(page.turned) as turned:
        qtbot.mouseClick(view.tiles[4], Qt.MouseButton.LeftButton)
    assert turned.args == ["read"]
    reader = reading(qtbot, page)
    assert page.trainer.density == DENSITIES[4]
    assert np.array_equal(reader.weights.values, alone[4].W)


def test_two_dimensions_are_drawn_as_they_are_and_more_by_their_strongest_axes() -> None:
    assert np.array_equal(plane(PAIR), PAIR.W)
    W = np.diag([3.0, 2.0, 1.0])
    assert share_in_plane(replace(PAIR, W=W)) == pytest.approx(13 / 14)


def error_by_hand(W: np.ndarray, toy: Toy) -> np.ndarray:
    """The mean squared error of each feature on the specimen's own fresh features, one output at a time."""
    rng = np.random.default_rng(0)
    drawn = rng.random((1, 4096, len(toy.b)), dtype=np.float32)
    x = (drawn * (rng.random(drawn.shape, dtype=np.float32) < toy.density))[0]
    outputs = [np.maximum(x @ (W.T @ W[:, i]) + toy.b[i], 0) for i in range(len(toy.b))]
    return np.array([((out - x[:, i]) ** 2).mean() for i, out in enumerate(outputs)])
