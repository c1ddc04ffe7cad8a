"""What a graph predicts, on paper: a chain, its side ways, and things of several members."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.circuits.graph import Graph
from explorer.circuits.predicted import predict
from explorer.errors import GraphError
from tests.circuits import by_hand

TOKEN, A, B, C, OUT, OTHER = (
    "embedding:-1:1:5",
    "feature:0:1:3",
    "feature:1:1:4",
    "error:0:1:-1",
    "logit:3:1:7",
    "logit:3:1:8",
)
EDGES = {(A, TOKEN): 2.0, (B, A): 3.0, (B, C): -1.0, (OUT, A): 0.5, (OUT, B): 4.0, (OTHER, B): -2.0}


@pytest.fixture
def graph() -> Graph:
    made = by_hand.graph(EDGES, {OUT: 0.6, OTHER: 0.2})
    activation = made.nodes.activation.copy()
    activation[made.index[made.key(1)]] = 8.0  # B: its pre-activation is 2, so it passes on a quarter of each change
    return replace(made, nodes=replace(made.nodes, activation=activation))


def rows(graph: Graph, *names: str) -> np.ndarray:
    return np.array([[str(graph.key(row)) for row in range(len(graph))].index(name) for name in names])


def test_a_node_acts_over_its_edges_and_its_paths(graph: Graph) -> None:
    found = predict(graph, [rows(graph, A), rows(graph, C)])
    onward = 0.75 * 4.0 + 0.25 * -2.0  # B on the two outputs by weight
    assert found.direct == pytest.approx([-0.75 * 0.5, 0.0])
    assert found.total == pytest.approx([-(0.75 * 0.5 + 3 / 4 * onward), -(-1 / 4 * onward)])
    assert found.linear == pytest.approx([-(0.75 * 0.5 + 3 / 8 * onward), -(-1 / 8 * onward)])


def test_what_is_set_does_not_answer_to_its_own_group(graph: Graph) -> None:
    found = predict(graph, [rows(graph, A, B)], factor=-1.0)
    both = -2 * (0.75 * 0.5 + 0.75 * 4.0 + 0.25 * -2.0)
    assert (found.direct[0], found.total[0], found.linear[0]) == pytest.approx((both, both, both))


def test_a_graph_of_a_feature_is_refused(graph: Graph) -> None:
    with pytest.raises(GraphError, match="explains a feature or nothing"):
        predict(by_hand.graph(EDGES, {B: 1.0}), [rows(graph, A)])
