"""Outcome: what the model answers under interventions, as the engine's job ``intervene`` tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from explorer.circuits.graph import Floats, NodeKey, NodeKind
from explorer.session.interventions import Interventions

COLUMNS = ("before", "now", "predicted")


@dataclass(frozen=True)
class TokenRow:
    """A next token and its probability clean, measured under the interventions, and by their direct effect alone."""

    token_id: int
    text: str
    before: float
    now: float
    predicted: float


@dataclass(frozen=True)
class Moved:
    """A feature whose activation an intervention changes: clean, measured, and by the direct effect alone."""

    layer: int
    pos: int
    feature: int
    before: float
    now: float
    predicted: float

    @property
    def key(self) -> NodeKey:
        return NodeKey(int(NodeKind.FEATURE), self.layer, self.pos, self.feature)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of ``made`` after position ``at``, tokens by their probability now.

    ``logits`` (d_vocab) are under the interventions, where they were asked for. ``is_exact`` is False for what was
    worked out from two answers instead of being measured.
    """

    made: Interventions
    at: int
    tokens: tuple[TokenRow, ...]
    kl: float
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    changed: tuple[Moved, ...] = ()
    logits: Floats | None = None
    is_exact: bool = True


def outcome_of(values: Mapping[str, Any], made: Interventions) -> Outcome:
    """The outcome in an answer of the engine."""
    names = ("token_id", "text", *COLUMNS)
    logits = values.get("logits")
    return Outcome(
        made,
        int(values["at"]),
        tuple(TokenRow(**{name: row[name] for name in names}) for row in values["tokens"]),
        float(values["kl"]),
        tuple(values["notes"]),
        float(values["seconds"]),
        tuple(Moved(**row) for row in values.get("changed", ())),
        None if logits is None else np.asarray(logits["now"], dtype=np.float64),
    )


def others(tokens: Iterable[TokenRow]) -> tuple[float, float, float]:
    """What is left for the tokens that are not among ``tokens``, in the order of COLUMNS."""
    shown = list(tokens)
    rest = [1.0 - sum(getattr(row, name) for row in shown) for name in COLUMNS]
    return max(rest[0], 0.0), max(rest[1], 0.0), max(rest[2], 0.0)


def moved_row(one: Interventions, other: Interventions) -> int | None:
    """The row in whose value alone two interventions differ; None if they differ otherwise, or not at all."""
    if replace(one, rows=()) != replace(other, rows=()) or len(one.rows) != len(other.rows):
        return None
    differing = [at for at, (a, b) in enumerate(zip(one.rows, other.rows, strict=True)) if a != b]
    if len(differing) != 1:
        return None
    at = differing[0]
    return at if replace(one.rows[at], value=0.0) == replace(other.rows[at], value=0.0) else None


def between(one: Outcome, other: Outcome, wanted: Interventions) -> Outcome | None:
    """What ``wanted`` gives in mode direct, where logits are linear in a value, from two answers along its line.

    None if the two do not span it. Tokens that neither of them names are counted with the others.
    """
    row = moved_row(one.made, other.made)
    known = one.logits is not None and other.logits is not None and one.at == other.at
    if not known or row is None or wanted.mode != "direct" or wanted.attention is False or wanted.norms is False:
        return None
    if row != moved_row(other.made, wanted) and other.made != wanted:
        return None
    assert one.logits is not None
    assert other.logits is not None
    first, second, value = (made.rows[row].value for made in (one.made, other.made, wanted))
    logits = one.logits + (value - first) / (second - first) * (other.logits - one.logits)
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    texts = {token.token_id: token for token in (*one.tokens, *other.tokens)}
    tokens = [replace(token, now=float(chances[id]), predicted=float(chances[id])) for id, token in texts.items()]
    tokens.sort(key=lambda token: -token.now)
    return replace(other, made=wanted, tokens=tuple(tokens), logits=logits, is_exact=False, changed=())
