"""circuit-tracer's own files: what its .pt holds is what its JSON shows, and what does not fit is named."""

from __future__ import annotations

import gzip
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.pruning import prune
from explorer.circuits.scores import scores
from explorer.errors import LoadError
from explorer.io import graph_json_import, graph_pt
from explorer.session.edits import Edits

DATA = Path(__file__).parents[1] / "data" / "graphs"
FILE = DATA / "circuit-tracer.pt"


def edges(graph: Graph, kept: np.ndarray | None = None) -> dict[tuple[NodeKey, NodeKey], float]:
    kept = np.ones(graph.n_edges, bool) if kept is None else kept
    columns = (graph.rows.source[kept], graph.edge_target[kept], graph.rows.weight[kept])
    return {(graph.key(s), graph.key(t)): w for s, t, w in zip(*(c.tolist() for c in columns), strict=True)}


def test_the_file_is_read_whole() -> None:
    graph, edits = graph_pt.read(FILE)
    assert edits == Edits()
    assert [graph.count(kind) for kind in NodeKind] == [60, 52, 13, 0, 10]
    assert (graph.n_layers, graph.n_pos, len(graph)) == (4, 13, 135)
    assert graph.logit_tokens[:2] == ("\n", " the")
    assert graph.token_ids[1] == 1448
    assert graph.provenance["model"] == "tiny-gpt2"
    assert graph.provenance["prompt"] == "The license is granted to any person who returns the"


def test_its_pruning_is_what_circuit_tracer_wrote_as_json(tmp_path: Path) -> None:
    path = tmp_path / "circuit-tracer.json"
    path.write_bytes(gzip.decompress((DATA / "circuit-tracer.json.gz").read_bytes()))
    shown, _ = graph_json_import.read(path)
    whole, _ = graph_pt.read(FILE)
    pruned = prune(whole, 0.8, 0.98)
    assert edges(whole, pruned.edges) == edges(shown)
    assert shown.provenance["written_by"] == "circuit-tracer"
    for row in range(len(shown)):
        key = shown.key(row)
        at = whole.index[key]
        if key.kind == NodeKind.FEATURE:
            assert shown.nodes.activation[row] == whole.nodes.activation[at]
        held = shown.extra["nodes"]["influence"]
        if key.kind != NodeKind.LOGIT:
            assert held["value"][held["at"].index(row)] == pytest.approx(pruned.cumulative[at], abs=1e-6)


def test_its_scores_are_the_fixtures_own() -> None:
    """All features of the golden file would give its scores; here sixty were kept, computed anew by the formula."""
    graph, _ = graph_pt.read(FILE)
    dense = np.abs(graph.adjacency().astype(float))
    share = dense / np.maximum(dense.sum(axis=1, keepdims=True), 1e-10)
    influence = graph.target_weight @ (np.linalg.inv(np.eye(len(graph)) - share) - np.eye(len(graph)))
    tokens, errors = (influence[graph.block(kind)].sum() for kind in (NodeKind.EMBEDDING, NodeKind.ERROR))
    assert scores(graph).replacement == pytest.approx(tokens / (tokens + errors))


class LogitTarget(NamedTuple):
    token_str: str
    vocab_idx: int


class UnifiedConfig:
    def __init__(self, n_layers: int) -> None:
        self.n_layers = n_layers
        self.model_name = "m"


