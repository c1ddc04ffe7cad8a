"""Targets: what a graph explains: logits by probability, chosen tokens, contrasts, directions, features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.errors import GraphError, PromptError
from explorer.models.weights import Head
from explorer.shapes import Float


@dataclass(frozen=True)
class LogitTarget:
    """A direction at the output of the final norm, at one position.

    ``constant`` is added to it (the head's centred bias), ``weight`` says how much the target counts, and
    ``probability`` is the token's next-token probability (NaN for a contrast or a free direction). ``token_id`` is
    the vocabulary id, or d_vocab + n for the n-th target that is no single token.
    """

    direction: Float[Tensor, " d_model"]
    pos: int
    constant: float
    weight: float
    probability: float
    token_id: int
    text: str = ""


@dataclass(frozen=True)
class FeatureTarget:
    """A feature to explain, with the weight of its pre-activation."""

    layer: int
    pos: int
    feature: int
    weight: float = 1.0


def top_logits(
    head: Head, logits: Float[Tensor, "n_pos d_vocab"], pos: int, *, max_logits: int = 10, mass: float = 0.95
) -> tuple[LogitTarget, ...]:
    """The most probable next tokens after ``pos`` until they hold ``mass``, at most ``max_logits``.

    Probabilities are the plain softmax, not renormalised; the cut is circuit-tracer's.
    """
    if max_logits < 1:
        raise GraphError(f"At least one logit must be explained; got {max_logits}.")
    if not 0.0 < mass <= 1.0:
        raise GraphError(f"The most probable logits are taken up to a mass in (0, 1]; got {mass}.")
    probability = _next_token(logits, pos)
    top = probability.topk(min(max_logits, len(probability)))
    count = int(torch.searchsorted(top.values.cumsum(0), mass)) + 1
    return chosen_tokens(head, logits, pos, [int(token) for token in top.indices[:count]])


def chosen_tokens(
    head: Head,
    logits: Float[Tensor, "n_pos d_vocab"],
    pos: int,
    token_ids: list[int],
    weights: Sequence[float | None] | None = None,
) -> tuple[LogitTarget, ...]:
    """Given tokens after ``pos``, weighted by their probability where ``weights`` has None."""
    probability = _next_token(logits, pos)
    d_vocab = len(head.W_U)
    outside = [token for token in token_ids if not 0 <= token < d_vocab]
    if outside:
        raise PromptError(f"Token {outside[0]} is outside the vocabulary (0 to {d_vocab - 1}); choose another target.")
    own = [float(probability[token]) for token in token_ids]
    return tuple(
        LogitTarget(head.direction(token), pos, head.constant(token), known if weight is None else weight, known, token)
        for token, known, weight in zip(token_ids, own, weights or own, strict=True)
    )


def contrast(head: Head, pos: int, a: int, b: int, number: int = 0) -> LogitTarget:
    """Token ``a`` minus token ``b``: ``U_a - U_b``, with weight 1."""
    d_vocab = len(head.W_U)
    for token in (a, b):
        if not 0 <= token < d_vocab:
            raise PromptError(f"Token {token} is outside the vocabulary (0 to {d_vocab - 1}); choose another target.")
    direction = head.direction(a) - head.direction(b)
    constant = head.constant(a) - head.constant(b)
    return LogitTarget(direction, pos, constant, 1.0, float("nan"), d_vocab + number)


def free_direction(vector: Tensor, pos: int, d_vocab: int, weight: float = 1.0, number: int = 0) -> LogitTarget:
    """Any direction at the final norm's output, used as it is (not centred)."""
    return LogitTarget(vector, pos, 0.0, weight, float("nan"), d_vocab + number)


def _next_token(logits: Float[Tensor, "n_pos d_vocab"], pos: int) -> Float[Tensor, " d_vocab"]:
    """Probabilities of the token after ``pos``, on the CPU, since not every device knows float64."""
    return logits[pos].cpu().double().softmax(-1)
