"""Outcomes of the engine, and the line through two of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from explorer.session.interventions import Interventions, Row
from explorer.session.outcome import Outcome, between, moved_row, others, outcome_of

BASE, SLOPE = np.array([1.0, 0.5, -0.2, 0.0]), np.array([0.3, -0.8, 0.1, 0.0])
MADE = Interventions((Row("feature", 0, 1), Row("feature", 1, 2)), mode="direct")


def at(value: float, **how: Any) -> Interventions:
    return replace(MADE, rows=(MADE.rows[0], replace(MADE.rows[1], value=value)), **how)


def answer(value: float) -> dict[str, Any]:
    """What the engine answers where logits are BASE + value SLOPE."""
    logits = BASE + value * SLOPE
    chances = np.exp(logits) / np.exp(logits).sum()
    rows = [
        {"token_id": id, "text": f" t{id}", "before": 0.25, "now": float(chances[id]), "predicted": float(chances[id])}
        for id in (0, 1, 2)
    ]
    return {"at": 3, "tokens": rows, "kl": 0.1, "notes": ["a note"], "seconds": 0.02, "logits": {"now": logits}}


def measured(value: float) -> Outcome:
    return outcome_of(answer(value), at(value))


def test_the_answer_is_read_whole() -> None:
    moved = {"layer": 1, "pos": 2, "feature": 3, "before": 0.0, "now": 1.0, "predicted": 0.5}
    found = outcome_of({**answer(1.0), "changed": [moved]}, at(1.0))
    assert (found.at, found.kl, found.notes, found.is_exact) == (3, 0.1, ("a note",), True)
    assert str(found.changed[0].key) == "feature:1:2:3"
    rest = others(found.tokens)
    assert rest[0] == pytest.approx(0.25)
    assert rest[1] == pytest.approx(1 - sum(row.now for row in found.tokens))


@pytest.mark.parametrize("value", [-3.0, 0.4, 2.5])
def test_two_answers_give_every_other_on_their_line(value: float) -> None:
    found, expected = between(measured(0.0), measured(1.0), at(value)), measured(value)
    assert found is not None
    assert not found.is_exact
    assert found.made == at(value)
    chances = {row.token_id: row.now for row in expected.tokens}
    assert {row.token_id: row.now for row in found.tokens} == pytest.approx(chances)


def test_only_mode_direct_with_one_moving_value_is_a_line() -> None:
    first, second = measured(0.0), measured(1.0)
    assert between(first, second, at(2.0, mode="free")) is None
    assert between(first, second, at(2.0, norms=False)) is None
    assert between(first, first, at(2.0)) is None
    assert between(first, replace(second, at=2), at(2.0)) is None
    other = replace(at(2.0), rows=(replace(MADE.rows[0], value=9.0), at(2.0).rows[1]))
    assert between(first, second, other) is None


def test_a_row_moves_alone_or_not_at_all() -> None:
    assert moved_row(at(1.0), at(2.0)) == 1
    assert moved_row(at(1.0), at(1.0)) is None
    assert moved_row(at(1.0), at(2.0, mode="free")) is None
    assert moved_row(at(1.0), replace(at(2.0), rows=at(2.0).rows[:1])) is None
    off = replace(at(1.0), rows=(MADE.rows[0], replace(MADE.rows[1], value=2.0, on=False)))
    assert moved_row(at(1.0), off) is None
