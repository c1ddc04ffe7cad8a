"""What the verbs of the letter model print."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

import numpy as np

from explorer.errors import GraphError
from explorer.io import specimens
from explorer.specimens import letters


def read(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """A row beside the data."""
    logits, names = specimens.letters()
    found = letters.believed(logits, letters.counts(names), chosen.letter, chosen.temperature)
    rows = [
        {"letter": letter, "belief": float(belief), "frequency": float(frequency), "difference": float(difference)}
        for letter, belief, frequency, difference in zip(
            letters.TOKENS, found.belief, found.frequency, found.difference, strict=True
        )
    ]
    rows.sort(key=lambda row: -float(str(row["belief"])))
    lines = [f"after {found.letter}, {found.n} times in the names", "letter  belief   names  difference"]
    for row in rows[:10]:
        lines.append(
            f"{row['letter']:<6} {row['belief']:7.3f} {row['frequency']:7.3f} {row['difference']:+11.3f}"
        )
    return {"after": found.letter, "n": found.n, "next": rows}, "\n".join(lines)


def cut(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Words and perplexity before and after a lesion."""
    logits, names = specimens.letters()
    value = letters.CUT if chosen.value is None else chosen.value
    lesion = letters.Lesion(chosen.rows, chosen.columns, tuple(chosen.entries), value)
    if not lesion.mask().any():
        raise GraphError("Nothing is cut out; name --rows, --columns or --entries.")
    counted, answer, lines = letters.counts(names), {}, []
    for name, matrix in (("before", logits), ("after", letters.lesioned(logits, lesion))):
        words = _words(matrix, chosen)
        perplexity = letters.perplexity(matrix, counted)
        word, loop = letters.greedy(matrix)
        answer[name] = {"perplexity": perplexity, "words": words, "greedy": word, "loop": loop}
        lines.append(f"{name}: perplexity {perplexity:.4g}; {_greedy(word, loop)}\n  {_shown(words)}")
    return {"lesion": asdict(lesion), **answer}, "\n".join(lines)


def rules(chosen: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The rulebook, the greedy word and sampled ones."""
    logits, names = specimens.letters()
    found = letters.rulebook(logits, names, chosen.at_least, temperature=chosen.temperature)
    word, loop = letters.greedy(logits, chosen.start)
    words = _words(logits, chosen)
    lines = [
        f"after {rule.before} comes {rule.after}  {rule.confidence:6.1%}  {rule.support} of {rule.n} in the names"
        + (f"; not {', '.join(rule.exceptions)}" if rule.exceptions else "")
        for rule in found
    ]
    lines += [_greedy(word, loop), _shown(words)]
    answer = {"rules": [asdict(rule) for rule in found], "greedy": word, "loop": loop, "words": words}
    return answer, "\n".join(lines)


def _words(logits: letters.Matrix, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    rng = np.random.default_rng(chosen.seed)
    return [asdict(word) for word in letters.sample(logits, chosen.words, rng, chosen.temperature)]


def _shown(words: list[dict[str, Any]]) -> str:
    return " ".join(word["text"] + ("" if word["ended"] else "…") for word in words)


def _greedy(word: str, loop: str) -> str:
    return f"always the most probable letter: {word}" + (f"… (“{loop}” for ever)" if loop else "")
