"""Graphs made up for tests and benchmarks: any size, acyclic, with books that balance."""

from __future__ import annotations

import numpy as np

from explorer.circuits.graph import BiasClass, Graph, NodeKey, NodeKind, Nodes, Rows

WORDS = ("The", " capital", " of", " the", " state", " containing", " Dallas", " is", " Austin", ",", " so")


def feature_keys(graph: Graph) -> list[NodeKey]:
    """The keys of its features, in its order."""
    return [graph.key(node) for node in range(graph.count(NodeKind.FEATURE))]


def random_graph(
    n_features: int = 200,
    n_edges: int = 2_000,
    n_pos: int = 9,
    n_layers: int = 12,
    n_logits: int = 4,
    seed: int = 0,
    *,
    errors: bool = True,
    biases: bool = True,
) -> Graph:
    """A graph of about ``n_edges`` edges whose features crowd in low layers and at the last token.

    Every feature is fed by a token and feeds a later node. Without ``errors`` and ``biases`` it looks like an
    imported one; with biases every target's pre-activation is its constant plus its row.
    """
    rng = np.random.default_rng(seed)
    nodes = _nodes(rng, n_features, n_pos, n_layers, n_logits, errors, biases)
    target, source = _edges(rng, nodes, n_edges, n_layers)
    weight = (rng.standard_normal(len(target)) * np.exp(rng.normal(0, 1.0, len(target)))).astype(np.float32)
    n = len(nodes)
    start = np.searchsorted(target, np.arange(n + 1)).astype(np.int64)
    is_target = (nodes.kind == 0) | (nodes.kind == 4)
    constant = np.where(is_target, rng.normal(0, 0.1, n), 0.0)
    row_sum = np.bincount(target, weight.astype(np.float64), minlength=n)
    probability = np.full(n, np.nan)
    target_weight = np.zeros(n)
    if n_logits:
        shares = np.sort(rng.dirichlet(np.full(n_logits, 0.5)))[::-1] * 0.95
        probability[n - n_logits :] = target_weight[n - n_logits :] = shares
    return Graph(
        nodes=nodes,
        rows=Rows(start, source.astype(np.int32), weight, np.zeros(n), np.zeros(n)),
        constant=constant,
        preactivation=np.where(is_target & biases, constant + row_sum, np.nan),
        target_weight=target_weight,
        probability=probability,
        token_ids=np.arange(n_pos, dtype=np.int64),
        tokens=("<bos>", *(WORDS[i % len(WORDS)] for i in range(n_pos - 1))),
        logit_tokens=tuple(WORDS[-1 - i % len(WORDS)] for i in range(n_logits)),
        n_layers=n_layers,
    )


def _nodes(
    rng: np.random.Generator,
    n_features: int,
    n_pos: int,
    n_layers: int,
    n_logits: int,
    errors: bool,
    biases: bool,
) -> Nodes:
    layer = np.minimum(rng.geometric(min(4 / (n_layers + 3), 0.9), n_features) - 1, n_layers - 1)
    layer = np.where(rng.random(n_features) < 0.5, layer, rng.integers(0, n_layers, n_features))
    first = min(1, n_pos - 1)
    pos = np.where(rng.random(n_features) < 0.3, n_pos - 1, rng.integers(first, n_pos, n_features))
    features = np.stack([layer, pos, rng.permutation(10 * n_features)[:n_features]], 1)
    features = features[np.lexsort(features.T[::-1])]
    grid = np.stack(np.meshgrid(np.arange(n_layers), np.arange(first, n_pos), indexing="ij"), -1).reshape(
        -1, 2
    )
    grid = grid if errors else grid[:0]
    n_biases = len(BiasClass) if biases else 0
    blocks = (
        (0, features),
        (1, np.column_stack([grid, np.full(len(grid), -1)])),
        (2, np.column_stack([np.full(n_pos, -1), np.arange(n_pos), np.arange(n_pos)])),
        (3, np.column_stack([np.full((n_biases, 2), -1), np.arange(n_biases)])),
        (
            4,
            np.column_stack([np.full(n_logits, n_layers), np.full(n_logits, n_pos - 1), np.arange(n_logits)]),
        ),
    )
    kind = np.repeat([k for k, _ in blocks], [len(block) for _, block in blocks])
    columns = np.concatenate([block for _, block in blocks])
    activation = np.where(kind == 0, rng.gamma(2.0, 1.0, len(kind)), np.nan)
    return Nodes(
        kind.astype(np.int8),
        columns[:, 0].astype(np.int32),
        columns[:, 1].astype(np.int32),
        columns[:, 2].astype(np.int64),
        activation.astype(np.float32),
    )


def _edges(
    rng: np.random.Generator, nodes: Nodes, n_edges: int, n_layers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (target, source) without repeats, sorted by target."""
    n = len(nodes)
    features, logits = np.flatnonzero(nodes.kind == 0), np.flatnonzero(nodes.kind == 4)
    embedding = int(np.searchsorted(nodes.kind, 2))
    targets = np.concatenate([features, np.repeat(logits, max(1, len(features) // max(8 * len(logits), 1)))])
    pairs = [features * n + embedding + nodes.pos[features]]
    if len(logits):
        pairs.append(rng.choice(logits, len(features)) * n + features)
    found = np.unique(np.concatenate(pairs))
    for _ in range(60):
        if len(found) >= n_edges or not len(targets):
            break
        target, source = rng.choice(targets, n_edges), rng.integers(0, n - len(logits), n_edges)
        fits = (nodes.layer[source] < nodes.layer[target]) & (nodes.pos[source] <= nodes.pos[target])
        found = np.unique(np.concatenate([found, target[fits] * n + source[fits]]))
    if len(found) > n_edges:
        always = np.isin(found, np.concatenate(pairs))
        extra = rng.permutation(np.flatnonzero(~always))[: max(0, n_edges - int(always.sum()))]
        found = np.sort(np.concatenate([found[always], found[extra]]))
    return found // n, found % n
