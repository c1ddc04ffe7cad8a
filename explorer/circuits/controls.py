"""Matched controls: random features as like those of a circuit as can be, to say whether the circuit's are special."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from explorer.circuits.graph import NodeKey

NEAREST = 5  # of those left, the control is one of so many whose activation is nearest


@dataclass(frozen=True)
class Matched:
    """The members of a circuit that have counterparts, and for each draw as many other features in the same places."""

    members: tuple[NodeKey, ...]
    draws: tuple[tuple[NodeKey, ...], ...]


def matched(
    circuit: Iterable[NodeKey], live: Sequence[tuple[NodeKey, float]], draws: int, seed: int = 0
) -> Matched:
    """``draws`` controls for the features of ``circuit`` among all ``live`` features with their activations.

    Each member's control is a live feature outside the circuit, of the same layer and position, one of the NEAREST in
    activation, used once in a draw. Where a cell has fewer of them than members, its weakest members go without, so
    that members and controls are as many.
    """
    held = set(circuit)
    cells: dict[tuple[int, int], tuple[list[tuple[NodeKey, float]], list[tuple[NodeKey, float]]]] = {}
    for key, activation in live:
        inside, outside = cells.setdefault((key.layer, key.pos), ([], []))
        (inside if key in held else outside).append((key, activation))
    pairs = []
    for _, (inside, outside) in sorted(cells.items()):
        inside.sort(key=lambda one: (-one[1], one[0]))
        pairs += [(one, outside) for one in inside[: len(outside)]]
    drawn = Random(seed)
    return Matched(tuple(key for (key, _), _ in pairs), tuple(_draw(pairs, drawn) for _ in range(draws)))


def p_value(effect: float, controls: Sequence[float]) -> float:
    """The share of controls at least as strong, (r + 1) / (n + 1): never 0 (Phipson and Smyth 2010, SAGMB 9, 39)."""
    return (sum(abs(one) >= abs(effect) for one in controls) + 1) / (len(controls) + 1)


def _draw(
    pairs: Sequence[tuple[tuple[NodeKey, float], Sequence[tuple[NodeKey, float]]]], drawn: Random
) -> tuple[NodeKey, ...]:
    used: set[NodeKey] = set()
    for (_, activation), outside in pairs:
        left = [one for one in outside if one[0] not in used]
        left.sort(key=lambda one: (abs(one[1] - activation), one[0]))
        used.add(drawn.choice(left[:NEAREST])[0])
    return tuple(sorted(used))
