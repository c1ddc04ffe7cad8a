"""The engine as the window sees it: results reach the document, and the engine's death costs nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Event

import pytest

from explorer.circuits.scores import worst_residual
from explorer.io.transcoders import circuit_tracer
from explorer.session import edits as edit
from explorer.session.prompt import Prompt
from explorer.ui import work
from explorer.ui.document import Document
from explorer.ui.work import Engine
from tests import tiny

WAIT = 60_000


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tiny") / "plt"
    circuit_tracer.write(tiny.transcoders(tiny.model("llama"), "plt"), folder, "tiny")
    return str(tiny.saved("llama")), str(folder)


@pytest.fixture
def engine(qtbot, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(Document(), log=tmp_path / "engine.log")
    made.start()
    qtbot.waitUntil(lambda: made.state == "ready", timeout=WAIT)
    yield made
    made.close()


def opened(qtbot, engine: Engine, folders: tuple[str, str]) -> None:
    with qtbot.waitSignal(engine._document.model_changed, timeout=WAIT):
        engine.open_model(*folders)


def attributed(qtbot, engine: Engine, ids: list[int]) -> None:
    with qtbot.waitSignal(engine._document.graph_changed, timeout=WAIT):
        engine.attribute_tokens(ids)


def test_a_model_and_a_graph_reach_the_document(qtbot, engine: Engine, folders: tuple[str, str]) -> None:
    opened(qtbot, engine, folders)
    document = engine._document
    assert document.model.n_layers == 3
    attributed(qtbot, engine, [1, 5, 7, 9])
    assert document.graph.token_ids.tolist() == [1, 5, 7, 9]
    assert worst_residual(document.graph) < 1e-5
    assert engine.job == ""


def test_another_setting_opens_the_model_anew_and_says_so(qtbot, engine: Engine, folders: tuple[str, str]) -> None:
    opened(qtbot, engine, folders)
    with qtbot.waitSignal(engine._document.model_changed, timeout=WAIT):
        engine.set_setting("cpu", "float64", 1)
    model = engine._document.model
    assert (model.dtype, model.transcoder_path) == ("float64", folders[1])


def test_an_answer_for_a_prompt_that_was_left_comes_too_late(tmp_path: Path) -> None:
    document = Document()
    engine = Engine(document, log=tmp_path / "engine.log")
    answer = {"text": "typed", "token_ids": [1], "tokens": ["typed"], "n_special": 0, "candidates": []}
    engine._text = "typed"
    document.set_prompt(Prompt("of the graph that was opened meanwhile"))
    engine._take_prompt(answer)
    assert document.prompt.text == "of the graph that was opened meanwhile"
    engine._text = "typed"
    engine._take_prompt(answer)
    assert document.prompt.tokens == ("typed",)
    engine.close()


def test_a_graph_that_cannot_be_shown_ends_its_job_and_is_told(tmp_path: Path) -> None:
    engine, looking, told = Engine(Document(), log=tmp_path / "engine.log"), Future(), []
    engine.job_failed.connect(lambda job, sentence, _details: told.append((job, sentence)))
    engine._jobs[1], engine._newest = "attribute", (1, looking)
    looking.set_exception(ValueError("it is no graph"))
    with pytest.raises(ValueError, match="no graph"):
        engine._show((1, looking))
    assert told == [("attribute", "The graph that was computed cannot be shown: it is no graph")]
    assert engine.job == ""
    engine.close()


def test_a_fault_is_one_sentence_and_changes_nothing(qtbot, engine: Engine, folders: tuple[str, str]) -> None:
    opened(qtbot, engine, folders)
    attributed(qtbot, engine, [1, 5, 7])
    before = engine._document.graph
    with qtbot.waitSignal(engine.job_failed, timeout=WAIT) as failed:
        engine.open_model("/nowhere")
    job, sentence, details = failed.args
    assert (job, details) == ("open", "")
    assert "/nowhere" in sentence
    assert engine._document.graph is before
    assert engine._document.model is not None


def test_what_the_files_do_not_say_is_asked_once(
    qtbot, engine: Engine, folders: tuple[str, str], tmp_path: Path
) -> None:
    model, folder = folders[0], Path(shutil.copytree(folders[1], tmp_path / "plt"))
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("feature_output_hook:", "# "))
    with qtbot.waitSignal(engine.unsaid, timeout=WAIT) as asked:
        engine.open_model(model, str(folder))
    assert (asked.args[0].path, asked.args[0].name) == (str(folder), "write")
    assert engine.job == ""
    assert engine._document.model is None
    with qtbot.waitSignal(engine._document.model_changed, timeout=WAIT):
        engine.answer("write", asked.args[0].choices[0])
    assert engine._document.model.transcoder_path == str(folder)
    (folder / "other").touch()  # read anew, with what was said before
    (folder / "other").unlink()
    with qtbot.waitSignal(engine.job_finished, timeout=WAIT):
        engine.open_model(model, str(folder))


def test_a_graph_that_is_only_looked_at_yet_can_be_cancelled(
    qtbot, engine: Engine, folders: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(qtbot, engine, folders)
    attributed(qtbot, engine, [1, 5, 7])
    before, may_end, first_look = engine._document.graph, Event(), work.first_look

    def slow(*values: object) -> object:
        assert may_end.wait(WAIT / 1000)
        return first_look(*values)

    monkeypatch.setattr(work, "first_look", slow)
    engine.attribute_tokens([1, 9, 8, 7])
    qtbot.waitUntil(lambda: engine._newest is not None, timeout=WAIT)
    with qtbot.waitSignal(engine.job_cancelled, timeout=WAIT) as cancelled:
        engine.cancel("attribute")
    assert (cancelled.args, engine.job) == (["attribute"], "")
    may_end.set()
    monkeypatch.undo()
    attributed(qtbot, engine, [1, 5, 7, 9])
    assert before is not engine._document.graph
    assert engine._document.graph.token_ids.tolist() == [1, 5, 7, 9]


def test_without_a_model_a_run_says_so(qtbot, engine: Engine) -> None:
    with qtbot.waitSignal(engine.job_failed, timeout=WAIT) as failed:
        engine.attribute()
    assert "No model is open" in failed.args[1]


@pytest.mark.slow  # test_engine_death has it under the real window
@pytest.mark.parametrize("deaths", [1, 20])
def test_killing_the_engine_at_random_moments_costs_nothing(
    qtbot, engine: Engine, folders: tuple[str, str], deaths: int
) -> None:
    opened(qtbot, engine, folders)
    document = engine._document
    attributed(qtbot, engine, [1, 5, 7, 9])
    document.do("pin", edit.pin(document.edits, [document.graph.key(0)]))
    graph, edits = document.graph, document.edits
    moments = random.Random(0)
    told: list[str] = []
    engine.died.connect(lambda sentence, _details: told.append(sentence))
    for _ in range(deaths):
        engine.attribute_tokens([1, 5, 7, 9])
        qtbot.wait(moments.randrange(0, 25))
        pid, seen = engine.pid, len(told)
        os.kill(pid, signal.SIGKILL)
        qtbot.waitUntil(lambda seen=seen: len(told) == seen + 1, timeout=WAIT)
        assert document.edits == edits
        if engine.state == "failing":
            engine.restart()
        qtbot.waitUntil(lambda: engine.state == "ready" and not engine.job, timeout=WAIT)
        attributed(qtbot, engine, [1, 5, 7, 9])
        assert len(document.graph) == len(graph)
    assert told == [told[0]] * deaths
    assert document.edits == edits
