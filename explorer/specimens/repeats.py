"""Rows of random tokens of which a part comes twice: what only induction can foresee."""

from __future__ import annotations

import string

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

TOKENS = string.ascii_lowercase + string.ascii_uppercase + string.digits  # one character each
N_POS = 48
SHORTEST, LONGEST = 3, 24


def rows(n: int, rng: np.random.Generator) -> tuple[Int[ndarray, "n pos"], Bool[ndarray, "n pos"]]:
    """Rows of ``N_POS``, and where the next token can be foreseen: inside the second copy.

    Some tokens, all different; the last of them again (``SHORTEST`` to ``LONGEST``, drawn for each row); any tokens.
    """
    ids = rng.integers(0, len(TOKENS), (n, N_POS))
    foreseen = np.zeros((n, N_POS), dtype=bool)
    for row, marks in zip(ids, foreseen, strict=True):
        period = int(rng.integers(SHORTEST, LONGEST + 1))
        before = int(rng.integers(0, N_POS - 2 * period + 1))
        start = before + period
        row[:start] = rng.permutation(len(TOKENS))[:start]
        row[start : start + period] = row[before:start]
        marks[start : start + period - 1] = True
    return ids, foreseen


def twice(n: int, period: int, rng: np.random.Generator) -> Int[ndarray, "n pos"]:
    """Rows of ``period`` different tokens and the same again."""
    first = np.stack([rng.permutation(len(TOKENS))[:period] for _ in range(n)])
    return np.concatenate([first, first], 1)
