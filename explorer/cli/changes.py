"""What --set and --dose of the command intervene say, as the values of the jobs."""

from __future__ import annotations

import re
from typing import Any

from explorer.errors import GraphError

# how each kind is named behind its own name; a feature is named by its layer, position and number alone
NAMED = {
    "feature": r"(?P<layer>\d+):(?P<pos>[^:]+):(?P<index>\d+)",
    "neuron": r"(?P<layer>\d+):(?P<pos>[^:]+):(?P<index>\d+)",
    "head": r"(?P<layer>\d+):(?P<pos>[^:]+):(?P<index>\d+)",
    "error": r"(?P<layer>\d+):(?P<pos>[^:]+)",
    "residual": r"(?P<layer>\d+):(?P<pos>[^:]+)",
    "direction": r"(?P<layer>\d+):(?P<pos>[^:]+):(?P<file>.+)",
}
POSITIONS = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+)|(?P<onward>\+))?")
VALUE = re.compile(r"(?P<how>[x+*]?)(?P<number>[^@]*?)(?P<other>other(?:@(?P<at>-?\d+))?)?")
FORM = "LAYER:POS:FEATURE=xFACTOR or =VALUE"


def setting(text: str) -> dict[str, Any]:
    """One --set as an intervention of the job; GraphError if it is not of that form.

    In front of LAYER may stand neuron:, head:, error:, residual: or direction:, the last with a .npy file in place of
    a number. POS may be A-B, or A+ for the end of the prompt and what is generated behind it. ``=+VALUE`` adds,
    ``=*FACTOR`` multiplies, ``=xFACTORother`` is FACTOR times what it is in the other prompt (``=other``: once), at
    the same position or at ``@POS``.
    """
    place, _, value = text.rpartition("=")
    kind, _, rest = place.partition(":")
    if kind not in NAMED:
        kind, rest = "feature", place
    found = re.fullmatch(NAMED[kind], rest)
    if found is None:
        raise GraphError(f"“{text}” names no intervention; write {FORM}.")
    named = found.groupdict()
    where = {"file": named["file"]} if "file" in named else {}
    index = int(named.get("index") or 0)
    return {
        "kind": kind,
        "layer": int(named["layer"]),
        "index": index,
        **_positions(named["pos"], text),
        **where,
        **_value(value, text),
    }


def _positions(text: str, whole: str) -> dict[str, Any]:
    found = POSITIONS.fullmatch(text)
    if found is None:
        raise GraphError(f"“{whole}” names no position; write one, FROM-TO, or FROM+ for all later ones.")
    first = int(found["first"])
    if found["onward"]:
        return {"pos": [first, None], "generated": True}
    return {"pos": [first, int(found["last"])] if found["last"] else first}


def _value(text: str, whole: str) -> dict[str, Any]:
    found = VALUE.fullmatch(text)
    how, other = (found["how"], found["other"]) if found else ("", None)
    if found is None or (other and how == "*"):
        raise GraphError(f"“{whole}” names no value; write {FORM}.")
    op = {"+": "add", "*": "multiply"}.get(how, "set")
    unit: dict[str, Any] = {} if how == "*" else {"unit": "own" if how == "x" else "absolute"}
    if other:
        unit = {"unit": "other", "other_pos": None if found["at"] is None else int(found["at"])}
    return {"op": op, **unit, "value": _number(found["number"] or ("1" if other else ""), whole)}


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise GraphError(f"“{whole}” names no value; write {FORM}.") from error


def dose_values(text: str) -> list[float]:
    """The values of --dose FROM:TO:STEPS, both ends included; GraphError if it is not of that form."""
    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 2:
        raise GraphError(f"“{text}” names no range; write FROM:TO:STEPS, such as 0:2:9, with at least 2 steps.")
    first, last, steps = (*(_number(part, text) for part in parts[:2]), int(parts[2]))
    return [first + (last - first) * step / (steps - 1) for step in range(steps)]
