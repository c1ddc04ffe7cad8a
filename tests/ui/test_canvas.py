from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import Graph, NodeKind
from explorer.session.edits import draw_links, set_label, set_thresholds
from explorer.session.theme import DARK, LIGHT, contrast
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import load_fonts
from tests.graphs import random_graph

Opened = tuple[GraphCanvas, Document]


@pytest.fixture
def opened(qtbot: QtBot) -> Callable[..., Opened]:
    """Opens a graph on a canvas and waits until it is drawn."""
    load_fonts()

    def make(graph: Graph | None = None, size: tuple[int, int] = (848, 560)) -> Opened:
        document = Document()
        canvas = GraphCanvas(document, LIGHT)
        qtbot.addWidget(canvas)
        canvas.resize(*size)
        canvas.show()
        document.open_graph(graph if graph is not None else random_graph(200, 2_000, 9, 12))
        qtbot.waitUntil(lambda: canvas.is_settled)
        return canvas, document

    return make


def _lonely(canvas: GraphCanvas, document: Document, kind: NodeKind = NodeKind.FEATURE) -> int:
    """A shown node at whose place no other mark is nearer."""
    assert document.view is not None
    graph = document.view.graph
    for node in np.flatnonzero(document.view.shown & (graph.nodes.kind == kind)).tolist():
        if canvas.node_at(canvas.place_of(node)) == node:
            return int(node)
    raise AssertionError("no such node")


def _click(qtbot: QtBot, canvas: GraphCanvas, node: int, *keys: Qt.KeyboardModifier) -> None:
    modifiers = keys[0] if keys else Qt.KeyboardModifier.NoModifier
    point = (canvas.place_of(node) + QPointF(2, 1)).toPoint()
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, modifiers, point)


def _image(canvas: GraphCanvas) -> QImage:
    return canvas.grab().toImage()


def test_a_click_selects_the_nearest_mark(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    node = _lonely(canvas, document)
    _click(qtbot, canvas, node)
    assert document.selection == (node,)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(700, 12))
    assert document.selection != (node,)


