"""Interventions as values: what is changed, where, and to what.

    feature(2, 311, at(10)).times(1.5)          set to 1.5 times its own activation on this prompt
    feature(2, 311, onward(10)).to(4.0)         set to 4, at position 10, all later ones and generated tokens
    feature(2, 311, at(3, 7)).of_maximum(0.5, maximum=12.0)
    head(1, 3, at(10)).off()
    direction(2, vector, at(10)).plus(3.0)      add three times the vector behind block 2

A strength is an activation for features and neurons. For error nodes and heads it is 1 on the prompt as it is; for a
direction v it is ``x·v / v·v`` of the residual stream behind the block. Several interventions on one thing are made
in their order. Sources of modes and units: transformer-circuits.pub/2025/attribution-graphs/methods.html.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from torch import Tensor

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.errors import GraphError

LIMIT = 1e6  # of a value: beyond it float32 has nothing to say


class Kind(Enum):
    """What can be intervened on."""

    FEATURE = "feature"
    NEURON = "neuron"
    ERROR = "error"
    HEAD = "head"
    DIRECTION = "direction"


class Op(Enum):
    """What is done with the present strength."""

    SET = "set"
    ADD = "add"
    MULTIPLY = "multiply"


class Unit(Enum):
    """What a value counts in: the thing's own strength on the clean prompt, itself, or its dataset maximum."""

    OWN = "own"
    ABSOLUTE = "absolute"
    MAXIMUM = "maximum"


@dataclass(frozen=True)
class Positions:
    """Positions ``first`` to ``last``, both included; None: to the end of the prompt. ``generated`` tokens too."""

    first: int
    last: int | None
    generated: bool = False

    def within(self, start: int, stop: int, n_prompt: int) -> range:
        """Those of the positions ``start`` to ``stop`` (excluded) that are meant; the prompt has ``n_prompt``."""
        end = n_prompt if self.last is None else self.last + 1
        return range(max(start, self.first), max(start, self.first, stop if self.generated else min(stop, end)))

    def __str__(self) -> str:
        if self.last == self.first and not self.generated:
            return f"position {self.first}"
        to = "the end" if self.last is None else str(self.last)
        return f"positions {self.first} to {to}" + (" and generated tokens" if self.generated else "")


def at(first: int, last: int | None = None) -> Positions:
    """One position, or those from ``first`` to ``last``, both included."""
    return Positions(first, first if last is None else last)


def onward(first: int, *, generated: bool = True) -> Positions:
    """From ``first`` to the end of the prompt, and what is generated behind it."""
    return Positions(first, None, generated)


@dataclass(frozen=True)
class Place:
    """A feature, neuron or head (``index``), an error node, or a direction, in one layer, at some positions."""

    kind: Kind
    layer: int
    index: int
    positions: Positions
    vector: Tensor | None = field(default=None, compare=False, repr=False)

    def to(self, value: float) -> Intervention:
        """Set to ``value``."""
        return Intervention(self, Op.SET, value, Unit.ABSOLUTE)

    def times(self, factor: float) -> Intervention:
        """Set to ``factor`` times its own strength on the clean prompt."""
        return Intervention(self, Op.SET, factor, Unit.OWN)

    def of_maximum(self, factor: float, maximum: float | None) -> Intervention:
        """Set to ``factor`` times its dataset maximum."""
        return Intervention(self, Op.SET, factor, Unit.MAXIMUM, maximum)

    def plus(self, value: float, unit: Unit = Unit.ABSOLUTE, maximum: float | None = None) -> Intervention:
        """Add ``value`` to its present strength."""
        return Intervention(self, Op.ADD, value, unit, maximum)

    def scaled(self, factor: float) -> Intervention:
        """Multiply its present strength, whatever came before it in the run."""
        return Intervention(self, Op.MULTIPLY, factor, Unit.ABSOLUTE)

    def off(self) -> Intervention:
        """Set to 0."""
        return self.to(0.0)

    def __str__(self) -> str:
        named = {Kind.ERROR: "the error node", Kind.DIRECTION: "the direction"}.get(self.kind)
        return f"{named or f'{self.kind.value} {self.index}'} of layer {self.layer} at {self.positions}"


@dataclass(frozen=True)
class Intervention:
    """One change of strength; ``value`` counts in ``unit`` unless it multiplies."""

    place: Place
    op: Op
    value: float
    unit: Unit = Unit.OWN
    maximum: float | None = None

    def changed(self, present: Tensor, own: Tensor) -> Tensor:
        """The new strengths, given those in the run so far and those on the clean prompt."""
        if self.op is Op.MULTIPLY:
            return self.value * present
        amount = own if self.unit is Unit.OWN else present.new_ones(()) * (self.maximum or 1.0)
        amount = (self.value * amount).expand_as(present)
        return amount if self.op is Op.SET else present + amount

    def rewritten(self, present: Tensor, own: Tensor) -> Tensor:
        """What a head gathers, given that in the run so far and on the clean prompt (strength 1)."""
        if self.op is Op.MULTIPLY:
            return self.value * present
        return self.value * own if self.op is Op.SET else present + self.value * own


