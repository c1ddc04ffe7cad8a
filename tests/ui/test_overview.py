from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.canvas.overview import Overview
from tests.graphs import random_graph
from tests.ui.showing import canvas_of


@pytest.fixture
def canvas(qtbot: QtBot) -> GraphCanvas:
    canvas = canvas_of(qtbot, random_graph(120, 800, 9, 12))
    canvas.overview.set_wanted(True)
    qtbot.waitUntil(lambda: canvas.is_settled)
    return canvas


def _middle(canvas: GraphCanvas) -> tuple[float, float]:
    """The place of the layout in the middle of what is seen."""
    frame = canvas.frame
    assert frame is not None
    return frame.viewport.place((frame.axis + frame.width) / 2, frame.strip_top / 2)


def test_it_is_there_only_while_not_all_is_in_view_and_it_is_wanted(canvas: GraphCanvas) -> None:
    assert not canvas.overview.isVisible()
    canvas.zoom(3.0)
    assert canvas.overview.isVisible()
    assert canvas.rect().contains(canvas.overview.geometry())
    canvas.overview.set_wanted(False)
    assert not canvas.overview.isVisible()
    canvas.overview.set_wanted(True)
    canvas.fit()
    assert not canvas.overview.isVisible()


def test_pressing_it_brings_that_place_into_the_middle(qtbot: QtBot, canvas: GraphCanvas) -> None:
    canvas.zoom(4.0)
    overview, frame = canvas.overview, canvas.frame
    assert frame is not None
    right, left = (QPoint(overview.width() * part // 12, overview.height() // 2) for part in (9, 4))
    columns = frame.layout.columns / frame.layout.detail
    for at in (right, left):
        qtbot.mousePress(overview, Qt.MouseButton.LeftButton, pos=at)
        qtbot.mouseRelease(overview, Qt.MouseButton.LeftButton, pos=at)
        share = (_middle(canvas)[0] - columns[0]) / (columns[-1] - columns[0])
        assert share == pytest.approx((at.x() - 5) / (overview.width() - 10), abs=0.02)


def test_the_frame_in_it_is_what_the_canvas_shows(canvas: GraphCanvas) -> None:
    canvas.zoom(3.0, QPointF(700, 200))
    frame, overview = canvas.frame, canvas.overview
    assert frame is not None
    columns = frame.columns()
    seen = [pos for pos in range(frame.graph.n_pos) if columns[pos + 1] > frame.axis and columns[pos] < frame.width]
    rows = frame.rows()
    layers = [layer for layer in range(frame.graph.n_layers) if rows[layer] > 0 and rows[layer + 1] < frame.strip_top]
    said = f"Shown: tokens {seen[0]} to {seen[-1]}, layers {layers[0]} to {layers[-1]}"
    assert overview.accessibleDescription() == said
    image = overview.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
    assert LIGHT.select.lower() in colours


def test_arrows_move_the_part_that_is_shown(qtbot: QtBot, canvas: GraphCanvas) -> None:
    canvas.zoom(4.0)
    x, y = _middle(canvas)
    qtbot.keyClick(canvas.overview, Qt.Key.Key_Right)
    qtbot.keyClick(canvas.overview, Qt.Key.Key_Up)
    assert _middle(canvas)[0] > x
    assert _middle(canvas)[1] < y


def test_a_drag_on_it_leaves_the_focus_where_it_is(canvas: GraphCanvas) -> None:
    assert canvas.overview.focusPolicy() == Qt.FocusPolicy.TabFocus
    assert isinstance(canvas.overview, QWidget)
    assert canvas.overview.accessibleName()


def test_a_small_canvas_has_none(canvas: GraphCanvas) -> None:
    canvas.zoom(3.0)
    assert isinstance(canvas.overview, Overview)
    canvas.resize(420, 300)
    assert not canvas.overview.isVisible()
