"""``python -m benchmarks.crossings GRAPH ...``: how many links of the subgraph cross, in our layout and in graphviz's dot.

Of each graph the 15, 30 and 60 most influential features are drawn as boxes with the links that the layout looks at.
Counted are pairs of straight links between the middles of boxes that meet other than at a common end, the same way for
both; dot ranks boxes of one layer alike, as ours does. Needs dot.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from explorer.circuits.graph import NodeKind
from explorer.io import graphviz
from explorer.io.graph_json_import import read
from explorer.session.edits import Edits
from explorer.session.layered import LEAST, MOST, Point, Slab, Tie, lay_out
from explorer.session.subgraph import subgraph
from explorer.session.view import GraphView, resolve

SIZES = (15, 30, 60)
WIDTH, HEIGHT = 120.0, 48.0


def crossings(places: Mapping[str, Point], ties: Sequence[Tie]) -> int:
    """Pairs of straight links that cross and share no end."""
    return sum(
        _cross(*(places[id] for id in (one.source, one.target, other.source, other.target)))
        for one, other in combinations(ties, 2)
        if not {one.source, one.target} & {other.source, other.target}
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def drawn(view: GraphView, n: int) -> tuple[list[Slab], list[Tie]]:
    """The ``n`` most influential features and the outputs as boxes, and their strongest links."""
    graph = view.graph
    rows = np.flatnonzero(view.shown & (graph.nodes.kind == NodeKind.FEATURE))
    best = rows[np.argsort(-view.influence[rows], kind="stable")][:n]
    pinned = frozenset(graph.key(int(row)) for row in best)
    whole = subgraph(resolve(graph, replace(view.edits, pinned=pinned)))
    slabs = [Slab(box.id, float(box.layers[0]), float(box.pos[0]), WIDTH, HEIGHT) for box in whole.boxes]
    ties = [Tie(link.source, link.target, link.share) for link in whole.links if abs(link.share) >= LEAST]
    return slabs, ties[:MOST]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("graphs", nargs="+", type=Path)
    for path in options.parse_args().graphs:
        view = resolve(read(path)[0], Edits(1.0, 1.0))
        for n in SIZES:
            slabs, ties = drawn(view, n)
            started = time.process_time()
            ours = crossings(lay_out(slabs, ties, apart=0.0), ties)
            took = time.process_time() - started
            dot = crossings(graphviz.laid_out(slabs, ties), ties)
            print(f"{path.name}: {len(slabs)} boxes, {len(ties)} links: ours {ours}, dot {dot} ({took:.2f} s)")


if __name__ == "__main__":
    main()
