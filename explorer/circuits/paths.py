"""The strongest paths between nodes of a graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise
from math import exp, log
from typing import Any

import numpy as np

from explorer.circuits.graph import Bools, Graph
from explorer.circuits.influence import edge_share, row_mass


@dataclass(frozen=True)
class Path:
    """Nodes from the source to the target, and the product of the absolute input shares of its edges.

    ``raises`` says whether the product of the signs is positive.
    """

    nodes: tuple[int, ...]
    share: float
    raises: bool


def strongest_paths(graph: Graph, edges: Bools, sources: Iterable[int], targets: Iterable[int], k: int) -> list[Path]:
    """The ``k`` paths with the largest product of shares over ``edges`` (n_edges), strongest first.

    A share is |weight| / the target's whole unpruned input, bias nodes left out. The k strongest are the k shortest in
    -log share (Yen's algorithm; Management Science 17, 1971), so this is for pruned graphs.
    """
    import networkx as nx

    share = edge_share(graph, row_mass(graph))
    net = nx.DiGraph()
    for edge in np.flatnonzero(edges & (share != 0)):
        cost = -log(min(abs(float(share[edge])), 1.0))
        net.add_edge(int(graph.rows.source[edge]), int(graph.edge_target[edge]), cost=cost, share=float(share[edge]))
    net.add_nodes_from(["from", "to"])
    net.add_edges_from((("from", node) for node in sources if node in net), cost=0.0, share=1.0)
    net.add_edges_from(((node, "to") for node in targets if node in net), cost=0.0, share=1.0)
    if not nx.has_path(net, "from", "to"):
        return []
    found = islice(nx.shortest_simple_paths(net, "from", "to", weight="cost"), k)
    return [_path(net, nodes) for nodes in found]


def _path(net: Any, nodes: list[Any]) -> Path:
    pairs = [net.edges[pair] for pair in pairwise(nodes)]
    negative = sum(pair["share"] < 0 for pair in pairs)
    return Path(
        nodes=tuple(int(node) for node in nodes[1:-1]),
        share=exp(-sum(pair["cost"] for pair in pairs)),
        raises=negative % 2 == 0,
    )
