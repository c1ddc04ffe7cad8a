"""Segments: which stretch of a prompt's text each token covers, also while the text is being changed."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.session.prompt import Prompt


@dataclass(frozen=True)
class Segment:
    """Characters ``start`` to ``end`` of the text as ``words``; ``pos`` the token there, -1 for text not cut yet.

    Several tokens that share characters (an emoji in bytes) are one segment of ``n_tokens``.
    """

    start: int
    end: int
    words: str
    pos: int
    n_tokens: int = 1


def segments(prompt: Prompt, text: str) -> tuple[Segment, ...]:
    """``text`` cut where ``prompt`` was cut, as far as both begin alike; the rest is one segment without token."""
    same = _common(prompt.text, text)
    found = []
    for segment in _cut(prompt):
        if segment.end > same or (segment.end == same < len(text) and same != len(prompt.text)):
            break
        found.append(segment)
    end = found[-1].end if found else 0
    if end < len(text):
        found.append(Segment(end, len(text), text[end:], -1))
    return tuple(found)


def _cut(prompt: Prompt) -> list[Segment]:
    tokens, text = prompt.tokens, prompt.text
    found: list[Segment] = []
    at, pos = 0, prompt.n_special
    while pos < len(tokens):
        token = tokens[pos]
        if token and text.startswith(token, at):
            found.append(Segment(at, at + len(token), token, pos))
            at, pos = at + len(token), pos + 1
            continue
        first = pos
        pos += 1
        while pos < len(tokens) and not (tokens[pos] and text.find(tokens[pos], at) >= at):
            pos += 1
        end = text.find(tokens[pos], at) if pos < len(tokens) else len(text)
        found.append(Segment(at, end, text[at:end], first, pos - first))
        at = end
    return found


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return at
    return min(len(one), len(other))
