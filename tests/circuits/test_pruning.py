"""Which nodes and edges stay at given thresholds, worked out by hand, and what holds of any graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.pruning import cumulative_share, keep_fraction, prune
from explorer.errors import GraphError
from tests.circuits import by_hand
from tests.circuits.by_hand import edge_names, names
from tests.graphs import random_graph

STRONG, WEAK, FIRST, OUT = "feature:1:1:5", "feature:1:1:6", "feature:0:1:3", "logit:2:1:9"
ERROR, TOKEN, BIAS = "error:0:1:-1", "embedding:-1:1:7", "bias:-1:-1:0"
# The logit: 0.6 from STRONG, 0.1 from WEAK, 0.3 from the token. STRONG: 0.5 from FIRST, 0.5 from the error.
# So the influences are STRONG .6, FIRST .3 + .1, ERROR .3, WEAK .1, TOKEN .3 + .4.
EDGES = {
    (OUT, STRONG): 6.0,
    (OUT, WEAK): -1.0,
    (OUT, TOKEN): 3.0,
    (STRONG, FIRST): 1.0,
    (STRONG, ERROR): -1.0,
    (WEAK, FIRST): 2.0,
    (FIRST, TOKEN): 5.0,
}


@pytest.fixture
def graph() -> Graph:
    return by_hand.graph(EDGES, {OUT: 1.0})


def test_influence_is_what_the_comment_says(graph: Graph) -> None:
    found = dict(zip(map(str, map(graph.key, range(len(graph)))), prune(graph, 1.0, 1.0).influence, strict=True))
    assert found == pytest.approx({STRONG: 0.6, FIRST: 0.4, ERROR: 0.3, WEAK: 0.1, TOKEN: 0.7, OUT: 0.0})


def test_weak_nodes_go_first(graph: Graph) -> None:
    """The total is 2.1; in order 0.7, 1.3, 1.7, 2.0, 2.1: half is reached by STRONG, nine tenths by the error."""
    assert names(graph, prune(graph, 0.9, 1.0).nodes) == {STRONG, FIRST, ERROR, TOKEN, OUT}
    assert names(graph, prune(graph, 0.5, 1.0).above) == {STRONG, TOKEN, OUT}
    assert names(graph, prune(graph, 0.3, 1.0).above) == {TOKEN, OUT}


def test_a_feature_that_nothing_feeds_any_more_goes(graph: Graph) -> None:
    """At 0.5 only STRONG stays by influence, but all that feeds it is gone."""
    pruned = prune(graph, 0.5, 1.0)
    assert names(graph, pruned.nodes) == {TOKEN, OUT}
    assert edge_names(graph, pruned.edges) == {(OUT, TOKEN)}


def test_a_feature_that_feeds_nothing_any_more_goes(graph: Graph) -> None:
    """Edge scores without WEAK: OUT<-STRONG 6/9, OUT<-TOKEN 3/9, STRONG<-FIRST and <-ERROR 3/9, FIRST<-TOKEN 3/9."""
    pruned = prune(graph, 0.9, 0.3)
    assert edge_names(graph, pruned.edges) == set()
    assert names(graph, pruned.nodes) == {TOKEN, OUT}


def test_ties_stay_together(graph: Graph) -> None:
    """Of the four edges with score 3/9 the threshold wants one; all four stay."""
    pruned = prune(graph, 0.9, 0.4)
    assert edge_names(graph, pruned.edges) == {
        (OUT, STRONG), (OUT, TOKEN), (STRONG, FIRST), (STRONG, ERROR), (FIRST, TOKEN),
    }  # fmt: skip


def test_one_keeps_all_that_matters_and_nought_only_the_strongest(graph: Graph) -> None:
    everything = prune(graph, 1.0, 1.0)
    assert everything.nodes.all()
    assert everything.edges.all()
    assert names(graph, prune(graph, 0.0, 0.0).nodes) == {TOKEN, OUT}


def test_what_has_no_influence_goes_even_at_one() -> None:
    idle = "feature:0:1:4"
    graph = by_hand.graph({**EDGES, (idle, TOKEN): 1.0}, {OUT: 1.0})
    assert names(graph, ~prune(graph, 1.0, 1.0).nodes) == {idle}


def test_tokens_and_targets_always_stay() -> None:
    graph = by_hand.graph(EDGES, {OUT: 0.5, WEAK: 0.5}, ["embedding:-1:0:1"])
    assert {TOKEN, OUT, WEAK, "embedding:-1:0:1"} <= names(graph, prune(graph, 0.0, 0.0).nodes)


def test_a_bias_stays_as_long_as_it_feeds_something() -> None:
    graph = by_hand.graph({**EDGES, (STRONG, BIAS): 1.0}, {OUT: 1.0})
    assert BIAS in names(graph, prune(graph, 0.9, 1.0).nodes)
    assert BIAS not in names(graph, prune(graph, 0.5, 1.0).nodes)


def test_a_feature_fed_by_biases_alone_goes() -> None:
    graph = by_hand.graph({**EDGES, (FIRST, BIAS): 1.0, (FIRST, TOKEN): 0.0}, {OUT: 1.0})
    assert FIRST not in names(graph, prune(graph, 1.0, 1.0).nodes)


@pytest.mark.parametrize(("node", "edge"), [(-0.1, 0.5), (1.1, 0.5), (0.5, -0.1), (0.5, 1.5), (float("nan"), 0.5)])
def test_thresholds_outside_0_to_1_are_refused(graph: Graph, node: float, edge: float) -> None:
    with pytest.raises(GraphError, match=r"threshold .* must lie between 0 and 1"):
        prune(graph, node, edge)


# drawn as a shape for the reason given in test_influence.py
shapes = st.fixed_dictionaries(
    {"n_features": st.integers(0, 40), "n_edges": st.integers(0, 300), "seed": st.integers(0, 10**6)}
)
fractions = st.floats(0, 1)


@given(shape=shapes, node=fractions, edge=fractions, count_bias=st.booleans())
def test_what_is_kept_hangs_together(shape: dict[str, int], node: float, edge: float, count_bias: bool) -> None:
    graph = random_graph(**shape)
    pruned = prune(graph, node, edge, count_bias=count_bias)
    target, source = graph.edge_target[pruned.edges], graph.rows.source[pruned.edges]
    assert pruned.nodes[target].all()
    assert pruned.nodes[source].all()
    for name in np.flatnonzero(pruned.nodes):
        kind = graph.nodes.kind[name]
        assert name in source or kind not in (NodeKind.FEATURE, NodeKind.ERROR)
        assert kind != NodeKind.FEATURE or (graph.nodes.kind[source[target == name]] != NodeKind.BIAS).any()


@given(shape=shapes, low=fractions, high=fractions)
def test_a_higher_node_threshold_keeps_more(shape: dict[str, int], low: float, high: float) -> None:
    graph = random_graph(**shape)
    low, high = sorted((low, high))
    fewer, more = prune(graph, low, 1.0), prune(graph, high, 1.0)
    assert not (fewer.above & ~more.above).any()


@given(
    score=st.lists(st.floats(0, 1e6), max_size=30).map(np.array),
    fraction=fractions,
)
def test_keep_fraction_is_the_smallest_sufficient_score(score: np.ndarray, fraction: float) -> None:
    least = keep_fraction(score.astype(float), fraction)
    kept, total = score[score >= least].sum(), score.sum()
    assert kept >= fraction * total * (1 - 1e-9)
    if total > 0:
        assert score[score > least].sum() <= fraction * total * (1 + 1e-9)


def test_cumulative_share_ranks_by_influence() -> None:
    np.testing.assert_allclose(cumulative_share(np.array([1.0, 4.0, 0.0, 3.0])), [1.0, 0.5, 1.0, 0.875])
    assert cumulative_share(np.zeros(3)).tolist() == [0, 0, 0]


def test_a_graph_without_edges_keeps_tokens_and_targets() -> None:
    graph = by_hand.graph({}, {OUT: 1.0}, [TOKEN, STRONG, ERROR])
    assert names(graph, prune(graph, 0.8, 0.98).nodes) == {OUT, TOKEN}
