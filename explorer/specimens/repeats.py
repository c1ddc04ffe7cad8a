"""Rows of random tokens of which a part comes twice: what only induction can foresee."""

from __future__ import annotations

import string

import numpy as np
from numpy import ndarray

from explorer.errors import PromptError
from explorer.shapes import Bool, Int

TOKENS = string.ascii_lowercase + string.ascii_uppercase + string.digits  # one character each
N_POS = 48
SHORTEST, LONGEST = 3, 24
MEASURED = 100, 20  # rows on which heads are measured, and the period of each


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


def measured() -> Int[ndarray, "n pos"]:
    """The rows on which heads are measured, always the same."""
    return twice(*MEASURED, np.random.default_rng(1))


def ids_of(prompt: str) -> Int[ndarray, "pos"]:
    """The tokens of a prompt; PromptError if it is none."""
    for letter in prompt:
        if letter not in TOKENS:
            raise PromptError(f"“{letter}” is no token of this model; it knows the letters a-z, A-Z and digits.")
    if not 0 < len(prompt) <= N_POS:
        raise PromptError(f"The prompt has {len(prompt)} tokens; the model reads 1 to {N_POS}.")
    return np.array([TOKENS.index(letter) for letter in prompt])
