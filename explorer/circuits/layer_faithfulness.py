"""LayerFaithfulness: how the replacement model answers to pushes, as a value that needs no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerFaithfulness:
    """Means over ``n`` pushes of one kind and size in front of block ``start``, compared behind block ``layer``."""

    start: int
    layer: int
    kind: str
    size: float
    cosine: float
    nmse: float
    held_cosine: float
    held_nmse: float
    n: int
