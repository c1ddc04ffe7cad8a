"""Each panel with a real document: what it shows, what it does, and that it dies clean."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKind
from explorer.session.edits import hide, pin, set_label, set_thresholds
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.panels.graph_area import GraphArea
from explorer.ui.panels.history import HistoryPanel
from explorer.ui.panels.inspector import InspectorPanel
from explorer.ui.panels.intervene import IntervenePanel
from explorer.ui.panels.nodes import NodesPanel
from explorer.ui.panels.nodes_model import INFLUENCE, NAME
from explorer.ui.panels.paths import PathsPanel
from explorer.ui.panels.prompt import PromptPanel
from explorer.ui.panels.proposals import ProposalsPanel
from explorer.ui.panels.status import StatusPanel
from explorer.ui.panels.subgraph import SubgraphPage
from explorer.ui.panels.supernodes import SupernodesPanel
from explorer.ui.panels.thresholds import ThresholdsPanel
from explorer.ui.panels.validation import ValidationPanel
from explorer.ui.panels.welcome import WelcomePanel
from explorer.ui.theme import LIGHT
from explorer.ui.widgets.share_bar import CELL
from tests.graphs import random_graph
from tests.ui.showing import show
from tests.ui.stand_in import MODEL, StandInEngine, prompt


@dataclass(frozen=True)
class Panel:
    """``needs`` are what the constructor takes, in order: document, engine, canvas."""

    kind: type[QWidget]
    needs: tuple[str, ...]


PANELS = (
    Panel(WelcomePanel, ()),
    Panel(PromptPanel, ("document", "engine")),
    Panel(ThresholdsPanel, ("document",)),
    Panel(GraphArea, ("document", "engine", "canvas")),
    Panel(SubgraphPage, ("document",)),
    Panel(NodesPanel, ("document",)),
    Panel(SupernodesPanel, ("document",)),
    Panel(InspectorPanel, ("document",)),
    Panel(IntervenePanel, ("document", "engine")),
    Panel(HistoryPanel, ("document",)),
    Panel(PathsPanel, ("document",)),
    Panel(ProposalsPanel, ("document",)),
    Panel(StatusPanel, ("document", "engine")),
    Panel(ValidationPanel, ("document", "engine")),
)


@pytest.fixture
def document(qapp: object) -> Document:
    document = Document()
    document.open_graph(random_graph(60, 400, seed=3, n_layers=5, n_pos=6))
    return document


def make(panel: Panel, document: Document) -> tuple[QWidget, list[QWidget]]:
    """The panel, and what it was given that must be kept."""
    canvas = GraphCanvas(document, LIGHT) if "canvas" in panel.needs else None
    parts = {"document": document, "engine": StandInEngine(), "canvas": canvas}
    built = panel.kind(*(parts[need] for need in panel.needs))
    return built, []


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.kind.__name__)
def test_a_panel_opens_follows_and_dies(qtbot: QtBot, document: Document, panel: Panel) -> None:
    widget, _ = make(panel, document)
    show(qtbot, widget)
    assert widget.accessibleName()
    assert not widget.grab().isNull()
    document.set_model(MODEL)
    document.set_prompt(prompt())
    document.select([0])
    document.do("pin a node", pin(document.edits, [document.graph.key(1)]))  # type: ignore[union-attr]
    document.do("hide a node", hide(document.edits, [document.graph.key(0)]))  # type: ignore[union-attr]
    document.undo()
    document.open_graph(None)
    document.open_graph(random_graph(60, 400, seed=4, n_layers=4, n_pos=5))
    widget.grab()
    shiboken6.delete(widget)
    with qtbot.captureExceptions() as caught:
        document.do("change a threshold", set_thresholds(document.edits, node=0.3))
        document.open_graph(None)
    assert caught == []
    del widget
    gc.collect()  # a panel may hold itself; pytest-qt closes what it still finds


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.kind.__name__)
def test_a_panel_is_freed(qtbot: QtBot, document: Document, panel: Panel) -> None:
    widget, _ = make(panel, document)
    reference = weakref.ref(widget)
    shiboken6.delete(widget)
    del widget
    gc.collect()
    assert reference() is None


# nodes


@pytest.fixture
def nodes(qtbot: QtBot, document: Document) -> NodesPanel:
    panel = NodesPanel(document)
    show(qtbot, panel, 252)
    return panel


def listed(panel: NodesPanel) -> list[int]:
    return [panel.model.node(row) for row in range(panel.model.rowCount())]


def test_the_table_lists_the_drawn_nodes_strongest_first(nodes: NodesPanel, document: Document) -> None:
    view = document.view
    assert view is not None
    assert sorted(listed(nodes)) == np.flatnonzero(view.shown).tolist()
    assert np.all(np.diff(view.influence[listed(nodes)]) <= 0)


def test_a_query_filters_and_counts(nodes: NodesPanel, document: Document) -> None:
    nodes.filter.setText("kind:error layer>=2")
    view = document.view
    assert view is not None
    at = view.graph.nodes
    expected = view.shown & (at.kind == NodeKind.ERROR) & (at.layer >= 2)
    assert sorted(listed(nodes)) == np.flatnonzero(expected).tolist()
    assert nodes.count.text().startswith(f"{int(expected.sum())} match")


def test_an_empty_filter_says_what_is_hidden_and_finds_it(qtbot: QtBot, nodes: NodesPanel, document: Document) -> None:
    document.do("prune", set_thresholds(document.edits, node=0.1))
    view = document.view
    assert view is not None
    gone = int(np.flatnonzero(~view.shown & (view.graph.nodes.kind == NodeKind.FEATURE))[0])
    nodes.filter.setText(f"feature:{view.graph.nodes.feature[gone]} layer:{view.graph.nodes.layer[gone]}")
    assert listed(nodes) == []
    assert "hidden by pruning" in nodes.nothing.text()
    qtbot.mouseClick(nodes.search_hidden, Qt.MouseButton.LeftButton)
    assert gone in listed(nodes)


def test_a_query_that_makes_no_sense_is_explained(nodes: NodesPanel, document: Document) -> None:
    nodes.filter.setText("layer>=x")
    assert "layer takes a number" in nodes.fault.text()
    assert nodes.fault.isVisible()
    nodes.filter.setText("")
    assert not nodes.fault.isVisible()


def test_a_click_in_the_table_selects_in_the_document(qtbot: QtBot, nodes: NodesPanel, document: Document) -> None:
    place = nodes.table.visualRect(nodes.model.index(2, 0)).center()
    qtbot.mouseClick(nodes.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert document.selection == (nodes.model.node(2),)
    place = nodes.table.visualRect(nodes.model.index(4, 0)).center()
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.mouseClick(nodes.table.viewport(), Qt.MouseButton.LeftButton, control, place)
    assert document.selection == (nodes.model.node(2), nodes.model.node(4))


def test_the_documents_selection_is_selected_in_the_table(nodes: NodesPanel, document: Document) -> None:
    document.select([nodes.model.node(1), nodes.model.node(3)])
    rows = sorted(index.row() for index in nodes.table.selectionModel().selectedRows())
    assert rows == [1, 3]
    assert nodes.table.currentIndex().row() == 3
    assert nodes.model.index(3, NAME).data(CELL).strong
    document.select([])
    assert nodes.table.selectionModel().selectedRows() == []


def test_arrow_keys_walk_the_table(qtbot: QtBot, nodes: NodesPanel, document: Document) -> None:
    document.select([nodes.model.node(0)])
    nodes.table.setFocus()
    qtbot.keyClick(nodes.table, Qt.Key.Key_Down)
    assert document.selection == (nodes.model.node(1),)


def test_selection_survives_sorting_and_pruning(nodes: NodesPanel, document: Document) -> None:
    node = nodes.model.node(2)
    document.select([node])
    nodes.table.sortByColumn(NAME, Qt.SortOrder.AscendingOrder)
    names = [nodes.model.index(row, NAME).data().casefold() for row in range(nodes.model.rowCount())]
    assert names == sorted(names)
    assert [nodes.model.node(index.row()) for index in nodes.table.selectionModel().selectedRows()] == [node]
    document.do("prune", set_thresholds(document.edits, node=0.9))
    assert document.selection == (node,)
    nodes.table.sortByColumn(INFLUENCE, Qt.SortOrder.DescendingOrder)


def test_a_row_is_spoken_with_kind_place_and_influence(nodes: NodesPanel, document: Document) -> None:
    nodes.filter.setText("kind:feature")
    spoken = nodes.model.index(0, NAME).data(Qt.ItemDataRole.AccessibleTextRole)
    node = nodes.model.node(0)
    at = document.graph.nodes  # type: ignore[union-attr]
    assert spoken.startswith(f"feature {at.feature[node]}, layer {at.layer[node]}, token {at.pos[node]}")
    assert spoken.endswith("per cent")


def test_a_new_label_is_in_the_table_at_once(nodes: NodesPanel, document: Document) -> None:
    node = nodes.model.node(0)
    document.do("label", set_label(document.edits, document.graph.key(node), "the cue"))  # type: ignore[union-attr]
    assert nodes.model.index(0, NAME).data() == "the cue"


def test_nothing_is_selected_by_a_reset(nodes: NodesPanel, document: Document) -> None:
    document.select([nodes.model.node(0)])
    nodes.table.selectionModel().select(
        nodes.model.index(1, 0), QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    )
    chosen = document.selection
    document.do("prune", set_thresholds(document.edits, node=0.95))
    assert document.selection == chosen


# inspector


@pytest.fixture
def inspector(qtbot: QtBot, document: Document) -> InspectorPanel:
    panel = InspectorPanel(document)
    show(qtbot, panel)
    return panel


def best_feature(document: Document) -> int:
    view = document.view
    assert view is not None
    fed = view.shown & (view.graph.nodes.kind == NodeKind.FEATURE)
    n_inputs = np.diff(view.graph.rows.start) * fed
    return int(np.argmax(n_inputs))


def figure(text: str) -> float:
    return float(text.replace("\u2212", "-").replace("+", ""))


def test_the_column_of_inputs_adds_up(inspector: InspectorPanel, document: Document) -> None:
    node = best_feature(document)
    document.select([node])
    rows = inspector.node.inputs.links.rows
    *parts, total = [row.cells[1].text for row in rows]
    assert sum(map(figure, parts)) == pytest.approx(figure(total), abs=0.005 * (len(rows) + 1))
    assert rows[-1].cells[0].text == "pre-activation"
    assert rows[-1].cells[2].text.startswith("✓ residual")
    mass = float(document.view.mass[node])  # type: ignore[union-attr]
    assert f"Σ|in| = {mass:.2f}" in inspector.node.inputs_caption.whole


def test_more_links_are_listed_on_a_click(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    document.do("keep all", set_thresholds(document.edits, node=1.0, edge=1.0))
    document.select([best_feature(document)])
    table = inspector.node.inputs
    more = next(row for row, each in enumerate(table.links.rows) if each.more)
    before = len(table.links.rows)
    place = table.visualRect(table.links.index(more, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert len(table.links.rows) > before
    assert not any(each.more for each in table.links.rows)


def test_a_click_on_a_link_walks_to_its_other_end(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    document.select([best_feature(document)])
    table = inspector.node.inputs
    target = table.links.rows[0].node
    place = table.visualRect(table.links.index(0, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert document.selection == (target,)


def test_a_label_is_edited_and_undone(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    document.select([best_feature(document)])
    inspector.edit_label()
    qtbot.keyClicks(inspector.node.head.edit, "the cue")
    qtbot.keyClick(inspector.node.head.edit, Qt.Key.Key_Return)
    assert inspector.node.head.title.whole == "the cue"
    assert inspector.node.head.status.text() == "label: human"
    assert document.history.undo_text == "label a node"
    statuses = inspector.node.head.status.menu()
    statuses.aboutToShow.emit()
    statuses.actions()[2].trigger()
    assert inspector.node.head.status.text() == "label: tested"
    document.undo()
    document.undo()
    assert inspector.node.head.status.text() == "no label"


def test_escape_leaves_the_label_as_it_was(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    document.select([best_feature(document)])
    inspector.edit_label()
    qtbot.keyClicks(inspector.node.head.edit, "no")
    qtbot.keyClick(inspector.node.head.edit, Qt.Key.Key_Escape)
    assert document.edits.labels == {}
    assert inspector.node.head.names.currentWidget() is inspector.node.head.title


def test_pin_and_hide_are_edits(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    node = best_feature(document)
    key = document.graph.key(node)  # type: ignore[union-attr]
    document.select([node])
    qtbot.mouseClick(inspector.node.head.pin, Qt.MouseButton.LeftButton)
    assert document.edits.pinned == (key,)
    assert inspector.node.head.pin.text() == "Pinned"
    assert not inspector.node.head.hide_node.isEnabled()
    qtbot.mouseClick(inspector.node.head.pin, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(inspector.node.head.hide_node, Qt.MouseButton.LeftButton)
    assert document.edits.hidden == {key}
    assert "hidden by hand" in inspector.node.head.figures.whole


def test_a_note_is_kept_for_its_node(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    node = best_feature(document)
    document.select([node])
    inspector.node.notes.setFocus()
    qtbot.keyClicks(inspector.node.notes, "odd")
    other = next(each for each in range(node + 1, node + 5) if each != node)
    document.select([other])
    assert document.edits.notes == {document.graph.key(node): "odd"}  # type: ignore[union-attr]
    assert inspector.node.notes.toPlainText() == ""
    document.select([node])
    assert inspector.node.notes.toPlainText() == "odd"
    document.undo()
    assert inspector.node.notes.toPlainText() == ""


def test_a_note_is_an_edit_when_the_hand_rests(qtbot: QtBot, inspector: InspectorPanel, document: Document) -> None:
    document.select([best_feature(document)])
    with qtbot.waitSignal(document.edits_changed):
        qtbot.keyClicks(inspector.node.notes, "odd")
    assert list(document.edits.notes.values()) == ["odd"]


def test_two_nodes_show_their_link(inspector: InspectorPanel, document: Document) -> None:
    graph = document.graph
    assert graph is not None
    node = best_feature(document)
    source, weight = graph.inputs(node)
    document.select([int(source[0]), node])
    assert inspector.pages.currentWidget() is inspector.many
    texts = [inspector.many.facts.itemAt(at).widget().text() for at in range(inspector.many.facts.count())]
    effect = texts[texts.index("direct effect") + 1]
    assert figure(effect) == pytest.approx(float(weight[0]), abs=0.006)


@pytest.mark.parametrize("kind", [NodeKind.ERROR, NodeKind.EMBEDDING, NodeKind.BIAS, NodeKind.LOGIT])
def test_every_kind_can_be_inspected(inspector: InspectorPanel, document: Document, kind: NodeKind) -> None:
    graph = document.graph
    assert graph is not None
    document.select([graph.block(kind).start])
    assert inspector.node.inputs.isVisible() == (kind == NodeKind.LOGIT)
    assert inspector.node.no_inputs.isVisible() == (kind != NodeKind.LOGIT)
    assert not inspector.grab().isNull()


def test_nothing_selected_says_what_to_do(inspector: InspectorPanel, document: Document) -> None:
    assert inspector.pages.currentIndex() == 0


# thresholds and history


def test_dragging_a_threshold_is_one_step(qtbot: QtBot, document: Document) -> None:
    panel = ThresholdsPanel(document)
    show(qtbot, panel, 900, 40)
    slider = panel.nodes.slider
    before = document.edits
    for value in (790, 700, 610):
        slider.setValue(value)
    assert document.edits.node_threshold == pytest.approx(0.61)
    assert len(document.history.past) == 1
    slider.sliderReleased.emit()
    slider.setValue(500)
    assert len(document.history.past) == 2
    panel.links.slider.setValue(900)
    panel.links.slider.setValue(880)
    assert [text for text, _ in document.history.past][-1] == "change the link threshold"
    assert len(document.history.past) == 3
    view = document.view
    assert view is not None
    assert panel.counts.text() == f"{int(view.shown.sum())} nodes, {int(view.links.sum())} links"
    for _ in range(3):
        document.undo()
    assert document.edits == before
    assert slider.value() == round(before.node_threshold * 1000)


def test_a_drag_after_undo_does_not_join_an_older_step(qtbot: QtBot, document: Document) -> None:
    panel = ThresholdsPanel(document)
    show(qtbot, panel, 900, 40)
    panel.nodes.slider.setValue(700)
    document.undo()
    panel.nodes.slider.setValue(600)
    panel.nodes.slider.setValue(590)
    document.undo()
    assert document.edits.node_threshold == pytest.approx(0.8)


def test_history_lists_the_steps_and_goes_there(qtbot: QtBot, document: Document) -> None:
    panel = HistoryPanel(document)
    show(qtbot, panel)
    start = document.edits
    graph = document.graph
    assert graph is not None
    document.do("pin a node", pin(document.edits, [graph.key(0)]))
    document.do("label a node", set_label(document.edits, graph.key(1), "x"))
    texts = [panel.steps.item(row).text() for row in range(panel.steps.count())]
    assert texts == ["Opened", "Pin a node", "Label a node"]
    place = panel.steps.visualItemRect(panel.steps.item(0)).center()
    qtbot.mouseClick(panel.steps.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert document.edits == start
    assert panel.steps.count() == 3
    place = panel.steps.visualItemRect(panel.steps.item(2)).center()
    qtbot.mouseClick(panel.steps.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert document.edits.labels[graph.key(1)].text == "x"
