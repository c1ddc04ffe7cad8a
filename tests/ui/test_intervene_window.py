"""The Intervene dock in its window: menu and keys, folding, and the real engine on the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKind
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder
from explorer.session.edits import intervene
from explorer.session.interventions import Interventions, Row
from explorer.session.outcome import Moved
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import LIGHT
from explorer.ui.widgets.look import px
from explorer.ui.window import MainWindow
from explorer.ui.work import Engine
from tests.graphs import random_graph
from tests.ui.stand_in import MODEL, StandInEngine, prompt

WAIT = 120_000
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def make(qtbot: QtBot) -> Callable[..., MainWindow]:
    def make(settings: Settings | None = None) -> MainWindow:
        document, kept = Document(), []  # type: ignore[var-annotated]
        canvas = GraphCanvas(document, LIGHT)
        window = MainWindow(document, StandInEngine(), canvas, settings or Settings(), kept.append)
        window.kept = kept  # type: ignore[attr-defined]
        qtbot.addWidget(window)
        window.resize(1440, 900)
        window.show()
        qtbot.waitExposed(window)
        document.open_graph(random_graph(60, 400, n_layers=3, n_pos=5))
        document.set_model(MODEL)
        document.set_prompt(prompt())
        window.show_workspace()
        return window

    return make


def test_e_opens_the_dock_with_what_is_selected(qtbot: QtBot, make: Callable[..., MainWindow]) -> None:
    window = make()
    assert window.places.drawer.folded
    assert abs(window.places.drawer.height() - px(30)) <= 1
    window.document.select([0])
    window.activateWindow()
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)
    qtbot.keyClick(window.canvas, Qt.Key.Key_E)
    assert len(window.document.edits.interventions.rows) == 1
    assert window.intervene.isVisible()
    qtbot.waitUntil(lambda: abs(window.places.drawer.height() - px(206)) <= 2)
    window.intervene.rows.fold.click()
    assert window.places.drawer.folded
    window.actions_set.by_id["intervene"].trigger()
    assert window.intervene.rows.rows[0].slider.hasFocus()
    window.close()


def test_the_dock_stays_as_it_was_left(make: Callable[..., MainWindow]) -> None:
    first = make()
    first.actions_set.by_id["intervene"].trigger()
    first.close()
    second = make(first.kept[-1])  # type: ignore[attr-defined]
    assert not second.places.drawer.folded
    second.places.drawer.fold()
    second.close()
    third = make(second.kept[-1])  # type: ignore[attr-defined]
    assert third.places.drawer.folded
    third.actions_set.by_id["toggle_intervene"].trigger()
    assert not third.places.drawer.isVisible()
    third.close()


def test_a_slider_leaves_the_drawing_alone_and_saving_keeps_it(make: Callable[..., MainWindow]) -> None:
    window = make()
    window.document.select([0])
    window.actions_set.by_id["add_selected"].trigger()
    drawn: list[int] = []
    window.document.view_changed.connect(lambda: drawn.append(1))
    window.document.edits_changed.connect(lambda: drawn.append(1))
    window.intervene.edits.change(0, {"value": -1.5}, True)
    assert drawn == []
    assert window.document.view is not None
    assert window.document.view.edits.interventions.rows[0].value == -1.5
    window.close()


def test_the_program_is_written_with_the_rows(
    make: Callable[..., MainWindow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, file = make(), tmp_path / "changes.py"
    window.document.select([0])
    window.actions_set.by_id["add_selected"].trigger()
    monkeypatch.setattr("explorer.ui.files.QFileDialog.getSaveFileName", lambda *args: (str(file), ""))
    window.actions_set.by_id["program"].trigger()
    text = file.read_text()
    compile(text, str(file), "exec")
    assert repr(MODEL.path) in text
    assert '"kind"' in text or "'kind'" in text
    window.close()


def test_features_that_moved_are_marked_on_the_graph_until_a_slider_moves(
    qtbot: QtBot, make: Callable[..., MainWindow]
) -> None:
    window = make()
    graph = window.document.graph
    assert graph is not None
    qtbot.waitUntil(lambda: window.canvas.is_settled)
    before = window.canvas.grab().toImage()
    key = graph.key(0)
    moved = Moved(key.layer, key.pos, key.feature, before=1.0, now=2.0, predicted=1.5)
    window.document.do("add a row", intervene(window.document.edits, Interventions((Row("feature"),))))
    window.intervene.effects.moved = (moved,)
    window.intervene.effects.changed.emit()
    assert window.canvas._rises == {key: True}
    window.intervene.edits.change(0, {"value": 0.5}, True)
    assert window.canvas._rises == {}
    window.canvas.mark_moved({key: True})
    window.places.drawer.fold()
    qtbot.waitUntil(lambda: window.canvas.is_settled and window.canvas.size() == before.size())
    assert window.canvas.grab().toImage() != before
    window.canvas.mark_moved({})
    assert window.canvas.grab().toImage() == before
    window.close()


@pytest.fixture
def sample(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    document = Document()
    engine = Engine(document, log=tmp_path / "engine.log")
    window = MainWindow(document, engine, GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    window.resize(1440, 900)
    window.show()
    engine.start()
    one = SAMPLES[0]
    window.open_model(str(model_folder(one)), str(transcoder_folder(one)), one.prompt)
    qtbot.waitUntil(lambda: document.graph is not None and not engine.job, timeout=WAIT)
    yield window
    engine.close()
    window.close()


@pytest.mark.slow
def test_a_feature_of_the_sample_is_steered_with_the_real_engine(qtbot: QtBot, sample: MainWindow) -> None:
    """A drag ends in what is measured for its last value; continuations, effects and a dose come; a refusal is told."""
    document, dock = sample.document, sample.intervene
    graph, view = document.graph, document.view
    assert graph is not None
    assert view is not None
    features = [node for node in view.shown.nonzero()[0].tolist() if graph.nodes.kind[node] == NodeKind.FEATURE]
    document.select(sorted(features, key=lambda node: -view.influence[node])[:1])
    sample.actions_set.by_id["add_selected"].trigger()
    dock.edits.set_mode("direct")
    slider = dock.rows.rows[0].slider
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, NONE, QPoint(60, 8))
    for x in range(60, 120, 4):
        qtbot.mouseMove(slider, QPoint(x, 8))
        qtbot.wait(5)
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, NONE, QPoint(116, 8))

    def is_measured() -> bool:
        outcome = dock.intervening.outcome
        return outcome is not None and outcome.is_exact and outcome.made == document.edits.interventions

    qtbot.waitUntil(is_measured, timeout=WAIT)
    outcome = dock.intervening.outcome
    assert outcome is not None
    for row in outcome.tokens:
        assert row.now == pytest.approx(row.predicted, abs=1e-5)  # mode direct is the graph's own effect
    qtbot.waitUntil(lambda: dock.continuing.said["with"] is not None and not dock.continuing.is_busy, timeout=WAIT)
    qtbot.waitUntil(lambda: bool(dock.effects.moved), timeout=WAIT)
    assert dock.effects.agreement.rho > 0.99
    dock.dosing.measure(0)
    qtbot.waitUntil(lambda: len(dock.dosing.points) == 25 and not dock.dosing.is_busy, timeout=WAIT)
    dock.edits.put(0, replace(dock.edits.made.rows[0], index=10**6))
    qtbot.waitUntil(lambda: bool(dock.intervening.fault), timeout=WAIT)
    assert dock.answer.words.text().count(".") >= 1
    assert sample.banner.present is None
    document.undo()
    qtbot.waitUntil(is_measured, timeout=WAIT)
    sample.engine.restart()
    qtbot.waitUntil(lambda: sample.engine.state == "ready" and is_measured(), timeout=WAIT)
