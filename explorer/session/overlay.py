"""Two graphs in one place: what the canvas draws of a comparison, as one graph and as one of each side.

All three hold every node of either graph, in one order: a node has one number in the overlay, on both sides and in
the comparison that comes with them, and the same place on the screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.compare import Comparison, Status, at_rows, compare
from explorer.circuits.graph import Bools, Floats, Graph, Ints, NodeKey, NodeKind, Nodes, Rows, Weights
from explorer.circuits.pruning import Pruned, cumulative_share
from explorer.session.edits import Edits
from explorer.session.theme import Theme, group_colour
from explorer.session.view import GraphView, HiddenBy, default_label, resolve, shown_token

T = TypeVar("T")
SIDES = ("A", "B")
SAME_BIAS = "Bias nodes count, or do not, in both graphs as they do in A."
STATUS_WORDS = {Status.BOTH: "in both", Status.ONLY_A: "only in A", Status.ONLY_B: "only in B"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Aligned(GraphView):
    """A view on every node of two graphs.

    Of the columns ``headings`` are the tokens of both, ``places`` the positions as text: of A, B or both.
    """

    found: Comparison
    headings: tuple[str, ...]
    places: tuple[str, ...]

    def position(self, pos: int) -> str:
        return self.places[pos]


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlay(Aligned):
    """Both graphs in one: a weight is that in B less that in A, an influence the larger of the two.

    Nodes and edges have the rows that they have in ``found``.
    """


@dataclass(frozen=True, eq=False, kw_only=True)
class Side(Aligned):
    """One of the two graphs: ``present`` (n_nodes) are its own nodes, ``placing`` the influence that places them."""

    name: str
    present: Bools
    placing: Floats


@dataclass(frozen=True, eq=False)
class Compared:
    """The views that were compared, and what is shown of them; ``found`` is in the order of the overlay."""

    a: GraphView
    b: GraphView
    overlay: Overlay
    sides: tuple[Side, Side]

    @property
    def found(self) -> Comparison:
        return self.overlay.found

    @cached_property
    def name_order(self) -> Floats:
        """(n) the rank of each node's name in the alphabet."""
        names = [self.label(node).casefold() for node in range(len(self.overlay.graph))]
        ranks = {name: float(rank) for rank, name in enumerate(sorted(set(names)))}
        return np.array([ranks[name] for name in names], dtype=np.float64)

    def own_row(self, side: int, node: int) -> int:
        """The node's row in A (0) or B (1), -1 where it is not."""
        return int((self.found.row_b if side else self.found.row_a)[node])

    def label(self, node: int) -> str:
        """What the node is called in A, or in B if it has no name in A."""
        if self.overlay.graph.nodes.kind[node] == NodeKind.FEATURE:
            for view, row in ((self.a, self.own_row(0, node)), (self.b, self.own_row(1, node))):
                if row >= 0 and (name := view.label(row)) != default_label(view.graph, row):
                    return name
        return self.overlay.label(node)


def side_colour(status: Status, theme: Theme) -> str:
    """The colour of what is in A, in B or in both; none that means a sign."""
    return {Status.ONLY_A: group_colour("violet", theme), Status.ONLY_B: group_colour("olive", theme)}.get(
        status, theme.mark_ink
    )


def compare_views(a: GraphView, b: GraphView) -> tuple[GraphView, Comparison]:
    """``b`` with bias nodes counted as in ``a``, and how the two graphs compare."""
    said: tuple[str, ...] = ()
    if b.edits.count_bias != a.edits.count_bias:
        b, said = resolve(b.graph, replace(b.edits, count_bias=a.edits.count_bias), b), (SAME_BIAS,)
    found = compare(a.graph, b.graph, count_bias=a.edits.count_bias)
    return b, replace(found, said=(*found.said, *said))


