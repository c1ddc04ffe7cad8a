"""The validation panel: what it asks for, what it shows of what comes, and what it leaves in the document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKind
from explorer.circuits.graph_arrays import from_arrays
from explorer.io import validation_file as journal
from explorer.session.edits import Edits, pin, set_label
from explorer.session.figure_validation import effects_places, effects_plot
from explorer.session.settings import Settings
from explorer.session.theme import LIGHT
from explorer.session.validation import Question, assemble, question_of, to_message
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.panels.validation import ValidationPanel
from explorer.ui.panels.validation_model import NAME
from explorer.ui.validation_window import ValidationWindow
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.stand_in import MODEL, StandInEngine


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "validations_path", lambda: tmp_path / "validations")


@pytest.fixture
def document() -> Document:
    made = Document()
    graph = random_graph(30, 300)
    made.open_graph(graph, pin(Edits(node_threshold=0.9), [graph.key(0), graph.key(1)]))
    made.set_model(MODEL)
    return made


@pytest.fixture
def engine() -> StandInEngine:
    return StandInEngine()


@pytest.fixture
def panel(qtbot: QtBot, document: Document, engine: StandInEngine) -> ValidationPanel:
    made = ValidationPanel(document, engine)
    qtbot.addWidget(made)
    made.resize(1020, 640)
    made.show()
    return made


def entries(asked: Question, n: int) -> dict[str, dict[str, Any]]:
    """Measurements of the first ``n`` things, growing."""
    found: dict[str, dict[str, Any]] = {"target": {"text": "so", "logit": 5.0, "probability": 0.9, "mass": 10.0}}
    for number, thing in enumerate(asked.things, 1):
        found[f"predicted {thing.id}"] = {"direct": -0.1 * number, "total": -0.2 * number, "linear": -0.3 * number}
        if number <= n:
            moved = {"direct": -0.1 * number, "total": -0.15 * number, "probability": 0.5, "kl": 0.01 * number}
            found[f"measured {thing.id}"] = moved
    return found


def asked_of(engine: StandInEngine) -> Question:
    job, values = engine.asked[-1]
    assert job == "validate"
    return question_of(values["question"])


def finish(panel: ValidationPanel, document: Document, engine: StandInEngine, n: int) -> Question:
    """A run that measured ``n`` things and ended."""
    panel.start()
    asked = asked_of(engine)
    graph = document.own_graph
    assert graph is not None
    journal.append(journal.journal_path(graph, asked.factor, asked.mode, MODEL.dtype), entries(asked, n))
    engine.job_finished.emit("validate")
    return asked


def test_it_asks_for_what_the_controls_say(panel: ValidationPanel, document: Document, engine: StandInEngine) -> None:
    panel.scope.setCurrentIndex(panel.scope.findData("pinned"))
    panel.factor.setValue(-1.0)
    panel.mode.setCurrentIndex(1)
    panel.run.click()
    asked, values = asked_of(engine), engine.asked[-1][1]
    assert [thing.members for thing in asked.things] == [(key,) for key in document.edits.pinned]
    assert (asked.factor, asked.mode, asked.is_pinned) == (-1.0, "free", True)
    assert from_arrays(values["head"], values["arrays"]).n_edges == document.own_graph.n_edges  # type: ignore[union-attr]
    assert not panel.run.isEnabled()
    assert panel.stop.isEnabled()
    assert not panel.factor.isEnabled()


def test_progress_and_partial_results_are_shown_and_stop_cancels(
    panel: ValidationPanel, document: Document, engine: StandInEngine
) -> None:
    panel.start()
    asked = asked_of(engine)
    engine.progress.emit("validate", 3, 20, "Measuring effects", 4.0)
    assert panel.words.text() == "Measuring effects, 3 of 20, 4 s left"
    engine.found.emit("validate", to_message(assemble(asked, {}, entries(asked, 2))))
    assert panel.model.rowCount() == len(asked.things)
    assert "2 of" in panel.said.text()
    engine.job = "validate"
    panel.stop.click()
    assert engine.asked[-1] == ("cancel",)
    engine.job_cancelled.emit("validate")
    assert panel.run.isEnabled()
    assert "tested" not in {label.status for label in document.edits.labels.values()}


def test_what_was_measured_gets_the_status_tested_in_one_step_that_can_be_undone(
    panel: ValidationPanel, document: Document, engine: StandInEngine
) -> None:
    graph = document.own_graph
    assert graph is not None
    named = document.view.graph.key(0)  # type: ignore[union-attr]
    document.do("label a node", set_label(document.edits, named, "mine"))
    asked = finish(panel, document, engine, 3)
    labels = document.edits.labels
    assert {key for key, label in labels.items() if label.status == "tested"} == {
        thing.members[0] for thing in asked.things[:3]
    }
    assert labels[named].text == "mine"
    assert document.history.undo_text == "mark tested nodes"
    document.undo()
    assert document.edits.labels[named].status == "human"


def test_what_was_measured_is_there_again_without_an_engine_and_is_resumed(
    qtbot: QtBot, panel: ValidationPanel, document: Document, engine: StandInEngine
) -> None:
    asked = finish(panel, document, engine, 3)
    other = ValidationPanel(document, StandInEngine())
    qtbot.addWidget(other)
    assert other.words.text() == f"3 of {len(asked.things)} measured."
    assert other.run.text() == "Resume"
    other.factor.setValue(2.0)
    assert other.words.text() == f"0 of {len(asked.things)} measured."
    other.factor.setValue(1.0)
    assert "choose another factor" in other.words.text()
    assert not other.run.isEnabled()


def test_a_click_on_a_mark_or_a_row_selects_the_node(
    qtbot: QtBot, panel: ValidationPanel, document: Document, engine: StandInEngine
) -> None:
    asked = finish(panel, document, engine, 5)
    assert panel.found is not None
    graph = document.graph
    assert graph is not None
    places = effects_places(panel.found, effects_plot(panel.found, *panel.scatter.size_of_figure))
    x, y = places[1].tolist()
    qtbot.mouseClick(panel.scatter, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    assert document.current == graph.index[asked.things[1].members[0]]
    assert panel.model.effect(panel.table.currentIndex().row()).key == asked.things[1].key
    panel.table.setFocus()
    panel.table.setCurrentIndex(panel.model.index(0, 0))
    assert document.current == graph.index[asked.things[4].members[0]]  # sorted by what was measured, largest first


def test_columns_sort_with_what_is_not_measured_last(
    panel: ValidationPanel, document: Document, engine: StandInEngine
) -> None:
    asked = finish(panel, document, engine, 4)
    model = panel.model
    for order in (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder):
        model.sort(5, order)
        sizes = [abs(model.effect(row).measured_total) for row in range(model.rowCount())]
        assert not np.isnan(sizes[:4]).any()
        assert np.isnan(sizes[4:]).all()
        assert sizes[:4] == sorted(sizes[:4], reverse=order == Qt.SortOrder.DescendingOrder)
    model.sort(NAME, Qt.SortOrder.AscendingOrder)
    names = [model.data(model.index(row, 0)) for row in range(model.rowCount())]
    assert names == sorted(names, key=lambda text: str(text).casefold())
    assert len(names) == len(asked.things)


def test_another_graph_ends_the_run_and_its_late_results_are_not_shown(
    panel: ValidationPanel, document: Document, engine: StandInEngine
) -> None:
    panel.start()
    asked = asked_of(engine)
    engine.job = "validate"
    document.open_graph(random_graph(30, 300, seed=5), Edits())
    assert ("cancel",) in engine.asked
    engine.found.emit("validate", to_message(assemble(asked, {}, entries(asked, 2))))
    assert panel.found is not None
    assert panel.found.measured == ()
    engine.job_cancelled.emit("validate")
    assert document.edits.labels == {}


def test_without_graph_or_model_it_says_what_to_do(qtbot: QtBot, document: Document) -> None:
    document.set_model(None)
    panel = ValidationPanel(document, StandInEngine())
    qtbot.addWidget(panel)
    assert panel.words.text().endswith("Open its model to measure.")
    assert not panel.run.isEnabled()
    document.open_graph(None)
    assert panel.words.text() == "Run a prompt, or open a graph and its model, to test it."
    assert panel.model.rowCount() == 0


def test_edits_change_what_is_asked(panel: ValidationPanel, document: Document) -> None:
    panel.scope.setCurrentIndex(panel.scope.findData("pinned"))
    before = panel.model.rowCount()
    graph = document.own_graph
    assert graph is not None
    document.do("pin a node", pin(document.edits, [graph.key(2)]))
    assert panel.model.rowCount() == before + 1
    document.do("note", replace(document.edits, note="x"))
    assert panel.model.rowCount() == before + 1
    assert graph.key(2).kind == NodeKind.FEATURE


def test_exports_are_offered_for_what_is_there(
    qtbot: QtBot, panel: ValidationPanel, document: Document, engine: StandInEngine
) -> None:
    assert not any(button.isEnabled() for button in panel.exports.values())
    finish(panel, document, engine, 2)
    assert [panel.exports[what].isEnabled() for what in ("table", "figure", "layers")] == [True, True, False]
    with qtbot.waitSignal(panel.export_asked) as asked:
        panel.exports["figure"].click()
    assert asked.args == ["figure"]


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    document = Document()
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    graph = random_graph(30, 300)
    document.open_graph(graph, pin(Edits(node_threshold=0.9), [graph.key(0), graph.key(1)]))
    document.set_model(MODEL)
    window.show_workspace()
    window.show()
    return window


def test_the_action_opens_one_window_which_writes_files_and_stops_the_run_when_it_closes(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        window.actions_set.by_id["validate"].trigger()
    (opened,) = window.findChildren(ValidationWindow)
    finish(opened.panel, window.document, window.engine, 4)
    for what, name in (("table", "a.csv"), ("figure", "a.svg"), ("figure", "a.png")):
        monkeypatch.setattr(
            "explorer.ui.files.QFileDialog.getSaveFileName", lambda *args, name=name: (str(tmp_path / name), "")
        )
        opened.panel.exports[what].click()
        assert window.status.message.whole == f"Exported “{name}”."
    assert (tmp_path / "a.csv").read_text().startswith("key,label,members")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    assert (tmp_path / "a.png").stat().st_size > 1000
    window.engine.job = "validate"
    opened.reject()
    assert window.engine.asked[-1] == ("cancel",)
    qtbot.waitUntil(lambda: not window.findChildren(ValidationWindow))
