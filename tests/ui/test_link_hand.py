"""Links under the mouse on the graph: the nearest one that is drawn is selected, a mark before it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKey
from explorer.session.edits import box_key, set_edge_label
from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.canvas.curves import controls
from explorer.ui.canvas.link_hand import link_at
from tests.graphs import random_graph
from tests.ui.showing import canvas_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def canvas(qtbot: QtBot) -> GraphCanvas:
    canvas = canvas_of(qtbot, random_graph(30, 60, seed=4, n_layers=4, n_pos=6))
    qtbot.waitUntil(lambda: canvas.is_settled)
    return canvas


def middles(canvas: GraphCanvas) -> list[tuple[tuple[int, int], QPointF]]:
    """Source and target of each resting link that no mark covers in the middle, and that middle."""
    frame = canvas._stage.frame()
    assert frame is not None
    links = frame.scene.links
    points = controls(frame.ends, links.source, links.target) / frame.ratio
    halves = np.einsum("k,nkd->nd", [0.125, 0.375, 0.375, 0.125], points)
    found = zip(links.source.tolist(), links.target.tolist(), halves.tolist(), strict=True)
    free = [((source, target), QPointF(*half)) for source, target, half in found]
    return [(ends, half) for ends, half in free if canvas.node_at(half) is None and half.y() > 30]


def test_a_click_on_a_link_selects_it_with_both_ends(qtbot: QtBot, canvas: GraphCanvas) -> None:
    document, frame = canvas._document, canvas._stage.frame()
    assert frame is not None
    found = middles(canvas)
    hit = [(ends, half) for ends, half in found if link_at(frame, half.x(), half.y()) == ends]
    assert len(hit) >= 0.8 * len(found) > 5  # others cross there and are as near
    (source, target), half = hit[0]
    qtbot.mouseClick(canvas, LEFT, pos=half.toPoint())
    link = box_key(frame.graph.key(target)), box_key(frame.graph.key(source))
    assert document.link == link
    assert document.selection == (source, target)
    plain = canvas.grab().toImage().pixelColor(half.toPoint())
    assert plain.name().upper() == LIGHT.select
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert (document.selection, document.link) == ((), None)


def test_away_from_links_a_click_clears(qtbot: QtBot, canvas: GraphCanvas) -> None:
    document, frame = canvas._document, canvas._stage.frame()
    assert frame is not None
    (source, target), _ = middles(canvas)[0]
    document.select_link((box_key(frame.graph.key(target)), box_key(frame.graph.key(source))))
    free = next(
        QPoint(x, y)
        for x in range(100, 800, 7)
        for y in range(60, 400, 7)
        if canvas.node_at(QPointF(x, y)) is None and link_at(frame, x, y) is None
    )
    qtbot.mouseClick(canvas, LEFT, pos=free)
    assert (document.selection, document.link) == ((), None)


def test_with_a_selection_only_its_links_are_there(canvas: GraphCanvas) -> None:
    document = canvas._document
    (source, target), half = next(pair for pair in middles(canvas) if pair[0][0] != pair[0][1])
    other = next(node for node in range(len(document.graph or ())) if node not in (source, target))
    document.select([other])
    frame = canvas._stage.frame()
    assert frame is not None
    found = link_at(frame, half.x(), half.y())
    assert found is None or other in found


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)
def test_a_link_says_what_it_is_when_the_mouse_rests(qtbot: QtBot, canvas: GraphCanvas) -> None:
    document, frame = canvas._document, canvas._stage.frame()
    assert frame is not None
    (source, target), half = next(
        (ends, half) for ends, half in middles(canvas) if link_at(frame, half.x(), half.y()) == ends
    )
    link = box_key(frame.graph.key(target)), box_key(frame.graph.key(source))
    document.do("label a link", set_edge_label(document.edits, *link, "copies it"))
    canvas._links.hover(canvas._stage.frame(), half)
    assert canvas.cursor().shape() == Qt.CursorShape.PointingHandCursor
    at = half.toPoint()
    QApplication.sendEvent(canvas, QHelpEvent(QEvent.Type.ToolTip, at, canvas.mapToGlobal(at)))
    label, ends, numbers = QToolTip.text().splitlines()
    assert label == "copies it"
    assert NodeKey.parse(link[1].removeprefix("node:")) == frame.graph.key(source)
    assert "→" in ends
    assert "% of the target’s input" in numbers
    QToolTip.hideText()
    canvas._links.hover(canvas._stage.frame(), None)
    assert canvas.cursor().shape() == Qt.CursorShape.ArrowCursor