def test_a_click_on_an_output_selects_it(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.graph is not None
    output = document.graph.block(NodeKind.LOGIT).start
    _click(qtbot, canvas, output)
    assert document.selection == (output,)


def test_every_kind_of_mark_can_be_clicked(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    document.do("show more", set_thresholds(document.edits, 1.0, 1.0))
    for kind in (NodeKind.ERROR, NodeKind.EMBEDDING):
        node = _lonely(canvas, document, kind)
        _click(qtbot, canvas, node)
        assert document.current == node
    assert document.graph is not None
    biases = document.graph.block(NodeKind.BIAS)
    _click(qtbot, canvas, biases.start)
    assert set(document.selection) == set(range(biases.start, biases.stop))


def test_ctrl_click_pins_and_undo_takes_it_back(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.graph is not None
    node = _lonely(canvas, document)
    _click(qtbot, canvas, node, Qt.KeyboardModifier.ControlModifier)
    assert document.edits.pinned == (document.graph.key(node),)
    assert document.selection == ()
    assert document.history.past[-1][0].startswith("pin ")
    document.undo()
    assert document.edits.pinned == ()


def test_shift_drag_selects_what_it_surrounds(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.view is not None
    start, end = QPoint(300, 60), QPoint(700, 300)
    shift = Qt.KeyboardModifier.ShiftModifier
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, shift, start)
    qtbot.mouseMove(canvas, QPoint(500, 200))
    qtbot.mouseMove(canvas, end)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, shift, end)
    places = [canvas.place_of(node) for node in range(len(document.view.graph))]
    inside = {
        node
        for node, place in enumerate(places)
        if 300 <= place.x() <= 700 and 60 <= place.y() <= 300 and document.view.shown[node]
    }
    assert set(document.selection) == inside
    assert len(inside) > 3


def test_keys_walk_pin_hide_and_clear(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.view is not None
    graph = document.view.graph
    qtbot.keyClick(canvas, Qt.Key.Key_Down)
    first = document.current
    assert first == int(graph.target_weight.argmax())
    qtbot.keyClick(canvas, Qt.Key.Key_I)
    strongest = document.current
    sources, weights = graph.inputs(first)
    weights = np.where(
        document.view.shown[sources] & (graph.nodes.kind[sources] != NodeKind.BIAS), weights, 0
    )
    assert strongest == int(sources[np.abs(weights).argmax()])
    qtbot.keyClicks(canvas, "[")
    assert document.current == first
    qtbot.keyClicks(canvas, "]")
    assert document.current == strongest
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert document.edits.pinned == (graph.key(strongest),)
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    qtbot.keyClick(canvas, Qt.Key.Key_H)
    assert document.edits.hidden == {graph.key(strongest)}
    qtbot.keyClick(canvas, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    assert document.edits.hidden == frozenset()
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert document.selection == ()


def test_arrows_reach_every_side(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    node = _lonely(canvas, document)
    for key, axis, sign in (("Left", 0, -1), ("Right", 0, 1), ("Up", 1, -1), ("Down", 1, 1)):
        document.select([node])
        here = canvas.place_of(node)
        qtbot.keyClick(canvas, getattr(Qt.Key, f"Key_{key}"))
        assert document.current is not None
        moved = canvas.place_of(document.current) - here
        if document.current != node:
            assert (moved.x(), moved.y())[axis] * sign > 0


def test_right_opens_the_biases_and_escape_shuts_them(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.graph is not None
    bias = document.graph.block(NodeKind.BIAS).start
    document.select([bias])
    assert canvas.place_of(bias) == canvas.place_of(bias + 1)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.place_of(bias).x() < canvas.place_of(bias + 1).x()
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.place_of(bias) == canvas.place_of(bias + 1)
    assert document.selection == (bias,)


def test_the_wheel_keeps_what_is_under_the_cursor_there(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    node = _lonely(canvas, document)
    at = canvas.place_of(node)
    for _ in range(4):
        event = QWheelEvent(
            at,
            canvas.mapToGlobal(at),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas, event)
    away = canvas.place_of(node) - at
    # at the border of the drawing the view stops rather than show nothing
    assert away.manhattanLength() < 260
    assert canvas.node_at(canvas.place_of(node)) == node


def test_marks_are_hit_where_they_are_seen_after_pan_and_zoom(
    qtbot: QtBot, opened: Callable[..., Opened]
) -> None:
    canvas, document = opened(random_graph(800, 8_000, 12, 12))
    assert document.view is not None
    canvas.zoom(2.5, QPointF(800, 250))
    canvas.pan(-60, 35)
    shown = np.flatnonzero(document.view.shown & (document.view.graph.nodes.kind == NodeKind.FEATURE))
    seen = [
        node
        for node in shown.tolist()
        if canvas.rect().adjusted(80, 40, -80, -90).contains(canvas.place_of(node).toPoint())
    ]
    assert len(seen) > 10
    assert all(canvas.node_at(canvas.place_of(node)) == node for node in seen)
    canvas.fit()
    assert canvas.node_at(canvas.place_of(seen[0])) == seen[0]


def test_dragging_the_ground_pans(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    canvas.zoom(3.0)
    node = _lonely(canvas, document)
    before = canvas.place_of(node)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(400, 200))
    qtbot.mouseMove(canvas, QPoint(420, 210))
    qtbot.mouseMove(canvas, QPoint(440, 230))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(440, 230))
    moved = canvas.place_of(node) - before
    assert (moved.x(), moved.y()) == (40, 30)
    assert document.selection == ()


def test_pruning_moves_no_mark(opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.graph is not None
    nodes = range(len(document.graph))
    before = [canvas.place_of(node) for node in nodes]
    document.do("prune", set_thresholds(document.edits, 0.2, 0.5))
    assert [canvas.place_of(node) for node in nodes] == before


def test_selection_and_hidden_marks_have_their_colours(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.view is not None
    node = _lonely(canvas, document)
    document.select([node])
    place = canvas.place_of(node)
    assert _image(canvas).pixelColor(place.toPoint()) == QColor(LIGHT.select)
    canvas.set_theme(DARK)
    image = _image(canvas)
    assert image.pixelColor(place.toPoint()) == QColor(DARK.select)
    assert image.pixelColor(3, 300) == QColor(DARK.surface_canvas)


def test_marks_are_filled_by_sign(opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.view is not None
    view = document.view
    features = np.flatnonzero(view.shown & (view.graph.nodes.kind == NodeKind.FEATURE))
    image = _image(canvas)
    order = features[np.argsort(-np.abs(view.effect[features]))]
    for node in order[:6].tolist():
        ink = image.pixelColor(canvas.place_of(node).toPoint())
        is_blue = ink.blue() > ink.red()
        assert is_blue == (view.effect[node] > 0)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("size", [(848, 560), (600, 420), (1300, 900)])
def test_texts_never_meet_and_can_be_read(
    theme: object, size: tuple[int, int], qtbot: QtBot, opened: Callable[..., Opened]
) -> None:
    canvas, document = opened(random_graph(400, 4_000, 14, 18), size)
    canvas.set_theme(theme)  # type: ignore[arg-type]
    assert document.graph is not None
    hub = int(np.bincount(document.graph.edge_target).argmax())
    document.do("name it", set_label(document.edits, document.graph.key(hub - 5), "says a capital"))
    for selection, zoom in (((), 1.0), ((hub,), 1.0), ((hub - 5,), 1.0), ((hub - 5,), 2.2)):
        document.select(selection)
        canvas.zoom(zoom)
        canvas.repaint()
        boxes = canvas.text_boxes()
        assert len(boxes) > 20
        for box in boxes:
            assert box.px >= 11
            assert contrast(box.foreground, box.background) >= 4.5, box
        pairs = [
            (one, other)
            for i, one in enumerate(boxes)
            for other in boxes[:i]
            if one.rect.intersects(other.rect)
        ]
        assert pairs == []


def test_the_legend_lists_only_what_is_on_screen(opened: Callable[..., Opened]) -> None:
    canvas, document = opened(random_graph(errors=False, biases=False), (1_300, 600))
    canvas.repaint()
    words = {box.text for box in canvas.text_boxes()}
    assert {"feature", "token", "raises"} <= words
    assert not {"bias", "error mass", "pinned", "selected"} & words
    document.select([0])
    canvas.repaint()
    assert "selected" in {box.text for box in canvas.text_boxes()}


def test_hovering_shows_a_card_at_rest(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    node = _lonely(canvas, document)
    qtbot.mouseMove(canvas, canvas.place_of(node).toPoint())
    assert document.hovered == node
    canvas.underMouse = lambda: True  # type: ignore[method-assign]
    qtbot.waitUntil(lambda: any("influence" in box.text and "%" in box.text for box in canvas.text_boxes()))
    qtbot.mouseMove(canvas, QPoint(400, 470))
    document.hover(None)
    canvas.repaint()
    assert not any("%" in box.text for box in canvas.text_boxes())


def test_without_a_graph_it_says_what_to_do(qtbot: QtBot) -> None:
    canvas = GraphCanvas(Document(), LIGHT)
    qtbot.addWidget(canvas)
    canvas.resize(600, 400)
    canvas.show()
    qtbot.waitExposed(canvas)
    qtbot.waitUntil(lambda: bool(canvas.text_boxes()))
    assert [box.text for box in canvas.text_boxes()] == ["Type a prompt and press Run."]
    assert canvas.node_at(QPointF(300, 200)) is None


def test_the_current_node_is_told_to_assistive_technology(opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    assert document.graph is not None
    node = _lonely(canvas, document)
    document.select([node])
    key = document.graph.key(node)
    told = canvas.accessibleDescription()
    assert told.startswith(f"feature {key.feature}, layer {key.layer}, token {key.pos}")
    assert told.endswith("selected")


def test_all_links_are_drawn_when_asked_for(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened(random_graph(800, 20_000, 12, 12))
    few = _image(canvas)
    document.do("show more", set_thresholds(document.edits, 1.0, 1.0))
    document.do("draw all", draw_links(document.edits, 1_000_000))
    qtbot.waitUntil(lambda: canvas.is_settled)
    assert _image(canvas) != few


def test_a_large_graph_opens_without_blocking(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    canvas, document = opened()
    document.open_graph(random_graph(7_000, 200_000, 40, 26))
    document.do("draw all", draw_links(document.edits, 1_000_000))
    start = time.thread_time()
    canvas.repaint()
    document.select([7_000])
    canvas.repaint()
    assert time.thread_time() - start < 0.5
    qtbot.waitUntil(lambda: canvas.is_settled, timeout=30_000)


def test_a_canvas_that_goes_takes_its_thread_along(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    document = Document()
    canvas = GraphCanvas(document, LIGHT)
    canvas.resize(848, 560)
    canvas.show()
    document.open_graph(random_graph(2_000, 60_000, 20, 16))
    document.do("show all", set_thresholds(document.edits, 1.0, 1.0))
    document.do("draw all", draw_links(document.edits, 1_000_000))
    assert any(thread.name == "links" for thread in threading.enumerate())
    shiboken6.delete(canvas)
    assert not any(thread.name == "links" for thread in threading.enumerate())
    document.do("prune", set_thresholds(document.edits, 0.3, 0.5))
    document.select([3])


def test_a_closed_canvas_is_collected(qtbot: QtBot, opened: Callable[..., Opened]) -> None:
    document = Document()
    canvas = GraphCanvas(document, LIGHT)
    document.open_graph(random_graph())
    gone = weakref.ref(canvas)
    canvas.deleteLater()
    del canvas
    QApplication.sendPostedEvents(None, 52)
    gc.collect()
    assert gone() is None
