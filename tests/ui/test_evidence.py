"""Evidence in the window: the index is found by itself, the panel shows it, and what it offers is undoable or asked."""

from __future__ import annotations

import gc
import inspect
import json
import shutil
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QEventLoop, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import Graph, NodeKind
from explorer.engine.child import STOPPED
from explorer.engine.events import Failed, Result
from explorer.engine.jobs import find
from explorer.features.labels import Rule, with_told
from explorer.io import feature_labels
from explorer.io.feature_index import FeatureIndex, open_index
from explorer.io.feature_labels import Labels
from explorer.io.feature_places import beside
from explorer.io.samples import SAMPLES, transcoder_folder
from explorer.session.edits import set_label, set_rules
from explorer.session.model_info import NEURONS
from explorer.session.query import matches, parse
from explorer.session.rules import Rules
from explorer.session.settings import Settings
from explorer.session.theme import THEMES
from explorer.session.view import HiddenBy
from explorer.ui import theme as themes
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.evidence import JOB, KEY, TELL
from explorer.ui.evidence_index import EvidenceIndex
from explorer.ui.feature_answer import OTHERS
from explorer.ui.panels.evidence import NONE, OF_NEURONS, EvidencePanel
from explorer.ui.panels.evidence_dialog import EvidenceDialog
from explorer.ui.panels.inspector import InspectorPanel
from explorer.ui.theme import LIGHT
from explorer.ui.widgets.chrome import dress
from explorer.ui.widgets.look import px
from explorer.ui.window import MainWindow
from explorer.ui.work import Engine
from tests.graphs import random_graph
from tests.ui.stand_in import MODEL, StandInEngine
from tests.ui.text_boxes import faults, texts

SHIPPED = beside(transcoder_folder(SAMPLES[0]))


@pytest.fixture(scope="module")
def index() -> FeatureIndex:
    return open_index(SHIPPED)


@pytest.fixture(scope="module")
def sha(index: FeatureIndex) -> str:
    return str(index.head["transcoders"]["sha256"])


def graph_of(sha: str, index: FeatureIndex | None = None) -> Graph:
    """A made-up graph of a set of transcoders; its features are those that the index has seen, each at two nodes."""
    graph = random_graph(60, 400, seed=3, n_layers=3, n_pos=6)
    features = graph.nodes.feature.copy()
    block = graph.block(NodeKind.FEATURE)
    for layer in range(3) if index is not None else ():
        alive = np.flatnonzero(index.layer(layer).all("row") >= 0)
        rows = np.flatnonzero((graph.nodes.layer == layer) & (np.arange(len(graph)) < block.stop))
        by_pos = {pos: at for at, pos in enumerate(sorted(set(graph.nodes.pos[rows].tolist())))}
        at_pos = dict.fromkeys(by_pos, 0)
        for row in rows:
            pos = int(graph.nodes.pos[row])
            features[row] = alive[at_pos[pos]]
            at_pos[pos] += 1
    nodes = replace(graph.nodes, feature=features)
    return replace(graph, nodes=nodes, provenance={"transcoder_sha256": sha})


class Shown:
    """The inspector of a graph's strongest feature, and an engine that answers when it is told to."""

    def __init__(self, qtbot: QtBot, graph: Graph) -> None:
        self.document, self.engine = Document(), StandInEngine()
        self._build(qtbot)
        self.document.set_model(MODEL)
        self.document.open_graph(graph)
        self.come()
        self.node = int(np.argmax(self.document.view.influence[: graph.block(NodeKind.FEATURE).stop]))
        self.document.select([self.node])
        self.come()

    def _build(self, qtbot: QtBot) -> None:
        self.inspector = InspectorPanel(self.document)
        self.index = EvidenceIndex(self.document, dict)
        self.panel = EvidencePanel(self.document, self.engine, self.index)
        self.inspector.node.evidence.addWidget(self.panel)
        qtbot.addWidget(self.inspector)
        self.inspector.resize(px(340), 700)
        self.inspector.show()

    @property
    def feature(self) -> tuple[int, int]:
        key = self.document.graph.key(self.node)
        return key.layer, key.feature

    def come(self) -> None:
        """Let timers of no length and layouts have their turn."""
        for _ in range(3):
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def asked(self) -> list[dict[str, Any]]:
        return [values for name, *rest in self.engine.asked if name == "feature" for values in rest]

    def answer(self, sha: str, **more: Any) -> None:
        """To the newest question."""
        number = max(at for at, one in enumerate(self.engine.asked, 1) if one[0] == "feature")
        self.engine.answered.emit(Result(number, "feature", {**ANSWER, "transcoder_sha256": sha, **more}))


