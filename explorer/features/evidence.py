"""Evidence: what an index knows of one feature, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from explorer.features.keys import edges

N_BANDS = 4


@dataclass(frozen=True)
class Example:
    """Text around a peak: ``tokens`` with their activations, the largest at ``tokens[peak]``.

    ``position`` is the peak's in its document. ``repeated``: an example before it has the same tokens.
    """

    document: int
    position: int
    tokens: tuple[str, ...]
    activations: tuple[float, ...]
    peak: int
    repeated: bool = False


@dataclass(frozen=True)
class Band:
    """Examples of a band of quantiles, drawn at random from all windows in which the feature is active."""

    name: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Weighed:
    """A token with its logit effect or pre-activation."""

    token_id: int
    text: str
    value: float


@dataclass(frozen=True)
class Evidence:
    """One feature. ``histogram`` counts positive activations between fixed ``edges`` (features.keys).

    ``frequency`` is the share of positions at which it is not 0; all numbers are 0 and all lists empty if it never is.
    ``norms`` are those of its decoders by target layer, ``together`` the features of its layer that are most often
    among the most active at its strongest examples, with how often.
    """

    layer: int
    feature: int
    active: int
    windows: int
    negative: int
    frequency: float
    maximum: float
    minimum: float
    mean: float
    histogram: tuple[int, ...] = ()
    top: tuple[Example, ...] = ()
    bands: tuple[Band, ...] = ()
    top_logits: tuple[Weighed, ...] = ()
    bottom_logits: tuple[Weighed, ...] = ()
    reads: tuple[Weighed, ...] = ()
    norms: tuple[float, ...] = ()
    together: tuple[tuple[int, int], ...] = ()
    label: dict[str, Any] | None = None

    def percentile(self, activation: float) -> float:
        """The share of positive activations below that of ``activation``'s bin, and half of those in it."""
        counts = np.array(self.histogram, np.int64)
        if activation <= 0 or not counts.sum():
            return 0.0
        at = int(np.searchsorted(edges(), np.float32(activation), side="right"))
        return float((counts[:at].sum() + counts[at] / 2) / counts.sum())

    def to_message(self) -> dict[str, Any]:
        """The same for JSON and the engine's answers, with the ``edges`` of the histogram."""
        return {**asdict(self), "edges": [float(edge) for edge in edges()]}


def banded(examples: Sequence[tuple[float, Example]]) -> tuple[Band, ...]:
    """Random examples with their peaks' activations in N_BANDS bands of equal size, the strongest first.

    A random example is as likely in each quarter of the windows by activation as in any other.
    """
    ranked = [example for _, example in sorted(examples, key=lambda pair: -pair[0])]
    bounds = [round(len(ranked) * at / N_BANDS) for at in range(N_BANDS + 1)]
    names = [f"{100 - 100 * (at + 1) // N_BANDS}–{100 - 100 * at // N_BANDS} %" for at in range(N_BANDS)]
    bands = (tuple(ranked[a:b]) for a, b in pairwise(bounds))
    return tuple(Band(name, held) for name, held in zip(names, bands, strict=True) if held)


def folded(examples: Sequence[Example]) -> tuple[Example, ...]:
    """``examples`` with those marked whose tokens an earlier one has."""
    seen: set[tuple[str, ...]] = set()
    made = []
    for one in examples:
        again = one.tokens in seen
        seen.add(one.tokens)
        made.append(Example(one.document, one.position, one.tokens, one.activations, one.peak, again))
    return tuple(made)
