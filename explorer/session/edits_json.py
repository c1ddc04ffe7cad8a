"""Edits as a JSON-able table and back; nodes are written as the text of their NodeKey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError, LoadError
from explorer.session.edits import STATUSES, Edits, Label, Supernode
from explorer.session.interventions_json import from_table, to_table

EDITS_VERSION = 0


def to_json(edits: Edits) -> dict[str, Any]:
    """Plain JSON values; equal edits give the same table in the same order."""
    return {
        "edits_version": EDITS_VERSION,
        "node_threshold": edits.node_threshold,
        "edge_threshold": edits.edge_threshold,
        "count_bias": edits.count_bias,
        "pinned": [str(key) for key in edits.pinned],
        "hidden": [str(key) for key in sorted(edits.hidden)],
        "supernodes": [
            {"name": group.name, "members": [str(key) for key in group.members]} for group in edits.supernodes
        ],
        "labels": {
            str(key): {"text": edits.labels[key].text, "status": edits.labels[key].status}
            for key in sorted(edits.labels)
        },
        "notes": {str(key): edits.notes[key] for key in sorted(edits.notes)},
        "note": edits.note,
        "interventions": to_table(edits.interventions),
    }


def from_json(table: Any) -> Edits:
    """The edits of ``to_json``. Fields that are missing take their default, unknown ones are ignored.

    LoadError if the version is newer or a field does not hold what belongs there.
    """
    table = _table(table, "edits")
    version = table.get("edits_version")
    if version != EDITS_VERSION:
        raise LoadError(f"The edits have version {version}; this program reads version {EDITS_VERSION}.")
    plain = Edits()
    return Edits(
        node_threshold=_fraction(table, "node_threshold", plain.node_threshold),
        edge_threshold=_fraction(table, "edge_threshold", plain.edge_threshold),
        count_bias=_typed(table, "count_bias", bool, plain.count_bias),
        pinned=tuple(dict.fromkeys(_keys(table, "pinned"))),
        hidden=frozenset(_keys(table, "hidden")),
        supernodes=tuple(_supernode(value) for value in _typed(table, "supernodes", list, [])),
        labels={_key(key): _label(key, value) for key, value in _named(table, "labels").items()},
        notes={_key(key): _text(f"note of {key}", value) for key, value in _named(table, "notes").items()},
        note=_typed(table, "note", str, plain.note),
        interventions=from_table(table.get("interventions", {})),
    )


def _key(text: Any) -> NodeKey:
    if not isinstance(text, str):
        raise LoadError(f"{text!r} stands in the edits where a node belongs.")
    try:
        return NodeKey.parse(text)
    except GraphError as error:
        raise LoadError(str(error)) from error


def _keys(table: Mapping[str, Any], name: str) -> list[NodeKey]:
    return [_key(text) for text in _typed(table, name, list, [])]


def _label(key: str, value: Any) -> Label:
    value = _table(value, f"label of {key}")
    status = value.get("status", "human")
    if status not in STATUSES:
        raise LoadError(f"The label of {key} has the status {status!r}, not one of {', '.join(STATUSES)}.")
    return Label(_text(f"label of {key}", value.get("text")), status)


def _supernode(value: Any) -> Supernode:
    value = _table(value, "supernodes")
    name = _text("name of a supernode", value.get("name"))
    return Supernode(name, tuple(dict.fromkeys(_keys(value, "members"))))


def _fraction(table: Mapping[str, Any], name: str, default: float) -> float:
    value = table.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise LoadError(f"The edits' {name} is {value!r}; a number between 0 and 1 belongs there.")
    return float(value)


def _named(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _table(table.get(name, {}), name)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise LoadError(f"The {what} is not a text.")
    return value


def _table(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise LoadError(f"The {what} are not a table of names and values.")
    return value


def _typed(table: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = table.get(name, default)
    if not isinstance(value, kind):
        raise LoadError(f"The edits' {name} is not a {kind.__name__}.")
    return value
