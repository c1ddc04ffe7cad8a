"""All pairs of numbers below p as prompts a b =, and which of them a model was trained on."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from explorer.shapes import Bool, Int


def rows(p: int) -> Int[ndarray, "pair 3"]:
    """Every pair as tokens a, b, "=" (which is token p); pair a · p + b."""
    a, b = np.divmod(np.arange(p * p), p)
    return np.stack([a, b, np.full_like(a, p)], 1)


def answers(p: int) -> Int[ndarray, "pair"]:
    """(a + b) mod p of every pair."""
    prompts = rows(p)
    result: ndarray = (prompts[:, 0] + prompts[:, 1]) % p
    return result


def trained_on(p: int, share: float, seed: int) -> Bool[ndarray, "pair"]:
    """The pairs that training saw: ``share`` of all, drawn with ``seed``."""
    chosen = np.zeros(p * p, dtype=bool)
    chosen[np.random.default_rng(seed).permutation(p * p)[: int(share * p * p)]] = True
    return chosen