class ShownWindow(Shown):
    """The same in the window."""

    def __init__(self, qtbot: QtBot, graph: Graph, settings: Settings | None = None) -> None:
        self.kept: list[Settings] = [settings or Settings()]
        super().__init__(qtbot, graph)

    def _build(self, qtbot: QtBot) -> None:
        canvas = GraphCanvas(self.document, LIGHT)
        self.window = MainWindow(self.document, self.engine, canvas, self.kept[-1], self.kept.append)
        qtbot.addWidget(self.window)
        self.window.show()
        self.window.show_workspace()
        self.inspector, self.index = self.window.inspector, self.window.evidence.index
        self.panel = self.window.evidence.panel


def word(text: str, value: float) -> dict[str, Any]:
    return {"token_id": 5, "text": text, "value": value}


ANSWER = {
    "similar": [{"feature": 700, "cosine": 0.5}],
    "logits": [
        {"target": "all", "top": [word(" Austin", 2.0)], "bottom": [word(" Boston", -1.0)]},
        {"target": 1, "top": [word(" Reno", 3.0)], "bottom": []},
    ],
}


@pytest.fixture
def shown(qtbot: QtBot, index: FeatureIndex, sha: str) -> Shown:
    return Shown(qtbot, graph_of(sha, index))


# the index and its names


def test_the_shipped_index_opens_by_itself_and_names_features(shown: Shown, index: FeatureIndex) -> None:
    assert shown.index.index.folder == SHIPPED
    name = Labels(index).record(*shown.feature)["text"]
    view = shown.document.view
    assert view.label(shown.node) == name
    assert matches(parse(f'"{name[:8]}"'), view)[shown.node]
    assert shown.inspector.node.head.title.whole == name
    assert shown.inspector.node.head.status.text() == "label: auto"
    assert dict(shown.document.edits.labels) == {}  # nothing is written
    assert shown.document.is_saved


def test_names_stay_through_edits_and_a_persons_label_wins(shown: Shown) -> None:
    key = shown.document.graph.key(shown.node)
    shown.document.do("label a node", set_label(shown.document.edits, key, "mine"))
    view = shown.document.view
    assert view.label(shown.node) == "mine"
    other = next(node for node in range(10) if node != shown.node)
    assert view.label(other) == view.named[view.graph.key(other)]
    assert not shown.panel.label.take.isEnabled()


def test_an_index_of_other_transcoders_is_refused_in_one_sentence(qtbot: QtBot) -> None:
    shown = ShownWindow(qtbot, graph_of("0" * 64))
    shown.window.evidence.use(str(SHIPPED))
    assert shown.window.banner.holds(KEY)
    text = shown.window.banner.present.text
    assert text.count(".") == 1
    assert "other transcoders" in text
    assert shown.index.index is None


def test_a_folder_is_remembered_for_its_transcoders(qtbot: QtBot, tmp_path: Path) -> None:
    other = copied(tmp_path / "other", "1" * 64)
    shown = ShownWindow(qtbot, graph_of("1" * 64))
    assert shown.index.index is None
    assert shown.panel.none.text() == NONE
    shown.window.evidence.use(str(other))
    assert shown.index.index.folder == other
    again = ShownWindow(qtbot, graph_of("1" * 64), shown.kept[-1])
    assert again.index.index.folder == other


def test_a_remembered_folder_that_is_gone_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    shown = ShownWindow(qtbot, graph_of("1" * 64), Settings(evidence={"1" * 64: str(tmp_path / "gone")}))
    assert "gone" in shown.panel.none.text()
    assert shown.panel.search.isVisible()


