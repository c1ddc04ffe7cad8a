"""The jobs that intervene: what the model answers, and what it goes on to say (docs/interventions.md)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.opening import stopping, token_text
from explorer.engine.jobs.subjects import asked
from explorer.engine.state import EngineState
from explorer.work import Work, with_partial

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.circuits.generation import Generated
    from explorer.circuits.intervening import Outcome
    from explorer.models.loader import LanguageModel


def intervene(
    state: EngineState, *, at: int = -1, top: int = 10, changed: int = 0, all_logits: bool = False, **what: Any
) -> Work[Mapping[str, object]]:
    """Next tokens before, now and predicted, and the ``changed`` features that moved most.

    ``what``: the interventions, how they are made and on which prompt (subjects.asked).
    """
    from explorer.circuits.intervening import changed_features
    from explorer.circuits.intervening import intervene as run_intervention

    wanted = yield from asked(state, **what)
    started, subject, pause = time.perf_counter(), wanted.subject, state.raise_if_stopped
    outcome = run_intervention(subject, wanted.made, wanted.how, at=at, reads=changed > 0, pause=pause)
    answer = _message(subject.model, outcome, max(top, 1))
    if changed:
        answer["changed"] = [asdict(one) for one in changed_features(subject, outcome, changed, pause)]
    if all_logits:
        answer["logits"] = {name: _array(getattr(outcome, name)) for name in ("before", "now", "predicted")}
    return {**answer, "mode": what.get("mode", "iterative"), "seconds": round(time.perf_counter() - started, 4)}


def generate(
    state: EngineState,
    *,
    n: int = 20,
    seed: int = 0,
    temperature: float | int = 1.0,
    top_p: float | int = 1.0,
    **what: Any,
) -> Work[Mapping[str, object]]:
    """What follows the prompt: ``tokens`` with their probabilities and ``text``; partial results as it grows.

    ``what`` is as for intervene. ``perplexity`` is that of the continuation under the clean model.
    """
    from explorer.circuits.generation import Sampling, perplexity
    from explorer.circuits.generation import generate as run_generation

    wanted = yield from asked(state, **what)
    subject, sampling = wanted.subject, Sampling(n, seed, float(temperature), float(top_p))
    with stopping(state, subject.model):
        working = run_generation(subject, wanted.made, wanted.how, sampling, pause=state.raise_if_stopped)
        tokens = yield from with_partial(working, lambda made: _said(subject.model, made))
        ids = [token.token_id for token in tokens]
        return {
            **_said(subject.model, tokens),
            "perplexity": perplexity(subject.model, subject.trace.token_ids.tolist(), ids),
        }


def _message(model: LanguageModel, outcome: Outcome, top: int) -> dict[str, Any]:
    """The tokens that are among the ``top`` before or now, most probable now first."""
    logits = {name: getattr(outcome, name).double().cpu() for name in ("before", "now", "predicted")}
    chances = {name: values.softmax(-1) for name, values in logits.items()}
    known = dict.fromkeys(
        int(token)
        for name in ("now", "before")
        for token in chances[name].topk(min(top, len(chances[name]))).indices
    )
    tokens: list[dict[str, Any]] = [
        {
            "token_id": token,
            "text": token_text(model, token),
            **{name: float(values[token]) for name, values in chances.items()},
            **{f"{name}_logit": float(values[token]) for name, values in logits.items()},
        }
        for token in known
    ]
    tokens.sort(key=lambda row: -row["now"])
    kl = divergence(logits["before"], logits["now"])
    return {"tokens": tokens, "at": outcome.at, "kl": kl, "notes": list(outcome.notes)}


def divergence(before: Tensor, now: Tensor) -> float:
    """The Kullback-Leibler divergence of the next token's probabilities, before to now, in nats."""
    before, now = before.double().log_softmax(-1), now.double().log_softmax(-1)
    return max(float((before.exp() * (before - now)).nan_to_num(0.0).sum()), 0.0)  # rounding may go below


def _said(model: LanguageModel, made: Sequence[Generated]) -> dict[str, object]:
    tokens = [
        {"token_id": one.token_id, "text": token_text(model, one.token_id), "probability": one.probability}
        for one in made
    ]
    ids = [one.token_id for one in made]
    text = "".join(str(row["text"]) for row in tokens)
    if model.tokenizer is not None:
        text = str(model.tokenizer.inner.decode(ids, clean_up_tokenization_spaces=False))
    return {"tokens": tokens, "text": text}


def _array(values: Tensor) -> Any:
    return values.float().cpu().numpy()
