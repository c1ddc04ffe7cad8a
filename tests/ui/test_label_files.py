"""Labels of features go from one graph of a set of transcoders to another, through a library in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import Graph, NodeKind
from explorer.io import label_file
from explorer.session.edits import Edits, Label, set_label
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.stand_in import StandInEngine


def graph_of(sha: str) -> Graph:
    return replace(random_graph(60, 400, seed=1, n_layers=4, n_pos=5), provenance={"transcoder_sha256": sha})


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    chosen = (str(tmp_path / "labels.json"), "")
    for name in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(f"explorer.ui.files.QFileDialog.{name}", lambda *args: chosen)
    document = Document()
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    document.open_graph(graph_of("a" * 64))
    window.show_workspace()
    return window


def do(window: MainWindow, row: str) -> None:
    window.actions_set.refresh()
    window.actions_set.by_id[row].trigger()


def test_labels_travel_to_another_graph_of_the_transcoders(window: MainWindow, tmp_path: Path) -> None:
    document = window.document
    key = document.graph.key(0)
    assert not window.actions_set.by_id["export_labels"].isEnabled()
    document.do("label", set_label(document.edits, key, "say Austin"))
    do(window, "export_labels")
    document.open_graph(graph_of("a" * 64))
    assert document.edits.labels == {}
    do(window, "import_labels")
    named = {other for other in document.graph.index if (other.layer, other.feature) == (key.layer, key.feature)}
    named = {other for other in named if other.kind == NodeKind.FEATURE}
    assert document.edits.labels == dict.fromkeys(named, Label("say Austin"))
    assert window.status.message.whole == f"“labels.json” names {len(named)} node{'s' * (len(named) != 1)}."
    document.undo()
    assert document.edits.labels == {}


def test_a_library_that_is_there_grows(window: MainWindow, tmp_path: Path) -> None:
    document = window.document
    for node, text in ((0, "first"), (1, "second")):
        document.open_graph(graph_of("a" * 64), set_label(Edits(), document.graph.key(node), text))
        do(window, "export_labels")
    held = label_file.read(tmp_path / "labels.json")
    assert sorted(label.text for label in held.labels.values()) == ["first", "second"]


def test_labels_of_other_transcoders_are_refused_with_a_sentence(window: MainWindow) -> None:
    document = window.document
    document.do("label", set_label(document.edits, document.graph.key(0), "say Austin"))
    do(window, "export_labels")
    document.open_graph(graph_of("b" * 64))
    do(window, "import_labels")
    assert document.edits.labels == {}
    assert "another set of transcoders" in window.banner.present.text


def test_a_file_of_something_else_is_not_written_over(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"mine": 1}')
    document = window.document
    document.do("label", set_label(document.edits, document.graph.key(0), "say Austin"))
    do(window, "export_labels")
    assert (tmp_path / "labels.json").read_text() == '{"mine": 1}'
    assert "no file of labels" in window.banner.present.text
