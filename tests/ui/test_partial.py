"""What a run has found so far is shown while it goes on, as a part; what was open before is as it was if none comes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import Graph
from explorer.circuits.graph_arrays import from_arrays
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.io.transcoders import circuit_tracer
from explorer.session import edits as edit
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from explorer.ui.work import Engine
from tests import tiny

WAIT = 60_000
SLOW = """
from explorer.engine import progress, server
from tests.engine.jobs_for_tests import JOBS
progress.WORTH = progress.BETWEEN = progress.BY_COST = progress.BY_AGE = 0.0
server.main({**JOBS, "attribute": "tests.engine.jobs_for_tests:slow_attribute"})
"""
OWN, OTHER = [1, 5, 7, 9], [1, 5, 7, 9, 11, 3]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tiny") / "plt"
    circuit_tracer.write(tiny.transcoders(tiny.model("llama"), "plt"), folder, "tiny")
    return {"model": str(tiny.saved("llama")), "transcoders": str(folder)}


def graph_of(folders: dict[str, str], ids: list[int]) -> Graph:
    answer = run_job("attribute", EngineState(), None, token_ids=ids, **folders)
    return from_arrays(answer["head"], answer["arrays"])


@pytest.fixture(scope="module")
def own(folders: dict[str, str]) -> Graph:
    return graph_of(folders, OWN)


@pytest.fixture
def window(
    qtbot: QtBot, tmp_path: Path, folders: dict[str, str], request: pytest.FixtureRequest
) -> Iterator[MainWindow]:
    """With the model open, and an engine that takes its time, or (a parameter) a quick one."""
    command = None if getattr(request, "param", "slow") == "quick" else [sys.executable, "-c", SLOW]
    document = Document()
    engine = Engine(document, command, tmp_path / "engine.log")
    made = MainWindow(document, engine, GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(made)
    made.show()
    engine.start()
    qtbot.waitUntil(lambda: engine.state == "ready", timeout=WAIT)
    engine.open_model(folders["model"], folders["transcoders"])
    until_idle(qtbot, made)
    made.show_workspace()
    yield made
    engine.close()


def until_idle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.engine.state == "ready" and not window.engine.job, timeout=WAIT)
    assert window.document.model is not None


def open_own(window: MainWindow, own: Graph) -> None:
    """A document with a label, a threshold of its own, a selection, and an edit that was undone."""
    document = window.document
    document.open_graph(own, path=Path("own.circuit"))
    document.do("label", edit.set_label(document.edits, own.key(2), "mine"))
    document.do("prune", edit.set_thresholds(document.edits, node=0.95))
    document.do("pin", edit.pin(document.edits, [own.key(3)]))
    document.undo()
    document.select([1, 2])


def state_of(document: Document) -> list[object]:
    """All that a document holds; values are compared by identity."""
    return [
        *(id(held) for held in (document.graph, document.view, document.scores, document.history, document.edits)),
        document.residual,
        document.selection,
        document.path,
        document.is_saved,
    ]


def until_partial(qtbot: QtBot, window: MainWindow, ids: list[int]) -> None:
    window.engine.attribute_tokens(ids)
    qtbot.waitUntil(lambda: window.document.is_partial, timeout=WAIT)


def enabled(window: MainWindow) -> set[str]:
    window.actions_set.refresh()
    return {id for id, action in window.actions_set.by_id.items() if action.isEnabled()}


EDITS = {"save", "save_copy", "export", "export_data", "undo", "redo"}
EDITS |= {"rename", "pin", "hide", "tighter", "looser", "count_bias"}


def test_a_part_is_shown_marked_and_then_the_whole(qtbot: QtBot, window: MainWindow, folders: dict[str, str]) -> None:
    document, area = window.document, window.area
    traced: list[tuple[int, int] | None] = []
    document.graph_changed.connect(lambda: traced.append(document.graph.traced if document.graph else None))
    until_partial(qtbot, window, OTHER)
    done, total = document.graph.traced or (0, 0)
    assert area.note.isVisible()
    assert area.note_words.text() == f"Part of the graph: {done} of {total} features traced so far."
    assert not area.note_back.isVisible()
    assert not area.note_run.isVisible()
    assert document.scores is None
    assert "Part of a graph" in window.status.books.text()
    document.select([0])
    assert not enabled(window) & EDITS
    assert not window.thresholds.nodes.isEnabled()
    assert document.is_saved
    kept = document.graph.key(0)
    with qtbot.waitSignal(window.engine.job_finished, timeout=WAIT):
        pass
    assert not document.is_partial
    assert not area.note.isVisible()
    whole = graph_of(folders, OTHER)
    np.testing.assert_allclose(document.graph.adjacency(), whole.adjacency(), atol=1e-5)
    assert document.graph.traced is None
    assert document.scores is not None
    assert [document.graph.key(node) for node in document.selection] == [kept]
    assert traced[-1] is None
    counts = [done for done, _ in filter(None, traced)]
    assert len(counts) >= 2
    assert counts == sorted(counts)
    assert enabled(window) >= {"save", "export", "pin", "tighter"}


def test_a_run_that_ends_without_a_graph_leaves_all_as_it_was(qtbot: QtBot, window: MainWindow, own: Graph) -> None:
    open_own(window, own)
    document, engine = window.document, window.engine
    before = state_of(document)
    for ids, over in ((OWN, engine.job_cancelled), (OTHER, engine.job_failed)):
        until_partial(qtbot, window, ids)
        assert document.own_graph is own
        assert document.graph is not own
        document.select([0, 4, 5])
        with qtbot.waitSignal(over, timeout=WAIT):
            if ids is OWN:
                engine.cancel()
            else:
                os.kill(engine.pid, signal.SIGKILL)
        assert not document.is_partial
        assert state_of(document) == before
        assert not window.area.note_back.isVisible()
        until_idle(qtbot, window)
    document.redo()
    assert document.edits.pinned == (own.key(3),)


def test_edits_of_a_part_are_refused_and_none_is_lost(qtbot: QtBot, window: MainWindow, own: Graph) -> None:
    open_own(window, own)
    document, page = window.document, window.inspector.node
    document.select([2])
    page.notes.setPlainText("half a thou")
    page.head.edit_label()
    page.head.edit.setText("mine too")
    until_partial(qtbot, window, OWN)
    assert document.view.label(document.graph.index[own.key(2)]) == "mine too"
    assert page.notes.isReadOnly()
    history = document.history
    for attempt in (document.undo, document.redo, lambda: document.go_back_to(0)):
        attempt()
    document.do("hide", edit.hide(document.edits, [document.graph.key(0)]))
    window.thresholds.prune(-1)
    assert document.history is history
    assert "can be edited when the run is done" in window.status.message.whole
    window.area.note_back.click()
    assert document.graph is own
    assert page.notes.toPlainText() == document.edits.notes[own.key(2)] == "half a thou"
    assert not page.notes.isReadOnly()
    shown: list[bool] = []
    document.graph_changed.connect(lambda: shown.append(document.is_partial))
    document.do("hide", edit.hide(document.edits, [own.key(0)]))
    with qtbot.waitSignal(window.engine.job_finished, timeout=WAIT):
        pass
    assert shown == [False]
    assert document.graph is not own
    assert document.edits.labels[own.key(2)].text == "mine too"
    assert own.key(0) in document.edits.hidden


def test_another_document_is_not_covered_by_a_run_that_began_before(
    qtbot: QtBot, window: MainWindow, own: Graph
) -> None:
    until_partial(qtbot, window, OTHER)
    open_own(window, own)
    assert not window.document.is_partial
    shown: list[bool] = []
    window.document.graph_changed.connect(lambda: shown.append(window.document.is_partial))
    with qtbot.waitSignal(window.engine.job_finished, timeout=WAIT):
        pass
    assert shown == [False]


def test_closing_ends_the_run(qtbot: QtBot, window: MainWindow) -> None:
    until_partial(qtbot, window, OTHER)
    with qtbot.waitSignal(window.engine.job_cancelled, timeout=WAIT):
        window.close_document()
    until_idle(qtbot, window)
    assert window.document.graph is None


@pytest.mark.parametrize("window", ["quick"], indirect=True)
def test_of_a_quick_run_no_part_is_shown(qtbot: QtBot, window: MainWindow) -> None:
    shown: list[bool] = []
    window.document.graph_changed.connect(lambda: shown.append(window.document.is_partial))
    with qtbot.waitSignal(window.engine.job_finished, timeout=WAIT):
        window.engine.attribute_tokens(OTHER)
    assert shown == [False]
