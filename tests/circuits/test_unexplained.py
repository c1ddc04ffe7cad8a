"""Shares of error, against the dense inverse and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.graph import NodeKind
from explorer.circuits.scores import scores
from explorer.circuits.unexplained import path_unexplained, unexplained
from tests.circuits import by_hand
from tests.graphs import random_graph

OUT, HIGH, LOW = "logit:2:1:9", "feature:1:1:5", "feature:0:1:4"
ERROR, TOKEN = "error:0:1:-1", "embedding:-1:1:2"
EDGES = {(OUT, HIGH): 3.0, (OUT, ERROR): 1.0, (HIGH, LOW): -1.0, (HIGH, ERROR): 1.0, (LOW, TOKEN): 2.0}


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), count_bias=st.booleans())
def test_deep_shares_are_those_of_the_dense_inverse(seed: int, count_bias: bool) -> None:
    graph = random_graph(n_features=30, n_edges=250, n_pos=4, n_layers=5, seed=seed)
    matrix = np.abs(graph.adjacency().astype(np.float64))
    if not count_bias:
        matrix[:, graph.nodes.kind == NodeKind.BIAS] = 0
    total = matrix.sum(1)
    normal = matrix / np.where(total > 0, total, 1)[:, None]
    is_error = graph.nodes.kind == NodeKind.ERROR
    found = unexplained(graph, count_bias=count_bias)
    np.testing.assert_allclose(found.direct, normal @ is_error, atol=1e-9)
    np.testing.assert_allclose(found.deep, np.linalg.inv(np.eye(len(graph)) - normal) @ is_error, atol=1e-9)


def test_over_the_targets_the_deep_share_is_what_replacement_lacks() -> None:
    graph = random_graph(n_features=60, n_edges=600, seed=3)
    rest = np.where(graph.nodes.kind == NodeKind.FEATURE, 0.3, 0.0)
    graph = replace(graph, rows=replace(graph.rows, rest_abs=rest))
    found = unexplained(graph)
    mean = (found.deep * graph.target_weight).sum() / graph.target_weight.sum()
    assert mean == pytest.approx(1 - scores(graph).replacement)


def test_cells_hold_what_enters_at_their_error_node() -> None:
    """OUT is 1/4 ERROR and 3/4 HIGH, which is 1/2 ERROR."""
    found = unexplained(by_hand.graph(EDGES, {OUT: 0.7}))
    assert found.cells.shape == (2, 2)
    assert found.cells[0, 1] == pytest.approx(1 / 4 + 3 / 8)
    assert found.cells.sum() == pytest.approx(found.cells[0, 1])


def test_a_path_loses_a_share_at_each_of_its_nodes() -> None:
    graph = by_hand.graph(EDGES, {OUT: 0.7})
    direct = unexplained(graph).direct
    rows = [next(row for row in range(len(graph)) if str(graph.key(row)) == name) for name in (TOKEN, LOW, HIGH, OUT)]
    assert path_unexplained(direct, rows) == pytest.approx(1 - (1 - 0) * (1 - 1 / 2) * (1 - 1 / 4))
    assert path_unexplained(direct, rows[:2]) == 0.0
