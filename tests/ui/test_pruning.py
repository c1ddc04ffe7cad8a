"""The card of the rules of pruning: every control is an undoable edit, and each rule's nodes can be listed."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from explorer.circuits.graph import NodeKind
from explorer.session.query import matches, parse
from explorer.session.rules import Rules
from explorer.session.view import HiddenBy
from explorer.ui.document import Document
from explorer.ui.panels.pruning import UNKNOWN, PruningCard
from explorer.ui.panels.status import StatusPanel
from explorer.ui.panels.thresholds import ThresholdsPanel
from tests.graphs import random_graph
from tests.ui.stand_in import StandInEngine

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)


@pytest.fixture
def document(qapp: object) -> Document:
    document = Document()
    document.open_graph(random_graph(80, 900, n_layers=6, n_logits=3, seed=4))
    return document


@pytest.fixture
def panel(qtbot: QtBot, document: Document) -> ThresholdsPanel:
    panel = ThresholdsPanel(document)
    qtbot.addWidget(panel)
    panel.resize(900, 36)
    panel.show()
    panel.rules.click()
    return panel


@pytest.fixture
def card(panel: ThresholdsPanel) -> PruningCard:
    return panel.rules.card


def test_layers_are_an_edit_that_can_be_undone(card: PruningCard, document: Document) -> None:
    card.first.setValue(2)
    card.last.setValue(4)
    assert document.edits.rules.layers == (2, 4)
    assert len(document.history.past) == 1
    layer, loose = document.graph.nodes.layer, np.isin(document.graph.nodes.kind, [NodeKind.FEATURE, NodeKind.ERROR])
    assert not document.view.shown[loose & ((layer < 2) | (layer > 4))].any()
    card.last.setValue(1)
    assert document.edits.rules.layers == (1, 1)
    document.undo()
    assert document.edits.rules == Rules()
    assert (card.first.value(), card.last.value()) == (0, 5)


def test_kinds_that_are_not_checked_are_left_out(card: PruningCard, document: Document) -> None:
    card.kinds[NodeKind.ERROR].click()
    assert document.edits.rules.kinds == {NodeKind.ERROR}
    assert not document.view.shown[document.graph.nodes.kind == NodeKind.ERROR].any()


def test_a_drag_of_the_least_influence_is_one_step(card: PruningCard, document: Document) -> None:
    for step in (100, 300, 400):
        card.least.slider.setValue(step)
    card.least.released.emit()
    assert document.edits.rules.min_influence == pytest.approx(0.02)
    assert len(document.history.past) == 1
    card.least.slider.setValue(200)
    assert len(document.history.past) == 2


def test_density_waits_until_it_is_known(card: PruningCard, document: Document) -> None:
    assert not card.density.isEnabled()
    assert card.idle.text() == UNKNOWN
    density = np.linspace(0, 0.5, len(document.graph))
    document.name_features({}, density)
    assert card.density.isEnabled()
    assert card.idle.isHidden()
    card.density.slider.setValue(400)
    assert document.edits.rules.max_density == pytest.approx(0.1)
    expected = (document.graph.nodes.kind == NodeKind.FEATURE) & (density > 0.1)
    np.testing.assert_array_equal(document.view.hidden_by == HiddenBy.DENSITY, expected)
    card.density.slider.setValue(1000)
    assert document.edits.rules == Rules()


def test_outputs_count_as_they_are_checked_and_one_always_does(card: PruningCard, document: Document) -> None:
    boxes = list(card._targets.items())
    boxes[0][1].click()
    assert [key for key, _ in document.edits.rules.targets] == [key for key, _ in boxes[1:]]
    assert document.view.aimed.target_weight[document.graph.index[boxes[0][0]]] == 0
    boxes[1][1].click()
    boxes[2][1].click()
    assert [key for key, _ in document.edits.rules.targets] == [boxes[2][0]]
    assert boxes[2][1].isChecked()


def test_each_rule_says_what_it_hides_and_lists_it(
    qtbot: QtBot, panel: ThresholdsPanel, card: PruningCard, document: Document
) -> None:
    card.first.setValue(3)
    counts = document.view.hidden_counts()
    buttons = [card.counts.itemAt(at).widget() for at in range(card.counts.count())]
    assert all(isinstance(button, QPushButton) for button in buttons)
    assert [button.text().split()[0] for button in buttons] == [f"{count:,}" for count in counts.values()]
    with qtbot.waitSignal(panel.rules.listed) as asked:
        qtbot.mouseClick(buttons[list(counts).index(HiddenBy.LAYER)], Qt.MouseButton.LeftButton)
    found = matches(parse(asked.args[0]), document.view)
    np.testing.assert_array_equal(found, document.view.hidden_by == HiddenBy.LAYER)
    assert card.isHidden()


def test_the_scores_of_what_is_shown_follow_a_drag_before_it_ends(
    qtbot: QtBot, panel: ThresholdsPanel, document: Document
) -> None:
    status = StatusPanel(document, StandInEngine())
    qtbot.addWidget(status)
    status.show()
    for value in (0.9, 0.3):
        panel.nodes.changed.emit(value)
        assert document.edits.node_threshold == value
        scores = document.view.scores()
        said = f"Replacement <b>{document.scores.replacement:.2f}</b> ({scores.replacement:.2f})"
        qtbot.waitUntil(lambda said=said: status.scores.text().startswith(said))
        assert status.scores.text().endswith(f"({scores.completeness:.2f})")
    assert len(document.history.past) == 1  # the drag has not ended
    status.hide()


def test_all_rules_are_taken_off_at_once(panel: ThresholdsPanel, card: PruningCard, document: Document) -> None:
    card.first.setValue(3)
    card.kinds[NodeKind.BIAS].click()
    assert panel.rules.text() == "2 rules"
    card.off.click()
    assert document.edits.rules == Rules()
    assert panel.rules.text() == "density, layers"
