"""``python -m benchmarks.crossings GRAPH ...``: links of the subgraph that cross, in our layout and in graphviz's dot.

Of each graph the 15, 30 and 60 most influential features are drawn as boxes with the links that the layout looks at.
Counted are pairs of links that cross as the program draws them around boxes, whichever layout places these, without
pairs that have a common end. Ours breaks rows that are too wide for a window and keeps the lowest in the order of the
tokens; dot does neither. Needs dot.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from explorer.circuits.graph import Floats, NodeKind
from explorer.io import graphviz
from explorer.io.graph_json_import import read
from explorer.session.edits import Edits
from explorer.session.layered import LEAST, MOST, Point, Slab, Tie, area, lay_out
from explorer.session.routes import routes
from explorer.session.subgraph import subgraph
from explorer.session.view import GraphView, resolve

SIZES = (15, 30, 60)
WIDTH, HEIGHT = 120.0, 48.0
POINTS = 40  # of a link that is broken into straight parts


def crossings(slabs: Sequence[Slab], places: Mapping[str, Point], ties: Sequence[Tie]) -> int:
    """Pairs of links that meet as they are drawn, those with a common end left out."""
    ways = routes({slab.id: area(slab, places[slab.id]) for slab in slabs}, ties)
    lines = [np.array([way.at(part) for part in np.linspace(0, 0.999, POINTS).tolist()]) for way in ways]
    return sum(
        _meet(lines[one], lines[other])
        for one, other in combinations(range(len(ties)), 2)
        if not {ties[one].source, ties[one].target} & {ties[other].source, ties[other].target}
    )


def _meet(one: Floats, other: Floats) -> bool:
    """Whether two broken lines cross."""
    a, b, c, d = one[:-1, None], one[1:, None], other[None, :-1], other[None, 1:]
    return bool(((_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)).any())


def _side(a: Floats, b: Floats, c: Floats) -> Floats:
    return (b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]


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
            places = lay_out(slabs, ties, apart=0.0)
            took = time.process_time() - started
            ours, dot = (crossings(slabs, at, ties) for at in (places, graphviz.laid_out(slabs, ties)))
            print(f"{path.name}: {len(slabs)} boxes, {len(ties)} links: ours {ours}, dot {dot} ({took:.2f} s)")


if __name__ == "__main__":
    main()
