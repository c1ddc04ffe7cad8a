"""Direct effects between groups, against the published formula written out node by node."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.graph import Floats, Graph, Ints, NodeKind
from explorer.circuits.influence import edge_share, row_mass
from explorer.circuits.supernodes import activation, aggregate
from explorer.io.graph_json_import import read
from tests.graphs import random_graph

DATA = Path(__file__).parents[1] / "data" / "graphs"


def by_hand(graph: Graph, group: Ints, count_bias: bool) -> tuple[Floats, Floats, Floats]:
    """Shares [target, source], what is in no group, and what cancels; sum over t in T of the first form in the paper's
    frontend: (A / ext(t)) * rho(t) / (sum of rho over T)."""
    matrix = graph.adjacency().astype(np.float64)
    if not count_bias:
        matrix[:, graph.nodes.kind == NodeKind.BIAS] = 0
    n = int(group.max()) + 1
    share, loose, cancels = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    for into in range(n):
        members = np.flatnonzero(group == into)
        others = [np.flatnonzero(group == out) for out in range(n) if out != into]
        account = {}
        for t in members:
            everything = np.abs(matrix[t]).sum() + graph.rows.rest_abs[t]
            external = everything - np.abs(matrix[t, members]).sum()
            account[t] = (external, external / everything if everything > 0 else 0.0)
        total = sum(rho for _, rho in account.values())
        for t, (external, rho) in account.items():
            if external <= 1e-12 * np.abs(matrix[t]).sum() or total <= 1e-12:
                continue
            factor = rho / total / external
            for out in range(n):
                if out != into:
                    share[into, out] += matrix[t, group == out].sum() * factor
            loose[into] += (np.abs(matrix[t, group < 0]).sum() + graph.rows.rest_abs[t]) * factor
            cancels[into] += sum(np.abs(matrix[t, other]).sum() for other in others) * factor
        cancels[into] -= np.abs(share[into]).sum()
    return share, loose, cancels


def assert_formula_holds(graph: Graph, group: Ints, count_bias: bool = False) -> None:
    sums = aggregate(graph, group, row_mass(graph, count_bias=count_bias), count_bias=count_bias)
    share, loose, cancels = by_hand(graph, group, count_bias)
    found = np.zeros_like(share)
    found[sums.target, sums.source] = sums.share
    np.testing.assert_allclose(found, share, rtol=0, atol=1e-9)
    np.testing.assert_allclose(sums.loose, loose, rtol=0, atol=1e-9)
    np.testing.assert_allclose(sums.cancels, cancels, rtol=0, atol=1e-9)
    whole = np.abs(found).sum(1) + sums.loose + sums.cancels
    np.testing.assert_allclose(whole[sums.outside > 1e-9], 1.0, rtol=0, atol=1e-9)
    assert np.all(np.abs(found).sum(1) <= 1 + 1e-9)


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n_groups=st.integers(1, 8), count_bias=st.booleans())
def test_shares_are_those_of_the_published_formula(seed: int, n_groups: int, count_bias: bool) -> None:
    graph = random_graph(n_features=30, n_edges=150, n_pos=4, n_layers=5, seed=seed)
    group = np.random.default_rng(seed).integers(-1, n_groups, len(graph))
    assert_formula_holds(graph, group, count_bias)


def published(tmp_path: Path, name: str) -> Graph:
    path = DATA / name
    if path.suffix == ".gz":
        path = tmp_path / path.stem
        path.write_bytes(gzip.decompress((DATA / name).read_bytes()))
    return read(path)[0]


NAMES = ["dallas-austin-llamma.json", "dry-clt-hp.json.gz", "son-clt-hp.json"]


@pytest.mark.parametrize("name", NAMES)
def test_shares_hold_on_published_graphs(tmp_path: Path, name: str) -> None:
    graph, rng = published(tmp_path, name), np.random.default_rng(1)
    for n_groups in (3, 40):
        group = rng.integers(-1, n_groups, len(graph))
        assert_formula_holds(graph, group)
        share, _, cancels = by_hand(graph, group, count_bias=False)
        assert min(np.abs(share).max(), cancels.max()) > 1e-3  # there is something to agree on


@pytest.mark.parametrize("name", NAMES)
def test_on_published_graphs_a_group_of_one_node_reproduces_it(tmp_path: Path, name: str) -> None:
    graph = published(tmp_path, name)
    sums = aggregate(graph, np.arange(len(graph)), row_mass(graph))
    dense = graph.adjacency().astype(np.float64)
    share = dense / np.maximum(np.abs(dense).sum(axis=1) + graph.rows.rest_abs, 1e-12)[:, None]
    target, source = dense.nonzero()
    np.testing.assert_array_equal((sums.target, sums.source), (target, source))
    np.testing.assert_allclose(sums.weight, dense[target, source], rtol=1e-12)
    np.testing.assert_allclose(sums.share, share[target, source], rtol=0, atol=1e-9)
    assert len(target) > 300


def test_groups_of_one_node_reproduce_the_shares_of_their_edges() -> None:
    graph = random_graph(n_features=40, n_edges=300, seed=3)
    mass = row_mass(graph)
    sums = aggregate(graph, np.arange(len(graph)), mass)
    share = edge_share(graph, mass)
    counted = graph.nodes.kind[graph.rows.source] != NodeKind.BIAS
    np.testing.assert_array_equal(sums.target, graph.edge_target[counted])
    np.testing.assert_array_equal(sums.source, graph.rows.source[counted])
    np.testing.assert_allclose(sums.share, share[counted], rtol=1e-12)
    np.testing.assert_allclose(sums.weight, graph.rows.weight[counted], rtol=1e-12)
    np.testing.assert_allclose(sums.outside, mass, rtol=1e-12)


def test_a_group_that_only_feeds_itself_has_no_shares() -> None:
    graph = random_graph(n_features=20, n_edges=90, seed=5, biases=False, errors=False)
    sums = aggregate(graph, np.zeros(len(graph), dtype=np.int64), row_mass(graph))
    assert len(sums.share) == 0
    assert (sums.outside.tolist(), sums.loose.tolist(), sums.cancels.tolist()) == ([0.0], [0.0], [0.0])


def test_without_groups_there_is_nothing() -> None:
    graph = random_graph(n_features=5, n_edges=20)
    assert len(aggregate(graph, np.full(len(graph), -1), row_mass(graph)).outside) == 0


def test_the_activation_of_a_group_is_the_sum_over_its_features() -> None:
    graph = random_graph(n_features=5, n_edges=20)
    token = graph.block(NodeKind.EMBEDDING).start
    rows = np.array([0, 3, token])
    assert activation(graph, rows) == pytest.approx(float(graph.nodes.activation[[0, 3]].sum()))
    assert np.isnan(activation(graph, np.array([token])))
