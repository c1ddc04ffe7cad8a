"""Prompt: a text with its tokens, as the engine's tokenizer cut it."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.circuits.graph import Graph


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


def prompt_text(graph: Graph) -> str:
    """The prompt as it was typed, or as its tokens read where the graph does not hold it."""
    typed = graph.provenance.get("prompt")
    return typed if isinstance(typed, str) and typed else "".join(graph.tokens[graph.n_special :]).strip()
