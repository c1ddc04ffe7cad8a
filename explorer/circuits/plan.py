"""Plan: interventions sorted by layer and by what they change, so that a run meets each thing once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.interventions import Intervention, Kind, Place, Rows
from explorer.shapes import Float


@dataclass(frozen=True)
class Changes:
    """What happens to things of one kind in one layer: their ``places``, and each one's interventions in order."""

    places: tuple[Place, ...]
    made: tuple[tuple[Intervention, ...], ...]

    def indices(self, like: Tensor) -> Tensor:
        return torch.tensor([place.index for place in self.places], device=like.device)

    def new(
        self, present: Float[Tensor, "n k"], own: Float[Tensor, "n k"], start: int, n_prompt: int
    ) -> Float[Tensor, "n k"]:
        """The new strengths at the positions from ``start`` on, given the present and the clean ones."""
        columns = [changed(made, present[:, i], own[:, i], start, n_prompt) for i, made in enumerate(self.made)]
        return torch.stack(columns, 1)


@dataclass(frozen=True)
class Plan:
    """Interventions by layer and kind."""

    by_layer: dict[tuple[int, Kind], Changes]

    def of(self, layer: int, kind: Kind) -> Changes | None:
        return self.by_layer.get((layer, kind))

    @property
    def first_layer(self) -> int:
        return min((layer for layer, _ in self.by_layer), default=0)

    @property
    def first_position(self) -> int:
        return min((one.place.positions.first for one in self.all), default=0)

    @property
    def all(self) -> list[Intervention]:
        return [one for changes in self.by_layer.values() for row in changes.made for one in row]

    @property
    def of_generated(self) -> Plan:
        """What applies to generated tokens."""
        return plan(one for one in self.all if one.place.positions.generated)


def changed(made: Sequence[Intervention], present: Rows, own: Rows, start: int, n_prompt: int) -> Rows:
    """What one thing becomes at the positions from ``start`` on by all its interventions, in their order."""
    new = present.clone()
    for one in made:
        span = one.place.positions.within(start, start + len(new), n_prompt)
        rows = slice(span.start - start, span.stop - start)
        new[rows] = one.changed(new[rows], own[rows], span)
    return new


def plan(interventions: Iterable[Intervention]) -> Plan:
    """The interventions sorted; those on the same thing stay in their order."""
    found: dict[tuple[int, Kind], dict[object, list[Intervention]]] = {}
    for one in interventions:
        place = one.place
        found.setdefault((place.layer, place.kind), {}).setdefault(place.thing, []).append(one)
    return Plan({key: _changes(list(things.values())) for key, things in found.items()})


def _changes(rows: Sequence[Sequence[Intervention]]) -> Changes:
    return Changes(tuple(row[0].place for row in rows), tuple(tuple(row) for row in rows))