def compared(a: GraphView, b: GraphView, found: Comparison) -> Compared:
    """What is shown of ``found``, the comparison of the graphs of ``a`` and ``b``; what they hide stays hidden."""
    merged = _merge(found.role, a.graph.n_pos)
    nodes, order = _nodes(a.graph, b.graph, found, merged)
    ordered = _ordered(found, order)
    overlay = _overlay(a, b, nodes, ordered, merged)
    sides = [_side(view, overlay, which, merged) for which, view in enumerate((a, b))]
    return Compared(a, b, overlay, (sides[0], sides[1]))


def name_b(pair: Compared, named: Mapping[NodeKey, str]) -> Compared:
    """``pair`` with what the features of B are called; the names that A gives stay."""
    b = replace(pair.b, named=named)
    own = _renamed(b, pair.found.row_b, _keys(pair.overlay.graph), named)
    overlay = replace(pair.overlay, named=own | dict(pair.overlay.named))
    return replace(pair, b=b, overlay=overlay, sides=(pair.sides[0], replace(pair.sides[1], named=own)))


def _merge(role: Ints, n_a: int) -> NDArray[np.int64]:
    """(2, n_columns) the position of A and that of B in each column, -1 for none; both in their own order."""
    columns: list[tuple[int, int]] = []
    done = 0
    for pos_b, pos_a in enumerate(role.tolist()):
        if pos_a >= 0:
            columns += [(pos, -1) for pos in range(done, pos_a)]
            done = pos_a + 1
        columns.append((pos_a, pos_b))
    columns += [(pos, -1) for pos in range(done, n_a)]
    return np.array(columns, dtype=np.int64).reshape(-1, 2).T


def _nodes(a: Graph, b: Graph, found: Comparison, merged: NDArray[np.int64]) -> tuple[Nodes, Ints]:
    """The nodes of both in the order of graphs, and their rows in ``found``."""
    n_layers = max(a.n_layers, b.n_layers)
    in_a = found.row_a >= 0

    def of(name: str) -> NDArray[np.int64]:
        one, other = (getattr(graph.nodes, name).astype(np.int64) for graph in (a, b))
        return np.where(in_a, np.append(one, 0)[found.row_a], np.append(other, 0)[found.row_b])

    kind, layer, feature = of("kind"), of("layer"), of("feature")
    column = [_column_of(places, graph.n_pos) for places, graph in zip(merged, (a, b), strict=True)]
    at = of("pos")
    pos = np.where(at < 0, -1, np.where(in_a, column[0][np.where(in_a, at, 0)], column[1][np.where(in_a, 0, at)]))
    layer = np.where(kind == NodeKind.LOGIT, n_layers, layer)
    loose = kind != NodeKind.LOGIT  # outputs stay as they were asked for
    order = np.lexsort((feature * loose, pos * loose, layer * loose, kind))
    activation = np.where(in_a, found.activation_a, found.activation_b)
    nodes = Nodes(
        kind[order].astype(np.int8),
        layer[order].astype(np.int32),
        pos[order].astype(np.int32),
        feature[order],
        activation[order].astype(np.float32),
    )
    return nodes, order


def _column_of(places: Ints, n_pos: int) -> Ints:
    """(n_pos + 1) the column in which each position stands; the last entry is for none."""
    column = np.full(n_pos + 1, -1)
    column[places[places >= 0]] = np.flatnonzero(places >= 0)
    return column


def _ordered(found: Comparison, order: Ints) -> Comparison:
    """``found`` with its nodes in ``order`` and its links by target, then source."""
    row = np.empty(len(order), dtype=np.int64)
    row[order] = np.arange(len(order))
    target, source = row[found.target], row[found.source]
    links = np.lexsort((source, target))
    nodes = ("row_a", "row_b", "status", "activation_a", "activation_b", "influence_a", "influence_b")
    others = ("edge_a", "edge_b", "weight_a", "weight_b", "link_status")
    return replace(
        found,
        target=target[links],
        source=source[links],
        **{name: getattr(found, name)[order] for name in nodes},
        **{name: getattr(found, name)[links] for name in others},
    )


