"""Grouping: the supernode that a selection becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explorer.circuits.graph import NodeKey
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.supernodes import Supernode, Supernodes, children, members_below, new_id
from explorer.session.view import GraphView, rows_of


def gather(view: GraphView, keys: Sequence[NodeKey]) -> tuple[Edits, str]:
    """The edits with a new supernode of ``keys``, and its id; supernodes that lie wholly among ``keys`` go into it.

    It is called as its strongest node is. Without keys, or where they are one supernode, nothing changes (id "").
    """
    edits = view.edits
    inner = _among(edits, set(keys))
    held = {key for group in inner for key in members_below(edits.supernodes, group.id)}
    loose = [key for key in keys if key not in held]
    if len(loose) + len(inner) == 0 or (not loose and len(inner) == 1):
        return edits, ""
    id, name = new_id(edits.supernodes), _name(view, keys)
    if not loose:
        nested = tuple(replace(g, parent=id) if g in inner else g for g in edits.supernodes)
        return replace(edits, supernodes=(*nested, Supernode(name, (), id))), id
    made = edit.group(edits, loose, name)
    id = made.supernodes[-1].id
    for group in inner:
        made = edit.nest(made, group.id, id)
    return made, id


def _among(edits: Edits, keys: set[NodeKey]) -> Supernodes:
    """The supernodes at the top all of whose nodes are among ``keys``."""
    top = children(edits.supernodes, "")
    return tuple(group for group in top if keys.issuperset(members_below(edits.supernodes, group.id)))


def _name(view: GraphView, keys: Sequence[NodeKey]) -> str:
    rows = rows_of(view.graph, tuple(keys))
    labelled = [row for row in rows.tolist() if view.graph.key(row) in view.edits.labels]
    found = labelled or rows.tolist()
    return view.label(max(found, key=lambda row: float(view.influence[row]))) if found else ""
