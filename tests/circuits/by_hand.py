"""Graphs written down edge by edge, for results that can be worked out on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from explorer.circuits.graph import Graph, NodeKey, NodeKind, Nodes, Rows

Edges = Mapping[tuple[str, str], float]


def graph(edges: Edges, weights: Mapping[str, float], others: Iterable[str] = (), *, n_special: int = 1) -> Graph:
    """The graph of ``edges`` {(target, source): effect} between nodes written as NodeKey writes them.

    ``weights`` are those of the nodes to explain, ``others`` nodes without edges.
    """
    texts = {text for pair in edges for text in pair} | set(weights) | set(others)
    keys = sorted(NodeKey.parse(text) for text in texts)
    n, columns = len(keys), np.array(keys).T
    row = {str(key): number for number, key in enumerate(keys)}
    dense = np.zeros((n, n))
    for (target, source), effect in edges.items():
        dense[row[target], row[source]] = effect
    target, source = np.nonzero(dense)
    weight = np.zeros(n)
    weight[[row[text] for text in weights]] = list(weights.values())
    n_pos = int(columns[2].max()) + 1
    return Graph(
        nodes=Nodes(
            kind=columns[0].astype(np.int8),
            layer=columns[1].astype(np.int32),
            pos=columns[2].astype(np.int32),
            feature=columns[3],
            activation=np.where(columns[0] == NodeKind.FEATURE, 1.0, np.nan).astype(np.float32),
        ),
        rows=Rows(
            start=np.concatenate([[0], np.cumsum(np.bincount(target, minlength=n))]),
            source=source.astype(np.int32),
            weight=dense[target, source],
            rest_sum=np.zeros(n),
            rest_abs=np.zeros(n),
        ),
        constant=np.zeros(n),
        preactivation=np.where(np.isin(columns[0], [NodeKind.FEATURE, NodeKind.LOGIT]), dense.sum(1), np.nan),
        target_weight=weight,
        probability=np.where(columns[0] == NodeKind.LOGIT, weight, np.nan),
        token_ids=np.arange(n_pos),
        tokens=tuple(f"t{pos}" for pos in range(n_pos)),
        logit_tokens=tuple(f"out{number}" for number in range(int((columns[0] == NodeKind.LOGIT).sum()))),
        n_layers=max(1, max((int(key.layer) for key in keys if key.kind == NodeKind.LOGIT), default=3)),
        n_special=n_special,
    )


def names(held: Graph, mask: np.ndarray) -> set[str]:
    """The nodes where ``mask`` is true."""
    return {str(held.key(int(node))) for node in np.flatnonzero(mask)}


def edge_names(held: Graph, mask: np.ndarray) -> set[tuple[str, str]]:
    """The (target, source) of the edges where ``mask`` is true."""
    found = np.flatnonzero(mask)
    pairs = zip(held.edge_target[found], held.rows.source[found], strict=True)
    return {(str(held.key(int(target))), str(held.key(int(source)))) for target, source in pairs}
