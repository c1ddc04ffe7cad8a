"""Scores of a part of a graph, against the dense inverse with the removed columns added to the errors'."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.graph import Bools, Graph, NodeKind
from explorer.circuits.removal import with_rest_as_error
from explorer.circuits.scores import part_scores, scores
from tests.circuits import by_hand
from tests.graphs import random_graph

OUT, HIGH, LOW = "logit:2:1:9", "feature:1:1:5", "feature:0:1:4"
ERROR, TOKEN = "error:0:1:-1", "embedding:-1:1:2"


def dense_scores(graph: Graph, kept: Bools) -> tuple[float, float, float]:
    """Replacement and both kinds of completeness by the dense inverse; every place needs an error node."""
    nodes, n = graph.nodes, len(graph)
    matrix = graph.adjacency().astype(np.float64)
    matrix[:, nodes.kind == NodeKind.BIAS] = 0
    is_error = nodes.kind == NodeKind.ERROR
    for node in np.flatnonzero((nodes.kind == NodeKind.FEATURE) & ~kept):
        at = np.flatnonzero(is_error & (nodes.layer == nodes.layer[node]) & (nodes.pos == nodes.pos[node]))
        matrix[:, at[0]] += matrix[:, node]
        matrix[:, node] = 0
        matrix[node] = 0
    total = np.abs(matrix).sum(1)
    normal = np.abs(matrix) / np.where(total > 0, total, 1)[:, None]
    influence = graph.target_weight @ (np.linalg.inv(np.eye(n) - normal) - np.eye(n))
    errors, tokens = influence[is_error].sum(), influence[nodes.kind == NodeKind.EMBEDDING].sum()
    complete, reach = 1 - normal[:, is_error].sum(1), influence + graph.target_weight
    fed = total > 0
    return (
        tokens / (tokens + errors),
        (complete * reach).sum() / reach.sum(),
        (complete * reach)[fed].sum() / reach[fed].sum(),
    )


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 1))
def test_scores_of_a_part_are_those_of_the_dense_inverse(seed: int, share: float) -> None:
    graph = random_graph(n_features=30, n_edges=250, n_pos=4, n_layers=5, seed=seed)
    kept = np.random.default_rng(seed).random(len(graph)) < share
    found = part_scores(graph, kept)
    expected = dense_scores(graph, kept)
    assert (found.replacement, found.completeness, found.completeness_paper) == pytest.approx(expected, abs=1e-9)


def test_all_kept_is_the_whole_graph() -> None:
    graph = random_graph(n_features=30, n_edges=250)
    assert part_scores(graph, np.ones(len(graph), dtype=bool)) == scores(graph)


def test_a_removed_feature_and_the_error_of_its_place_may_cancel() -> None:
    edges = {(OUT, HIGH): 2.0, (HIGH, LOW): 1.0, (HIGH, ERROR): -1.0, (HIGH, TOKEN): 1.0, (LOW, TOKEN): 1.0}
    graph = by_hand.graph(edges, {OUT: 1.0})
    low = np.array([str(graph.key(row)) != LOW for row in range(len(graph))])
    assert scores(graph).replacement == pytest.approx(2 / 3)
    assert part_scores(graph, low).replacement == pytest.approx(1.0)


def test_without_error_nodes_the_removed_features_of_a_place_are_one_error() -> None:
    other = "feature:0:1:7"
    edges = {(OUT, HIGH): 1.0, (HIGH, LOW): 3.0, (HIGH, other): -1.0, (HIGH, TOKEN): 2.0, (LOW, TOKEN): 1.0}
    graph = by_hand.graph(edges, {OUT: 1.0})
    kept = np.array([str(graph.key(row)) == HIGH for row in range(len(graph))])
    part, is_error = with_rest_as_error(graph, kept)
    assert by_hand.names(graph, is_error) == {LOW, other}
    assert part.n_edges == 3
    assert part_scores(graph, kept).replacement == pytest.approx(0.5)


def test_what_the_rows_of_removed_features_leave_out_goes_with_them() -> None:
    graph = random_graph(n_features=20, n_edges=150, seed=2)
    rest = np.where(graph.nodes.kind == NodeKind.FEATURE, 0.5, 0.0)
    graph = replace(graph, rows=replace(graph.rows, rest_abs=rest, rest_sum=rest))
    part, _ = with_rest_as_error(graph, np.zeros(len(graph), dtype=bool))
    assert not part.rows.rest_abs.any()
    assert not part.rows.rest_sum.any()