def test_an_index_that_is_damaged_is_told_in_the_panel(qtbot: QtBot, tmp_path: Path) -> None:
    other = copied(tmp_path / "other", "1" * 64)
    for layer in range(3):
        (other / f"layer_{layer}.safetensors").write_bytes(b"not one")
    shown = ShownWindow(qtbot, graph_of("1" * 64), Settings(evidence={"1" * 64: str(other)}))
    assert "layer_" in shown.panel.none.text()
    assert shown.panel.search.isVisible()
    assert not shown.panel.copy.isEnabled()


def test_an_index_is_made_of_chosen_text_and_then_shown(qtbot: QtBot, tmp_path: Path) -> None:
    shown = ShownWindow(qtbot, graph_of("2" * 64))
    qtbot.mouseClick(shown.panel.search, Qt.MouseButton.LeftButton)
    dialog = shown.window.findChild(EvidenceDialog)
    assert not dialog.ok.isEnabled()
    dialog.add_texts(["/texts/one.txt", "/texts/two.jsonl", "/texts/one.txt"])
    dialog.output.setText(str(tmp_path / "made"))
    dialog.limit.setValue(5000)
    dialog.ok.click()
    made = {"texts": ["/texts/one.txt", "/texts/two.jsonl"], "output": str(tmp_path / "made")}
    assert shown.engine.asked[-1] == (JOB, {**made, "limit": 5000, "context": 0, "lines": False})
    copied(tmp_path / "made", "2" * 64)
    shown.engine.found.emit(JOB, {"active_features": 3, "features": 9, "n_tokens": 5000, "notes": []})
    assert shown.index.index.folder == tmp_path / "made"
    assert "3 of 9 features" in shown.window.status.message.whole


def test_an_index_that_was_cancelled_or_lost_with_the_engine_goes_on_from_a_notice(
    qtbot: QtBot, tmp_path: Path
) -> None:
    shown = ShownWindow(qtbot, graph_of("2" * 64))
    window, values = shown.window, {"texts": ["/texts/one.txt"], "output": str(tmp_path / "made")}
    window.evidence.make(values)
    shown.engine.job_cancelled.emit(JOB)
    assert "is kept" in window.status.message.whole
    for times in (2, 3):
        assert "“made” is not finished" in window.banner.words.text()
        next(button for button in window.banner.findChildren(QPushButton) if button.text() == "Go on").click()
        assert shown.engine.asked.count((JOB, values)) == times
        assert window.banner.present is None
        shown.engine.job_failed.emit(JOB, STOPPED, "")
        shown.engine.died.emit("It ended", "")
        shown.engine.job_started.emit("open")
        shown.engine.state_changed.emit("ready")
    next(button for button in window.banner.findChildren(QPushButton) if button.text() == "Go on").click()
    shown.engine.job_failed.emit(JOB, "The text is empty.", "")
    shown.engine.died.emit("It ended", "")
    shown.engine.state_changed.emit("ready")
    assert "not finished" not in window.banner.words.text()


