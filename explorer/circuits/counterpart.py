"""resolve: interventions that count in another prompt, with the values that they have there.

    other = prepare(model, transcoders, other_token_ids)
    made = resolve([residual(2, at(10)).as_in_other(), head(1, 3, at(0, 10)).as_in_other(0.5)], subject, other)
    intervene(subject, made, FREE)

One that names no position of the other prompt takes each position's value from the same position there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from explorer.circuits.clean import strengths, vectors
from explorer.circuits.interventions import WHOLE, Intervention, Op, Unit, check_one
from explorer.circuits.subject import Subject
from explorer.errors import GraphError


def resolve(interventions: Iterable[Intervention], subject: Subject, other: Subject) -> tuple[Intervention, ...]:
    """The interventions on ``subject``, those of unit ``other`` with their values in the prompt ``other``.

    GraphError in one sentence if one cannot be made, or the other prompt has no such position.
    """
    return tuple(
        _resolved(one, subject, other) if one.unit is Unit.OTHER and one.op is not Op.MULTIPLY else one
        for one in interventions
    )


def _resolved(one: Intervention, subject: Subject, other: Subject) -> Intervention:
    check_one(one, subject.room)
    span, place = _span(one, subject, other), one.place
    if place.kind in WHOLE:
        return replace(one, other=vectors(other, place, span))
    return replace(one, other=strengths(other, [place], span)[:, 0])


def _span(one: Intervention, subject: Subject, other: Subject) -> range:
    """The positions of ``other`` that it is taken from: one, or as many as it is made at."""
    n, positions = other.n_pos, one.place.positions
    if one.other_pos is not None:
        pos = one.other_pos + n if one.other_pos < 0 else one.other_pos
        if not 0 <= pos < n:
            raise GraphError(f"Position {one.other_pos} is outside the other prompt (0 to {n - 1}); choose another.")
        return range(pos, pos + 1)
    if positions.generated:
        raise GraphError(
            f"Generated tokens have no counterpart in the other prompt; name a position of it for {one.place}."
        )
    last = subject.n_pos - 1 if positions.last is None else positions.last
    if last >= n:
        raise GraphError(
            f"The other prompt has no position {last} (only 0 to {n - 1}) for {one.place}; "
            "choose a prompt with as many tokens, or name the position to take."
        )
    return range(positions.first, last + 1)
