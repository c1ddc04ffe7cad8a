"""The job that measures a dose-response: what the model answers over the range of one slider."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.intervening import divergence
from explorer.engine.jobs.opening import stopping, token_text
from explorer.engine.jobs.subjects import Asked, asked
from explorer.engine.state import EngineState
from explorer.errors import GraphError
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.models.loader import LanguageModel

MOST = 1000  # values of one run


@dataclass(frozen=True)
class Dose:
    """What came of one value: chances of the next token (d_vocab), divergence, and perplexity of what followed."""

    value: float
    chances: Tensor
    kl: float
    perplexity: float | None


def dose(
    state: EngineState,
    *,
    row: int = 0,
    values: Sequence[float | int] = (),
    n: int = 8,
    at: int = -1,
    top: int = 10,
    interventions: Sequence[Mapping[str, Any]] = (),
    **what: Any,
) -> Work[Mapping[str, object]]:
    """``points``, one for each of ``values`` that intervention ``row`` takes; partial results as they are made.

    A point has ``value``, ``tokens`` (token_id, text, probability: all that are among the ``top`` at some value, in
    the same order at each), ``kl`` (clean to this, nats) and ``perplexity``: how surprised the clean model is by the
    ``n`` tokens that it is then most likely to say (None where ``n`` is 0). ``what`` is as for intervene.
    """
    from explorer.circuits.generation import longer

    _check(row, len(interventions), values)
    made: list[Dose] = []
    for value in values:
        rows = [*interventions[:row], {**interventions[row], "value": value}, *interventions[row + 1 :]]
        wanted = yield from asked(state, interventions=rows, **what)
        model = wanted.subject.model
        with stopping(state, model):
            if not made:
                subject = longer(wanted.subject, n)
            made.append(_dose(state, Asked(subject, wanted.made, wanted.how), float(value), n, at))
        yield Progress(len(made), len(values), "Measuring", partial(points_of, model, tuple(made), top))
    return points_of(model, made, top)


def _check(row: int, n_rows: int, values: Sequence[float | int]) -> None:
    if not 0 <= row < n_rows:
        there = f"there are {n_rows}, counted from 0" if n_rows else "there are none"
        raise GraphError(f"There is no intervention {row}; {there}.")
    if not 0 < len(values) <= MOST:
        raise GraphError(f"A dose-response takes 1 to {MOST} values; got {len(values)}.")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise GraphError(f"The value {value!r} is no dose; choose numbers.")


def _dose(state: EngineState, wanted: Asked, value: float, n: int, at: int) -> Dose:
    from explorer.circuits.generation import Sampling, generate, perplexity
    from explorer.circuits.intervening import intervene
    from explorer.work import run

    subject, pause = wanted.subject, state.raise_if_stopped
    outcome = intervene(subject, wanted.made, wanted.how, at=at, pause=pause)
    surprise = None
    if n:
        said = run(generate(subject, wanted.made, wanted.how, Sampling(n, temperature=0.0), pause=pause))
        ids = [token.token_id for token in said]
        surprise = perplexity(subject.model, subject.trace.token_ids.tolist(), ids)
    return Dose(value, outcome.now.double().cpu().softmax(-1), divergence(outcome.before, outcome.now), surprise)


def points_of(model: LanguageModel, made: Sequence[Dose], top: int) -> dict[str, object]:
    """All points by the tokens that are among the ``top`` of any, those that are ever most probable first."""
    best: dict[int, float] = {}
    for one in made:
        found = one.chances.topk(min(max(top, 1), len(one.chances)))
        for token, chance in zip(found.indices.tolist(), found.values.tolist(), strict=True):
            best[token] = max(chance, best.get(token, 0.0))
    tokens = {token: token_text(model, token) for token in sorted(best, key=lambda token: -best[token])}
    return {
        "points": [
            {
                "value": one.value,
                "tokens": [
                    {"token_id": token, "text": text, "probability": float(one.chances[token])}
                    for token, text in tokens.items()
                ],
                "kl": one.kl,
                "perplexity": one.perplexity,
            }
            for one in made
        ]
    }
