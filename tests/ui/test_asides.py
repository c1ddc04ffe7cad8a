"""Paths and proposals: what they list, what they light, and what they change."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from explorer.features.labels import Rule, label_of
from explorer.session.edits import Edits, hide
from explorer.session.paths import as_csv, as_text, ends_of, paths
from explorer.session.proposals import propose
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.evidence_index import EvidenceIndex
from explorer.ui.panels.paths import PathsPanel
from explorer.ui.panels.proposals import ProposalsPanel
from explorer.ui.theme import LIGHT, load_fonts
from explorer.ui.widgets.look import per_cent
from explorer.ui.window import MainWindow
from tests.circuits import by_hand
from tests.circuits.test_proposals import EDGES, OTHER, OUT
from tests.graphs import random_graph
from tests.ui.showing import show
from tests.ui.stand_in import StandInEngine


@pytest.fixture
def document(qapp: object) -> Document:
    load_fonts()
    document = Document()
    document.open_graph(random_graph(60, 400, seed=1, n_layers=4, n_pos=5))
    return document


@pytest.fixture
def panel(qtbot: QtBot, document: Document) -> PathsPanel:
    panel = PathsPanel(document)
    show(qtbot, panel, 300, 400)
    return panel


@pytest.fixture
def proposals(qtbot: QtBot) -> Iterator[ProposalsPanel]:
    load_fonts()
    document = Document()
    document.open_graph(by_hand.graph(EDGES, {OUT: 0.6, OTHER: 0.4}), Edits(1.0, 1.0))
    panel = ProposalsPanel(document)
    show(qtbot, panel, 300, 400)
    yield panel
    panel.hide()


def test_the_strongest_paths_are_listed_and_the_first_is_lit(qtbot: QtBot, document: Document) -> None:
    panel = PathsPanel(document)
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.lit) as lit:
        panel.show()
    expected = paths(document.view, *ends_of(document.view, ()))
    assert panel.found == expected
    assert panel.list.count() == len(expected.ways) > 1
    assert lit.args == [expected.ways[0].nodes, True]
    with qtbot.waitSignal(panel.lit) as lit:
        panel.list.setCurrentRow(1)
    assert lit.args == [expected.ways[1].nodes, True]
    with qtbot.waitSignal(panel.lit) as lit:
        panel.hide()
    assert lit.args == [(), False]


def test_all_listed_paths_are_drawn_with_their_share_of_the_whole(qtbot: QtBot, document: Document) -> None:
    canvas = GraphCanvas(document, LIGHT)
    show(qtbot, canvas, 700, 500)
    panel = PathsPanel(document)
    qtbot.addWidget(panel)
    panel.lit_beside.connect(canvas.light_beside)
    qtbot.waitUntil(lambda: canvas.is_settled)
    before = canvas.grab().toImage()
    panel.show()
    found = paths(document.view, *ends_of(document.view, ()))
    words = f"{len(found.ways)} paths hold {per_cent(found.share)} of all"
    assert panel.count.text() == words.replace(" paths", "")
    after = canvas.grab().toImage()
    assert after != before
    (own,) = [box.rect for box in canvas.text_boxes() if box.text == words]
    assert not [box.text for box in canvas.text_boxes() if box.text != words and box.rect.intersects(own)]
    panel.hide()
    assert canvas.grab().toImage() == before
    assert words not in [box.text for box in canvas.text_boxes()]


def test_ends_are_taken_from_the_selection_one_by_one(panel: PathsPanel, document: Document) -> None:
    assert not panel.take_start.isEnabled()
    tokens, outputs = ends_of(document.view, ())
    document.select([tokens[2]])
    panel.take_start.click()
    assert panel.found == paths(document.view, [tokens[2]], outputs)
    document.select([outputs[0]])
    panel.take_end.click()
    assert panel.found == paths(document.view, [tokens[2]], [outputs[0]])
    assert panel.start.whole == document.view.label(tokens[2])


def test_paths_follow_the_pruning_once_it_rests(qtbot: QtBot, panel: PathsPanel, document: Document) -> None:
    gone = panel.found.ways[0].nodes[1]
    document.do("hide", hide(document.edits, [document.graph.key(gone)]))
    qtbot.waitUntil(lambda: all(gone not in way.nodes for way in panel.found.ways))
    assert panel.found.ways


def test_no_way_is_said_in_a_sentence(panel: PathsPanel, document: Document) -> None:
    tokens, outputs = ends_of(document.view, ())
    document.select(outputs)
    panel.take_start.click()
    document.select(tokens)
    panel.take_end.click()
    assert panel.nothing.text() == "No drawn links lead there; prune looser, or choose other ends."
    assert panel.list.isHidden()
    assert not panel.copy.isEnabled()


def test_paths_are_copied_as_text_and_as_a_table(panel: PathsPanel) -> None:
    text, table = panel.copy.menu().actions()
    text.trigger()
    assert QGuiApplication.clipboard().text() == as_text(panel.found)
    table.trigger()
    assert QGuiApplication.clipboard().text() == as_csv(panel.found)


def test_return_selects_the_nodes_of_a_path(qtbot: QtBot, panel: PathsPanel, document: Document) -> None:
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert document.selection == panel.found.ways[0].nodes


def test_a_proposal_is_accepted_undoably(qtbot: QtBot, proposals: ProposalsPanel) -> None:
    document = proposals._document
    (offered,) = proposals.offered
    assert offered == propose(document.view)[0]
    assert proposals.list.item(0).toolTip().startswith("say “out1”, 2 nodes")
    qtbot.keyClick(proposals.list, Qt.Key.Key_Return)
    assert [set(group.members) for group in document.edits.supernodes] == [set(offered.members)]
    assert proposals.offered == ()
    document.undo()
    assert document.edits.supernodes == ()
    qtbot.waitUntil(lambda: proposals.offered == (offered,))


def test_what_is_rejected_is_not_offered_again(qtbot: QtBot, proposals: ProposalsPanel) -> None:
    qtbot.keyClick(proposals.list, Qt.Key.Key_Delete)
    assert proposals.offered == ()
    assert proposals.nothing.text() == "Nothing more is offered: the rest was rejected."
    proposals.look()
    assert proposals.offered == ()
    assert proposals._document.history.past == ()


def test_ticked_ones_are_accepted_together_and_the_pointed_one_is_lit(qtbot: QtBot, proposals: ProposalsPanel) -> None:
    document = proposals._document
    members = {document.graph.index[key] for key in proposals.offered[0].members}
    assert set(proposals.nodes_of(0)) == members
    with qtbot.waitSignal(proposals.lit) as lit:
        proposals.list.itemEntered.emit(proposals.list.item(0))
    assert (set(lit.args[0]), lit.args[1]) == (members, False)
    assert not proposals.accept.isEnabled()  # no evidence, so none is ticked
    assert "Not ticked at first: there is no evidence" in proposals.list.item(0).toolTip()
    qtbot.keyClick(proposals.list, Qt.Key.Key_Space)
    proposals.look()
    assert proposals.accept.text() == "Accept 1 ticked"
    proposals.accept.click()
    assert len(document.edits.supernodes) == 1
    assert not proposals.accept.isEnabled()


def test_the_box_is_ticked_where_it_is_painted(qtbot: QtBot, proposals: ProposalsPanel) -> None:
    proposals.list.setCurrentRow(-1)
    rect = proposals.list.visualItemRect(proposals.list.item(0))
    blank = proposals.list.viewport().grab(rect).toImage()
    boxes = [x for x in range(40) if _click(qtbot, proposals, rect.left() + x, rect.center().y())]
    assert boxes
    qtbot.mouseClick(proposals.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(boxes[0] + 4, rect.center().y()))
    proposals.list.setCurrentRow(-1)
    ticked = proposals.list.viewport().grab(rect).toImage()
    changed = [x for x in range(ticked.width()) if any(ticked.pixel(x, y) != blank.pixel(x, y)
                                                       for y in range(ticked.height()))]  # fmt: skip
    assert boxes[0] - 1 <= min(changed) <= max(changed) <= boxes[-1] + 1


def test_what_the_evidence_agrees_on_is_ticked_at_first(qtbot: QtBot) -> None:
    load_fonts()
    document = Document()
    document.open_graph(by_hand.graph(EDGES, {OUT: 0.6, OTHER: 0.4}), Edits(1.0, 1.0))
    evidence = EvidenceIndex(document, dict)
    label = label_of([Rule("output", "say “out1”", "", {}, 0.9, 0.9)], 0.001, []).to_message()
    evidence.labels = SimpleNamespace(automatic=lambda layer, feature: label if feature in (4, 5) else None)
    panel = ProposalsPanel(document, evidence)
    show(qtbot, panel, 300, 400)
    assert panel.list.ticked() == [0]
    assert panel.accept.text() == "Accept 1 ticked"
    panel.hide()


def _click(qtbot: QtBot, panel: ProposalsPanel, x: int, y: int) -> bool:
    """Whether a click there changes the box; it is clicked back."""
    before = panel.list.ticked()
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    changed = panel.list.ticked() != before
    if changed:
        qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    return changed


def test_the_window_opens_them_on_a_key_and_lights_the_canvas(qtbot: QtBot, document: Document) -> None:
    canvas = GraphCanvas(document, LIGHT)
    window = MainWindow(document, StandInEngine(), canvas, Settings(), lambda settings: None)
    qtbot.addWidget(window)
    window.show()
    window.show_workspace()
    qtbot.waitUntil(lambda: canvas.is_settled)
    token = ends_of(document.view, ())[0][1]
    document.select([token])
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_P)
    assert window.places.docks["paths"].isVisible()
    assert window.asides.paths.found.ways[0].nodes[0] == token
    document.select([])
    qtbot.waitUntil(lambda: canvas.is_settled)
    assert canvas._lit[0] == window.asides.paths.found.ways[0].nodes
    lit = canvas.grab().toImage()
    canvas.light(())
    assert canvas.grab().toImage() != lit
    window.asides.paths.close_asked.emit()
    assert window.places.docks["paths"].isHidden()
    assert canvas._lit == ((), False)
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_P, Qt.KeyboardModifier.ShiftModifier)
    assert window.places.docks["proposals"].isVisible()


def test_in_a_narrow_window_the_inspector_waits_for_them(qtbot: QtBot, document: Document) -> None:
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    window.resize(1024, 700)
    window.show()
    window.show_workspace()
    docks = window.places.docks
    assert docks["nodes"].folded
    window.asides.show_paths()
    assert not docks["nodes"].folded
    assert docks["inspector"].isHidden()
    window.resize(1440, 900)
    qtbot.waitUntil(docks["inspector"].isVisible)
    window.resize(1024, 700)
    qtbot.waitUntil(docks["inspector"].isHidden)
    assert window.places.state().endswith(" waiting")
    window.toggle("paths")
    assert docks["inspector"].isVisible()
    assert not window.places.state().endswith(" waiting")
    assert docks["nodes"].folded
