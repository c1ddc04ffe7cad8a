"""The links of a graph JSON file: columns that grow, then the rows of a graph."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import NodeKind, Rows
from explorer.errors import LoadError
from explorer.io.graph_json_keys import Ints, Placed, id_of
from explorer.io.graph_json_nodes import FileNodes, Said

MISSING, OUTSIDE = -1, -2  # no node of that id; one that has no place in a graph here
_ENDS = frozenset({"source", "target", "weight"})


@dataclass(eq=False)
class FileLinks:
    """The links read so far, ends as numbers of ``names`` (see FileNodes)."""

    names: dict[str, int]
    source: array[int] = field(default_factory=lambda: array("i"))
    target: array[int] = field(default_factory=lambda: array("i"))
    weight: array[float] = field(default_factory=lambda: array("d"))
    said: Said = field(default_factory=Said)

    def __len__(self) -> int:
        return len(self.weight)

    def add(self, batch: list[Any]) -> None:
        """More links; LoadError names one that is none."""
        number_of, names = self.names.setdefault, self.names
        for raw in batch:
            try:
                weight = raw["weight"]
                if weight is True or weight is False:
                    raise TypeError(weight)
                self.weight.append(weight)
                self.source.append(number_of(raw["source"], len(names)))
                self.target.append(number_of(raw["target"], len(names)))
            except (TypeError, KeyError, OverflowError) as error:
                raise LoadError(_fault(raw, len(self.target))) from error
            if len(raw) > len(_ENDS):
                for name in raw.keys() - _ENDS:
                    self.said.put(len(self) - 1, name, raw[name])


@dataclass(frozen=True, eq=False)
class Read:
    """The rows of the graph; ``edge`` (n_links) is where each link of the file stands in them, -1 if nowhere."""

    rows: Rows
    edge: Ints


def read_rows(links: FileLinks, nodes: FileNodes, placed: Placed, notes: list[str]) -> Read:
    """The edges by target; LoadError names a link that is double, has no finite weight or leads down.

    Effects of nodes that have no place count as not expanded (``rest_sum``); zero links are dropped.
    """
    weight = np.array(links.weight, dtype=np.float64)
    wrong = ~(np.abs(weight) < 1e300)
    _refuse(links, wrong, f"has the weight {weight[np.argmax(wrong)] if wrong.any() else 0}, not a finite number")
    source, target = _ends(links, nodes, placed, notes)
    for ends in (source, target):
        unknown = np.flatnonzero(ends == MISSING)
        if len(unknown):
            number = int(unknown[0])
            name = id_of(links.names, (links.source if ends is source else links.target)[number])
            raise LoadError(f"link number {number} names the node {name!r}, which it does not hold")
    there = target != OUTSIDE
    rest = there & (source == OUTSIDE)
    kept = np.flatnonzero(there & (source != OUTSIDE) & (weight != 0))
    _check_direction(links, placed, kept, source, target, notes)
    _note_dropped(len(links), int(np.count_nonzero(there & (weight == 0))), notes)
    n = len(placed.kind)
    edge, start, held, weight_of = _compressed(links, placed, kept, source, target, weight)
    rows = Rows(
        start=start,
        source=held.astype(np.int32),
        weight=_narrow(weight_of),
        rest_sum=np.bincount(target[rest], weight[rest], minlength=n).astype(np.float64),  # integers if there is none
        rest_abs=np.bincount(target[rest], np.abs(weight[rest]), minlength=n).astype(np.float64),
    )
    return Read(rows, edge)


def _compressed(
    links: FileLinks, placed: Placed, kept: Ints, source: Ints, target: Ints, weight: NDArray[np.float64]
) -> tuple[Ints, Ints, Ints, NDArray[np.float64]]:
    """Each link's edge, and the edges: start, source, weight. Effects of biases of one class are added up."""
    order = kept[np.lexsort((source[kept], target[kept]))]
    s, t = source[order], target[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (s[1:] != s[:-1]) | (t[1:] != t[:-1])
    twice = np.zeros(len(links), dtype=bool)
    twice[order[~new & (placed.kind[s] != NodeKind.BIAS)]] = True
    _refuse(links, twice, "is in it twice")
    edge = np.full(len(links), -1, dtype=np.int64)
    edge[order] = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    weights = np.add.reduceat(weight[order], first) if len(first) else np.zeros(0)
    start = np.concatenate([[0], np.cumsum(np.bincount(t[first], minlength=len(placed.kind)))])
    return edge, start.astype(np.int64), s[first], weights


def _narrow(weight: NDArray[np.float64]) -> NDArray[np.floating[Any]]:
    """``weight`` in single precision if that is what was written."""
    narrow = weight.astype(np.float32)
    return narrow if np.array_equal(narrow, weight) else weight


def _check_direction(
    links: FileLinks, placed: Placed, kept: Ints, source: Ints, target: Ints, notes: list[str]
) -> None:
    """LoadError for a link that does not lead up; those to earlier tokens are only told."""
    s, t = source[kept], target[kept]
    down = ~np.isin(placed.kind[t], [NodeKind.FEATURE, NodeKind.LOGIT]) | (placed.layer[s] >= placed.layer[t])
    wrong = np.zeros(len(links), dtype=bool)
    wrong[kept[down]] = True
    _refuse(links, wrong, "does not lead to a feature or logit in a higher layer")
    back = np.flatnonzero(placed.pos[s] > placed.pos[t])
    if len(back):
        notes.append(f"{len(back)} links lead to earlier tokens, the first of them {_pair(links, int(kept[back[0]]))}.")


def _note_dropped(n_links: int, n_zero: int, notes: list[str]) -> None:
    if n_zero:
        notes.append(f"{n_zero:,} of {n_links:,} links have the weight 0 and were left out.")


def _ends(links: FileLinks, nodes: FileNodes, placed: Placed, notes: list[str]) -> tuple[Ints, Ints]:
    """The rows of each link's source and target, or MISSING or OUTSIDE; with shared ids told apart."""
    row_of = np.full(len(links.names), MISSING, dtype=np.int64)
    number = np.array(nodes.number, dtype=np.int64)
    row_of[number[::-1]] = np.where(placed.row < 0, OUTSIDE, placed.row)[::-1]
    twins = _twins(nodes, number, placed, notes)
    for twin, (feature, _) in twins.items():
        row_of[twin] = feature
    source, target = row_of[np.array(links.source)], row_of[np.array(links.target)]
    if twins:
        _tell_apart(links, placed, twins, source, target)
    return source, target


def _twins(nodes: FileNodes, number: Ints, placed: Placed, notes: list[str]) -> dict[int, tuple[int, int]]:
    """The ids that two nodes have -> the rows of both, feature first.

    circuit-tracer gives an error of layer L the id of feature L of layer 0 at its position (its issue 78); LoadError
    if anything else shares an id.
    """
    found, counts = np.unique(number, return_counts=True)
    twins: dict[int, tuple[int, int]] = {}
    for twin in found[counts > 1].tolist():
        rows = np.sort(placed.row[number == twin])
        kinds = placed.kind[rows].tolist() if rows[0] >= 0 else []
        name = id_of(nodes.names, twin)
        if kinds != [NodeKind.FEATURE, NodeKind.ERROR]:
            raise LoadError(f"{len(rows)} nodes have the id {name}")
        twins[twin] = (int(rows[0]), int(rows[1]))
        notes.append(f"A feature and an error share the id {name}; their links were told apart by their order.")
    return twins


def _tell_apart(
    links: FileLinks, placed: Placed, twins: Mapping[int, tuple[int, int]], source: Ints, target: Ints
) -> None:
    """Give each link from a shared id to the one of the two that it comes from; changes ``source``.

    circuit-tracer writes the links into a node in the order of the nodes, so the neighbours of a link in the file say
    which of the two it is. Where they do not, the first is the feature's; an error feeds higher layers only.
    """
    shared = np.isin(np.array(links.source), list(twins))
    held: set[tuple[int, int]] = set()
    for link in np.flatnonzero(shared).tolist():
        feature, error = twins[links.source[link]]
        to = int(target[link])
        before, after = _neighbour(link, -1, shared, source, target), _neighbour(link, 1, shared, source, target)
        fits = {row for row in (feature, error) if before < row and (after < 0 or row < after)}
        chosen = error if fits == {error} else feature
        if (chosen, to) in held:
            chosen = error if chosen == feature else feature
        if placed.layer[error] >= placed.layer[to]:
            chosen = feature
        held.add((chosen, to))
        source[link] = chosen


def _neighbour(link: int, step: int, shared: NDArray[np.bool_], source: Ints, target: Ints) -> int:
    """The source of the next link in that direction into the same node that is no shared id; -1 if there is none."""
    at = link + step
    while 0 <= at < len(source) and target[at] == target[link]:
        if not shared[at]:
            return int(source[at])
        at += step
    return -1


def _refuse(links: FileLinks, wrong: NDArray[np.bool_], why: str) -> None:
    """LoadError about the first link that is ``wrong``."""
    if wrong.any():
        raise LoadError(f"{_pair(links, int(np.flatnonzero(wrong)[0]))} {why}")


def _pair(links: FileLinks, link: int) -> str:
    ends = (id_of(links.names, number) for number in (links.source[link], links.target[link]))
    return "the link from {} to {}".format(*ends)


def _fault(raw: Any, number: int) -> str:
    """What is wrong with a link that could not be taken in."""
    if not isinstance(raw, Mapping):
        return f"link number {number} is no table of source, target and weight"
    for end in ("source", "target"):
        if not isinstance(raw.get(end), str):
            return f"link number {number} names the node {raw.get(end)!r}, which it does not hold"
    return f"the link from {raw['source']} to {raw['target']} has the weight {raw.get('weight')!r}, not a finite number"