def _overlay(a: GraphView, b: GraphView, nodes: Nodes, found: Comparison, merged: NDArray[np.int64]) -> Overlay:
    rows = ((a, found.row_a, found.edge_a), (b, found.row_b, found.edge_b))
    shown = np.logical_or(*(at_rows(view.shown, row, False) for view, row, _ in rows))
    links = np.logical_or(*(at_rows(view.links, edge, False) for view, _, edge in rows))
    aims = [at_rows(_weight(view), row, 0.0) for view, row, _ in rows]
    chance = np.where(
        found.status == Status.BOTH, np.nan, np.fmax(*(at_rows(v.graph.probability, r, np.nan) for v, r, _ in rows))
    )
    graph = replace(
        a.graph,
        nodes=nodes,
        rows=_rows(found.target, found.source, found.weight, len(nodes)),
        constant=np.zeros(len(nodes)),
        preactivation=np.full(len(nodes), np.nan),
        target_weight=np.maximum(*aims),
        probability=chance,
        token_ids=at_rows(a.graph.token_ids, merged[0], -1),
        tokens=tuple(_both_tokens(a.graph, b.graph, *column) for column in merged.T.tolist()),
        logit_tokens=_outputs(a.graph, b.graph, nodes, found),
        n_layers=max(a.graph.n_layers, b.graph.n_layers),
        provenance={},
        extra={},
    )
    rule = np.where(found.row_a >= 0, at_rows(a.hidden_by, found.row_a, 0), at_rows(b.hidden_by, found.row_b, 0))
    share = at_rows(b.share, found.edge_b, 0.0) - at_rows(a.share, found.edge_a, 0.0)
    influence = np.maximum(found.influence_a, found.influence_b)
    keys = _keys(graph)
    labels = _renamed(b, found.row_b, keys, b.edits.labels) | _renamed(a, found.row_a, keys, a.edits.labels)
    named = _renamed(b, found.row_b, keys, b.named) | _renamed(a, found.row_a, keys, a.named)
    edits = Edits(a.edits.node_threshold, a.edits.edge_threshold, a.edits.count_bias, labels=labels)
    return Overlay(
        **_view(graph, edits, shown, links & shown[found.target] & shown[found.source], influence),
        hidden_by=np.where(shown, HiddenBy.NOTHING, rule).astype(np.int8),
        effect=np.zeros(len(nodes)),
        share=share,
        named=named,
        found=found,
        headings=graph.tokens,
        places=tuple(_places(*column) for column in merged.T.tolist()),
    )


def _side(view: GraphView, overlay: Overlay, which: int, merged: NDArray[np.int64]) -> Side:
    found, own, whole = overlay.found, view.graph, overlay.graph
    row, edge = ((found.row_a, found.edge_a), (found.row_b, found.edge_b))[which]
    held, present = np.flatnonzero(edge >= 0), row >= 0
    outputs = row[whole.block(NodeKind.LOGIT)] - own.block(NodeKind.LOGIT).start
    tokens = tuple(own.tokens[pos] if pos >= 0 else "" for pos in merged[which].tolist())
    graph = replace(
        whole,
        rows=_rows(found.target[held], found.source[held], own.rows.weight[edge[held]], len(whole)),
        nodes=replace(whole.nodes, activation=at_rows(own.nodes.activation, row, np.nan)),
        target_weight=at_rows(_weight(view), row, 0.0),
        probability=at_rows(own.probability, row, np.nan),
        tokens=tokens,
        logit_tokens=tuple(own.logit_tokens[output] if output >= 0 else "" for output in outputs.tolist()),
    )
    keys = _keys(graph)
    pinned = _renamed(view, row, keys, dict.fromkeys(view.edits.pinned, True))
    edits = replace(overlay.edits, labels=_renamed(view, row, keys, view.edits.labels), pinned=tuple(pinned))
    share = found.influence_b if which else found.influence_a
    return Side(
        **_view(graph, edits, at_rows(view.shown, row, False), view.links[edge[held]], share),
        hidden_by=at_rows(view.hidden_by, row, 0).astype(np.int8),
        effect=at_rows(view.effect, row, 0.0),
        share=view.share[edge[held]],
        named=_renamed(view, row, keys, view.named),
        found=found,
        headings=whole.tokens,
        places=tuple(str(pos) if pos >= 0 else "" for pos in merged[which].tolist()),
        name=SIDES[which],
        present=present,
        placing=overlay.influence,
    )


