"""A graph survives its arrays, and damaged arrays are refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import Graph
from explorer.circuits.graph_arrays import from_arrays, plain, to_arrays
from explorer.errors import GraphError
from tests.io.graphs import random_graph, same_graph


@given(seed=st.integers(0, 10**6), n_layers=st.integers(1, 4), n_bias=st.integers(0, 3))
def test_arrays_give_the_same_graph_back(seed: int, n_layers: int, n_bias: int) -> None:
    graph = random_graph(seed, n_layers=n_layers, n_bias=n_bias)
    head, arrays = to_arrays(graph)
    assert same_graph(from_arrays(json.loads(json.dumps(head, allow_nan=False)), arrays), graph)


def test_weights_keep_their_precision() -> None:
    graph = random_graph()
    double = replace(graph, rows=replace(graph.rows, weight=graph.rows.weight.astype(np.float64) / 3))
    assert from_arrays(*to_arrays(double)).rows.weight.dtype == np.float64
    assert from_arrays(*to_arrays(graph)).rows.weight.dtype == np.float32


@pytest.mark.parametrize("name", sorted(to_arrays(random_graph())[1]))
def test_missing_long_or_misshapen_columns_are_named(name: str) -> None:
    head, arrays = to_arrays(random_graph())
    rest = {other: array for other, array in arrays.items() if other != name}
    with pytest.raises(GraphError, match=name):
        from_arrays(head, rest)
    with pytest.raises(GraphError, match=name):
        from_arrays(head, {**rest, name: arrays[name][None]})
    with pytest.raises(GraphError, match=name):
        from_arrays(head, {**rest, name: arrays[name].astype(np.complex64)})
    if name != "token_ids":
        with pytest.raises(GraphError):
            from_arrays(head, {**rest, name: np.concatenate([arrays[name], arrays[name][-1:]])})


def _with(name: str, index: int, value: float) -> Graph:
    head, arrays = to_arrays(random_graph())
    changed = arrays[name].copy()
    changed[index] = value
    return from_arrays(head, {**arrays, name: changed})


@pytest.mark.parametrize(
    ("name", "index", "value", "words"),
    [
        ("rows.source", 0, 10_000, "edge from a node"),
        ("rows.source", 0, -1, "edge from a node"),
        ("rows.weight", 0, np.nan, "no finite weight"),
        ("rows.start", 3, -5, "overlap"),
        ("nodes.layer", 0, 99, "lies outside"),
        ("nodes.pos", -1, 99, "lies outside"),
        ("nodes.kind", -1, 9, "unknown kind"),
        ("nodes.kind", 0, 4, "not ordered"),
    ],
)
def test_contradictions_are_refused(name: str, index: int, value: float, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        _with(name, index, value)


def test_an_edge_that_leads_down_is_refused() -> None:
    graph = random_graph()
    logits = len(graph) - 1
    source = graph.rows.source.copy()
    source[0] = logits
    with pytest.raises(GraphError, match="higher layer"):
        from_arrays(*to_arrays(replace(graph, rows=replace(graph.rows, source=source))))


def test_a_newer_version_is_refused() -> None:
    head, arrays = to_arrays(random_graph())
    with pytest.raises(GraphError, match="version 7"):
        from_arrays({**head, "graph_version": 7}, arrays)


def test_plain_values_hold_no_numpy_and_no_nan() -> None:
    value = {"a": np.float32(0.5), "b": (1, np.int64(2)), "c": float("nan"), "d": np.arange(2), 3: {}}
    assert plain(value) == {"a": 0.5, "b": [1, 2], "c": None, "d": [0, 1], "3": {}}
