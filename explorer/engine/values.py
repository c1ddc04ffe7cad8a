"""What crosses between window and engine: JSON values with numpy arrays anywhere among them.

A job takes keyword arguments and returns a mapping of such values. The owner of a richer value (a
graph, say) writes two plain functions beside it, ``to_message(value) -> dict`` and
``from_message(dict) -> value``, and the job and the window call them by name; nothing is registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.engine.protocol import Array
from explorer.errors import EngineError

ARRAY = "$array"
PLAIN = (str, int, float, bool)  # crosses as it is: long lists of words must not cost the window a frame


def pack(value: object) -> tuple[Any, dict[str, Array]]:
    """``value`` as JSON, and the arrays taken out of it; in their place stands ``{"$array": name}``.

    Tuples become lists, numpy scalars become numbers. Raises TypeError for whatever cannot cross.
    """
    arrays: dict[str, Array] = {}
    return _lift(value, "value", arrays), arrays


def unpack(value: Any, arrays: Mapping[str, Array]) -> Any:
    """The value that ``pack`` was given."""
    if isinstance(value, list):
        return [item if type(item) in PLAIN else unpack(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {ARRAY}:
        return {key: unpack(item, arrays) for key, item in value.items()}
    name = value[ARRAY]
    if not isinstance(name, str) or name not in arrays:
        raise EngineError(f"A message of the engine lacks its array {name!r}: start the engine again.")
    return arrays[name]


def plain(value: object) -> Any:
    """``value`` as the other side would get it; the in-process form hands over this."""
    return unpack(*pack(value))


def _lift(value: object, path: str, arrays: dict[str, Array]) -> Any:
    match value:
        case np.generic():
            return value.item()
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray():
            name = str(len(arrays))
            arrays[name] = value
            return {ARRAY: name}
        case list() | tuple():
            return [
                item if type(item) in PLAIN else _lift(item, f"{path}[{row}]", arrays)
                for row, item in enumerate(value)
            ]
        case Mapping():
            return {_key(key, path): _lift(item, f"{path}.{key}", arrays) for key, item in value.items()}
        case _:
            raise TypeError(f"{path} is a {type(value).__name__}: it cannot cross to or from the engine.")


def _key(key: object, path: str) -> str:
    if not isinstance(key, str) or key == ARRAY:
        raise TypeError(f"{path} has the key {key!r}: keys that cross are other strings than {ARRAY!r}.")
    return key
