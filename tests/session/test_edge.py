"""The link between two boxes: its weight and shares against the sides of nodes and the diagram of supernodes."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.session import edits as edit
from explorer.session.edge import edge_of, said_of
from explorer.session.edits import box_key
from explorer.session.links import inputs_of, outputs_of
from explorer.session.subgraph import subgraph
from explorer.session.view import GraphView, resolve
from tests.graphs import feature_keys, random_graph


@pytest.fixture(scope="module")
def view() -> GraphView:
    """“early” of the features of the lower layers feeds “late” of some above."""
    graph = random_graph(60, 400, seed=3, n_layers=5, n_pos=6)
    features = feature_keys(graph)
    below, above = ([key for key in features if key.layer in layers] for layers in ((0, 1), (2, 3)))
    edits = edit.group(edit.group(edit.Edits(), below, "early"), above[:6], "late")
    return resolve(graph, edits)


def test_a_link_of_nodes_has_the_weight_and_shares_of_its_ends_sides(view: GraphView) -> None:
    graph = view.graph
    target = int(np.argmax(np.diff(graph.rows.start)))
    side = inputs_of(view, target)
    for node, weight, share in zip(side.nodes.tolist(), side.weight.tolist(), side.share().tolist(), strict=True):
        edge = edge_of(view, (box_key(graph.key(target)), box_key(graph.key(node))))
        assert edge is not None
        assert (edge.weight, edge.share_in, edge.into) == pytest.approx((weight, share, side.mass))
        out = outputs_of(view, node)
        assert (edge.share_out, edge.out) == pytest.approx((weight / out.mass, out.mass))
        assert (edge.count, edge.drawn) == (1, 1)


def test_a_link_of_supernodes_is_that_of_the_diagram(view: GraphView) -> None:
    early, late = view.edits.supernodes
    link = next(link for link in subgraph(view).links if (link.target, link.source) == (late.id, early.id))
    edge = edge_of(view, (late.id, early.id))
    assert edge is not None
    assert (edge.weight, edge.share_in) == pytest.approx((link.weight, link.share))
    assert edge.ends == "early → late"
    dense = np.zeros((len(view.graph), len(view.graph)))
    dense[view.graph.edge_target, view.graph.rows.source] = view.graph.rows.weight
    outside = np.setdiff1d(np.arange(len(view.graph)), edge.source.rows)
    sent = np.abs(dense[np.ix_(outside, edge.source.rows)]).sum()
    assert (edge.out, edge.share_out) == pytest.approx((sent, edge.weight / sent))
    assert edge.count == np.count_nonzero(dense[np.ix_(edge.target.rows, edge.source.rows)])


def test_what_is_said_of_a_link_comes_with_it_and_to_the_lists_of_both_ends(view: GraphView) -> None:
    early, late = view.edits.supernodes
    edits = edit.set_edge_note(view.edits, late.id, early.id, "by hand")
    noted = resolve(view.graph, edits)
    assert said_of(noted, late.id, inwards=True) == {early.id: "by hand"}
    said = resolve(view.graph, edit.set_edge_label(edits, late.id, early.id, "hands it on"))
    edge = edge_of(said, (late.id, early.id))
    assert edge is not None
    assert (edge.label, edge.note) == ("hands it on", "by hand")
    assert said_of(said, early.id, inwards=False) == {late.id: "hands it on"}
    assert said_of(said, early.id, inwards=True) == {}


@pytest.mark.parametrize("gone", ["g99", "node:feature:9:9:9", "node:no key"])
def test_a_link_without_one_of_its_ends_is_none(view: GraphView, gone: str) -> None:
    late = view.edits.supernodes[1].id
    assert edge_of(view, (late, gone)) is None
    assert edge_of(view, (gone, late)) is None
