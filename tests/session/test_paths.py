"""Paths between two ends against every path of a small graph, walked one by one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise

import numpy as np
import pytest

from explorer.circuits.graph import NodeKind
from explorer.session.edits import Edits
from explorer.session.paths import as_csv, as_text, ends_of, paths
from explorer.session.view import GraphView, resolve
from tests.graphs import random_graph


@pytest.fixture(scope="module")
def view() -> GraphView:
    return resolve(random_graph(12, 70, n_pos=4, n_layers=3, n_logits=2, seed=5), Edits(1.0, 1.0))


def walk(share: np.ndarray, nodes: tuple[int, ...], starts: set[int]) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Every path that ends as ``nodes``, with the product of its shares; ``share`` is [target, source]."""
    if nodes[0] in starts:
        yield float(np.prod([share[b, a] for a, b in pairwise(nodes)])), nodes
    for source in np.flatnonzero(share[nodes[0]]).tolist():
        yield from walk(share, (source, *nodes), starts)


def every_path(view: GraphView, starts: list[int], end: int) -> list[tuple[float, tuple[int, ...]]]:
    graph = view.graph
    dense = graph.adjacency().astype(np.float64) * (graph.nodes.kind != NodeKind.BIAS)
    share = dense / np.maximum(np.abs(dense).sum(axis=1) + graph.rows.rest_abs, 1e-10)[:, None]
    return sorted(walk(share, (end,), set(starts)), key=lambda pair: -abs(pair[0]))


def test_the_strongest_paths_have_their_share_of_all(view: GraphView) -> None:
    starts, ends = ends_of(view, ())
    found = paths(view, starts, ends[:1], 8)
    every = every_path(view, starts, ends[0])
    total = sum(abs(value) for value, _ in every)
    assert len(every) > 8
    assert [way.nodes for way in found.ways] == [nodes for _, nodes in every[:8]]
    np.testing.assert_allclose([way.share for way in found.ways], [abs(value) / total for value, _ in every[:8]])
    assert [way.raises for way in found.ways] == [value > 0 for value, _ in every[:8]]
    assert found.share == pytest.approx(sum(way.share for way in found.ways))


def test_all_paths_together_are_the_whole(view: GraphView) -> None:
    starts, ends = ends_of(view, ())
    n = len(every_path(view, starts, ends[0]))
    assert paths(view, starts, ends[:1], n + 5).share == pytest.approx(1.0)


def test_the_error_share_is_that_of_a_walk_back(view: GraphView) -> None:
    graph = view.graph
    dense = np.abs(graph.adjacency().astype(np.float64)) * (graph.nodes.kind != NodeKind.BIAS)
    from_error = dense[:, graph.nodes.kind == NodeKind.ERROR].sum(axis=1) / np.maximum(dense.sum(axis=1), 1e-10)
    way = paths(view, *ends_of(view, ())).ways[0]
    kept = 1.0
    for node in way.nodes[1:]:
        kept *= 1 - from_error[node]
    assert way.error == pytest.approx(1 - kept)


def test_hidden_nodes_are_on_no_path(view: GraphView) -> None:
    strongest = paths(view, *ends_of(view, ())).ways
    middle = next(way.nodes[1] for way in strongest if len(way.nodes) > 2)
    less = resolve(view.graph, Edits(1.0, 1.0, hidden=frozenset([view.graph.key(middle)])))
    found = paths(less, *ends_of(less, ()))
    assert found.ways
    assert all(middle not in way.nodes for way in found.ways)
    assert found.share < paths(view, *ends_of(view, ())).share


def test_the_ends_follow_from_the_selection(view: GraphView) -> None:
    graph = view.graph
    tokens = [node for node in range(len(graph)) if graph.nodes.kind[node] == NodeKind.EMBEDDING]
    outputs = [node for node in range(len(graph)) if graph.nodes.kind[node] == NodeKind.LOGIT]
    low, high = 0, graph.count(NodeKind.FEATURE) - 1
    assert graph.nodes.layer[low] < graph.nodes.layer[high]
    assert ends_of(view, ()) == (tokens, outputs)
    assert ends_of(view, (high,)) == (tokens, [high])
    assert ends_of(view, (tokens[1],)) == ([tokens[1]], outputs)
    assert ends_of(view, (high, low)) == ([low], [high])
    assert ends_of(view, (high, tokens[2], low, tokens[1])) == ([tokens[2], tokens[1]], [high])


def test_ends_without_a_way_between_them_have_no_paths(view: GraphView) -> None:
    outputs = ends_of(view, ())[1]
    found = paths(view, outputs, [0])
    assert (found.ways, found.share) == ((), 0)
    assert paths(view, [0], [0]).ways == ()


def test_text_and_table_hold_every_path(view: GraphView) -> None:
    found = paths(view, *ends_of(view, ()), 5)
    assert as_text(found).startswith("Paths from all tokens to the outputs that count: ")
    assert len(as_text(found).splitlines()) == 6
    rows = list(csv.DictReader(StringIO(as_csv(found))))
    assert [float(row["share"]) for row in rows] == [way.share for way in found.ways]
    assert [row["nodes"].split() for row in rows] == [[str(view.graph.key(n)) for n in w.nodes] for w in found.ways]
    assert [row["sign"] for row in rows] == ["1" if way.raises else "-1" for way in found.ways]
