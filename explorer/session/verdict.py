"""verdict: what a validation comes to, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from explorer.circuits.controls import p_value
from explorer.circuits.graph import Floats
from explorer.circuits.spearman import RankAgreement, spearman
from explorer.session.validation import Effect, Validation

HOLDS = 1e-4  # of the targets' whole input: the implementation test


@dataclass(frozen=True)
class Verdict:
    """Numbers of a Validation; NaN where nothing is measured.

    direct_error   implementation test: the largest difference of measured and predicted direct effects, of the mass
    sizes          hypothesis test: |predicted over all paths| against |measured|; ``signed`` with their signs
    divergence     |predicted over all paths| against the KL divergence
    by_linear, by_direct, by_activation    other predictors of |measured|: the last two are baselines
    sign_share     of all that was measured in size, the part whose sign was predicted
    faithfulness   (alone - empty) / (whole - empty) of the explained logit
    p              of the circuit's matched features among their controls
    """

    direct_error: float
    sizes: RankAgreement
    signed: RankAgreement
    divergence: RankAgreement
    by_linear: RankAgreement
    by_direct: RankAgreement
    by_activation: RankAgreement
    sign_share: float
    faithfulness: float
    p: float


def verdict(found: Validation) -> Verdict:
    """The numbers of ``found``."""
    rows = found.measured
    total, measured, direct = (column(rows, name) for name in ("predicted_total", "measured_total", "predicted_direct"))
    size, away = np.abs(measured), np.abs(column(rows, "measured_direct") - direct)
    agrees = np.sign(total) == np.sign(measured)
    known = float(size.sum())
    circuit = found.circuit
    span = found.logit - circuit.empty_logit
    return Verdict(
        direct_error=float(away.max()) / found.mass if len(rows) else nan,
        sizes=spearman(np.abs(total), size),
        signed=spearman(total, measured),
        divergence=spearman(np.abs(total), column(rows, "kl")),
        by_linear=spearman(np.abs(column(rows, "predicted_linear")), size),
        by_direct=spearman(np.abs(direct), size),
        by_activation=spearman(column(rows, "activation"), size),
        sign_share=float((size * agrees).sum()) / known if known else nan,
        faithfulness=(circuit.alone_logit - circuit.empty_logit) / span if span else nan,
        p=p_value(circuit.matched_effect, circuit.controls) if circuit.controls else nan,
    )


def column(rows: tuple[Effect, ...], name: str) -> Floats:
    """One field of all ``rows``."""
    return np.array([float(getattr(row, name)) for row in rows], dtype=np.float64)


def by_distance(found: Validation, size: float) -> list[tuple[int, float, float, float, float]]:
    """Layers passed (1: the pushed one alone), and cosine, NMSE, held cosine and held NMSE, over pushes of ``size``."""
    rows = [row for row in found.layers if row.size == size]
    made = []
    for distance in sorted({row.layer - row.start + 1 for row in rows}):
        own = [row for row in rows if row.layer - row.start + 1 == distance]
        weight = np.array([row.n for row in own], dtype=np.float64)
        names = ("cosine", "nmse", "held_cosine", "held_nmse")
        means = [float(np.average([getattr(row, name) for row in own], weights=weight)) for name in names]
        made.append((distance, means[0], means[1], means[2], means[3]))
    return made


def sentences(found: Validation) -> list[str]:
    """What was found, one line each; what is not measured yet has none."""
    said, told, circuit = [], verdict(found), found.circuit
    n = len(found.measured)
    if n:
        holds = "hold" if told.direct_error <= HOLDS else "do not hold"
        off = f"{told.direct_error:.1e}".replace("e-0", "e-")
        said.append(f"Direct effects {holds}: off by {off} of the input at most (limit 1e-4).")
        said.append(f"Knock-on effects, {n} of {len(found.effects)} measured: size {interval(told.sizes)}.")
        said.append(f"With signs {interval(told.signed)}; {100 * told.sign_share:.0f} % of what moved as predicted.")
    whose = "pinned" if circuit.is_pinned else "shown"
    if not isnan(circuit.without_logit):
        chances = f"{found.probability:.3f} to {circuit.without_probability:.3f}"
        logits = f"logit {_n(found.logit)} to {_n(circuit.without_logit)}"
        said.append(f"Without the {circuit.n} {whose} nodes “{found.target}” goes from {chances}, {logits}.")
    if not isnan(circuit.alone_logit):
        rest = "at zero" if circuit.rest == "zero" else f"as in “{circuit.rest}”"
        alone = f"The {circuit.n} {whose} nodes alone, all else {rest}: {circuit.alone_probability:.3f}"
        said.append(f"{alone}, faithfulness {told.faithfulness:.2f}.")
    if circuit.controls:
        matched = f"{circuit.matched} of its {circuit.features} features have matched controls"
        moved = f"{_n(circuit.matched_effect)} against {_n(float(np.mean(circuit.controls)))} on average"
        said.append(f"{matched}: {moved}, p = {told.p:.3f} ({len(circuit.controls)} draws).")
    return said


def interval(found: RankAgreement) -> str:
    """Spearman's rho with its interval."""
    if isnan(found.rho):
        return f"Spearman unknown (n = {found.n})"
    return f"Spearman {_n(found.rho)} (95 % {_n(found.low)} to {_n(found.high)}, n = {found.n})"


def _n(value: float) -> str:
    """Two decimals, with a real minus."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")
