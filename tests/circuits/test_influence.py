"""Influence equals the matrix inverse on any graph, and what arrives at the roots is what the targets weigh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.influence import edge_share, flow, node_influence, row_mass, signed_influence
from tests.circuits import by_hand
from tests.graphs import random_graph

# Only the shape is drawn: building a graph while drawing would run beartype's random spot checks inside hypothesis.
shapes = st.fixed_dictionaries(
    {
        "n_features": st.integers(0, 40),
        "n_edges": st.integers(0, 300),
        "n_pos": st.integers(1, 5),
        "n_layers": st.integers(1, 6),
        "n_logits": st.integers(1, 4),
        "seed": st.integers(0, 10**6),
        "errors": st.booleans(),
        "biases": st.booleans(),
    }
)


def closed_form(graph: Graph, share: np.ndarray) -> np.ndarray:
    """``weight ((I - A)^-1 - I)`` on the dense matrix."""
    dense = np.zeros((len(graph), len(graph)))
    dense[graph.edge_target, graph.rows.source] = share
    eye = np.eye(len(graph))
    inverse: np.ndarray = graph.target_weight @ (np.linalg.inv(eye - dense) - eye)
    return inverse


@given(shape=shapes, count_bias=st.booleans())
def test_influence_equals_the_matrix_inverse(shape: dict[str, Any], count_bias: bool) -> None:
    graph = random_graph(**shape)
    weight = np.abs(graph.adjacency().astype(np.float64))
    if not count_bias:
        weight[:, graph.block(NodeKind.BIAS)] = 0
    share = weight / np.maximum(weight.sum(1, keepdims=True), 1e-10)
    expected = closed_form(graph, share[graph.edge_target, graph.rows.source])
    np.testing.assert_allclose(node_influence(graph, count_bias=count_bias), expected, rtol=1e-9, atol=1e-12)


@given(shape=shapes)
def test_signed_influence_equals_the_matrix_inverse(shape: dict[str, Any]) -> None:
    graph = random_graph(**shape)
    share = edge_share(graph, row_mass(graph, count_bias=True))
    np.testing.assert_allclose(
        signed_influence(graph, count_bias=True), closed_form(graph, share), rtol=1e-9, atol=1e-12
    )


@given(shape=shapes)
def test_series_ends(shape: dict[str, Any]) -> None:
    """I6: after as many terms as there are layers above the roots nothing is left."""
    graph = random_graph(**shape)
    share = np.abs(edge_share(graph, row_mass(graph)))
    dense = np.zeros((len(graph), len(graph)))
    dense[graph.edge_target, graph.rows.source] = share
    term, total = graph.target_weight, np.zeros(len(graph))
    for _ in range(graph.n_layers + 1):
        term = term @ dense
        total += term
    assert not (term @ dense).any()
    np.testing.assert_allclose(flow(graph, share, graph.target_weight), total, rtol=1e-9, atol=1e-12)


@given(shape=shapes)
def test_roots_receive_what_the_targets_weigh(shape: dict[str, Any]) -> None:
    """Conservation: nothing is lost on the way, apart from targets that nothing feeds."""
    graph = random_graph(**shape)
    influence = node_influence(graph, count_bias=True)
    fed = row_mass(graph, count_bias=True) > 0
    lost = ((influence + graph.target_weight) * ~fed)[np.isin(graph.nodes.kind, [NodeKind.FEATURE, NodeKind.LOGIT])]
    roots = influence[~np.isin(graph.nodes.kind, [NodeKind.FEATURE, NodeKind.LOGIT])]
    np.testing.assert_allclose(roots.sum() + lost.sum(), graph.target_weight.sum())


def test_two_paths_add_up() -> None:
    """The logit takes 3/4 from a feature and 1/4 from a token; the feature half from each of two tokens."""
    graph = by_hand.graph(
        {
            ("logit:2:1:9", "feature:1:1:5"): 3.0,
            ("logit:2:1:9", "embedding:-1:1:7"): -1.0,
            ("feature:1:1:5", "embedding:-1:0:1"): 2.0,
            ("feature:1:1:5", "embedding:-1:1:7"): -2.0,
        },
        {"logit:2:1:9": 0.8},
    )
    expected = {"feature:1:1:5": 0.6, "embedding:-1:0:1": 0.3, "embedding:-1:1:7": 0.3 + 0.2, "logit:2:1:9": 0.0}
    influence = dict(zip(map(str, map(graph.key, range(4))), node_influence(graph), strict=True))
    assert influence == pytest.approx(expected)
    signed = dict(zip(map(str, map(graph.key, range(4))), signed_influence(graph), strict=True))
    assert signed == pytest.approx({**expected, "embedding:-1:1:7": -0.3 - 0.2})


def test_bias_nodes_count_only_when_asked() -> None:
    edges = {("logit:1:0:9", "bias:-1:-1:0"): 3.0, ("logit:1:0:9", "embedding:-1:0:1"): 1.0}
    graph = by_hand.graph(edges, {"logit:1:0:9": 1.0})
    bias, embedding = graph.block(NodeKind.BIAS).start, graph.block(NodeKind.EMBEDDING).start
    assert node_influence(graph)[[bias, embedding]].tolist() == [0.0, 1.0]
    assert node_influence(graph, count_bias=True)[[bias, embedding]].tolist() == [0.75, 0.25]


def test_what_a_row_leaves_out_stays_in_its_denominator() -> None:
    graph = by_hand.graph({("logit:1:0:9", "embedding:-1:0:1"): 1.0}, {"logit:1:0:9": 1.0})
    rest = np.zeros(len(graph))
    rest[-1] = 3.0
    thinned = replace(graph, rows=replace(graph.rows, rest_abs=rest))
    assert node_influence(thinned)[0] == 0.25


def test_a_feature_target_weighs_like_a_logit() -> None:
    edges = {("feature:1:0:5", "embedding:-1:0:1"): 4.0, ("logit:2:0:9", "feature:1:0:5"): 1.0}
    graph = by_hand.graph(edges, {"feature:1:0:5": 2.0})
    assert node_influence(graph).tolist() == [0.0, 2.0, 0.0]