def feature(layer: int, index: int, positions: Positions) -> Place:
    return Place(Kind.FEATURE, layer, index, positions)


def neuron(layer: int, index: int, positions: Positions) -> Place:
    """A neuron of the model's own MLP."""
    return Place(Kind.NEURON, layer, index, positions)


def head(layer: int, index: int, positions: Positions) -> Place:
    """An attention head: what it writes."""
    return Place(Kind.HEAD, layer, index, positions)


def error(layer: int, positions: Positions) -> Place:
    """What the transcoder of ``layer`` misses of its MLP on the clean prompt."""
    return Place(Kind.ERROR, layer, 0, positions)


def direction(layer: int, vector: Tensor, positions: Positions) -> Place:
    """A direction (d_model) of the residual stream behind block ``layer``."""
    return Place(Kind.DIRECTION, layer, 0, positions, vector)


def members(name: str, keys: Iterable[NodeKey], present: frozenset[NodeKey] | None = None) -> tuple[Place, ...]:
    """The features and error nodes of a supernode; GraphError if it has none, or one is not among ``present``."""
    found = tuple(key for key in keys if key.kind in (NodeKind.FEATURE, NodeKind.ERROR))
    gone = [key for key in found if present is not None and key not in present]
    if not found or gone:
        rest = f"{len(gone)} of the {len(found)} members of" if gone else "All members of"
        verb = "is" if len(gone) == 1 else "are"
        raise GraphError(f"{rest} the supernode “{name}” {verb} gone; group it again on this graph.")
    return tuple(
        feature(key.layer, key.feature, at(key.pos))
        if key.kind == NodeKind.FEATURE
        else error(key.layer, at(key.pos))
        for key in found
    )


@dataclass(frozen=True)
class Room:
    """What there is to intervene on: the sizes of a prompt, a model and its transcoders."""

    n_pos: int
    n_layers: int
    d_model: int
    n_heads: int
    n_features: tuple[int, ...]
    n_neurons: tuple[int, ...]


def check(interventions: Iterable[Intervention], room: Room) -> None:
    """GraphError in one sentence for the first intervention that cannot be made."""
    for one in interventions:
        _check_value(one)
        _check_place(one.place, room)


def _check_value(one: Intervention) -> None:
    if not math.isfinite(one.value):
        raise GraphError(f"The value for {one.place} is {one.value}; choose a number.")
    if abs(one.value) > LIMIT:
        raise GraphError(f"The value {one.value:g} for {one.place} is out of range (−{LIMIT:,.0f} to {LIMIT:,.0f}).")
    if one.unit is not Unit.MAXIMUM or one.op is Op.MULTIPLY:
        return
    if one.place.kind not in (Kind.FEATURE, Kind.NEURON):
        raise GraphError(f"There is no dataset maximum of {one.place}; choose times its own strength.")
    if one.maximum is None or not math.isfinite(one.maximum):
        raise GraphError(f"The dataset maximum of {one.place} is not known; build its evidence or choose another unit.")


def _check_place(place: Place, room: Room) -> None:
    if not 0 <= place.layer < room.n_layers:
        raise GraphError(f"There is no layer {place.layer}; the model has layers 0 to {room.n_layers - 1}.")
    first, last = place.positions.first, place.positions.last
    beyond = [pos for pos in (first, last) if pos is not None and not 0 <= pos < room.n_pos]
    if beyond:
        raise GraphError(
            f"Position {beyond[0]} is outside the prompt (0 to {room.n_pos - 1}); choose another for "
            f"{place.kind.value} {place.index} of layer {place.layer}."
        )
    if last is not None and last < first:
        raise GraphError(f"The positions {first} to {last} are none; name the smaller one first.")
    counts = {
        Kind.FEATURE: room.n_features[place.layer],
        Kind.NEURON: room.n_neurons[place.layer] if room.n_neurons else 0,
        Kind.HEAD: room.n_heads,
    }
    if place.kind in counts and not 0 <= place.index < counts[place.kind]:
        n = counts[place.kind]
        there = f"it has {place.kind.value}s 0 to {n - 1}" if n else f"it has no {place.kind.value}s of its own"
        raise GraphError(f"There is no {place.kind.value} {place.index} in layer {place.layer}; {there}.")
    if place.kind is Kind.DIRECTION:
        _check_direction(place, room.d_model)


def _check_direction(place: Place, d_model: int) -> None:
    vector = place.vector
    if vector is None or tuple(vector.shape) != (d_model,):
        shape = "none" if vector is None else tuple(vector.shape)
        raise GraphError(f"The direction at layer {place.layer} has shape {shape}; the model needs ({d_model},).")
    if not bool(vector.isfinite().all()) or not bool(vector.any()):
        raise GraphError(f"The direction at layer {place.layer} is zero or not finite; choose another file.")
