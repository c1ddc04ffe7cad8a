"""Paths: the strongest ways from some nodes to others along the drawn links, with what they leave out."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from explorer.circuits.graph import NodeKind
from explorer.circuits.paths import path_total, strongest_paths
from explorer.circuits.unexplained import path_unexplained
from explorer.session.unexplained import unexplained_of
from explorer.session.view import GraphView

LISTED = 20
NAMED = 2  # nodes that an end names
COLUMNS = ("rank", "share", "sign", "error_share", "nodes", "labels")


@dataclass(frozen=True)
class Way:
    """One path: its nodes from source to target, and its ``share`` (0 to 1) of all paths between the two ends.

    ``error`` is the chance that a walk back along it meets an error, ``raises`` the sign of the product of its links.
    """

    nodes: tuple[int, ...]
    labels: tuple[str, ...]
    share: float
    error: float
    raises: bool


@dataclass(frozen=True)
class Paths:
    """The strongest paths, strongest first, between the ends ``start`` and ``end`` (in words).

    ``keys`` are the nodes of each path by key, and ``share`` what all of them are of all paths in the whole graph.
    """

    start: str
    end: str
    ways: tuple[Way, ...]
    keys: tuple[tuple[str, ...], ...]

    @property
    def share(self) -> float:
        return sum((way.share for way in self.ways), start=0.0)


def paths(view: GraphView, sources: Iterable[int], targets: Iterable[int], k: int = LISTED) -> Paths:
    """The ``k`` strongest paths along drawn links; a node that is in both ends counts as a source."""
    graph, bias = view.graph, view.edits.count_bias
    starts = sorted(set(sources))
    ends = sorted(set(targets) - set(starts))
    total = path_total(graph, starts, ends, count_bias=bias)
    found = strongest_paths(graph, view.links, starts, ends, k, count_bias=bias) if total > 0 else []
    direct = unexplained_of(view).direct
    ways = tuple(
        Way(
            nodes=path.nodes,
            labels=tuple(view.label(node) for node in path.nodes),
            share=path.share / total,
            error=path_unexplained(direct, path.nodes),
            raises=path.raises,
        )
        for path in found
    )
    keys = tuple(tuple(str(graph.key(node)) for node in way.nodes) for way in ways)
    return Paths(words(view, starts), words(view, ends), ways, keys)


def ends_of(view: GraphView, selection: Sequence[int]) -> tuple[list[int], list[int]]:
    """From where to where, by what is selected.

    Of several nodes, from those in the lowest of their rows to those in the highest; to one feature or output from the
    tokens, from one token to the outputs; without a selection from the tokens to the outputs.
    """
    kind = view.graph.nodes.kind
    if len(selection) > 1:
        heights = [_height(view, node) for node in selection]
        low, high = min(heights), max(heights)
        if low < high:
            rows = list(zip(selection, heights, strict=True))
            return [node for node, at in rows if at == low], [node for node, at in rows if at == high]
    tokens, outputs = _tokens(view), view.aimed.target_weight.nonzero()[0].tolist()
    if not selection:
        return tokens, outputs
    is_root = kind[selection[-1]] not in (NodeKind.FEATURE, NodeKind.LOGIT)
    return ([selection[-1]], outputs) if is_root else (tokens, [selection[-1]])


def words(view: GraphView, nodes: Sequence[int]) -> str:
    """Nodes in words: all tokens, “Dallas” and 3 more."""
    if list(nodes) == _tokens(view):
        return "all tokens"
    if list(nodes) == view.aimed.target_weight.nonzero()[0].tolist() and len(nodes) > 1:
        return "the outputs that count"
    named = ", ".join(view.label(node) for node in nodes[:NAMED])
    return f"{named} and {len(nodes) - NAMED:,} more" if len(nodes) > NAMED else named or "nothing"


def as_text(found: Paths) -> str:
    """The paths as lines of text."""
    head = f"Paths from {found.start} to {found.end}: {found.share:.1%} of all\n"
    return head + "".join(
        f"{way.share:.1%}  {'raises' if way.raises else 'lowers'}  {way.error:.0%} error  {' → '.join(way.labels)}\n"
        for way in found.ways
    )


def as_csv(found: Paths) -> str:
    """The paths as a table with a header; nodes by key, separated by blanks, labels by arrows."""
    made = StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, (way, keys) in enumerate(zip(found.ways, found.keys, strict=True), start=1):
        sign = 1 if way.raises else -1
        writer.writerow((rank, way.share, sign, way.error, " ".join(keys), " → ".join(way.labels)))
    return made.getvalue()


def _tokens(view: GraphView) -> list[int]:
    block = view.graph.block(NodeKind.EMBEDDING)
    return list(range(block.start, block.stop))


def _height(view: GraphView, node: int) -> int:
    """The row of the canvas in which a node stands: tokens and biases lowest, outputs highest."""
    nodes = view.graph.nodes
    if nodes.kind[node] == NodeKind.LOGIT:
        return view.graph.n_layers
    return int(nodes.layer[node]) if nodes.kind[node] in (NodeKind.FEATURE, NodeKind.ERROR) else -1
