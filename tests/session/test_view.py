"""What is drawn of a graph under given edits."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.circuits.graph import BiasClass, Graph, NodeKey, NodeKind
from explorer.circuits.influence import signed_influence
from explorer.circuits.pruning import prune
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.view import HiddenBy, default_label, place, resolve, rows_of
from tests.graphs import random_graph


@pytest.fixture
def graph() -> Graph:
    return random_graph(n_features=60, n_edges=400, n_layers=6, seed=4)


def of_kind(graph: Graph, kind: NodeKind) -> list[NodeKey]:
    block = graph.block(kind)
    return [graph.key(node) for node in range(block.start, block.stop)]


def test_without_edits_the_pruned_graph_is_drawn(graph: Graph) -> None:
    view, pruned = resolve(graph, Edits()), prune(graph, 0.8, 0.98)
    np.testing.assert_array_equal(view.shown, pruned.nodes)
    np.testing.assert_array_equal(view.links, pruned.edges)
    np.testing.assert_array_equal(view.influence, pruned.influence)
    np.testing.assert_allclose(view.effect, signed_influence(graph))


def test_every_node_is_shown_or_hidden_by_one_rule(graph: Graph) -> None:
    view = resolve(graph, edit.set_thresholds(Edits(), 0.5, 0.5))
    counts = [view.hidden_count(rule) for rule in HiddenBy]
    assert sum(counts) == len(graph)
    assert counts[HiddenBy.NOTHING] == view.shown.sum()
    assert counts[HiddenBy.INFLUENCE] > 0
    np.testing.assert_array_equal(view.hidden_by == HiddenBy.INFLUENCE, ~view.pruned.above)
    np.testing.assert_array_equal(view.hidden_by == HiddenBy.NO_LINKS, view.pruned.above & ~view.pruned.nodes)


def test_a_hidden_node_takes_its_links_along(graph: Graph) -> None:
    node = int(np.flatnonzero(resolve(graph, Edits()).shown)[0])
    view = resolve(graph, edit.hide(Edits(), [graph.key(node)]))
    assert view.hidden_by[node] == HiddenBy.HAND
    assert not view.links[(graph.edge_target == node) | (graph.rows.source == node)].any()


def test_a_pinned_node_stays_whatever_the_thresholds(graph: Graph) -> None:
    strict = edit.set_thresholds(Edits(), 0.0, 0.0)
    weak = int(np.argmin(resolve(graph, strict).influence))
    assert not resolve(graph, strict).shown[weak]
    assert resolve(graph, edit.pin(strict, [graph.key(weak)])).shown[weak]


def test_pinning_wins_over_hiding(graph: Graph) -> None:
    key = of_kind(graph, NodeKind.FEATURE)[0]
    assert resolve(graph, edit.pin(edit.hide(Edits(), [key]), [key])).shown[graph.index[key]]


def test_links_join_shown_nodes_only(graph: Graph) -> None:
    view = resolve(graph, edit.hide(Edits(), of_kind(graph, NodeKind.FEATURE)[::3]))
    assert view.links.any()
    assert view.shown[graph.edge_target[view.links]].all()
    assert view.shown[graph.rows.source[view.links]].all()


def test_shares_of_a_target_sum_to_one_in_size(graph: Graph) -> None:
    view = resolve(graph, edit.count_bias(Edits(), counted=True))
    total = np.bincount(graph.edge_target, np.abs(view.share), minlength=len(graph))
    np.testing.assert_allclose(total[view.mass > 0], 1.0)


def test_what_did_not_change_is_taken_over(graph: Graph) -> None:
    first = resolve(graph, Edits())
    named = resolve(graph, edit.set_label(Edits(), graph.key(0), "x"), first)
    assert named.pruned is first.pruned
    assert named.effect is first.effect
    moved = resolve(graph, edit.set_thresholds(Edits(), 0.4), first)
    assert moved.pruned is not first.pruned
    assert moved.share is first.share
    counted = resolve(graph, edit.count_bias(Edits(), counted=True), first)
    assert counted.share is not first.share


@pytest.mark.parametrize("change", [{"node_threshold": 0.3}, {"edge_threshold": 0.5}, {"count_bias": True}])
def test_an_old_view_never_shows_through(graph: Graph, change: dict[str, float]) -> None:
    new, old = Edits(**change), resolve(graph, Edits())  # type: ignore[arg-type]
    again, fresh = resolve(graph, new, old), resolve(graph, new)
    for name in ("shown", "hidden_by", "links", "effect", "share", "mass"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))


def test_the_view_of_another_graph_is_not_used(graph: Graph) -> None:
    other = random_graph(n_features=60, n_edges=400, n_layers=6, seed=5)
    np.testing.assert_array_equal(resolve(other, Edits(), resolve(graph, Edits())).effect, signed_influence(other))


def test_keys_that_the_graph_lacks_are_passed_over(graph: Graph) -> None:
    gone = NodeKey(0, 0, 0, 10**9)
    assert rows_of(graph, (graph.key(3), gone)).tolist() == [3]
    view = resolve(graph, edit.set_label(edit.hide(edit.pin(Edits(), [gone]), [gone]), gone, "x"))
    np.testing.assert_array_equal(view.shown, resolve(graph, Edits()).shown)


def test_a_label_replaces_the_default_name(graph: Graph) -> None:
    key = graph.key(0)
    assert resolve(graph, Edits()).label(0) == f"L{key.layer} / {key.feature}"
    assert resolve(graph, edit.set_label(Edits(), key, "say Austin")).label(0) == "say Austin"


def test_default_names_and_places(graph: Graph) -> None:
    first = {kind: graph.block(kind).start for kind in NodeKind}
    assert default_label(graph, first[NodeKind.ERROR]) == "error"
    assert default_label(graph, first[NodeKind.EMBEDDING] + 1) == "“The”"
    assert default_label(graph, first[NodeKind.BIAS] + BiasClass.POSITION) == "position"
    assert default_label(graph, first[NodeKind.LOGIT]) == f"“{graph.logit_tokens[0].strip()}”"
    key = graph.key(0)
    assert place(graph, 0) == f"L{key.layer}·{key.pos}"
    assert place(graph, first[NodeKind.EMBEDDING] + 1) == "1"
    assert place(graph, first[NodeKind.BIAS]) == ""
