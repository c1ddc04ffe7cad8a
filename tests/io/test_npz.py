"""The arrays of an exported graph are those of the command line's promise."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from explorer.circuits.graph import NodeKind
from explorer.circuits.pruning import prune
from explorer.errors import LoadError
from explorer.io import npz
from explorer.session.edits import Edits
from tests.io.graphs import random_graph

NAMES = {
    "kind", "layer", "pos", "feature", "activation", "adjacency", "input_tokens", "logit_probs", "influence",
    "node_mask", "edge_mask", "constant",
}  # fmt: skip


def _exported(folder: Path, edits: Edits | None = None) -> dict[str, np.ndarray]:
    npz.write(folder / "a.npz", random_graph(3), edits or Edits())
    with np.load(folder / "a.npz", allow_pickle=False) as held:
        return {name: held[name] for name in held.files}


def test_exactly_the_promised_arrays(tmp_path: Path) -> None:
    assert set(_exported(tmp_path)) == NAMES


def test_columns_are_the_graphs(tmp_path: Path) -> None:
    held, graph = _exported(tmp_path), random_graph(3)
    n = {kind: graph.count(kind) for kind in NodeKind}
    assert held["kind"].tolist() == [kind.name.lower() for kind in NodeKind for _ in range(n[kind])]
    for name in ("layer", "pos", "feature"):
        assert np.array_equal(held[name], getattr(graph.nodes, name))
    assert np.isfinite(held["activation"][: n[NodeKind.FEATURE]]).all()
    assert np.isnan(held["activation"][n[NodeKind.FEATURE] :]).all()
    assert np.array_equal(held["input_tokens"], graph.token_ids)
    assert len(held["logit_probs"]) == n[NodeKind.LOGIT]


def test_rows_of_the_matrix_are_targets(tmp_path: Path) -> None:
    held, graph = _exported(tmp_path), random_graph(3)
    for node in range(len(graph)):
        source, weight = graph.inputs(node)
        assert np.array_equal(np.flatnonzero(held["adjacency"][node]), np.sort(source))
        assert np.array_equal(held["adjacency"][node, source], weight)
    sums = held["adjacency"].astype(float).sum(axis=1) + held["constant"]
    known = ~np.isnan(graph.preactivation)
    np.testing.assert_allclose(sums[known], graph.preactivation[known], atol=1e-12)


def test_influence_is_the_series_on_the_whole_graph_without_bias(tmp_path: Path) -> None:
    held, graph = _exported(tmp_path), random_graph(3)
    strength = np.abs(held["adjacency"].astype(float))
    strength[:, held["kind"] == "bias"] = 0
    mass = strength.sum(axis=1, keepdims=True)
    share = np.divide(strength, mass, out=np.zeros_like(strength), where=mass > 0)
    series = graph.target_weight @ (np.linalg.inv(np.eye(len(graph)) - share) - np.eye(len(graph)))
    np.testing.assert_allclose(held["influence"], series, atol=1e-12)


def test_masks_are_those_of_the_thresholds(tmp_path: Path) -> None:
    edits = Edits(0.5, 0.7, hidden=frozenset([random_graph(3).key(0)]))
    held, graph = _exported(tmp_path, edits), random_graph(3)
    pruned = prune(graph, 0.5, 0.7)
    assert np.array_equal(held["node_mask"], pruned.nodes)
    assert held["edge_mask"].sum() == pruned.edges.sum()
    assert held["edge_mask"][graph.edge_target[pruned.edges], graph.rows.source[pruned.edges]].all()
    assert not held["edge_mask"][:, ~pruned.nodes].any()


def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(LoadError, match="no ordinary file"):
        npz.read_vector(tmp_path / "pipe.npy")
