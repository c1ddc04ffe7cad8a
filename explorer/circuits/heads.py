"""head_scores: what each head of a model does, from random tokens that come twice and from its weights.

Scores are those of explorer/models/head_scores.py. Copying is of weights alone: eigenvalues of W_E W_V W_O W_U with
the gains (and centring) of the norms in front of them folded in, scales and shifts left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from explorer.errors import PromptError
from explorer.models import head_scores as scores
from explorer.models.frozen_norm import FrozenNorm
from explorer.models.loader import LanguageModel
from explorer.models.trace import Trace
from explorer.shapes import Float
from explorer.work import Progress, Work

PERIOD = 24  # tokens before they come again, fewer if the model takes no more
N_ROWS = 4


@dataclass(frozen=True)
class HeadScores:
    """By layer and head, on ``period`` random tokens and the same again: previous token, induction, copying."""

    period: int
    previous: Float[ndarray, "n_layers n_heads"]
    induction: Float[ndarray, "n_layers n_heads"]
    copying: Float[ndarray, "n_layers n_heads"]


def head_scores(model: LanguageModel, seed: int = 0) -> Work[HeadScores]:
    """The scores, mean over ``N_ROWS`` prompts; PromptError if the model is too small for tokens that come twice."""
    front = [] if model.tokenizer is None or model.tokenizer.front is None else [model.tokenizer.front[0]]
    period = min(PERIOD, (model.context - len(front)) // 2, model.n_tokens)
    if period < 2:
        raise PromptError(f"“{model.name}” takes too few tokens for one to come twice; its heads have no scores.")
    rng = np.random.default_rng(seed)
    found: list[tuple[ndarray, ndarray]] = []
    for row in range(N_ROWS):
        yield Progress(row, N_ROWS, "Scoring heads")
        ids = rng.choice(model.n_tokens, period, replace=False).tolist()
        trace = model.run((*front, *ids, *ids))
        found.append(_of_pattern(trace, len(front), [*ids, *ids]))
    copying = _copying(model, trace)
    previous, induction = (np.mean([each[which] for each in found], 0) for which in (0, 1))
    return HeadScores(period, previous, induction, copying)


def _of_pattern(trace: Trace, n_front: int, ids: list[int]) -> tuple[ndarray, ndarray]:
    """Both scores of every head, the token in front left out."""
    patterns = torch.stack([layer.pattern for layer in trace.layers]).double().cpu().numpy()
    own = patterns[:, :, n_front:, n_front:]
    shape = own.shape[:2]
    previous, induction = np.zeros(shape), np.zeros(shape)
    for at in np.ndindex(shape):
        previous[at] = scores.previous_token(own[at])
        induction[at] = scores.prefix_matching(own[at], ids)
    return previous, induction


@torch.no_grad()
def _copying(model: LanguageModel, trace: Trace) -> ndarray:
    """Through the small matrix of each head: writes [d_head, d_model] and (U E) V [d_model, d_head]."""
    n = min(model.d_vocab, model.n_tokens)
    table = model.network.get_submodule(model.family.embedding_in or model.family.embedding).weight
    assert isinstance(table, Tensor)
    head = model.head.W_U[:n].double()
    around = _folded(trace.final_norm, head).T @ _embedded(model, table[:n].detach()).double()
    found = []
    for layer, held in enumerate(trace.layers):
        weights = model.attention(layer)
        W_V = weights.W_V.double().permute(1, 2, 0)  # [n_kv_heads, d_head, d_model]
        W_V = W_V if held.attention_norm is None else _folded(held.attention_norm, W_V)
        W_O = weights.W_O.double()
        post = held.attention_post_norm
        W_O = W_O if post is None else post.to(W_O.device, W_O.dtype).centre(W_O) * post.gain.to(W_O)
        group = len(W_O) // len(W_V)
        found.append(
            [scores.copying((around @ W_V[h // group].T).cpu().numpy(), W_O[h].cpu().numpy()) for h in range(len(W_O))]
        )
    return np.array(found)


def _folded(norm: FrozenNorm, rows: Tensor) -> Tensor:
    """Rows that read through the norm, with its gain and centring in them."""
    here = norm.to(rows.device, rows.dtype)
    return here.centre(rows * here.gain)


def _embedded(model: LanguageModel, table: Tensor) -> Tensor:
    """The table as it enters the residual stream, where it is projected first (OPT-350m)."""
    if not model.family.embedding_in or model.family.embedding_in == model.family.embedding:
        return table
    projected = model.network.get_submodule(model.family.embedding)(table)
    assert isinstance(projected, Tensor)
    return projected
