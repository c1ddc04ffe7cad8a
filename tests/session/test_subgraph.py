"""The diagram of what is pinned and grouped."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.session import edits as edit
from explorer.session.edits import Edits, box_key
from explorer.session.links import inputs_of
from explorer.session.subgraph import Subgraph, drawn_rows, subgraph
from explorer.session.view import resolve
from tests.graphs import random_graph

GRAPH = random_graph(n_features=60, n_edges=700, n_layers=6, n_logits=3, seed=4)
KEYS = [GRAPH.key(row) for row in range(len(GRAPH))]
LOGITS = [box_key(key) for key in KEYS if key.kind == NodeKind.LOGIT]


def drawn(edits: Edits, opened: frozenset[str] = frozenset(), graph: Graph = GRAPH) -> Subgraph:
    return subgraph(resolve(graph, edits), opened)


def test_without_pins_only_the_outputs_are_there_strongest_first() -> None:
    found = drawn(Edits())
    assert found.is_empty
    assert [box.id for box in found.boxes] == LOGITS
    assert [box.probability for box in found.boxes] == sorted(GRAPH.probability[-3:], reverse=True)


def test_groups_come_first_then_loose_pins_then_outputs() -> None:
    edits = edit.group(edit.pin(Edits(), KEYS[10:14]), KEYS[12:20], "states")
    found = drawn(edit.recolour(edits, "g1", "teal"))
    assert [box.id for box in found.boxes] == ["g1", box_key(KEYS[10]), box_key(KEYS[11]), *LOGITS]
    group = found.box("g1")
    assert (group.name, group.kind, group.colour, group.rows) == ("states", None, "teal", tuple(range(12, 20)))
    assert group.layers == (GRAPH.nodes.layer[12:20].min(), GRAPH.nodes.layer[12:20].max())
    assert group.activation == pytest.approx(float(GRAPH.nodes.activation[12:20].sum()))
    assert not found.is_empty
    assert drawn_rows(found).tolist() == [*range(10, 20), *range(len(GRAPH) - 3, len(GRAPH))]


def test_a_pinned_node_has_the_inputs_that_the_lists_of_nodes_have() -> None:
    everything = edit.pin(edit.set_thresholds(Edits(), 1.0, 1.0), [key for key in KEYS if key.kind != NodeKind.BIAS])
    view = resolve(GRAPH, everything)
    found = subgraph(view)
    side = inputs_of(view, 40)
    shares = {link.source: link.share for link in found.inputs(box_key(KEYS[40]))}
    expected = {box_key(KEYS[node]): share for node, share in zip(side.nodes, side.share(), strict=True)}
    assert shares == pytest.approx(expected)
    assert found.box(box_key(KEYS[40])).outside == pytest.approx(side.mass)


def test_the_shares_into_every_box_add_up_to_one() -> None:
    edits = edit.group(edit.group(edit.pin(Edits(), KEYS[5:9]), KEYS[12:20], "a"), KEYS[30:50], "b")
    found = drawn(edits)
    for box in found.boxes:
        total = sum(abs(link.share) for link in found.inputs(box.id)) + box.loose + box.cancels
        assert total == pytest.approx(1.0 if box.outside > 0 else 0.0)
    assert [abs(link.share) for link in found.links] == sorted((abs(x.share) for x in found.links), reverse=True)


def test_a_closed_group_holds_all_below_it_and_an_opened_one_is_drawn_as_what_is_in_it() -> None:
    edits = edit.group(edit.group(Edits(), KEYS[12:14], "outer"), KEYS[20:23], "inner")
    edits = edit.nest(edits, "g2", "g1")
    closed, opened = drawn(edits), drawn(edits, frozenset(["g1"]))
    assert closed.box("g1").rows == (12, 13, 20, 21, 22)
    assert [(box.id, box.parent) for box in opened.boxes if box.kind != NodeKind.LOGIT] == [
        ("g2", "g1"),
        (box_key(KEYS[12]), "g1"),
        (box_key(KEYS[13]), "g1"),
    ]


def test_members_that_the_graph_does_not_have_are_counted() -> None:
    gone = NodeKey(0, 99, 0, 0)
    assert drawn(edit.group(Edits(), [KEYS[12], gone], "x")).box("g1").missing == 1
    assert drawn(edit.group(edit.pin(Edits(), [gone]), [gone], "x")).is_empty


def test_hidden_outputs_and_outputs_in_a_group_are_not_drawn_alone() -> None:
    last, other, hidden = KEYS[-1], KEYS[-2], KEYS[-3]
    found = drawn(edit.hide(edit.group(Edits(), [last], "say"), [hidden]))
    assert [box.id for box in found.boxes] == ["g1", box_key(other)]


def test_places_labels_and_notes_come_along() -> None:
    edits = edit.group(edit.pin(Edits(), [KEYS[-1]]), [key for key in KEYS if key.kind == NodeKind.FEATURE], "all")
    target = box_key(KEYS[-1])
    edits = edit.move_boxes(edit.annotate(edits, "g1", "why"), {target: (1.0, 2.0)})
    edits = edit.set_edge_note(edit.set_edge_label(edits, target, "g1", "says"), target, "g1", "because")
    found = drawn(edits)
    link = next(link for link in found.links if link.target == target)
    assert (link.label, link.note) == ("says", "because")
    assert (found.box(target).place, found.box("g1").place, found.box("g1").note) == ((1.0, 2.0), None, "why")


def test_influence_is_the_sum_over_the_members() -> None:
    view = resolve(GRAPH, edit.group(Edits(), KEYS[12:20], "x"))
    expected = view.influence[12:20].sum() / view.influence.sum()
    assert np.isclose(subgraph(view).box("g1").influence, expected)
