"""Rules: what is left out of the picture beyond the two thresholds, and which targets count."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.circuits.graph import NodeKey


@dataclass(frozen=True)
class Rules:
    """Rules of pruning; each is off at its default. Pinned nodes and targets stay whatever a rule says.

    layers          first and last layer whose features and errors are kept, both included
    kinds           the NodeKinds that are left out; outputs stay
    max_density     features that are active on a larger share of tokens (0 to 1) are left out
    min_influence   features and errors with a smaller share (0 to 1) of the influence of all nodes are left out
    targets         the targets that count and their weights; () for the graph's own
    """

    layers: tuple[int, int] | None = None
    kinds: frozenset[int] = frozenset()
    max_density: float | None = None
    min_influence: float = 0.0
    targets: tuple[tuple[NodeKey, float], ...] = ()
