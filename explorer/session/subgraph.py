"""Subgraph: the diagram of what a person has pinned and grouped: boxes, and the direct effects between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.circuits.graph import Ints, NodeKey, NodeKind
from explorer.circuits.scores import Scores, part_scores
from explorer.circuits.supernodes import activation, aggregate
from explorer.session.edits import box_key
from explorer.session.query import influence_share
from explorer.session.supernodes import Supernode, children, holder, members_below
from explorer.session.view import GraphView, rows_of


@dataclass(frozen=True)
class Box:
    """One box of the diagram.

    id           ``edits.box_key``: a supernode's id, or node:KEY
    kind         of the node; None for a supernode
    rows         its nodes in the graph, those of supernodes within it included, in the graph's order
    missing      members that this graph does not have
    layers, pos  first and last of its nodes (layer -1: tokens, n_layers: outputs)
    influence    share (0 to 1) of its nodes in the influence of all nodes; a path through two of them counts twice
    activation   sum of the activations of its features; NaN without any
    probability  of an output; NaN for others
    outside      sum of |direct effect| on its nodes from outside of it: what the shares of its inputs are shares of
    loose        share of its inputs that is not in a box ("not in a group")
    cancels      share of its inputs that cancels within the boxes it comes from ("cancels within its group")
    parent       the id of the opened supernode that it lies in; "" at the top
    place        where a person has put it; None for the layout's choice
    """

    id: str
    name: str
    kind: NodeKind | None
    rows: tuple[int, ...]
    layers: tuple[int, int]
    pos: tuple[int, int]
    influence: float
    activation: float
    probability: float = float("nan")
    missing: int = 0
    outside: float = 0.0
    loose: float = 0.0
    cancels: float = 0.0
    colour: str = ""
    note: str = ""
    parent: str = ""
    place: tuple[float, float] | None = None


@dataclass(frozen=True)
class BoxLink:
    """The direct effects of one box on another; ``share`` is signed, of the target's input from outside of it.

    ``weight`` is the plain sum. ``label`` and ``note`` are what a person said of it.
    """

    source: str
    target: str
    share: float
    weight: float
    label: str = ""
    note: str = ""


@dataclass(frozen=True)
class Subgraph:
    """Boxes from the top of the list of supernodes on, then pinned nodes, then outputs; links strongest first."""

    boxes: tuple[Box, ...] = ()
    links: tuple[BoxLink, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing but outputs."""
        return all(box.kind == NodeKind.LOGIT for box in self.boxes)

    def box(self, id: str) -> Box:
        return next(box for box in self.boxes if box.id == id)

    def inputs(self, id: str) -> tuple[BoxLink, ...]:
        return tuple(link for link in self.links if link.target == id)

    def outputs(self, id: str) -> tuple[BoxLink, ...]:
        return tuple(link for link in self.links if link.source == id)


def subgraph(view: GraphView, opened: frozenset[str] = frozenset()) -> Subgraph:
    """The diagram of ``view``: supernodes, pinned nodes, and the outputs that are explained.

    A supernode whose id is in ``opened`` is drawn as what is directly in it. Nodes without weight as targets are drawn
    if they are pinned. All that feeds a box counts in its shares, pruned links too.
    """
    contents = list(_contents(view, opened))
    group = np.full(len(view.graph), -1, dtype=np.int64)
    for at, (_, rows, _) in enumerate(contents):
        group[rows] = at
    sums = aggregate(view.graph, group, view.mass, count_bias=view.edits.count_bias)
    share = influence_share(view)
    boxes = []
    for at, (what, rows, parent) in enumerate(contents):
        told = (float(sums.outside[at]), float(sums.loose[at]), float(sums.cancels[at]))
        boxes.append(_box(view, what, rows, parent, float(share[rows].sum()), told))
    ends = zip(sums.source.tolist(), sums.target.tolist(), sums.share.tolist(), sums.weight.tolist(), strict=True)
    links = [_link(view, boxes[s].id, boxes[t].id, share, weight) for s, t, share, weight in ends]
    links.sort(key=lambda link: (-abs(link.share), link.target, link.source))
    return Subgraph(tuple(boxes), tuple(links))


