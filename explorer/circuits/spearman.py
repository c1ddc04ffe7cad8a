"""spearman: how well two columns agree in rank, with a confidence interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Floats

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


@dataclass(frozen=True)
class RankAgreement:
    """Spearman's ``rho`` of ``n`` pairs and the ends of its 95 % interval; NaN where nothing can be said."""

    rho: float
    low: float
    high: float
    n: int


def ranks(values: Floats) -> Floats:
    """The ranks 1 to n of ``values``; equal ones share the mean of theirs."""
    order, sorted_ = np.argsort(values, kind="stable"), np.sort(values)
    first, last = (np.searchsorted(sorted_, sorted_, side=side) for side in ("left", "right"))
    found = np.empty(len(values))
    found[order] = (first + last + 1) / 2
    return found


def spearman(one: Floats, other: Floats) -> RankAgreement:
    """The agreement in rank of the pairs in which both are numbers.

    The interval is Fisher's z with the standard error sqrt((1 + rho^2 / 2) / (n - 3)) (Bonett and Wright 2000,
    Psychometrika 65, 23-28); it needs four pairs.
    """
    known = np.isfinite(one) & np.isfinite(other)
    x, y = (ranks(values[known]) for values in (one, other))
    n = len(x)
    x, y = x - (n + 1) / 2, y - (n + 1) / 2
    spread = float(np.sqrt((x @ x) * (y @ y))) if n else 0.0
    if spread == 0.0:
        return RankAgreement(float("nan"), float("nan"), float("nan"), n)
    rho = min(max(float(x @ y) / spread, -1.0), 1.0)
    if n < 4 or abs(rho) == 1.0:
        end = rho if n >= 4 else float("nan")
        return RankAgreement(rho, end, end, n)
    off = Z95 * float(np.sqrt((1 + rho**2 / 2) / (n - 3)))
    z = float(np.arctanh(rho))
    return RankAgreement(rho, float(np.tanh(z - off)), float(np.tanh(z + off)), n)
