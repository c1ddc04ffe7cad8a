"""Nodes found by what the index knows of their features, and listed in the palette."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import Graph, NodeKind
from explorer.io.feature_index import FeatureIndex, open_index
from explorer.io.feature_places import beside
from explorer.io.samples import SAMPLES, transcoder_folder
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.evidence_find import FeatureFinder
from explorer.ui.evidence_index import EvidenceIndex
from explorer.ui.palette import Palette, Row
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from tests.graphs import random_graph
from tests.ui.stand_in import StandInEngine

SHIPPED = beside(transcoder_folder(SAMPLES[0]))
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)


@pytest.fixture(scope="module")
def index() -> FeatureIndex:
    return open_index(SHIPPED)


@pytest.fixture(scope="module")
def graph(index: FeatureIndex) -> Graph:
    """A made-up graph whose features the index has seen."""
    made = random_graph(40, 200, seed=3, n_layers=3, n_pos=4)
    features = made.nodes.feature.copy()
    block = made.block(NodeKind.FEATURE)
    for node in range(block.start, block.stop):
        alive = np.flatnonzero(index.layer(int(made.nodes.layer[node])).all("row") >= 0)
        features[node] = alive[3 * node]
    sha = index.head["transcoders"]["sha256"]
    return replace(made, nodes=replace(made.nodes, feature=features), provenance={"transcoder_sha256": sha})


@pytest.fixture
def window(qtbot: QtBot, graph: Graph) -> MainWindow:
    document = Document()
    made = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(made)
    document.open_graph(graph)
    made.show()
    made.show_workspace()
    made.evidence.index.look()
    return made


def expected(document: Document, index: FeatureIndex, name: str, text: str) -> set[int]:
    """By the evidence of each feature, asked one by one."""
    found, view = set(), document.view
    for node in np.flatnonzero(view.shown & (view.graph.nodes.kind == NodeKind.FEATURE)).tolist():
        key = view.graph.key(node)
        known = index.evidence(key.layer, key.feature)
        peaks = [example.tokens[example.peak] for example in known.top]
        tokens = peaks if name == "peaks:" else [word.text for word in known.top_logits]
        if any(text in token.casefold() for token in tokens):
            found.add(node)
    return found


@pytest.mark.parametrize(("name", "text"), [("peaks:", "is"), ("logit:", "on"), ("peaks:", "zebra")])
def test_it_finds_what_the_evidence_of_each_feature_says(
    window: MainWindow, index: FeatureIndex, name: str, text: str
) -> None:
    document = window.document
    found = FeatureFinder(window.evidence.index).find(document.view, f"{name}{text.upper()}")
    assert {node for node, _ in found} == expected(document, index, name, text)
    assert bool(found) == (text != "zebra")
    influence = [document.view.influence[node] for node, _ in found]
    assert influence == sorted(influence, reverse=True)
    assert {words.split("“")[0] for _, words in found} <= {"peaks at ", "raises "}


def test_nothing_is_found_without_an_index_or_by_a_letter(window: MainWindow) -> None:
    bare = Document()
    assert FeatureFinder(EvidenceIndex(bare, dict)).find(bare.view, "peaks:is") == []
    assert FeatureFinder(window.evidence.index).find(window.document.view, "logit:a") == []


def test_the_palette_lists_them_and_selects_them_all(qtbot: QtBot, window: MainWindow, index: FeatureIndex) -> None:
    window.actions_set.refresh()
    window.actions_set.by_id["palette"].trigger()
    palette = window.findChildren(Palette)[0]
    qtbot.waitExposed(palette)
    wanted = expected(window.document, index, "peaks:", "is")
    qtbot.keyClicks(palette.words, "peaks:is")
    rows: list[Row] = [palette.rows.item(at).data(Qt.ItemDataRole.UserRole) for at in range(palette.rows.count())]
    assert {int(row.value) for row in rows if row.what == "node"} == wanted
    assert {row.what for row in rows} == {"node"}
    assert all("peaks at “" in row.right for row in rows)
    assert palette.hint.text().startswith(f"{len(wanted)} nodes")
    qtbot.keyClick(palette.words, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert set(window.document.selection) == wanted
