"""Interventions as a JSON-able table and back; a field at its default is not written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError, LoadError
from explorer.session.interventions import KINDS, OPS, UNITS, Interventions, Row

MODES = ("direct", "constrained", "iterative", "free")
CHOICES = {"kind": KINDS, "op": OPS, "unit": UNITS, "mode": MODES}
MANY = 10_000_000
OPTIONAL = ("last", "maximum", "other_pos", "layers", "attention", "norms")


def to_table(made: Interventions) -> dict[str, Any]:
    """Plain JSON values; equal interventions give the same table."""
    table = _changed(made, Interventions())
    if made.rows:
        table["rows"] = [{"kind": row.kind, **_changed(row, Row(row.kind))} for row in made.rows]
    return table


def from_table(table: Any) -> Interventions:
    """The interventions of ``to_table``; unknown fields are ignored. LoadError if one holds what does not belong."""
    values = _values(table, Interventions())
    rows = table.get("rows", [])
    if not isinstance(rows, list):
        raise LoadError("The interventions' rows are not a list.")
    return Interventions(**{**values, "rows": tuple(_row(row) for row in rows)})


def _row(table: Any) -> Row:
    if not isinstance(table, Mapping):
        raise LoadError("An intervention is not a table of names and values.")
    kind = _checked("kind", table.get("kind"), "feature")
    return Row(**{"kind": kind, **_values(table, Row(kind))})


def _changed(value: Any, plain: Any) -> dict[str, Any]:
    """The fields that differ from ``plain``, tuples as lists."""
    changed = {one.name: getattr(value, one.name) for one in fields(value)}
    return {
        name: [str(key) for key in held] if name == "members" else list(held) if isinstance(held, tuple) else held
        for name, held in changed.items()
        if held != getattr(plain, name) and name != "rows"
    }


def _values(table: Any, plain: Any) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise LoadError("The interventions are not a table of names and values.")
    known = [one.name for one in fields(plain) if one.name in table and one.name != "rows"]
    return {name: _checked(name, table[name], getattr(plain, name)) for name in known}


def _checked(name: str, value: Any, plain: Any) -> Any:
    """``value`` as the field ``name`` holds it; LoadError if it cannot."""
    if value is None and name in OPTIONAL:
        return None
    if name in CHOICES:
        good = value in CHOICES[name] if isinstance(value, str) else False
    elif name == "members":
        return _members(value)
    elif name == "layers":
        good = isinstance(value, list) and len(value) == 2 and all(_whole(layer) for layer in value)
    elif name in ("value", "maximum"):
        good = type(value) in (int, float) and math.isfinite(value)
    elif name in ("attention", "norms"):
        good = type(value) is bool
    elif name in ("last", "other_pos"):
        good = _whole(value)
    elif type(plain) is int:
        good = _whole(value) and value >= 0
    else:
        good = type(value) is type(plain)
    if not good:
        raise LoadError(f"The interventions' {name} is {str(value)[:80]!r}, which does not belong there.")
    return tuple(value) if name == "layers" else float(value) if name in ("value", "maximum") else value


def _whole(value: Any) -> bool:
    """Whether ``value`` is a whole number that may count layers, positions or features."""
    return type(value) is int and abs(value) <= MANY


def _members(value: Any) -> tuple[NodeKey, ...]:
    try:
        return tuple(NodeKey.parse(str(key)) for key in (value if isinstance(value, list) else [value]))
    except GraphError as error:
        raise LoadError(str(error)) from error
