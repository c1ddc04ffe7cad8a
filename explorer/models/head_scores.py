"""What an attention head does, in one number each: looks one token back, finds what followed before, copies.

Plain numpy, for patterns and weights of any transformer. Definitions: transformer-circuits.pub/2022/
in-context-learning-and-induction-heads and transformer-circuits.pub/2021/framework.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from explorer.shapes import Float


def previous_token(pattern: Float[ndarray, "query key"]) -> float:
    """Mean attention to the token just before, over all but the first position; nan if there is only one."""
    before = pattern.diagonal(-1)
    return float(before.mean()) if before.size else float("nan")


def prefix_matching(pattern: Float[ndarray, "query key"], ids: Sequence[int]) -> float:
    """Mean attention to what followed the last time that the query's token was there; nan if no token comes twice."""
    places = followers(ids)
    return float(np.mean([pattern[query, key] for query, key in places])) if places else float("nan")


def followers(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Each position whose token was there before, with the position after that last time."""
    last: dict[int, int] = {}
    found = []
    for query, token in enumerate(ids):
        if token in last:
            found.append((query, last[token] + 1))
        last[token] = query
    return found


def copying(reads: Float[ndarray, "d_vocab d_head"], writes: Float[ndarray, "d_head d_vocab"]) -> float:
    """Σλ / Σ|λ| of the eigenvalues of ``reads @ writes``: 1 if each token raises itself, -1 if it lowers itself.

    ``reads`` is W_E W_V and ``writes`` W_O W_U, norms' gains folded in. The eigenvalues that are not 0 are those of
    the small matrix ``writes @ reads``.
    """
    values = np.linalg.eigvals(writes @ reads)
    total = float(abs(values).sum())
    return float(values.sum().real) / total if total else float("nan")
