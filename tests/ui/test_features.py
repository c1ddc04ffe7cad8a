"""A model without transcoders: its own neurons are offered, run with, and remembered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from explorer.io import settings_file
from explorer.session.edits import Edits
from explorer.session.look import look
from explorer.session.model_info import with_neurons
from explorer.session.settings import Recent, Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.panels.prompt import about_transcoders
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from explorer.ui.work import Engine
from tests import tiny
from tests.graphs import random_graph
from tests.ui.stand_in import MODEL, StandInEngine

BARE = replace(MODEL, transcoder_kind="", transcoder_name="", transcoder_path="", d_transcoder=0)


@pytest.fixture
def window(qtbot: QtBot) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(made)
    made.show()
    return made


def answer(window: MainWindow, text: str) -> QPushButton:
    return next(button for button in window.banner.findChildren(QPushButton) if button.text() == text)


def test_neurons_are_offered_in_one_sentence(qtbot: QtBot, window: MainWindow) -> None:
    window.open_model(BARE.path)
    window.document.set_model(BARE)
    window.engine.end("open")
    words = window.banner.words.text()
    assert words == "“tiny” has no transcoders yet: choose some, or take its own MLP neurons as features."
    assert window.settings.recent[0] == replace(window.settings.recent[0], path=BARE.path, size="model", features="")
    qtbot.mouseClick(answer(window, "Use its neurons"), Qt.MouseButton.LeftButton)
    assert window.engine.asked[-1] == ("neurons",)
    assert window.banner.present is None


def test_a_model_with_transcoders_is_not_asked(window: MainWindow) -> None:
    window.document.set_model(MODEL)
    window.engine.end("open")
    assert window.banner.present is None
    assert window.settings.recent[0].features == MODEL.transcoder_path


def test_the_prompt_bar_says_what_the_features_are() -> None:
    assert about_transcoders(BARE) == "no transcoders · float32"
    assert about_transcoders(with_neurons(BARE)) == "its own MLP neurons · float32"


def test_a_recent_model_opens_with_its_features(window: MainWindow, tmp_path: Path) -> None:
    model, transcoders = tmp_path / "model", tmp_path / "plt"
    model.mkdir()
    transcoders.mkdir()
    for features, asked in (("neurons", ("", "neurons")), (str(transcoders), (str(transcoders),))):
        recent = Recent(str(model), "2026-11-24T10:00:00+00:00", features=features)
        window.change_settings(replace(window.settings, recent=(recent,)))
        window.features.open_recent(str(model))
        assert window.engine.asked[-1] == ("open", str(model), *asked)


def test_the_features_of_a_recent_model_are_kept(tmp_path: Path) -> None:
    settings = Settings(recent=(Recent("a", "now", features="neurons"),))
    settings_file.write(settings, tmp_path / "settings.json")
    assert settings_file.read(tmp_path / "settings.json") == settings


def test_the_model_of_a_graph_of_neurons_is_opened_with_them(window: MainWindow, tmp_path: Path) -> None:
    graph = replace(random_graph(40, 200, n_layers=3, n_pos=5), provenance={"transcoder_kind": "neurons"})
    window.show_graph(look(graph, Edits()), None, tmp_path / "a.json")
    window.open_model("somewhere")
    assert window.engine.asked[-1] == ("open", "somewhere", "", "neurons")


@pytest.fixture
def engine(qtbot: QtBot, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(Document(), log=tmp_path / "engine.log")
    made.start()
    qtbot.waitUntil(lambda: made.state == "ready", timeout=120_000)
    yield made
    made.close()


def test_a_run_with_neurons_says_so_in_its_document(qtbot: QtBot, engine: Engine) -> None:
    document = engine._document
    with qtbot.waitSignal(document.model_changed, timeout=120_000):
        engine.open_model(str(tiny.saved("llama")))
    engine.use_neurons()
    with qtbot.waitSignal(document.graph_changed, timeout=120_000):
        engine.attribute_tokens([1, 5, 7])
    assert document.own_graph.provenance["transcoder_kind"] == "neurons"
    with qtbot.waitSignal(document.model_changed, timeout=120_000):
        engine.open_model(str(tiny.saved("llama")), neurons=True)
    assert document.model.has_neurons
