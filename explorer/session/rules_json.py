"""Rules of pruning as a JSON-able table and back; a rule that is off is not written."""

from __future__ import annotations

from typing import Any

from explorer.circuits.graph import NodeKind
from explorer.errors import LoadError
from explorer.session import json_fields as fields
from explorer.session.rules import Rules


def rules_to_json(rules: Rules) -> dict[str, Any]:
    """Plain JSON values; equal rules give the same table."""
    table = {
        "layers": None if rules.layers is None else list(rules.layers),
        "kinds": [NodeKind(kind).name.lower() for kind in sorted(rules.kinds)],
        "max_density": rules.max_density,
        "min_influence": rules.min_influence,
        "targets": [[str(key), weight] for key, weight in rules.targets],
    }
    off: dict[str, Any] = {"layers": None, "kinds": [], "max_density": None, "min_influence": 0.0, "targets": []}
    return {name: value for name, value in table.items() if value != off[name]}


def rules_from_json(table: Any) -> Rules:
    """The rules of ``rules_to_json``; LoadError if one holds what does not belong."""
    table = fields.table(table, "rules")
    return Rules(
        layers=_layers(table.get("layers")),
        kinds=frozenset(_kind(name) for name in fields.typed(table, "kinds", list, [])),
        max_density=None if table.get("max_density") is None else fields.fraction(table, "max_density", 1.0),
        min_influence=fields.fraction(table, "min_influence", 0.0),
        targets=tuple(_target(row) for row in fields.typed(table, "targets", list, [])),
    )


def _layers(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    match value:
        case [int(first), int(last)] if first <= last:
            return first, last
    raise LoadError(f"The rules' layers are {str(value)[:80]!r}; a first and a last layer belong there.")


def _kind(name: Any) -> int:
    try:
        return int(NodeKind[str(name).upper()])
    except KeyError as error:
        raise LoadError(f"The rules name “{str(name)[:80]}”, which is no kind of node.") from error


def _target(row: Any) -> tuple[Any, float]:
    match row:
        case [str(key), weight]:
            return fields.key(key), fields.number(f"weight of the target {key}", weight)
    raise LoadError(f"{str(row)[:80]!r} stands in the rules where a target and its weight belong.")
