"""What a request's ``interventions`` ask for, as values.

One is a mapping, so that a slider is one number of it (``value``):

    kind        feature, neuron, head, error, direction, supernode; residual, with unit other alone
    layer, index, pos      pos is a number, or [first, last], or [first, None] to the end; ``generated`` tokens too
    op          set (default), add, multiply
    unit        own (default: times its own strength on this prompt), absolute, maximum (of the dataset: ``maximum``),
                other (in the request's other prompt, at ``other_pos``: None the same position, -1 its last)
    value       a number; of residual the share of the way to the other prompt's
    vector      of a direction, or its ``file`` (.npy);  name, members ("feature:LAYER:POS:INDEX") of a supernode

A substitution is ``off`` and ``on`` (mappings with kind, layer, index, pos), ``factor``, and the prompt in which
``on`` is as strong as wanted (``text`` or ``token_ids``, ``pos``: its position, by default the last).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError
from explorer.io.npz import read_vector

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.circuits.interventions import Intervention, Place, Positions
    from explorer.circuits.modes import Mode


def read_interventions(requested: Iterable[Mapping[str, Any]]) -> list[Intervention]:
    """The interventions; GraphError in one sentence if one is not of that form."""
    from explorer.circuits.interventions import Intervention, Op, Unit

    made = []
    for one in requested:
        op, unit = _choice(Op, one.get("op", "set"), "operation"), _choice(Unit, one.get("unit", "own"), "unit")
        value, maximum = _number(one.get("value"), "value"), one.get("maximum")
        largest = None if maximum is None else _number(maximum, "maximum")
        elsewhere = None if one.get("other_pos") is None else _whole(one, "other_pos")
        if one.get("kind") == "residual" and (unit, op) != (Unit.OTHER, Op.SET):
            raise GraphError("The residual stream is only patched from another prompt; set it in unit other.")
        made += [Intervention(place, op, value, unit, largest, elsewhere) for place in read_places(one)]
    return made


def read_places(one: Mapping[str, Any]) -> tuple[Place, ...]:
    """Where an intervention is made; several places if it is a supernode's."""
    from explorer.circuits.interventions import Kind, Place, members

    if one.get("kind") == "supernode":
        return members(str(one.get("name", "")), [NodeKey.parse(str(key)) for key in one.get("members") or ()])
    kind = _choice(Kind, one.get("kind", "feature"), "kind")
    return (Place(kind, _whole(one, "layer"), _whole(one, "index", 0), _positions(one), _vector(one)),)


def _vector(one: Mapping[str, Any]) -> Tensor | None:
    """A direction's own numbers, or those of its file."""
    import torch

    held = read_vector(Path(str(one["file"]))) if one.get("file") else one.get("vector")
    return None if held is None else torch.as_tensor(held)


def read_mode(
    name: str, n_layers: int, layers: list[int] | None, attention: bool | None, norms: bool | None
) -> Mode:
    """The mode of a request; ``layers`` first and last, both included."""
    from explorer.circuits.modes import mode

    if layers is not None and len(layers) != 2:
        raise GraphError(f"Layers are a first and a last one; got {len(layers)} numbers.")
    held = None if layers is None else (int(layers[0]), int(layers[1]))
    return mode(name, n_layers, held, attention=attention, norms=norms)


def _positions(one: Mapping[str, Any]) -> Positions:
    from explorer.circuits.interventions import Positions

    pos, generated = one.get("pos"), bool(one.get("generated", False))
    if isinstance(pos, list) and len(pos) == 2 and isinstance(pos[0], int) and isinstance(pos[1], int | None):
        return Positions(pos[0], pos[1], generated)
    if not isinstance(pos, int):
        raise GraphError(f"The position {pos!r} is none; name a number, or the first and the last one.")
    return Positions(pos, None if generated else pos, generated)


def _choice(kinds: Any, name: object, what: str) -> Any:
    try:
        return kinds(name)
    except ValueError as error:
        known = ", ".join(one.value for one in kinds)
        raise GraphError(f"There is no {what} “{name}”; choose one of {known}.") from error


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise GraphError(f"The {what} of an intervention is {value!r}; choose a number.")
    return float(value)


def _whole(one: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = one.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphError(f"The {name} of an intervention is {value!r}; choose a whole number.")
    return value
