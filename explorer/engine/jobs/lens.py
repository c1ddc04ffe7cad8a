"""The jobs that look into a model without transcoders: logit lens, attribution of a logit, heads, patching."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.opening import Setting, encode_prompt, model_of, stopping, token_text
from explorer.engine.jobs.targets import token_named
from explorer.engine.state import EngineState
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.lens import Seen
    from explorer.models.loader import LanguageModel

TOP = 3  # tokens told at each point of the logit lens


def lens(state: EngineState, *, patterns: bool = False, **prompt: Any) -> Work[Mapping[str, object]]:
    """What the model would say in front of each block and behind the last, at every token.

    ``top_ids`` and ``probability`` are [point, pos, TOP], ``top_texts`` the same as texts. ``patterns`` adds
    ``pattern`` [layer, head, query, key]. ``prompt``: model, text or token_ids, device, dtype, threads, told.
    """
    import numpy as np

    from explorer.circuits.lens import logit_lens

    seen = yield from _seen(state, **prompt)
    ids, chances = [], []
    for point, logits in enumerate(logit_lens(seen)):
        yield Progress(point, len(seen.stream), "Reading layers")
        top = logits.double().softmax(-1).topk(min(TOP, logits.shape[1]))
        ids.append(top.indices.cpu().numpy())
        chances.append(top.values.cpu().numpy())
    texts = [[[token_text(seen.model, int(token)) for token in pos] for pos in point] for point in ids]
    answer = {**_prompt(seen), "top_ids": np.stack(ids), "top_texts": texts, "probability": np.stack(chances)}
    return {**answer, "pattern": seen.pattern.float().cpu().numpy()} if patterns else answer


def logit_attribution(
    state: EngineState, *, token: str = "", rival: str = "", at: int = -1, **prompt: Any
) -> Work[Mapping[str, object]]:
    """What each part adds to the logit of ``token`` (the most probable, if not given), or to its lead on ``rival``."""
    from explorer.circuits.lens import direct_attribution

    seen = yield from _seen(state, **prompt)
    chosen = _token(seen.model, token)
    best = int(seen.trace.logits[seen.position(at)].argmax()) if chosen is None else chosen
    found = direct_attribution(seen, best, _token(seen.model, rival), at)
    arrays = {"heads": found.heads.cpu().numpy(), "mlps": found.mlps.cpu().numpy()}
    names = ("token", "rival", "at", "embedding", "position", "constant", "logit", "total")
    texts = {
        "token_text": token_text(seen.model, found.token),
        "rival_text": "" if found.rival is None else token_text(seen.model, found.rival),
    }
    return {**_prompt(seen), **{name: getattr(found, name) for name in names}, **texts, **arrays}


def head_scores(state: EngineState, *, seed: int = 0, **setting: Any) -> Work[Mapping[str, object]]:
    """Previous token, induction and copying of each head, on random tokens that come twice."""
    from explorer.circuits.heads import head_scores as run_scores

    model = yield from _model(state, **setting)
    with stopping(state, model):
        found = yield from run_scores(model, seed)
    return asdict(found)


def patching(
    state: EngineState,
    *,
    other: Mapping[str, Any],
    answer: str = "",
    rival: str = "",
    text: str = "",
    token_ids: list[int] | None = None,
    **setting: Any,
) -> Work[Mapping[str, object]]:
    """The map between the prompt and ``other`` (text or token_ids); 1 where the whole difference passes."""
    from explorer.circuits.patching import patching_map, ready

    model = yield from _model(state, **setting)
    ids = encode_prompt(model, text, token_ids).ids
    elsewhere = encode_prompt(model, other.get("text", ""), other.get("token_ids")).ids
    with stopping(state, model):
        subject, counterpart = (ready(model, each, state.raise_if_stopped) for each in (ids, elsewhere))
        found = yield from patching_map(subject, counterpart, _token(model, answer), _token(model, rival))
    named = {f"{name}_text": token_text(model, getattr(found, name)) for name in ("answer", "rival")}
    tokens, others = ([token_text(model, token) for token in each] for each in (ids, elsewhere))
    return {**asdict(found), **named, "tokens": tokens, "other": others}


def _seen(
    state: EngineState, *, text: str = "", token_ids: list[int] | None = None, **setting: Any
) -> Work[Seen]:
    from explorer.circuits.lens import look

    model = yield from _model(state, **setting)
    with stopping(state, model):
        return look(model, encode_prompt(model, text, token_ids).ids)


def _model(
    state: EngineState,
    *,
    model: str,
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    told: Mapping[str, str] | None = None,
    transcoders: str = "",
    neurons: bool = False,
) -> Work[LanguageModel]:
    """The model of a request; the window names features with every request, and these jobs need none."""
    yield Progress(0, 0, f"Reading “{Path(model).name}”")
    return model_of(state, model, Setting(device, dtype, threads, told or {}))


def _token(model: LanguageModel, text: str) -> int | None:
    """The token that ``text`` is; None for no text."""
    return token_named(model, text) if text else None


def _prompt(seen: Seen) -> dict[str, object]:
    ids = seen.trace.token_ids.tolist()
    return {"token_ids": ids, "tokens": [token_text(seen.model, token) for token in ids]}