@pytest.fixture
def circuit_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that circuit-tracer's classes have in its files."""
    for name in ("circuit_tracer", "circuit_tracer.attribution", "circuit_tracer.utils"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    for name, held in (("attribution.targets", LogitTarget), ("utils.tl_nnsight_mapping", UnifiedConfig)):
        module = types.ModuleType(f"circuit_tracer.{name}")
        setattr(module, held.__name__, held)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(held, "__module__", module.__name__)


def _table() -> dict[str, Any]:
    """A graph of two features out of order, one layer, two tokens, one output; the fields of Graph.to_pt."""
    matrix = torch.zeros(7, 7)  # features 0 and 1, errors 2 and 3, tokens 4 and 5, output 6
    matrix[0, 5], matrix[1, 4], matrix[6, 0], matrix[6, 3] = 1.5, 2.0, -1.0, 0.5
    return {
        "input_string": "a b",
        "adjacency_matrix": matrix,
        "cfg": UnifiedConfig(1),
        "active_features": torch.tensor([[0, 0, 9], [0, 1, 7], [0, 1, 8]]),
        "activation_values": torch.tensor([0.5, 1.0, 2.0]),
        "selected_features": torch.tensor([2, 0]),
        "logit_targets": [LogitTarget(" c", 42)],
        "logit_probabilities": torch.tensor([0.25]),
        "vocab_size": 100,
        "input_tokens": torch.tensor([3, 4]),
        "scan": ["one", "two"],
    }


def _saved(folder: Path, **changes: Any) -> Path:
    path = folder / "graph.pt"
    torch.save({**_table(), **changes}, path)
    return path


def test_features_are_sorted_with_their_rows_and_columns(circuit_tracer: None, tmp_path: Path) -> None:
    graph, _ = graph_pt.read(_saved(tmp_path))
    one, two = NodeKey(0, 0, 0, 9), NodeKey(0, 0, 1, 8)
    assert list(graph.index)[:2] == [one, two]
    assert graph.nodes.activation[:2].tolist() == [0.5, 2.0]
    output = NodeKey(4, 1, 1, 42)
    assert edges(graph) == {
        (NodeKey(2, -1, 1, 4), two): 1.5,
        (NodeKey(2, -1, 0, 3), one): 2.0,
        (two, output): -1.0,
        (NodeKey(1, 0, 1, -1), output): 0.5,
    }
    assert graph.provenance["metadata"]["transcoder_list"] == ["one", "two"]


def test_old_files_have_an_array_of_outputs(circuit_tracer: None, tmp_path: Path) -> None:
    graph, _ = graph_pt.read(_saved(tmp_path, logit_targets=torch.tensor([42])))
    assert graph.logit_tokens == ("<42>",)


def test_targets_beyond_the_vocabulary_have_a_weight_and_no_probability(circuit_tracer: None, tmp_path: Path) -> None:
    graph, _ = graph_pt.read(_saved(tmp_path, logit_targets=[LogitTarget("A − B", 100)]))
    assert graph.target_weight[-1] == 0.25
    assert np.isnan(graph.probability[-1])


def _matrix(change: Callable[[torch.Tensor], None]) -> dict[str, Any]:
    matrix = _table()["adjacency_matrix"]
    change(matrix)
    return {"adjacency_matrix": matrix}


def _set(row: int, column: int, weight: float) -> dict[str, Any]:
    return _matrix(lambda matrix: matrix.__setitem__((row, column), weight))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (lambda: {"adjacency_matrix": torch.zeros(8, 8)}, "matrix of 8 by 8 does not fit its nodes"),
        (lambda: {"adjacency_matrix": torch.zeros(7, 6)}, "matrix of 7 by 6 does not fit"),
        (lambda: {"adjacency_matrix": torch.zeros(9, 9)}, "errors of 2 layers where the model has 1"),
        (lambda: {"adjacency_matrix": torch.zeros(7)}, "adjacency_matrix is no array of numbers with 2 axes"),
        (lambda: {"input_tokens": [3, 4]}, "input_tokens is no array"),
        (lambda: {"input_tokens": torch.zeros(0, dtype=torch.int64)}, "does not fit its nodes"),
        (lambda: {"selected_features": torch.tensor([2, 9])}, "selects features that it does not hold"),
        (lambda: {"activation_values": torch.zeros(2)}, "do not fit each other"),
        (lambda: {"logit_targets": []}, "have not as many outputs"),
        (lambda: {"logit_targets": [LogitTarget("x", -1)]}, "have not as many outputs"),
        (lambda: {"logit_targets": ["x"]}, "have not as many outputs"),
        (lambda: _set(6, 0, float("nan")), "no finite weight"),
        (lambda: _set(4, 0, 1.0), "does not lead to a feature or logit"),
        (lambda: {"active_features": torch.tensor([[7, 0, 9], [0, 1, 7], [0, 1, 8]])}, "lies outside the graph"),
        (lambda: {"selected_features": torch.tensor([2, 2])}, "two nodes of the same kind"),
    ],
)
def test_what_does_not_fit_is_named(
    circuit_tracer: None, tmp_path: Path, changes: Callable[[], dict[str, Any]], words: str
) -> None:
    path = _saved(tmp_path, **changes())
    with pytest.raises(LoadError, match=words) as caught:
        graph_pt.read(path)
    assert str(path) in str(caught.value)


def test_other_pytorch_files_are_no_graphs(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, tmp_path / "a.pt")
    with pytest.raises(LoadError, match="without a graph of circuit-tracer"):
        graph_pt.read(tmp_path / "a.pt")


def test_a_class_that_would_run_does_not(circuit_tracer: None, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    path = tmp_path / "evil.pt"
    torch.save({**_table(), "cfg": Evil()}, path)
    assert len(graph_pt.read(path)[0]) == 7
    assert not (tmp_path / "ran").exists()
