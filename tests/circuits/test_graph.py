"""The graph as columns and rows: keys, inputs and outputs, levels, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import BIAS_NAMES, BiasClass, Graph, NodeKey, NodeKind, Nodes, Rows
from explorer.errors import GraphError
from tests.graphs import random_graph


@pytest.fixture
def graph() -> Graph:
    return random_graph(n_features=30, n_edges=200, n_layers=4)


@given(
    kind=st.sampled_from(NodeKind),
    layer=st.integers(-1, 100),
    pos=st.integers(-1, 2000),
    feature=st.integers(-1, 2**40),
)
def test_a_key_survives_its_text(kind: NodeKind, layer: int, pos: int, feature: int) -> None:
    key = NodeKey(int(kind), layer, pos, feature)
    assert NodeKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "feature", "feature:1:2", "feature:1:2:x", "neuron:1:2:3", "feature:1:2:3:4"])
def test_a_text_that_is_no_node_is_refused(text: str) -> None:
    with pytest.raises(GraphError, match="is not a node: expected kind:layer:position:feature"):
        NodeKey.parse(text)


def test_index_undoes_key(graph: Graph) -> None:
    assert [graph.index[graph.key(node)] for node in range(len(graph))] == list(range(len(graph)))


def test_blocks_cover_the_nodes_in_order(graph: Graph) -> None:
    blocks = [graph.block(kind) for kind in NodeKind]
    assert blocks[0].start == 0
    assert blocks[-1].stop == len(graph)
    assert all(one.stop == other.start for one, other in pairwise(blocks))
    assert sum(graph.count(kind) for kind in NodeKind) == len(graph)


def test_an_absent_kind_has_an_empty_block() -> None:
    graph = random_graph(errors=False, biases=False)
    assert graph.count(NodeKind.ERROR) == graph.count(NodeKind.BIAS) == 0
    assert graph.block(NodeKind.ERROR).start == graph.block(NodeKind.EMBEDDING).start


def test_inputs_and_outputs_are_rows_and_columns(graph: Graph) -> None:
    dense = graph.adjacency()
    for node in range(len(graph)):
        row, column = np.zeros(len(graph)), np.zeros(len(graph))
        source, weight = graph.inputs(node)
        row[source] = weight
        np.testing.assert_array_equal(row, dense[node])
        target, weight = graph.outputs(node)
        column[target] = weight
        np.testing.assert_array_equal(column, dense[:, node])


def test_levels_are_every_target_once_from_the_outputs_down(graph: Graph) -> None:
    levels = list(graph.levels())
    nodes = [node for level in levels for node in range(level.start, level.stop)]
    targets = [*range(graph.count(NodeKind.FEATURE)), *range(graph.block(NodeKind.LOGIT).start, len(graph))]
    assert sorted(nodes) == targets
    place = {node: number for number, level in enumerate(levels) for node in range(level.start, level.stop)}
    pairs = zip(graph.edge_target.tolist(), graph.rows.source.tolist(), strict=True)
    assert all(place[target] < place.get(source, len(levels)) for target, source in pairs)


def test_a_large_graph_is_not_made_dense() -> None:
    graph = random_graph(n_features=8_000, n_edges=9_000)
    with pytest.raises(GraphError, match="too large; at most 8000"):
        graph.adjacency()


def test_every_bias_class_has_a_name() -> None:
    assert set(BIAS_NAMES) == set(BiasClass)


def test_columns_must_fit(graph: Graph) -> None:
    nodes = graph.nodes
    with pytest.raises(GraphError, match="differ in length"):
        Nodes(nodes.kind, nodes.layer[1:], nodes.pos, nodes.feature, nodes.activation)
    with pytest.raises(GraphError, match="not ordered"):
        Nodes(nodes.kind[::-1], nodes.layer, nodes.pos, nodes.feature, nodes.activation)


def test_rows_must_fit(graph: Graph) -> None:
    rows = graph.rows
    with pytest.raises(GraphError, match="do not cover its edges"):
        Rows(rows.start[:-1], rows.source, rows.weight, rows.rest_sum, rows.rest_abs)
    with pytest.raises(GraphError, match="not as many weights"):
        Rows(rows.start, rows.source, rows.weight[1:], rows.rest_sum, rows.rest_abs)


@pytest.mark.parametrize("name", ["constant", "preactivation", "target_weight", "probability"])
def test_values_of_nodes_must_fit(graph: Graph, name: str) -> None:
    with pytest.raises(GraphError, match=name):
        replace(graph, **{name: np.zeros(3)})


def test_texts_must_fit(graph: Graph) -> None:
    with pytest.raises(GraphError, match="token texts as tokens"):
        replace(graph, tokens=("a",))
    with pytest.raises(GraphError, match="token texts as logits"):
        replace(graph, logit_tokens=())
