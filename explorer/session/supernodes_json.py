"""Supernodes, and what is said of boxes and links of the subgraph, as JSON-able tables and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.errors import LoadError
from explorer.session import json_fields as fields
from explorer.session.supernodes import COLOURS, Supernode, Supernodes

OPTIONAL = ("colour", "parent", "note")
Link = tuple[str, str]


def groups_to_json(groups: Supernodes) -> list[dict[str, Any]]:
    """A table for each supernode; fields that are empty are not written."""
    return [
        {
            "id": group.id,
            "name": group.name,
            "members": [str(key) for key in group.members],
            **{name: getattr(group, name) for name in OPTIONAL if getattr(group, name)},
        }
        for group in groups
    ]


def groups_from_json(tables: list[Any]) -> Supernodes:
    """The supernodes of ``groups_to_json``; those of older documents have no id, colour, parent or note."""
    groups = tuple(_group(value) for value in tables)
    ids = [group.id for group in groups if group.id]
    for id in ids:
        if ids.count(id) > 1:
            raise LoadError(f"Two supernodes have the id “{id}”.")
    for group in groups:
        _check_parents(group, {other.id: other for other in groups})
    return groups


def places_to_json(places: Mapping[str, tuple[float, float]]) -> dict[str, list[float]]:
    return {box: list(places[box]) for box in sorted(places)}


def places_from_json(table: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    return {_box(box): _place(box, value) for box, value in table.items()}


def links_to_json(texts: Mapping[Link, str]) -> list[dict[str, str]]:
    return [{"target": link[0], "source": link[1], "text": texts[link]} for link in sorted(texts)]


def links_from_json(rows: list[Any], what: str) -> dict[Link, str]:
    """The texts of ``links_to_json``; ``what`` they are, for the sentence that refuses them."""
    tables = [fields.table(row, what) for row in rows]
    return {
        (_box(row.get("target")), _box(row.get("source"))): fields.text(f"text of {what}", row.get("text"))
        for row in tables
    }


def _group(value: Any) -> Supernode:
    value = fields.table(value, "supernodes")
    name = fields.text("name of a supernode", value.get("name"))
    said = {field: fields.text(f"{field} of “{name}”", value.get(field, "")) for field in ("id", *OPTIONAL)}
    if said["colour"] and said["colour"] not in COLOURS:
        raise LoadError(f"The supernode “{name}” has the colour “{said['colour']}”, not one of {', '.join(COLOURS)}.")
    return Supernode(name, fields.keys(value, "members"), **said)


def _check_parents(group: Supernode, named: Mapping[str, Supernode]) -> None:
    seen = {group.id}
    while group.parent:
        if group.parent not in named:
            raise LoadError(f"The supernode “{group.name}” lies in “{group.parent}”, which is not there.")
        if group.parent in seen:
            raise LoadError(f"The supernode “{group.name}” lies within itself.")
        group = named[group.parent]
        seen.add(group.id)


def _box(value: Any) -> str:
    name = fields.text("name of a box", value)
    if name.startswith("node:"):
        fields.key(name.removeprefix("node:"))
    return name


def _place(box: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise LoadError(f"The place of “{box}” is not two numbers.")
    x, y = (fields.number(f"place of “{box}”", part) for part in value)
    return x, y
