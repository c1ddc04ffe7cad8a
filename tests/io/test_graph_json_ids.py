"""Ids of graph JSON are unique and tell what they are made of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import NodeKind
from explorer.io.graph_json_ids import cantor, js_node_id, node_ids, uncantor
from tests.io.graphs import random_graph


@given(layer=st.integers(0, 10**4), feature=st.integers(0, 2**60))
def test_the_pairing_is_undone_exactly(layer: int, feature: int) -> None:
    assert uncantor(cantor(layer, feature)) == (layer, feature)


def test_the_pairing_is_the_one_of_published_files() -> None:
    assert cantor(18, 5495) == 15204836
    assert cantor(0, 19204) == 184425614


def test_an_error_that_would_share_its_id_with_a_feature_gets_another() -> None:
    graph = random_graph()
    feature = graph.nodes.feature.copy()
    feature[0] = 2  # feature 2 of layer 0 at position 1: circuit-tracer's id of the error of layer 2 there
    graph = replace(graph, nodes=replace(graph.nodes, feature=feature))
    nodes = [node for node in range(len(graph)) if graph.nodes.kind[node] != NodeKind.BIAS]
    ids = node_ids(graph, nodes)
    assert ids[0] == "0_2_1"
    assert "2_error_mlp_1" in ids.values()
    assert "0_2_2" in ids.values()
    assert len(set(ids.values())) == len(nodes)


def test_second_ids_are_unique() -> None:
    graph = random_graph()
    keys = [graph.key(node) for node in range(len(graph)) if graph.nodes.kind[node] != NodeKind.BIAS]
    assert len({js_node_id(key, graph.n_pos) for key in keys}) == len(keys)
