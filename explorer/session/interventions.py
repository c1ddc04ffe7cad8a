"""What a person changes in the model, as values that live in the document: rows, and the mode they are made in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from explorer.circuits.graph import NodeKey, NodeKind

Kind = Literal["feature", "neuron", "head", "error", "residual", "direction", "supernode"]
Op = Literal["set", "add", "multiply"]
Unit = Literal["own", "absolute", "maximum", "other"]

KINDS: tuple[Kind, ...] = ("feature", "neuron", "head", "error", "residual", "direction", "supernode")
OPS: tuple[Op, ...] = ("set", "add", "multiply")
UNITS: tuple[Unit, ...] = ("own", "absolute", "maximum", "other")


@dataclass(frozen=True)
class Row:
    """One thing that is changed, where, and to what; ``value`` is what its slider moves.

    layer, index    of a feature, neuron or head (index 0 for others)
    first, last     positions, both included; last None: to the end of the prompt; ``generated`` tokens too
    unit            own: times its strength on this prompt; maximum: times ``maximum``, that of the dataset; other:
                    times its strength in the counterpart prompt, at ``other_pos`` (None: the same, -1: the last)
    members         of a supernode, each changed at its own position
    file            the .npy file of a direction
    on              whether it is made; a row that is off stays in the document
    """

    kind: Kind
    layer: int = 0
    index: int = 0
    first: int = 0
    last: int | None = None
    generated: bool = False
    op: Op = "set"
    unit: Unit = "own"
    value: float = 1.0
    maximum: float | None = None
    other_pos: int | None = None
    name: str = ""
    members: tuple[NodeKey, ...] = ()
    file: str = ""
    on: bool = True


@dataclass(frozen=True)
class Interventions:
    """All rows, in the order in which they are made, and how: mode, held layers, attention and norms held or free.

    ``attention`` and ``norms`` are None where the mode decides. ``counterpart`` is the prompt of unit ``other``.
    """

    rows: tuple[Row, ...] = ()
    mode: str = "iterative"
    layers: tuple[int, int] | None = None
    attention: bool | None = None
    norms: bool | None = None
    counterpart: str = ""


def row_of(key: NodeKey, value: float = 1.0) -> Row | None:
    """The row that changes a node, at its own strength at first; None for tokens, biases and outputs."""
    if key.kind == NodeKind.FEATURE:
        return Row("feature", key.layer, key.feature, key.pos, key.pos, value=value)
    if key.kind == NodeKind.ERROR:
        return Row("error", key.layer, 0, key.pos, key.pos, value=value)
    return None


def group_row(name: str, members: Iterable[NodeKey], value: float = 1.0) -> Row:
    """The row that changes all ``members``, each by its own strength."""
    return Row("supernode", name=name, members=tuple(members), value=value)


def add(made: Interventions, rows: Iterable[Row]) -> Interventions:
    return replace(made, rows=(*made.rows, *rows))


def change(made: Interventions, index: int, **values: Any) -> Interventions:
    """Row ``index`` with other values."""
    rows = list(made.rows)
    rows[index] = replace(rows[index], **values)
    return replace(made, rows=tuple(rows))


def remove(made: Interventions, index: int) -> Interventions:
    return replace(made, rows=made.rows[:index] + made.rows[index + 1 :])


def request(made: Interventions) -> dict[str, Any]:
    """The values of the engine's jobs ``intervene`` and ``generate`` (docs/interventions.md), of rows that are on."""
    rows = [_asked(row) for row in made.rows if row.on]
    values: dict[str, Any] = {
        "interventions": rows,
        "mode": made.mode,
        "layers": None if made.layers is None else list(made.layers),
        "attention": made.attention,
        "norms": made.norms,
    }
    if any(row["unit"] == "other" for row in rows):
        values["other"] = {"text": made.counterpart}
    return values


def _asked(row: Row) -> Mapping[str, Any]:
    asked: dict[str, Any] = {"kind": row.kind, "op": row.op, "unit": row.unit, "value": row.value}
    if row.kind == "supernode":
        asked |= {"name": row.name, "members": [str(key) for key in row.members]}
    else:
        pos = row.first if row.last == row.first else [row.first, row.last]
        asked |= {"layer": row.layer, "index": row.index, "pos": pos}
    if row.generated:
        asked["generated"] = True
    if row.maximum is not None:
        asked["maximum"] = row.maximum
    if row.unit == "other":
        asked["other_pos"] = row.other_pos
    if row.file:
        asked["file"] = row.file
    return asked
