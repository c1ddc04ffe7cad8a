"""Interventions as values: what is changed, where, and to what.

    feature(2, 311, at(10)).times(1.5)          set to 1.5 times its own activation on this prompt
    feature(2, 311, onward(10)).to(4.0)         set to 4, at position 10, all later ones and generated tokens
    feature(2, 311, at(3, 7)).of_maximum(0.5, maximum=12.0)
    head(1, 3, at(10)).off()
    direction(2, vector, at(10)).plus(3.0)      add three times the vector behind block 2
    residual(2, at(10)).as_in_other()           what the stream behind block 2 is in a counterpart prompt

A strength is an activation for features and neurons. For error nodes, heads and the residual stream, which are whole
vectors, it is 1 on the prompt as it is; for a direction v it is ``x·v / v·v`` of the residual stream behind the block.
Several interventions on one thing are made in their order. What counts in a counterpart prompt gets its values there
by ``counterpart.resolve``. Sources of modes and units: transformer-circuits.pub/2025/attribution-graphs/methods.html.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from torch import Tensor

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.errors import GraphError
from explorer.shapes import Float

Rows = Float[Tensor, "n *d"]
LIMIT = 1e6  # of a value: beyond it float32 has nothing to say


class Kind(Enum):
    """What can be intervened on."""

    FEATURE = "feature"
    NEURON = "neuron"
    ERROR = "error"
    HEAD = "head"
    RESIDUAL = "residual"
    DIRECTION = "direction"


WHOLE = (Kind.ERROR, Kind.HEAD, Kind.RESIDUAL)  # what is a vector at each position, and 1 of its own as it is


class Op(Enum):
    """What is done with the present strength."""

    SET = "set"
    ADD = "add"
    MULTIPLY = "multiply"


class Unit(Enum):
    """What a value counts in: the thing's own strength on the clean prompt, itself, its dataset maximum, or its
    strength in a counterpart prompt.
    """

    OWN = "own"
    ABSOLUTE = "absolute"
    MAXIMUM = "maximum"
    OTHER = "other"


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
    """A feature, neuron or head (``index``), an error node, the stream or a direction of it, in one layer, at some
    positions.
    """

    kind: Kind
    layer: int
    index: int
    positions: Positions
    vector: Tensor | None = field(default=None, compare=False, repr=False)

    @property
    def thing(self) -> object:
        """What is the same for places of one layer and kind that differ in their positions alone."""
        if self.kind is Kind.DIRECTION:
            return None if self.vector is None else self.vector.double().cpu().numpy().tobytes()
        return 0 if self.kind in (Kind.ERROR, Kind.RESIDUAL) else self.index

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

    def as_in_other(self, factor: float = 1.0, pos: int | None = None) -> Intervention:
        """Set to ``factor`` times its strength in a counterpart prompt, at ``pos`` there (None: the same position).

        The residual stream goes that share of the way: 0 leaves it, 1 makes it that of the counterpart.
        """
        return Intervention(self, Op.SET, factor, Unit.OTHER, other_pos=pos)

    def off(self) -> Intervention:
        """Set to 0."""
        return self.to(0.0)

    def __str__(self) -> str:
        return f"{NAMED.get(self.kind) or f'{self.kind.value} {self.index}'} of layer {self.layer} at {self.positions}"


NAMED = {Kind.ERROR: "the error node", Kind.DIRECTION: "the direction", Kind.RESIDUAL: "the residual stream"}


@dataclass(frozen=True)
class Intervention:
    """One change of strength; ``value`` counts in ``unit`` unless it multiplies.

    other_pos    where a counterpart prompt is looked at (None: at the same position, -1: at its last)
    other        what is there, one row for each position of the place, or one for all of them (counterpart.resolve)
    """

    place: Place
    op: Op
    value: float
    unit: Unit = Unit.OWN
    maximum: float | None = None
    other_pos: int | None = None
    other: Tensor | None = field(default=None, compare=False, repr=False)

    def changed(self, present: Rows, own: Rows, span: range) -> Rows:
        """The new strengths at the positions of ``span``, given those in the run so far and on the clean prompt.

        Rows are strengths (n), or what a whole vector is at each position (n, d).
        """
        if self.op is Op.MULTIPLY:
            return self.value * present
        amount = self.value * self._unit(present, own, span)
        if self.op is Op.ADD:
            return present + amount
        if self.place.kind is Kind.RESIDUAL and self.unit is Unit.OTHER:
            return present - self.value * present + amount
        return amount.expand_as(present)

    def other_at(self, pos: int) -> Tensor:
        """What is in the counterpart for position ``pos``."""
        assert self.other is not None
        return self.other[0 if len(self.other) == 1 else pos - self.place.positions.first]

    def _unit(self, present: Rows, own: Rows, span: range) -> Tensor:
        if self.unit is Unit.OTHER:
            assert self.other is not None
            first = self.place.positions.first
            rows = self.other if len(self.other) == 1 else self.other[span.start - first : span.stop - first]
            return rows.to(present)
        if self.unit is Unit.OWN or self.place.kind in WHOLE:
            return own
        return present.new_ones(()) * (1.0 if self.maximum is None else self.maximum)


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


def residual(layer: int, positions: Positions) -> Place:
    """The residual stream behind block ``layer``."""
    return Place(Kind.RESIDUAL, layer, 0, positions)


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
        check_one(one, room)
        if one.unit is Unit.OTHER and one.op is not Op.MULTIPLY and one.other is None:
            raise GraphError(f"There is no other prompt to take {one.place} from; give one.")


def check_one(one: Intervention, room: Room) -> None:
    """The same for one intervention that may still lack its counterpart."""
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
    if vector is None:
        raise GraphError(f"The direction of layer {place.layer} has no file; choose a .npy file of one row of numbers.")
    if tuple(vector.shape) != (d_model,):
        shape = tuple(vector.shape)
        raise GraphError(f"The direction at layer {place.layer} has shape {shape}; the model needs ({d_model},).")
    if not bool(vector.isfinite().all()) or not bool(vector.any()):
        raise GraphError(f"The direction at layer {place.layer} is zero or not finite; choose another file.")
