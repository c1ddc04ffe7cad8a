"""Prompt: a text with its tokens, as the engine's tokenizer cut it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A possible next token and its probability."""

    token_id: int
    text: str
    probability: float


@dataclass(frozen=True)
class Prompt:
    """``tokens`` and ``token_ids`` include the ``n_special`` tokens put in front by the tokenizer.

    ``candidates`` are the most probable next tokens after the last one, strongest first.
    """

    text: str
    token_ids: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()
    n_special: int = 0
    candidates: tuple[Candidate, ...] = ()
