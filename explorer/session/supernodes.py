"""Supernodes: nodes that a person sees as one, nested in one another, as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError

COLOURS = ("slate", "teal", "violet", "rose", "olive", "sand")


@dataclass(frozen=True)
class Supernode:
    """Nodes seen as one; two supernodes may have the same name, ``id`` tells them apart.

    members   the nodes that are directly in it; those of supernodes within it are not repeated here
    colour    one of COLOURS, or "" for none
    parent    the id of the supernode that it lies in, "" at the top
    """

    name: str
    members: tuple[NodeKey, ...] = ()
    id: str = ""
    colour: str = ""
    parent: str = ""
    note: str = ""


Supernodes = tuple[Supernode, ...]


def whole(groups: Supernodes) -> Supernodes:
    """``groups`` as Edits hold them: each has an id of its own, a node is in the first that names it, none is empty.

    A parent that is not there, or that lies within its own child, is no parent.
    """
    groups = _with_ids(groups)
    taken: set[NodeKey] = set()
    kept = []
    for group in groups:
        members = tuple(key for key in dict.fromkeys(group.members) if key not in taken)
        taken.update(members)
        kept.append(group if members == group.members else replace(group, members=members))
    return _without_empty(_with_parents(tuple(kept)))


def new_id(groups: Iterable[Supernode]) -> str:
    """An id that none of ``groups`` has."""
    taken = {group.id for group in groups}
    return next(name for name in (f"g{number}" for number in count(1)) if name not in taken)


def by_id(groups: Supernodes, id: str) -> Supernode:
    """The supernode ``id``; GraphError if there is none."""
    for group in groups:
        if group.id == id:
            return group
    raise GraphError(f"There is no supernode “{id}” in this document; it was dissolved.")


def children(groups: Supernodes, id: str) -> Supernodes:
    """The supernodes directly in ``id``; those at the top for ""."""
    return tuple(group for group in groups if group.parent == id)


def within(groups: Supernodes, id: str) -> Iterator[Supernode]:
    """The supernode ``id`` and all below it, each before what it holds."""
    yield by_id(groups, id)
    for child in children(groups, id):
        yield from within(groups, child.id)


def members_below(groups: Supernodes, id: str) -> tuple[NodeKey, ...]:
    """All nodes in ``id``, at any depth."""
    return tuple(key for group in within(groups, id) for key in group.members)


def holder(groups: Supernodes, key: NodeKey) -> Supernode | None:
    """The supernode that ``key`` is directly in."""
    return next((group for group in groups if key in group.members), None)


def without(groups: Supernodes, keys: Iterable[NodeKey]) -> Supernodes:
    """``groups`` with ``keys`` in none of them; what is empty then may remain."""
    gone = set(keys)
    return tuple(
        replace(group, members=tuple(key for key in group.members if key not in gone))
        if gone.intersection(group.members)
        else group
        for group in groups
    )


def _with_ids(groups: Supernodes) -> Supernodes:
    named: list[Supernode] = [group for group in groups if group.id]
    if len({group.id for group in named}) == len(groups):
        return groups
    result: list[Supernode] = []
    for group in groups:
        if not group.id or any(other.id == group.id for other in result):
            group = replace(group, id=new_id([*named, *result]))
        result.append(group)
    return tuple(result)


def _with_parents(groups: Supernodes) -> Supernodes:
    parent = {group.id: group.parent for group in groups}

    def reaches_top(id: str) -> bool:
        seen = set()
        while id and id not in seen:
            seen.add(id)
            id = parent.get(id, "?")
        return not id

    return tuple(group if reaches_top(group.id) else replace(group, parent="") for group in groups)


def _without_empty(groups: Supernodes) -> Supernodes:
    """A supernode that holds another one that is not empty stays."""
    full = {group.id for group in groups if group.members}
    parent = {group.id: group.parent for group in groups}
    for id in tuple(full):
        while id:
            full.add(id)
            id = parent[id]
    return tuple(group for group in groups if group.id in full)
