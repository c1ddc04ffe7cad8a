"""Two graphs in one place: nothing of either is lost, and what belongs together has one number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.circuits.compare import SET, Status, compare
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.influence import node_influence
from explorer.session.edits import Edits, pin, set_label
from explorer.session.overlay import Compared, compared, name_b
from explorer.session.view import resolve
from tests.circuits import by_hand
from tests.graphs import random_graph

ONE, TWO, THREE = "feature:0:1:4", "feature:1:1:5", "feature:1:1:6"
TOKEN, OUT, OTHER = "embedding:-1:1:2", "logit:2:1:9", "logit:2:1:8"
A = by_hand.graph({(ONE, TOKEN): 1.0, (TWO, ONE): 2.0, (OUT, TWO): 1.0}, {OUT: 0.5})
B = by_hand.graph({(ONE, TOKEN): 3.0, (THREE, ONE): 1.0, (OTHER, THREE): -1.0}, {OTHER: 0.5})


def pair(a: Graph, b: Graph, edits: Edits | None = None) -> Compared:
    views = [resolve(graph, edits or Edits()) for graph in (a, b)]
    return compared(*views, compare(a, b))


def test_every_node_of_either_graph_has_one_row_in_the_order_of_graphs() -> None:
    made = pair(A, B)
    keys = [str(made.overlay.graph.key(node)) for node in range(len(made.overlay.graph))]
    assert keys == [ONE, TWO, THREE, TOKEN, OUT, OTHER]
    assert [Status(status).name for status in made.found.status] == [
        *("BOTH", "ONLY_A", "ONLY_B", "BOTH", "ONLY_A", "ONLY_B")
    ]
    for side, graph in enumerate((A, B)):
        for node, key in enumerate(keys):
            row = made.own_row(side, node)
            assert row == graph.index.get(type(graph.key(0)).parse(key), -1)


def test_the_overlay_holds_differences_and_each_side_its_own_weights() -> None:
    made = pair(A, B)

    def links(graph: Graph) -> dict[tuple[str, str], float]:
        ends = zip(graph.edge_target.tolist(), graph.rows.source.tolist(), graph.rows.weight.tolist(), strict=True)
        return {(str(graph.key(target)), str(graph.key(source))): weight for target, source, weight in ends}

    assert links(made.sides[0].graph) == links(A)
    assert links(made.sides[1].graph) == links(B)
    every = links(A) | links(B)
    assert links(made.overlay.graph) == {key: links(B).get(key, 0.0) - links(A).get(key, 0.0) for key in every}


@pytest.mark.parametrize("seed", [1, 2])
def test_each_side_shows_what_its_own_view_shows(seed: int) -> None:
    a, b = (random_graph(60, 500, n_pos=5, n_layers=4, seed=s) for s in (seed, seed + 10))
    made = pair(a, b, Edits(node_threshold=0.7))
    found = made.found
    for which, (view, row, edge) in enumerate(
        ((made.a, found.row_a, found.edge_a), (made.b, found.row_b, found.edge_b))
    ):
        side = made.sides[which]
        there = row >= 0
        np.testing.assert_array_equal(side.present, there)
        np.testing.assert_array_equal(side.shown[there], view.shown[row[there]])
        assert not side.shown[~there].any()
        assert int(side.links.sum()) == int(view.links.sum())
        np.testing.assert_array_equal(side.graph.rows.weight, view.graph.rows.weight[edge[edge >= 0]])
        np.testing.assert_array_equal(side.share, view.share[edge[edge >= 0]])
        share = node_influence(view.graph)
        np.testing.assert_allclose(side.influence[there], share[row[there]] / share.sum(), atol=1e-12)
    np.testing.assert_array_equal(made.overlay.shown, made.sides[0].shown | made.sides[1].shown)
    np.testing.assert_array_equal(made.overlay.influence, np.maximum(made.sides[0].influence, made.sides[1].influence))


def test_tokens_of_one_role_share_a_column_and_others_stand_in_their_order() -> None:
    b = replace(
        by_hand.graph({("logit:2:2:9", "embedding:-1:2:2"): 1.0}, {"logit:2:2:9": 1.0}), tokens=("t0", "new", "t1")
    )
    made = pair(A, b)
    assert made.overlay.graph.tokens == ("t0", "new (B)", "t1")
    assert made.overlay.places == ("0", "1", "1 | 2")
    assert [side.graph.tokens for side in made.sides] == [("t0", "", "t1"), ("t0", "new", "t1")]
    assert [side.places for side in made.sides] == [("0", "", "1"), ("0", "1", "2")]


def test_other_tokens_in_one_place_are_both_named() -> None:
    made = pair(A, replace(A, tokens=("t0", " Oakland")))
    assert made.overlay.graph.tokens == ("t0", "t1 | Oakland")


def test_an_output_of_one_graph_alone_says_whose_it_is() -> None:
    assert pair(A, B).overlay.graph.logit_tokens == ("out0 (A)", "out0 (B)")


def test_labels_and_pins_go_with_their_nodes() -> None:
    keys = [A.key(row) for row in range(len(A))]
    edits = set_label(pin(Edits(), [keys[0]]), keys[0], "first")
    made = compared(resolve(A, edits), resolve(B, Edits()), compare(A, B))
    assert made.label(0) == "first"
    assert made.sides[0].edits.pinned == (keys[0],)
    assert made.sides[1].label(0) == "L0 / 4"
    assert not made.sides[1].edits.pinned


def test_features_of_two_sets_are_never_one_though_their_numbers_are() -> None:
    a, b = (replace(A, provenance={SET: name}) for name in ("one", "two"))
    edits = set_label(Edits(), A.key(0), "first")
    made = compared(resolve(a, edits), resolve(b, Edits()), compare(a, b))
    features = made.overlay.graph.block(NodeKind.FEATURE)
    assert [Status(status).name for status in made.found.status[features]] == ["ONLY_A", "ONLY_B", "ONLY_A", "ONLY_B"]
    assert [made.label(node) for node in (0, 1)] == ["first", "L0 / 4"]


def test_b_can_be_named_afterwards_and_the_names_of_a_stay() -> None:
    a = replace(resolve(A, Edits()), named={A.key(0): "first in A"})
    made = name_b(compared(a, resolve(B, Edits()), compare(A, B)), {B.key(0): "first", B.key(1): "second"})
    assert [made.label(node) for node in range(3)] == ["first in A", "L1 / 5", "second"]
    assert [made.sides[1].label(node) for node in (0, 2)] == ["first", "second"]
    assert made.overlay.label(2) == "second"


def test_graphs_of_two_depths_put_their_outputs_into_one_row() -> None:
    deep = by_hand.graph({("logit:5:1:9", TOKEN): 1.0}, {"logit:5:1:9": 0.5})
    made = pair(A, deep)
    outputs = made.overlay.graph.block(NodeKind.LOGIT)
    assert made.overlay.graph.n_layers == 5
    assert made.overlay.graph.nodes.layer[outputs].tolist() == [5]