def count_boxes(view: GraphView) -> int:
    """How many boxes a person has made: supernodes at the top and pinned nodes; the outputs are there anyway."""
    groups, index = view.edits.supernodes, view.graph.index
    made = [group for group in children(groups, "") if any(key in index for key in members_below(groups, group.id))]
    return len(made) + sum(key in index and holder(groups, key) is None for key in view.edits.pinned)


def subgraph_scores(view: GraphView, drawn: Subgraph) -> Scores:
    """Scores of what is drawn in boxes: all features outside of them count as error; tokens stay, drawn or not."""
    kept = np.zeros(len(view.graph), dtype=bool)
    kept[drawn_rows(drawn)] = True
    return part_scores(view.aimed, kept, count_bias=view.edits.count_bias)


def drawn_rows(drawn: Subgraph) -> Ints:
    """The rows of all boxes, in the graph's order."""
    return np.array(sorted(row for box in drawn.boxes for row in box.rows), dtype=np.int64)


def _contents(view: GraphView, opened: frozenset[str]) -> Iterator[tuple[Supernode | NodeKey, Ints, str]]:
    """What is drawn, its rows in the graph, and the opened supernode around it."""
    groups = view.edits.supernodes
    yield from _groups(view, opened, "")
    for key in view.edits.pinned:
        if holder(groups, key) is None and key in view.graph.index:
            yield key, rows_of(view.graph, (key,)), ""
    for row in _targets(view):
        key = view.graph.key(row)
        if holder(groups, key) is None and key not in view.edits.pinned:
            yield key, np.array([row]), ""


def _groups(view: GraphView, opened: frozenset[str], parent: str) -> Iterator[tuple[Supernode | NodeKey, Ints, str]]:
    groups = view.edits.supernodes
    for group in children(groups, parent):
        if group.id in opened:
            yield from _groups(view, opened, group.id)
            for key in group.members:
                if key in view.graph.index:
                    yield key, rows_of(view.graph, (key,)), group.id
        else:
            rows = rows_of(view.graph, members_below(groups, group.id))
            if len(rows):
                yield group, np.sort(rows), parent


def _targets(view: GraphView) -> list[int]:
    """The targets with weight that are not hidden, strongest first."""
    weight = view.aimed.target_weight
    rows = np.flatnonzero((weight != 0) & view.shown)
    return [int(row) for row in rows[np.argsort(-np.abs(weight[rows]), kind="stable")]]


def _box(
    view: GraphView,
    what: Supernode | NodeKey,
    rows: Ints,
    parent: str,
    influence: float,
    told: tuple[float, float, float],
) -> Box:
    nodes = view.graph.nodes
    if isinstance(what, NodeKey):
        said = _said_of_node(view, what, int(rows[0]))
    else:
        said = _said_of_group(view, what, len(rows))
    outside, loose, cancels = told
    return Box(
        **said,
        rows=tuple(rows.tolist()),
        layers=(int(nodes.layer[rows].min()), int(nodes.layer[rows].max())),
        pos=(int(nodes.pos[rows].min()), int(nodes.pos[rows].max())),
        influence=influence,
        activation=activation(view.graph, rows),
        outside=outside,
        loose=loose,
        cancels=cancels,
        parent=parent,
        place=view.edits.places.get(said["id"]),
    )


def _said_of_node(view: GraphView, key: NodeKey, row: int) -> dict[str, Any]:
    return {
        "id": box_key(key),
        "name": view.label(row),
        "kind": NodeKind(key.kind),
        "probability": float(view.graph.probability[row]),
        "note": view.edits.notes.get(key, ""),
    }


def _said_of_group(view: GraphView, group: Supernode, n_rows: int) -> dict[str, Any]:
    n_members = len(members_below(view.edits.supernodes, group.id))
    return {
        "id": group.id,
        "name": group.name,
        "kind": None,
        "missing": n_members - n_rows,
        "colour": group.colour,
        "note": group.note,
    }


def _link(view: GraphView, source: str, target: str, share: float, weight: float) -> BoxLink:
    said = view.edits.edge_labels.get((target, source), ""), view.edits.edge_notes.get((target, source), "")
    return BoxLink(source, target, share, weight, *said)
