"""The jobs that intervene: what the model answers, and what it goes on to say (docs/interventions.md).

A prompt that was intervened on stays ready in the engine, so that the next request runs only what it changes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.interventions import read_interventions, read_mode, read_places
from explorer.engine.jobs.opening import Setting, encode_prompt, model_of, token_text, transcoders_of
from explorer.engine.jobs.replacing import replaced
from explorer.engine.state import EngineState
from explorer.work import Progress, Work, with_partial

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.circuits.generation import Generated
    from explorer.circuits.intervening import Outcome
    from explorer.circuits.interventions import Intervention
    from explorer.circuits.subject import Subject
    from explorer.models.loader import LanguageModel

READY = 2  # prompts kept: one and its counterpart


def intervene(
    state: EngineState,
    *,
    interventions: Sequence[Mapping[str, Any]] = (),
    substitution: Mapping[str, Any] | None = None,
    mode: str = "iterative",
    layers: list[int] | None = None,
    attention: bool | None = None,
    norms: bool | None = None,
    at: int = -1,
    top: int = 10,
    changed: int = 0,
    all_logits: bool = False,
    **prompt: Any,
) -> Work[Mapping[str, object]]:
    """Next tokens before, now and predicted, and the ``changed`` features that moved most.

    ``prompt``: model, transcoders or neurons, text or token_ids, device, dtype, threads, told, as for attribute.
    """
    from explorer.circuits.intervening import changed_features
    from explorer.circuits.intervening import intervene as run_intervention

    subject = yield from _subject(state, **prompt)
    started = time.perf_counter()
    made = yield from _asked(state, subject, prompt, interventions, substitution)
    how = read_mode(mode, subject.n_layers, layers, attention, norms)
    pause = state.raise_if_stopped
    outcome = run_intervention(subject, made, how, at=at, reads=changed > 0, pause=pause)
    answer = _message(subject.model, outcome, max(top, 1))
    if changed:
        answer["changed"] = [asdict(one) for one in changed_features(subject, outcome, changed, pause)]
    if all_logits:
        answer["logits"] = {name: _array(getattr(outcome, name)) for name in ("before", "now", "predicted")}
    return {**answer, "mode": mode, "seconds": round(time.perf_counter() - started, 4)}


def generate(
    state: EngineState,
    *,
    interventions: Sequence[Mapping[str, Any]] = (),
    substitution: Mapping[str, Any] | None = None,
    mode: str = "iterative",
    layers: list[int] | None = None,
    attention: bool | None = None,
    norms: bool | None = None,
    n: int = 20,
    seed: int = 0,
    temperature: float | int = 1.0,
    top_p: float | int = 1.0,
    **prompt: Any,
) -> Work[Mapping[str, object]]:
    """What follows the prompt: ``tokens`` with their probabilities and ``text``; partial results as it grows.

    ``perplexity`` is that of the continuation under the clean model.
    """
    from explorer.circuits.generation import Sampling, perplexity
    from explorer.circuits.generation import generate as run_generation

    subject = yield from _subject(state, **prompt)
    made = yield from _asked(state, subject, prompt, interventions, substitution)
    how = read_mode(mode, subject.n_layers, layers, attention, norms)
    sampling = Sampling(n, seed, float(temperature), float(top_p))
    working = run_generation(subject, made, how, sampling, pause=state.raise_if_stopped)
    tokens = yield from with_partial(working, lambda made: _said(subject.model, made))
    ids = [token.token_id for token in tokens]
    return {
        **_said(subject.model, tokens),
        "perplexity": perplexity(subject.model, subject.trace.token_ids.tolist(), ids),
    }


def _subject(
    state: EngineState,
    *,
    model: str,
    transcoders: str = "",
    neurons: bool = False,
    neurons_per_cell: int = 64,
    text: str = "",
    token_ids: list[int] | None = None,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    told: Mapping[str, str] | None = None,
) -> Work[Subject]:
    """The prompt, ready for interventions; made now if it was not."""
    import torch

    from explorer.circuits.subject import subject_of

    setting = Setting(device, dtype, threads, told or {})
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    opened = model_of(state, model, setting)
    ids = encode_prompt(opened, text, token_ids).ids
    held = transcoders_of(state, transcoders, setting.told) if transcoders and not neurons else None
    per_cell = neurons_per_cell if neurons else 0
    for key, found in state.subjects.items():
        if key == (ids, per_cell) and found.model is opened and (held is None or found.transcoders is held):
            ready: Subject = found
            return ready
    with torch.no_grad():
        trace, local = yield from replaced(state, opened, ids, transcoders, per_cell, setting)
        made = subject_of(opened, trace, local)
    kept = [(key, one) for key, one in state.subjects.items() if one.model is opened][1 - READY :]
    state.subjects = dict([*kept, ((ids, per_cell), made)])
    return made


def _asked(
    state: EngineState,
    subject: Subject,
    prompt: Mapping[str, Any],
    interventions: Sequence[Mapping[str, Any]],
    substitution: Mapping[str, Any] | None,
) -> Work[list[Intervention]]:
    """The interventions of a request, those of its substitution last."""
    made = read_interventions(interventions)
    if substitution is not None:
        made += yield from _substituted(state, subject, prompt, substitution)
    return made


def _substituted(
    state: EngineState, subject: Subject, prompt: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Work[tuple[Intervention, ...]]:
    """Group ``off`` off, and group ``on`` as strong as in another prompt, times ``factor``."""
    from explorer.circuits.intervening import strengths_in, substitution
    from explorer.circuits.interventions import check

    off, on = (
        [place for one in wanted.get(name) or () for place in read_places(one)] for name in ("off", "on")
    )
    check([place.off() for place in (*off, *on)], subject.room)
    elsewhere = {"text": wanted.get("text", ""), "token_ids": wanted.get("token_ids")}
    other = yield from _subject(state, **{**prompt, **elsewhere})
    strength = strengths_in(other, int(wanted.get("pos", -1)))
    return substitution(off, on, strength, float(wanted.get("factor", 1.0)))


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
    kl = float((chances["before"] * (chances["before"].log() - chances["now"].log())).nan_to_num(0.0).sum())
    return {"tokens": tokens, "at": outcome.at, "kl": kl, "notes": list(outcome.notes)}


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