def test_a_folder_is_remembered_from_where_it_is(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    dialog = EvidenceDialog("", "", "here/index", "")
    qtbot.addWidget(dialog)
    assert dialog.values["output"] == str(tmp_path / "here" / "index")


def test_a_language_model_is_asked_for_labels_of_the_graphs_features(
    qtbot: QtBot, tmp_path: Path, index: FeatureIndex
) -> None:
    other = copied(tmp_path / "other", "4" * 64)
    shown = ShownWindow(qtbot, graph_of("4" * 64, index), Settings(evidence={"4" * 64: str(other)}))
    shown.window.actions_set.by_id["evidence"].trigger()
    dialog = shown.window.findChild(EvidenceDialog)
    assert not dialog.tell.isEnabled()
    dialog.language_model.setText("/models/small")
    graph = shown.document.graph
    keys = [graph.key(node) for node in range(graph.block(NodeKind.FEATURE).stop)]
    features = {(key.layer, key.feature) for key in keys}
    assert f"{len(features)} features" in dialog.telling.text()
    dialog.tell.click()
    name, values = shown.engine.asked[-1]
    assert (name, values["index"], values["language_model"]) == (TELL, str(other), "/models/small")
    layer, feature = shown.feature
    assert [layer, feature] in values["features"]
    assert len(values["features"]) == len(features)
    labels = Labels(open_index(other))
    records = labels.records(layer)
    row = labels.index.row(layer, feature)
    told = Rule("model", "what a model said", "by “small” from 3 examples", {}, 1.0, 1.0)
    records[row] = with_told(records[row], told)
    feature_labels.write(other, layer, records)
    shown.engine.found.emit(TELL, {"asked": 40, "best": 1, "language_model": "small"})
    shown.come()
    assert "at 1 its label scores best" in shown.window.status.message.whole
    assert shown.panel.label.text.text().startswith("what a model said")
    assert "by a language model" in shown.panel.labels.caption.whole
    assert "by “small” from 3 examples" in shown.panel.label.rules.text()
    shown.engine.job_cancelled.emit(TELL)
    assert "are kept" in shown.window.status.message.whole


def test_without_a_model_the_dialog_says_what_is_missing(qtbot: QtBot) -> None:
    shown = ShownWindow(qtbot, graph_of("3" * 64))
    shown.document.set_model(None)
    shown.window.actions_set.by_id["evidence"].trigger()
    dialog = shown.window.findChild(EvidenceDialog)
    dialog.add_texts(["/texts/one.txt"])
    assert not dialog.ok.isEnabled()
    assert "Open a model" in dialog.words.text()


@pytest.mark.parametrize("job", ["feature", JOB, TELL])
def test_the_jobs_take_what_the_window_says_with_every_job(job: str) -> None:
    taken = inspect.signature(find(job)).parameters
    assert {"model", "transcoders", "neurons", "device", "dtype", "threads"} <= set(taken)


def copied(folder: Path, sha: str) -> Path:
    """The shipped index as if it were of other transcoders."""
    shutil.copytree(SHIPPED, folder)
    head = json.loads((folder / "index.json").read_bytes())
    head["transcoders"]["sha256"] = sha
    (folder / "index.json").write_text(json.dumps(head))
    return folder


# the panel


def test_the_panel_shows_what_the_index_holds(shown: Shown, index: FeatureIndex) -> None:
    panel, held = shown.panel, index.evidence(*shown.feature)
    assert panel.isVisible()
    assert panel.found.top == held.top
    assert panel.examples.isVisible()
    peak = held.top[0].tokens[held.top[0].peak].strip()
    assert f"at {peak}" in panel.examples.accessibleDescription()
    assert f"{100 * held.frequency:.2g} %" in panel.active.caption.whole
    assert held.top_logits[0].text.strip() in panel.logits.accessibleDescription()
    assert panel.label.text.text() == Labels(index).record(*shown.feature)["text"]
    assert "AUC" in panel.label.rules.text()


def test_bands_are_chosen_and_the_next_feature_begins_with_the_strongest(shown: Shown) -> None:
    panel = shown.panel
    assert panel.band.itemText(0) == "Strongest"
    panel.band.setCurrentIndex(1)
    band = panel.found.bands[0]
    assert f"at {band.examples[0].tokens[band.examples[0].peak].strip()}" in panel.examples.accessibleDescription()
    shown.document.select([next(node for node in range(10) if node != shown.node)])
    assert panel.band.currentIndex() == 0


def test_only_a_single_feature_has_evidence(shown: Shown) -> None:
    error = shown.document.graph.block(NodeKind.ERROR).start
    for nodes in ([error], [shown.node, error], []):
        shown.document.select(nodes)
        assert not shown.panel.isVisible()
    shown.document.select([shown.node])
    assert shown.panel.isVisible()


def test_neurons_have_no_evidence_to_look_for(qtbot: QtBot) -> None:
    graph = graph_of("4" * 64)
    shown = Shown(qtbot, replace(graph, provenance={**graph.provenance, "transcoder_kind": NEURONS}))
    assert shown.panel.none.text() == OF_NEURONS
    assert not shown.panel.search.isVisible()


def test_a_text_of_ones_own_is_tested_live_and_the_newest_wins(qtbot: QtBot, shown: Shown, sha: str) -> None:
    panel = shown.panel
    layer, feature = shown.feature
    assert shown.asked() == [{"layer": layer, "feature": feature, "text": "", "n": 10}]
    shown.answer(sha)
    qtbot.keyClicks(panel.test, "in Texas")
    qtbot.waitUntil(lambda: len(shown.asked()) == 2)  # one question, not one for each letter
    assert shown.asked()[1]["text"] == "in Texas"
    shown.answer(sha, test={"tokens": ["<bos>", "in", " Texas"], "activations": [0.0, 0.0, 2.5]})
    assert panel.tested.isVisible()
    assert "in Texas" in panel.tested.accessibleDescription()
    assert "2.50" in panel.testing.caption.whole
    panel.test.clear()
    qtbot.waitUntil(lambda: len(shown.asked()) == 3)
    shown.answer(sha)
    assert not panel.tested.isVisible()


def test_logits_are_chosen_by_layer_and_features_like_it_are_listed(shown: Shown, sha: str) -> None:
    panel = shown.panel
    shown.answer(sha)
    assert [panel.target.itemText(at) for at in range(panel.target.count())] == ["All layers", "Layer 1"]
    assert "Austin" in panel.logits.accessibleDescription()
    panel.target.setCurrentIndex(1)
    assert "Reno 3.00" in panel.logits.accessibleDescription()
    assert any("alike .500" in row.cells[1].text for row in panel.neighbours.links.rows)


def test_an_answer_of_other_transcoders_is_not_shown(shown: Shown) -> None:
    shown.answer("5" * 64)
    assert shown.panel.said.text() == OTHERS
    assert shown.panel.answer.similar == ()


def test_a_refusal_of_the_engine_is_one_sentence(shown: Shown) -> None:
    number = max(at for at, one in enumerate(shown.engine.asked, 1) if one[0] == "feature")
    shown.engine.answered.emit(Failed(number, "feature", "fault", "The text is too long.", ""))
    assert shown.panel.said.text() == "The text is too long."


def test_without_the_model_the_index_is_shown_and_nothing_is_asked(qtbot: QtBot, shown: Shown) -> None:
    n_asked = len(shown.asked())
    shown.document.set_model(None)
    assert not shown.panel.test.isEnabled()
    assert "Open the model" in shown.panel.said.text()
    assert shown.panel.examples.isVisible()
    assert len(shown.asked()) == n_asked


def test_every_occurrence_is_selected_and_a_neighbour_leads_to_its_node(
    qtbot: QtBot, shown: Shown, sha: str
) -> None:
    graph, panel = shown.document.graph, shown.panel
    at = graph.nodes
    others = (at.kind == NodeKind.FEATURE) & (at.layer == shown.feature[0]) & (at.feature != shown.feature[1])
    other = int(np.flatnonzero(others)[0])
    same = [node for node in range(graph.block(NodeKind.FEATURE).stop) if is_feature(graph, node, shown.feature)]
    assert len(same) > 1
    panel.everywhere.click()
    assert sorted(shown.document.selection) == same
    assert shown.document.current == shown.node
    shown.document.select([shown.node])
    shown.answer(sha, similar=[{"feature": int(at.feature[other]), "cosine": 0.9}])
    row = next(at for at, one in enumerate(panel.neighbours.links.rows) if "alike .900" in one.cells[1].text)
    panel.neighbours.setCurrentIndex(panel.neighbours.model().index(row, 0))
    qtbot.keyClick(panel.neighbours, Qt.Key.Key_Return)
    assert is_feature(graph, shown.document.current, (shown.feature[0], int(at.feature[other])))


def is_feature(graph: Graph, node: int, feature: tuple[int, int]) -> bool:
    key = graph.key(node)
    return key.kind == NodeKind.FEATURE and (key.layer, key.feature) == feature


def test_a_label_is_taken_over_for_every_node_in_one_undoable_step(shown: Shown) -> None:
    document, panel = shown.document, shown.panel
    text = panel.found.label["text"]
    panel.everywhere.click()
    nodes = document.selection
    document.select([shown.node])
    panel.label.take.click()
    labels = document.edits.labels
    assert {(labels[document.graph.key(node)].text, labels[document.graph.key(node)].status) for node in nodes} == {
        (text, "auto")
    }
    assert not panel.label.take.isEnabled()
    document.undo()
    assert dict(document.edits.labels) == {}
    assert panel.label.take.isEnabled()


def test_the_evidence_is_copied_as_a_figure(qtbot: QtBot, index: FeatureIndex, sha: str) -> None:
    shown = ShownWindow(qtbot, graph_of(sha, index))
    shown.panel.copy.click()
    held = QGuiApplication.clipboard().mimeData()
    svg = bytes(held.data("image/svg+xml").data()).decode()
    assert "Where it fires" in svg
    assert f"feature {shown.feature[1]} of layer {shown.feature[0]}" in svg
    assert held.hasImage()


def test_the_panel_is_freed_and_asked_nothing_afterwards(qtbot: QtBot, index: FeatureIndex, sha: str) -> None:
    document = Document()
    source = EvidenceIndex(document, dict)
    panel = EvidencePanel(document, StandInEngine(), source)
    reference = weakref.ref(panel)
    shiboken6.delete(panel)
    with qtbot.captureExceptions() as caught:
        document.open_graph(graph_of(sha, index))
        source.look()
        document.select([0])
    assert caught == []
    del panel
    gc.collect()
    assert reference() is None


@pytest.fixture
def dressed(request: pytest.FixtureRequest) -> Iterator[None]:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    name, scale = request.param
    themes.load_fonts()
    dress(application, next(one for one in THEMES if one.name == name), scale)
    yield
    dress(application, LIGHT, 1.0)


@pytest.mark.parametrize("dressed", [("light", 1.0), ("dark", 1.5)], indirect=True)
def test_no_text_of_the_panel_is_cut_faint_or_crossed(qtbot: QtBot, dressed: None, shown: Shown, sha: str) -> None:
    shown.answer(sha, test={"tokens": ["<bos>", "in", " Texas"], "activations": [0.0, 0.0, 2.5]})
    shown.inspector.resize(px(340), px(1400))  # all at once
    shown.come()
    assert shown.panel.copy.isVisible()
    assert faults(texts(shown.panel)) == []


@pytest.mark.slow
def test_the_engine_finds_on_the_prompt_what_the_graph_holds_and_makes_an_index(qtbot: QtBot, tmp_path: Path) -> None:
    document = Document()
    engine = Engine(document, log=tmp_path / "engine.log")
    engine.start()
    qtbot.waitUntil(lambda: engine.state == "ready", timeout=120_000)
    canvas = GraphCanvas(document, LIGHT)
    window = MainWindow(document, engine, canvas, Settings(), lambda settings: None)
    qtbot.addWidget(window)
    window.show()
    sample = SAMPLES[0]
    window.files.open_sample(sample.name)
    qtbot.waitUntil(lambda: document.graph is not None and not engine.job, timeout=120_000)
    node = int(np.argmax(document.view.influence[: document.graph.block(NodeKind.FEATURE).stop]))
    document.select([node])
    panel = window.evidence.panel
    panel.test.setText(sample.prompt)
    qtbot.waitUntil(lambda: bool(panel.answer.tokens), timeout=60_000)
    key = document.graph.key(node)
    assert panel.answer.activations[key.pos] == pytest.approx(panel.activation, rel=1e-4)
    (tmp_path / "text.txt").write_text("\n".join([sample.prompt] * 8))
    window.evidence.make({"texts": [str(tmp_path / "text.txt")], "output": str(tmp_path / "index"), "lines": True})
    qtbot.waitUntil(lambda: bool(engine.job))
    qtbot.waitUntil(lambda: not engine.job, timeout=120_000)
    assert window.evidence.index.index.folder == tmp_path / "index"
    assert panel.found.windows == 8
    assert panel.found.maximum == pytest.approx(panel.activation, rel=1e-4)
    engine.close()


def test_the_view_learns_how_often_features_are_active(qtbot: QtBot, sha: str, index: FeatureIndex) -> None:
    shown = Shown(qtbot, graph_of(sha, index))
    view = shown.document.view
    assert view.density[shown.node] == pytest.approx(shown.index.evidence(*shown.feature).frequency)
    assert np.isnan(view.density[view.graph.nodes.kind != 0]).all()
    shown.document.do("density", set_rules(shown.document.edits, Rules(max_density=0.03)))
    view = shown.document.view
    dense = (view.graph.nodes.kind == 0) & (view.density > 0.03)
    assert dense.any()
    np.testing.assert_array_equal(view.hidden_by == HiddenBy.DENSITY, dense)
