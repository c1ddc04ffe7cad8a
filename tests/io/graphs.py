"""Random small graphs for tests: acyclic in layers, with every kind of node."""

from __future__ import annotations

import numpy as np

from explorer.circuits.graph import Graph, NodeKind, Nodes, Rows
from explorer.circuits.graph_arrays import to_arrays


def random_graph(
    seed: int = 0, *, n_layers: int = 3, n_pos: int = 4, n_bias: int = 2, n_logits: int = 2
) -> Graph:
    """A graph with about half of the possible edges; the books balance."""
    rng = np.random.default_rng(seed)
    keys = [
        (NodeKind.FEATURE, layer, pos, int(feature))
        for layer in range(n_layers)
        for pos in range(1, n_pos)
        for feature in sorted(rng.choice(50, size=2, replace=False))
    ]
    keys += [(NodeKind.ERROR, layer, pos, -1) for layer in range(n_layers) for pos in range(n_pos)]
    keys += [(NodeKind.EMBEDDING, -1, pos, 100 + pos) for pos in range(n_pos)]
    keys += [(NodeKind.BIAS, -1, -1, bias) for bias in range(n_bias)]
    keys += [(NodeKind.LOGIT, n_layers, n_pos - 1, 200 + logit) for logit in range(n_logits)]
    kind, layer, pos, feature = (np.array(column) for column in zip(*keys, strict=True))
    n = len(keys)
    is_target = np.isin(kind, [NodeKind.FEATURE, NodeKind.LOGIT])
    may = is_target[:, None] & (layer[:, None] > layer[None, :]) & (pos[:, None] >= pos[None, :])
    weight = np.where(may & (rng.random((n, n)) < 0.5), rng.normal(size=(n, n)), 0).astype(np.float32)
    constant = np.where(is_target, rng.normal(size=n), 0.0)
    sums = weight.astype(np.float64).sum(axis=1)
    target, source = np.nonzero(weight)
    chance = np.sort(rng.dirichlet(np.ones(n_logits)))[::-1] * 0.9
    probability = np.full(n, np.nan)
    probability[n - n_logits :] = chance
    return Graph(
        nodes=Nodes(
            kind=kind.astype(np.int8),
            layer=layer.astype(np.int32),
            pos=pos.astype(np.int32),
            feature=feature.astype(np.int64),
            activation=np.where(kind == NodeKind.FEATURE, rng.random(n), np.nan).astype(np.float32),
        ),
        rows=Rows(
            start=np.concatenate([[0], np.cumsum(np.bincount(target, minlength=n))]).astype(np.int64),
            source=source.astype(np.int32),
            weight=weight[target, source],
            rest_sum=np.zeros(n),
            rest_abs=np.zeros(n),
        ),
        constant=constant,
        preactivation=np.where(is_target, sums + constant, np.nan),
        target_weight=np.where(kind == NodeKind.LOGIT, np.nan_to_num(probability), 0.0),
        probability=probability,
        token_ids=100 + np.arange(n_pos),
        tokens=("<s>", *(f" t{pos}" for pos in range(1, n_pos))),
        logit_tokens=tuple(f" out{logit}" for logit in range(n_logits)),
        n_layers=n_layers,
        provenance={"prompt": "a prompt", "seed": seed},
    )


def same_graph(one: Graph, other: Graph) -> bool:
    """Whether two graphs hold the same values bit for bit (provenance as JSON holds it)."""
    (head, arrays), (other_head, other_arrays) = to_arrays(one), to_arrays(other)
    return head == other_head and all(
        array.dtype == other_arrays[name].dtype
        and np.array_equal(array, other_arrays[name], equal_nan=array.dtype.kind == "f")
        for name, array in arrays.items()
    )
