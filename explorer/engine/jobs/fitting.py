"""The job that tries transcoders on their model after both were opened, and says whether they fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.engine.jobs.opening import Setting, model_of
from explorer.engine.jobs.replacing import replaced
from explorer.engine.state import EngineState
from explorer.errors import PromptError
from explorer.work import Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.replacement import LocalReplacementModel
    from explorer.models.loader import LanguageModel

TEXT = "The old lighthouse keeper counted the ships each evening, because he hoped that one of them would bring news."
SMALL = 200_000_000  # parameters up to which a model may speak for itself: it may know nothing but its own task
N_TOKENS = 24


def fit(
    state: EngineState,
    *,
    model: str,
    transcoders: str,
    text: str = "",
    device: str = "auto",
    dtype: str = "float32",
    threads: int = 0,
    told: Mapping[str, str] | None = None,
) -> Work[Mapping[str, object]]:
    """How well the set stands for the MLPs of the model on ``text``, or on a short text of its choice.

    ``fvu`` and ``l0`` of each layer, and ``fit_warning``: empty if nothing speaks against the pair.
    """
    setting = Setting(device, dtype, threads, told or {})
    opened = model_of(state, model, setting)
    yield Progress(0, 2, "Choosing a text")
    ids = _ids(state, opened, text)
    _, local = yield from replaced(state, opened, ids, transcoders, 0, setting)
    return about_fit(local, opened.name, Path(model))


def about_fit(local: LocalReplacementModel, name: str, path: Path) -> dict[str, Any]:
    """``fvu``, ``l0`` and ``fit_warning`` as they stand in a graph's provenance; NaN is None."""
    from explorer.circuits.fit import fit, warning

    found = fit(local)
    return {
        "fvu": [round(value, 6) if math.isfinite(value) else None for value in found.fvu.tolist()],
        "l0": [round(value, 3) for value in found.l0.tolist()],
        "fit_warning": warning(found, local.transcoders, name, path),
    }


def _ids(state: EngineState, model: LanguageModel, text: str) -> tuple[int, ...]:
    """Tokens of ``text`` if the model takes it, else of one of its own or of ours."""
    wanted = text or (TEXT if model.n_parameters > SMALL else "")
    if wanted and model.tokenizer is not None:
        try:
            ids = model.tokenizer.encode(wanted).ids[: N_TOKENS if not text else None]
            model.check(ids)
            return ids
        except PromptError:
            pass  # a small vocabulary, or a prompt that is too long: the run itself will say so
    return _own_words(state, model)


def _own_words(state: EngineState, model: LanguageModel) -> tuple[int, ...]:
    """What the model says by itself, drawn with seed 0."""
    import torch

    front = model.tokenizer.front if model.tokenizer is not None else None
    ids = [front[0] if front is not None else 0]
    generator = torch.Generator().manual_seed(0)
    while len(ids) < min(N_TOKENS, model.context):
        state.raise_if_stopped()
        with torch.no_grad():
            logits = model.network(torch.tensor([ids], device=model.device), use_cache=False).logits
        next_token = logits[0, -1, : model.n_tokens].float().softmax(-1).cpu()
        ids.append(int(torch.multinomial(next_token, 1, generator=generator)))
    return tuple(ids)
