"""Entries: the active features of one layer in a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.shapes import Float, Int


@dataclass(frozen=True, eq=False)
class Entries:
    """By row of the flat batch and then feature; values are not 0."""

    row: Int[np.ndarray, " n"]
    feature: Int[np.ndarray, " n"]
    value: Float[np.ndarray, " n"]
