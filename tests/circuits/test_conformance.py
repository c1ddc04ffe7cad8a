"""The same graphs as circuit-tracer 0.4.1 computed from the same files (tests/data/conformance/ORIGIN.md).

The Gemma-2 set is too large to carry along; its test runs when CIRCUIT_CONFORMANCE names the full set's folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.circuits.attribution import attribute
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.pruning import prune
from explorer.circuits.replacement import LocalReplacementModel, replace_locally
from explorer.circuits.scores import scores, worst_residual
from explorer.circuits.targets import LogitTarget, chosen_tokens, contrast, free_direction, top_logits
from explorer.io.transcoders import read
from explorer.models.loader import LanguageModel, open_language_model
from explorer.models.trace import Trace
from explorer.work import run

SMALL = Path(__file__).parent.parent / "data" / "conformance"
FULL = os.environ.get("CIRCUIT_CONFORMANCE", "")
NEEDS_FULL = pytest.mark.skipif(not FULL, reason="Gemma-2 (30 MB) is not shipped; set CIRCUIT_CONFORMANCE")
THRESHOLDS = {"node_mask": (0.8, 0.98), "node_mask_0.5_0.9": (0.5, 0.9), "node_mask_0.95_0.995": (0.95, 0.995)}


@dataclass(frozen=True)
class Case:
    """One golden file and what this program computes for it."""

    golden: Mapping[str, Any]
    model: LanguageModel
    trace: Trace
    local: LocalReplacementModel
    targets: tuple[LogitTarget, ...]
    graph: Graph

    @property
    def theirs(self) -> np.ndarray:
        """Which nodes circuit-tracer has as well: all but the bias nodes."""
        return self.graph.nodes.kind != NodeKind.BIAS


@cache
def opened(root: Path, model: str, dtype: str) -> LanguageModel:
    return open_language_model(root / model, dtype=dtype)


@cache
def computed(golden: str, model: str, transcoders: str, dtype: str) -> Case:
    root = SMALL if model == "gpt2" else Path(FULL)
    with np.load(root / "golden" / f"{golden}.npz") as held:
        fields = {name: held[name] for name in held.files if held[name].dtype.kind != "U"}
    language_model = opened(root, model, dtype)
    trace = language_model.run(tuple(fields["input_tokens"].tolist()))
    local = replace_locally(language_model, trace, read(root / transcoders), getattr(torch, dtype))
    targets = top_logits(language_model.head, trace.logits, trace.n_pos - 1)
    return Case(fields, language_model, trace, local, targets, run(attribute(local, targets)))


@pytest.fixture(
    params=[
        ("gpt2_plt_relu_tl", "gpt2", "gpt2-plt-relu"),
        ("gpt2_clt_relu_tl", "gpt2", "gpt2-clt-relu"),
        pytest.param(("gemma2_plt_jump_tl", "gemma2", "gemma2-plt-jump"), marks=NEEDS_FULL),
    ],
    ids=["gpt2 plt", "gpt2 clt", "gemma2 plt"],
)
def files(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    found: tuple[str, str, str] = request.param
    return found


@pytest.fixture(params=["float32", "float64"])
def case(files: tuple[str, str, str], request: pytest.FixtureRequest) -> Case:
    return computed(*files, request.param)


def test_the_same_features_are_active(case: Case) -> None:
    nodes, block = case.graph.nodes, case.graph.block(NodeKind.FEATURE)
    ours = np.stack([nodes.layer[block], nodes.pos[block], nodes.feature[block]], axis=1)
    np.testing.assert_array_equal(ours, case.golden["active_features"])
    np.testing.assert_allclose(nodes.activation[block], case.golden["activation_values"], rtol=1e-4, atol=1e-5)


def test_logits_and_probabilities_agree(case: Case) -> None:
    assert [target.token_id for target in case.targets] == case.golden["logit_tokens"].tolist()
    probability = [target.probability for target in case.targets]
    np.testing.assert_allclose(probability, case.golden["logit_probs"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(case.trace.logits[-1].numpy(), case.golden["logits_last"], rtol=0, atol=1e-5)


def test_every_edge_agrees(case: Case) -> None:
    ours = case.graph.adjacency()[np.ix_(case.theirs, case.theirs)]
    theirs = case.golden["adjacency"]
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-6)


@pytest.mark.parametrize("name", list(THRESHOLDS))
def test_exactly_the_same_nodes_and_edges_are_kept(case: Case, name: str) -> None:
    pruned = prune(case.graph, *THRESHOLDS[name])
    np.testing.assert_array_equal(pruned.nodes[case.theirs], case.golden[name])
    kept = np.zeros((len(case.graph), len(case.graph)), dtype=bool)
    kept[case.graph.edge_target[pruned.edges], case.graph.rows.source[pruned.edges]] = True
    kept = kept[np.ix_(case.theirs, case.theirs)]
    if name == "node_mask":
        packed = case.golden["edge_mask"]
        np.testing.assert_array_equal(kept, np.unpackbits(packed, axis=1, count=len(kept)).astype(bool))
    else:
        assert kept.sum() == case.golden[name.replace("node_mask", "n_edges")]


def test_scores_and_cumulative_influence_agree(case: Case) -> None:
    ours = scores(case.graph)
    assert ours.replacement == pytest.approx(float(case.golden["replacement_score"]), abs=1e-5)
    assert ours.completeness == pytest.approx(float(case.golden["completeness_score"]), abs=1e-5)
    # sums of up to 2,000 float32 terms on their side; ties in float64 may also swap neighbours in rank
    cumulative = prune(case.graph, 0.8, 0.98).cumulative[case.theirs]
    np.testing.assert_allclose(cumulative, case.golden["cumulative_scores"], rtol=0, atol=1e-4)


def test_the_books_balance(case: Case) -> None:
    limit = 1e-5 if case.local.error.dtype is torch.float32 else 1e-12
    assert worst_residual(case.graph) <= limit


def test_chosen_tokens_and_free_directions_agree() -> None:
    """This golden file was made in a run whose activations differ from its sibling's by up to 0.6 % (its rows of
    features do too), so only the token columns are held to the full tolerance.
    """
    case = computed("gpt2_plt_relu_tl", "gpt2", "gpt2-plt-relu", "float32")
    with np.load(SMALL / "golden" / "gpt2_plt_relu_targets.npz") as held:
        golden = {name: held[name] for name in held.files}
    head, last = case.model.head, case.trace.n_pos - 1
    tokens = chosen_tokens(head, case.trace.logits, last, golden["idx_tokens"].tolist())
    np.testing.assert_allclose([token.probability for token in tokens], golden["idx_probs"], rtol=0, atol=1e-5)
    directions = (contrast(head, last, 300, 1000), free_direction(head.W_U[300], last, len(head.W_U), number=1))
    for targets, theirs in ((tokens, golden["idx_rows"]), (directions, golden["custom_rows"])):
        graph = run(attribute(case.local, targets))
        rows = graph.adjacency()[graph.block(NodeKind.LOGIT)][:, graph.nodes.kind != NodeKind.BIAS]
        kind = graph.nodes.kind[graph.nodes.kind != NodeKind.BIAS]
        is_token = kind == NodeKind.EMBEDDING
        assert np.abs(theirs[:, is_token]).max() > 0.01
        np.testing.assert_allclose(rows[:, is_token], theirs[:, is_token], rtol=0, atol=5e-6)
        np.testing.assert_allclose(rows, theirs[:, : rows.shape[1]], rtol=0, atol=5e-4)