def _view(graph: Graph, edits: Edits, shown: Bools, links: Bools, influence: Floats) -> dict[str, Any]:
    """What every view of a comparison says in the same way."""
    pruned = Pruned(shown, links, shown, influence, cumulative_share(influence))
    alike = {"aimed": graph, "pruned": pruned, "mass": np.zeros(len(graph))}
    return {"graph": graph, "edits": edits, "shown": shown, "links": links, **alike}


def _weight(view: GraphView) -> Floats:
    """(n_nodes) the weights of the targets in the unit of the influences here: shares of that of all nodes."""
    total = float(view.influence.sum())
    return np.asarray(view.graph.target_weight / (total if total > 0 else 1.0))


def _rows(target: Ints, source: Ints, weight: Weights, n: int) -> Rows:
    start = np.concatenate([[0], np.cumsum(np.bincount(target, minlength=n))])
    return Rows(start, source.astype(np.int32), weight, np.zeros(n), np.zeros(n))


def _places(pos_a: int, pos_b: int) -> str:
    if pos_a == pos_b or min(pos_a, pos_b) < 0:
        return str(max(pos_a, pos_b))
    return f"{pos_a} | {pos_b}"


def _both_tokens(a: Graph, b: Graph, pos_a: int, pos_b: int) -> str:
    """The token of a column; those of A and B where they differ, with the side where it is in one."""
    if pos_b < 0:
        return f"{a.tokens[pos_a]} (A)"
    if pos_a < 0:
        return f"{b.tokens[pos_b]} (B)"
    one, other = a.tokens[pos_a], b.tokens[pos_b]
    return one if one == other else f"{shown_token(one)} | {shown_token(other)}"


def _outputs(a: Graph, b: Graph, nodes: Nodes, found: Comparison) -> tuple[str, ...]:
    """The outputs' tokens, with the side where one is in one graph alone."""
    texts = []
    for node in np.flatnonzero(nodes.kind == NodeKind.LOGIT).tolist():
        row_a, row_b = int(found.row_a[node]), int(found.row_b[node])
        held, row, mark = (a, row_a, " (A)" if row_b < 0 else "") if row_a >= 0 else (b, row_b, " (B)")
        texts.append(held.logit_tokens[row - held.block(NodeKind.LOGIT).start] + mark)
    return tuple(texts)


def _keys(graph: Graph) -> list[NodeKey | None]:
    """The key of each node; None of two features that only their sets tell apart."""
    columns = (graph.nodes.kind, graph.nodes.layer, graph.nodes.pos, graph.nodes.feature)
    keys = [NodeKey(*key) for key in zip(*(column.tolist() for column in columns), strict=True)]
    count = Counter(keys)
    return [key if count[key] == 1 else None for key in keys]


def _renamed(
    view: GraphView, rows: Ints, keys: Sequence[NodeKey | None], held: Mapping[NodeKey, T]
) -> dict[NodeKey, T]:
    """What ``held`` says of nodes of ``view``, by the ``keys`` that they have here; ``rows`` are their rows there."""
    node_of = {row: node for node, row in enumerate(rows.tolist()) if row >= 0}
    found = {}
    for own, value in held.items():
        key = keys[node] if (node := node_of.get(view.graph.index.get(own, -1), -1)) >= 0 else None
        if key is not None:
            found[key] = value
    return found
