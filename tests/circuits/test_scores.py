"""Scores worked out by hand, and the residual of the books."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.scores import balance, scores, worst_residual
from tests.circuits import by_hand
from tests.graphs import random_graph

OUT, FEATURE, ERROR = "logit:2:2:9", "feature:1:2:5", "error:0:2:-1"
BOS, WORD, LAST, BIAS = "embedding:-1:0:1", "embedding:-1:1:2", "embedding:-1:2:3", "bias:-1:-1:1"
# OUT: 1/2 FEATURE, 1/4 ERROR, 1/4 LAST. FEATURE: 2/5 BOS, 2/5 WORD, 1/5 ERROR.
EDGES = {
    (OUT, FEATURE): 2.0,
    (OUT, ERROR): -1.0,
    (OUT, LAST): 1.0,
    (FEATURE, BOS): 2.0,
    (FEATURE, WORD): -2.0,
    (FEATURE, ERROR): 1.0,
}


def test_replacement_is_what_reaches_tokens_rather_than_errors() -> None:
    """Errors 1/4 + 1/10, tokens 1/4 + 2/5; without the first token 1/4 + 1/5."""
    found = scores(by_hand.graph(EDGES, {OUT: 0.7}))
    assert found.replacement == pytest.approx(0.65)
    assert found.replacement_no_bos == pytest.approx(0.45 / 0.80)


def test_two_tokens_in_front_are_both_left_out() -> None:
    found = scores(by_hand.graph(EDGES, {OUT: 0.7}, n_special=2))
    assert found.replacement_no_bos == pytest.approx(0.25 / 0.60)


def test_completeness_has_two_conventions() -> None:
    """Reach: OUT 1, FEATURE 1/2, roots 1. Inputs that are no error: OUT 3/4, FEATURE 4/5, roots count as complete."""
    found = scores(by_hand.graph(EDGES, {OUT: 0.7}))
    assert found.completeness == pytest.approx((0.75 + 0.5 * 0.8 + 1.0) / 2.5)
    assert found.completeness_paper == pytest.approx((0.75 + 0.5 * 0.8) / 1.5)


def test_bias_nodes_count_as_explained_when_asked() -> None:
    """With as much bias as all else, OUT is 1/2 bias, 1/4 FEATURE, 1/8 ERROR, 1/8 LAST."""
    graph = by_hand.graph({**EDGES, (OUT, BIAS): 4.0}, {OUT: 0.7})
    assert scores(graph).replacement == pytest.approx(0.65)
    errors, tokens = 1 / 8 + 1 / 20, 1 / 8 + 1 / 5
    assert scores(graph, count_bias=True).replacement == pytest.approx((tokens + 0.5) / (tokens + 0.5 + errors))


def test_scores_do_not_depend_on_the_sum_of_the_weights() -> None:
    one, other = by_hand.graph(EDGES, {OUT: 0.7}), by_hand.graph(EDGES, {OUT: 7.0})
    assert vars(scores(one)) == pytest.approx(vars(scores(other)))


def test_nothing_is_said_without_edges() -> None:
    found = scores(by_hand.graph({}, {}, [OUT, BOS]))
    assert all(np.isnan(score) for score in vars(found).values())


@pytest.mark.parametrize("count_bias", [False, True])
def test_scores_are_shares(count_bias: bool) -> None:
    for seed in range(5):
        assert all(0 <= score <= 1 for score in vars(scores(random_graph(seed=seed), count_bias=count_bias)).values())


def moved(graph: Graph, node: int, by: float) -> Graph:
    preactivation = graph.preactivation.copy()
    preactivation[node] += by
    return replace(graph, preactivation=preactivation)


def test_the_books_of_a_made_up_graph_balance() -> None:
    assert worst_residual(random_graph()) < 1e-12


def test_the_residual_is_relative_to_all_that_flows_in() -> None:
    """FEATURE receives 2 + 2 + 1."""
    graph = by_hand.graph(EDGES, {OUT: 0.7})
    node = graph.block(NodeKind.FEATURE).start
    assert worst_residual(graph) == 0
    assert worst_residual(moved(graph, node, -1.0)) == pytest.approx(1 / 5)
    assert balance(moved(graph, node, 0.5))[node] == pytest.approx(1 / 10)


def test_constants_and_left_out_edges_are_in_the_books() -> None:
    graph = moved(by_hand.graph(EDGES, {OUT: 0.7}), 0, 3.0)
    assert worst_residual(graph) == pytest.approx(3 / 5)
    constant, rest = np.zeros(len(graph)), np.zeros(len(graph))
    constant[0], rest[0] = 1.0, 2.0
    rows = replace(graph.rows, rest_sum=rest, rest_abs=rest)
    assert worst_residual(replace(graph, constant=constant, rows=rows)) == 0


def test_the_residual_is_unknown_without_preactivations() -> None:
    graph = random_graph(biases=False)
    assert np.isnan(worst_residual(graph))
    assert np.isnan(balance(graph)).all()


def test_a_target_that_nothing_feeds_counts_absolutely() -> None:
    graph = by_hand.graph({}, {OUT: 1.0})
    assert worst_residual(moved(graph, 0, 0.25)) == 0.25
