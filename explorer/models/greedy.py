"""What a model goes on to say by itself: the most probable token, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from explorer.models.loader import LanguageModel
from explorer.work import Pause, go_on


def greedy(model: LanguageModel, token_ids: Sequence[int], n: int, pause: Pause = go_on) -> tuple[int, ...]:
    """Up to ``n`` tokens behind ``token_ids``; an end token ends them and is not among them.

    PromptError if there is no room for them. Keys and values are kept where the model has a place for them.
    """
    given, past, made = list(token_ids), None, list[int]()
    model.check((*given, *given[:1] * (n - 1)))
    with torch.no_grad():
        while len(made) < n:
            pause()
            ids = torch.tensor([given], device=model.device)
            answer: Any = model.network(ids, past_key_values=past, use_cache=True)
            token = int(answer.logits[0, -1].argmax())
            if token in model.ends:
                break
            made.append(token)
            past = getattr(answer, "past_key_values", None)
            given = [token] if past is not None else [*token_ids, *made]
    return tuple(made)
