"""Fields of a JSON table, checked; LoadError says what does not belong in the edits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError, LoadError

MOST = 2**31 - 1  # more nodes or links than a graph can have


def key(value: Any) -> NodeKey:
    if not isinstance(value, str):
        raise LoadError(f"{value!r} stands in the edits where a node belongs.")
    try:
        return NodeKey.parse(value)
    except GraphError as error:
        raise LoadError(str(error)) from error


def keys(held: Mapping[str, Any], name: str) -> tuple[NodeKey, ...]:
    """The nodes listed under ``name``, each once."""
    return tuple(dict.fromkeys(key(value) for value in typed(held, name, list, [])))


def text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise LoadError(f"The {what} is not a text.")
    return value


def table(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise LoadError(f"The {what} are not a table of names and values.")
    return value


def named(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The table under ``name``."""
    return table(held.get(name, {}), name)


def typed(held: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = held.get(name, default)
    if not isinstance(value, kind):
        raise LoadError(f"The edits' {name} is not a {kind.__name__}.")
    return value


def fraction(held: Mapping[str, Any], name: str, default: float) -> float:
    value = held.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise LoadError(f"The edits' {name} is {value!r}; a number between 0 and 1 belongs there.")
    return float(value)


def count(held: Mapping[str, Any], name: str, default: int) -> int:
    value = held.get(name, default)
    if type(value) is not int or not 0 <= value <= MOST:
        raise LoadError(f"The edits' {name} is {str(value)[:80]!r}; a whole number from 0 on belongs there.")
    return value


def number(what: str, value: Any) -> float:
    """A finite number."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise LoadError(f"The {what} is {str(value)[:80]!r}; a number belongs there.")
    return float(value)
