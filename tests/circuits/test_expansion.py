"""The strongest features by one sweep: as the full graph says, within the bound that it states."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.circuits.attribution import attribute
from explorer.circuits.expansion import attribute_strongest
from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.influence import edge_share, node_influence, row_mass
from explorer.circuits.scores import worst_residual
from explorer.circuits.targets import FeatureTarget
from explorer.errors import GraphError
from explorer.work import run
from tests import tiny


def both(family: str, kind: str, k: int) -> tuple[Graph, Graph]:
    """The full graph and that of the k strongest features, in float64."""
    model = tiny.model(family, "float64")
    trace, local = tiny.replaced(model, tiny.transcoders(model, kind))
    targets = tiny.logits(model, trace)
    return run(attribute(local, targets)), run(attribute_strongest(local, targets, k))


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_with_every_feature_it_is_the_full_graph(family: str, kind: str) -> None:
    """Also compares the two ways to the roots: the forward sweep, and the adjoint carried down to the embeddings."""
    full, part = both(family, kind, 10_000)
    fed = node_influence(full)[full.block(NodeKind.FEATURE)] > 0
    assert part.count(NodeKind.FEATURE) == fed.sum()
    assert part.provenance["influence_bound"] == 0
    known = np.array([full.index[part.key(node)] for node in range(len(part))])
    expected = full.adjacency()[np.ix_(known, known)]
    scale = np.abs(expected).max()
    np.testing.assert_allclose(part.adjacency(), expected, atol=1e-12 * scale)


@pytest.mark.parametrize("kind", ["plt", "clt"])
@pytest.mark.parametrize("k", [5, 20, 40])
def test_influence_is_off_by_at_most_the_bound(kind: str, k: int) -> None:
    full, part = both("llama", kind, k)
    true = node_influence(full)
    bound = part.provenance["influence_bound"]
    assert part.count(NodeKind.FEATURE) == k
    chosen = [full.index[part.key(node)] for node in range(k)]
    others = np.delete(true[full.block(NodeKind.FEATURE)], chosen)
    assert true[chosen].min() >= others.max() - bound - 1e-12


@pytest.mark.parametrize("kind", ["plt", "clt"])
@pytest.mark.parametrize("with_logits", [True, False])
def test_features_that_are_targets_are_kept_and_what_matters_to_them(kind: str, with_logits: bool) -> None:
    """By the full graph of the same targets, whose influence is found without a threshold."""
    model = tiny.model("llama", "float64")
    trace, local = tiny.replaced(model, tiny.transcoders(model, kind))
    logits, active = tiny.logits(model, trace) if with_logits else (), local.features
    chosen = (len(active) - 1, len(active) // 2)
    features = tuple(
        FeatureTarget(int(active.layer[at]), int(active.pos[at]), int(active.feature[at]), weight)
        for at, weight in zip(chosen, (0.5, 1e-6), strict=True)
    )
    full = run(attribute(local, logits, features))
    counts = (node_influence(full) + full.target_weight)[full.block(NodeKind.FEATURE)]
    for k in (4, 15):
        part = run(attribute_strongest(local, logits, k, features))
        kept = [full.index[part.key(node)] for node in range(part.count(NodeKind.FEATURE))]
        assert set(chosen) <= set(kept)
        assert k <= len(kept) <= k + 2
        others = np.delete(counts, kept)
        strongest = counts[[node for node in kept if node not in chosen]]
        assert strongest.min() >= others.max() - part.provenance["influence_bound"] - 1e-12
        assert worst_residual(part) < 1e-12
        for node in chosen:
            np.testing.assert_allclose(part.target_weight[kept.index(node)], full.target_weight[node])
            ours, theirs = part.adjacency()[kept.index(node)], full.adjacency()[node]
            np.testing.assert_allclose(ours[part.block(NodeKind.EMBEDDING)], theirs[full.block(NodeKind.EMBEDDING)])


def test_books_balance_with_the_remainder_and_fail_without_it() -> None:
    _, part = both("gpt2", "plt", 10)
    assert part.rows.rest_abs.max() > 0
    assert worst_residual(part) < 1e-12
    from dataclasses import replace

    stripped = replace(part, rows=replace(part.rows, rest_sum=np.zeros(len(part)), rest_abs=np.zeros(len(part))))
    assert worst_residual(stripped) > 1e-3


def test_shares_of_a_row_and_its_remainder_sum_to_one() -> None:
    _, part = both("llama", "plt", 10)
    mass = row_mass(part)
    real = part.nodes.kind[part.rows.source] != NodeKind.BIAS
    shares = np.bincount(part.edge_target, np.abs(edge_share(part, mass)) * real, minlength=len(part))
    shares += part.rows.rest_abs / np.maximum(mass, 1e-10)
    np.testing.assert_allclose(shares[mass > 0], 1.0)


def test_nothing_to_explain_is_refused() -> None:
    model = tiny.model("llama")
    trace, local = tiny.replaced(model, tiny.transcoders(model))
    with pytest.raises(GraphError, match="nothing to explain"):
        run(attribute_strongest(local, (), 5))
    with pytest.raises(GraphError, match="not active"):
        run(attribute_strongest(local, (), 5, (FeatureTarget(0, 1, 9999),)))
    with pytest.raises(GraphError, match="at least one feature"):
        run(attribute_strongest(local, tiny.logits(model, trace), 0))


def test_chunks_change_only_rounding() -> None:
    model = tiny.model("llama")
    trace, local = tiny.replaced(model, tiny.transcoders(model))
    targets = tiny.logits(model, trace)
    graphs = [run(attribute_strongest(local, targets, 12, chunk_rows=rows)) for rows in (1, 50, 4096)]
    for graph in graphs[1:]:
        np.testing.assert_allclose(graph.adjacency(), graphs[0].adjacency(), atol=1e-5)


def test_what_is_not_expanded_is_not_explained() -> None:
    from explorer.circuits.scores import scores

    full, part = both("llama", "plt", 10)
    assert scores(part).replacement < scores(full).replacement
    assert scores(part).completeness_paper < scores(full).completeness_paper
