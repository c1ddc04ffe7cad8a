from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.session.edits import draw_links, set_thresholds
from explorer.session.theme import LIGHT
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.panels.links_drawn import FEWEST, STEPS, LinksDrawn, draw_more, drawn_at, step_of
from tests.graphs import random_graph


@pytest.mark.parametrize("total", [10, 300, 50_000, 2_000_000])
def test_the_slider_goes_from_a_few_to_all(total: int) -> None:
    counts = [drawn_at(step, total) for step in range(STEPS + 1)]
    assert counts == sorted(counts)
    assert counts[0] == min(FEWEST, total)
    assert counts[-1] == total
    if total > 1_000:
        assert all(abs(step_of(counts[step], total) - step) <= 1 for step in range(STEPS + 1))


def test_what_is_dragged_is_one_step_and_comes_back_with_undo(qtbot: QtBot) -> None:
    document = Document()
    document.open_graph(random_graph(200, 2_000, 9, 12))
    document.do("show all", set_thresholds(document.edits, 1.0, 1.0))
    drawn = LinksDrawn(document)
    qtbot.addWidget(drawn)
    assert drawn.value.text() == "260 of 2,000"
    steps = len(document.history.past)
    for step in (60, 70, STEPS):
        drawn.slider.setValue(step)
    assert (document.edits.drawn, drawn.value.text()) == (2_000, "all 2,000")
    assert len(document.history.past) == steps + 1
    document.undo()
    assert (document.edits.drawn, drawn.value.text()) == (260, "260 of 2,000")
    qtbot.keyClick(drawn.slider, Qt.Key.Key_Home)
    assert document.edits.drawn == FEWEST


def test_more_and_fewer_stay_between_a_few_and_all() -> None:
    document = Document()
    document.open_graph(random_graph(200, 2_000, 9, 12))
    document.do("show all", set_thresholds(document.edits, 1.0, 1.0))
    for _ in range(6):
        draw_more(document, 2.0)
    assert document.edits.drawn == 2_000
    for _ in range(12):
        draw_more(document, 0.5)
    assert document.edits.drawn == FEWEST


def test_the_canvas_draws_as_many_and_the_legend_says_so(qtbot: QtBot) -> None:
    document = Document()
    canvas = GraphCanvas(document, LIGHT)
    qtbot.addWidget(canvas)
    canvas.resize(1_300, 560)
    canvas.show()
    document.open_graph(random_graph(300, 13_000, 9, 12))
    document.do("show all", set_thresholds(document.edits, 1.0, 1.0))
    total = document.view.links.sum() if document.view is not None else 0

    def said() -> str:
        qtbot.waitUntil(lambda: canvas.is_settled)
        canvas.grab()
        return " | ".join(box.text for box in canvas.text_boxes())

    assert f"260 of {total:,} links" in said()
    assert "many weak links" not in said()
    document.do("draw all", draw_links(document.edits, 1_000_000))
    assert canvas.frame is not None
    assert len(canvas.frame.scene.links) == total
    assert f"all {total:,} links" in said()
    assert "many weak links" in said()
