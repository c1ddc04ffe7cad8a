"""Edge: what is to be said of the link between two boxes: its weight, both shares, and a person's label and note."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Ints, NodeKey, NodeKind
from explorer.circuits.supernodes import aggregate
from explorer.errors import GraphError
from explorer.session.edits import Edits, Link
from explorer.session.supernodes import by_id, members_below
from explorer.session.view import GraphView, place, rows_of


@dataclass(frozen=True, eq=False)
class End:
    """One end of a link: a node, or a supernode (``is_group``)."""

    box: str
    name: str
    rows: Ints
    is_group: bool


@dataclass(frozen=True, eq=False)
class Edge:
    """The direct effects of ``source`` on ``target``.

    weight      their plain sum
    into, out   the denominators: all that enters the target from outside of it, all that leaves the source
    share_in    signed share of ``into``; of a supernode by the published formula (``circuits.supernodes``)
    share_out   signed share of ``out``
    count       how many links of the graph it stands for, and how many of them are drawn
    """

    source: End
    target: End
    weight: float
    share_in: float
    into: float
    share_out: float
    out: float
    count: int
    drawn: int
    label: str = ""
    note: str = ""

    @property
    def link(self) -> Link:
        return self.target.box, self.source.box

    @property
    def ends(self) -> str:
        """Both names, in the direction of the effect."""
        return f"{self.source.name} → {self.target.name}"


def edge_of(view: GraphView, link: Link) -> Edge | None:
    """The link between two boxes, named by their keys, target first; None if the graph does not have both ends."""
    target, source = end_of(view, link[0]), end_of(view, link[1])
    if target is None or source is None:
        return None
    graph = view.graph
    leaves = np.flatnonzero(np.isin(graph.rows.source, source.rows) & ~np.isin(graph.edge_target, source.rows))
    weight = graph.rows.weight[leaves].astype(np.float64)
    enters = np.isin(graph.edge_target[leaves], target.rows) & (weight != 0)
    size, out = float(weight[enters].sum()), float(np.abs(weight).sum())
    share, into = _share_in(view, source, target, size)
    return Edge(
        source=source,
        target=target,
        weight=size,
        share_in=share,
        into=into,
        share_out=size / out if out > 0 else 0.0,
        out=out,
        count=int(enters.sum()),
        drawn=int(view.links[leaves[enters]].sum()),
        label=view.edits.edge_labels.get(link, ""),
        note=view.edits.edge_notes.get(link, ""),
    )


def end_of(view: GraphView, box: str) -> End | None:
    """The node or supernode that ``box`` names; None if the graph has nothing of it."""
    rows = rows_of_box(view, box)
    if not len(rows):
        return None
    if box.startswith("node:"):
        row = int(rows[0])
        kind = view.graph.nodes.kind[row]
        where = place(view.graph, row) if kind in (NodeKind.FEATURE, NodeKind.ERROR) else ""
        return End(box, f"{view.label(row)} {where}".strip(), rows, False)
    return End(box, by_id(view.edits.supernodes, box).name, rows, True)


def said_of(view: GraphView, box: str, *, inwards: bool) -> dict[str, str]:
    """What a person says of the links into ``box``, or out of it, by their other end: the label, else the note."""
    said: dict[str, str] = {}
    for texts in (view.edits.edge_notes, view.edits.edge_labels):
        for (target, source), text in texts.items():
            if (target if inwards else source) == box:
                said[source if inwards else target] = text
    return said


def rows_of_box(view: GraphView, box: str) -> Ints:
    """The rows of the nodes in a box, in the graph's order; none if it is gone."""
    return np.sort(rows_of(view.graph, _members(view.edits, box)))


def _members(edits: Edits, box: str) -> tuple[NodeKey, ...]:
    try:
        if box.startswith("node:"):
            return (NodeKey.parse(box.removeprefix("node:")),)
        return members_below(edits.supernodes, box)
    except GraphError:
        return ()


def _share_in(view: GraphView, source: End, target: End, weight: float) -> tuple[float, float]:
    """The signed share of the target's input from outside of it, and that input."""
    if not target.is_group:
        into = float(view.mass[target.rows[0]])
        return (weight / into if into > 0 else 0.0), into
    group = np.full(len(view.graph), -1, dtype=np.int64)
    group[source.rows] = 1
    group[target.rows] = 0
    sums = aggregate(view.graph, group, view.mass, count_bias=view.edits.count_bias)
    share = sums.share[(sums.target == 0) & (sums.source == 1)]
    return float(share.sum()), float(sums.outside[0])
