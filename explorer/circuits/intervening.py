"""intervene: what the model answers under interventions, beside what it answers and what its graph predicts.

    subject = prepare(model, transcoders, token_ids)
    outcome = intervene(subject, [feature(2, 311, at(10)).times(0.0)])
    outcome.before, outcome.now, outcome.predicted          logits of the next token
    changed_features(subject, outcome)                      measured and predicted, layer by layer
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.clean import strengths
from explorer.circuits.direct import Source, direct_reads, moved_logits, sources
from explorer.circuits.interventions import Intervention, Kind, Place, check
from explorer.circuits.modes import Mode, mode
from explorer.circuits.plan import Plan, plan
from explorer.circuits.rerun import rerun
from explorer.circuits.strengths import activations
from explorer.circuits.subject import Subject
from explorer.errors import GraphError
from explorer.shapes import Float
from explorer.work import Pause, go_on

AT_ONCE = 32  # positions whose features are looked through in one step, so that a stop is soon obeyed


@dataclass(frozen=True)
class Outcome:
    """Logits after position ``at`` (d_vocab): clean, under the interventions, and as their direct effect alone.

    ``predicted`` holds everything else at its clean value, as a graph's edges do. ``reads`` are what the encoders
    read from position ``first`` up to ``at``, by layer, if they were asked for. ``notes`` say what had no effect.
    """

    mode: Mode
    at: int
    before: Float[Tensor, " d_vocab"]
    now: Float[Tensor, " d_vocab"]
    predicted: Float[Tensor, " d_vocab"]
    changes: Plan
    first: int
    reads: dict[int, Float[Tensor, "n d_model"]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangedFeature:
    """A feature downstream of an intervention: activation before, now, and by the direct effect alone."""

    layer: int
    pos: int
    feature: int
    before: float
    now: float
    predicted: float


def intervene(
    subject: Subject,
    interventions: Sequence[Intervention],
    how: Mode | None = None,
    *,
    at: int = -1,
    reads: bool = False,
    pause: Pause = go_on,
) -> Outcome:
    """The outcome after position ``at`` (-1: the last) in mode ``how`` (None: iterative).

    GraphError in one sentence, before anything runs, if an intervention cannot be made. ``reads`` keeps what
    changed_features needs.
    """
    how = how or mode("iterative", subject.n_layers)
    check(interventions, subject.room)
    at = _position(subject, at)
    changes = plan(interventions)
    before = subject.trace.logits[at]
    with torch.no_grad():
        found = sources(subject, changes, at)
        predicted = moved_logits(subject, found, at)
        now, first, kept = before, at + 1, {}
        if interventions and changes.first_position <= at:
            if how.is_direct(subject.n_layers) and not reads:
                now = predicted
            else:
                passed = rerun(subject, changes, how, at, keep=reads, pause=pause)
                pos = torch.tensor([at], device=passed.last.device)
                now = subject.final(passed.last[-1:], pos, frozen=how.norms)[0]
                first, kept = passed.first, passed.reads if reads else {}
    check_finite(now, predicted)
    notes = tuple(_notes(subject, changes, how, at, found))
    return Outcome(how, at, before, now, predicted, changes, first, kept, notes)


def check_finite(*logits: Tensor) -> None:
    """GraphError if the model overflowed under an intervention."""
    if not all(bool(values.isfinite().all()) for values in logits):
        raise GraphError("The model overflows under these changes; choose smaller values.")


def changed_features(
    subject: Subject, outcome: Outcome, n: int = 20, pause: Pause = go_on
) -> tuple[ChangedFeature, ...]:
    """The ``n`` features whose activation changed most by the write of their decoders, strongest first.

    The features intervened on are left out. GraphError if the outcome was made without ``reads``.
    """
    if not outcome.reads and outcome.first <= outcome.at:
        raise GraphError("The outcome holds no reads; intervene again with reads=True.")
    start, moved = direct_reads(subject, outcome.changes, outcome.at)
    edited = {(place.layer, place.index) for place in _places(outcome.changes) if place.kind is Kind.FEATURE}
    found: list[tuple[float, ChangedFeature]] = []
    with torch.no_grad():
        for layer, read in outcome.reads.items():
            found += _changed(subject, outcome, layer, read, moved.get(layer), start, n, pause)
    found = [(size, one) for size, one in found if (one.layer, one.feature) not in edited]
    return tuple(one for _, one in sorted(found, key=lambda pair: -pair[0])[:n])


def _changed(
    subject: Subject,
    outcome: Outcome,
    layer: int,
    read: Tensor,
    moved: Tensor | None,
    start: int,
    n: int,
    pause: Pause,
) -> list[tuple[float, ChangedFeature]]:
    """The most changed features of a layer, with the size of each change; predicted for these alone."""
    transcoder, zero = subject.transcoders.layers[layer], subject.transcoders.zero_positions
    pos = torch.arange(outcome.first, outcome.first + len(read), device=read.device)
    clean = subject.clean_read(layer, pos).to(read)
    direct = clean.clone()
    if moved is not None:
        direct[start - outcome.first :] += moved.to(read)
    written = transcoder.W_dec.to(read).norm(dim=-1).norm(dim=-1)
    found: list[tuple[float, ChangedFeature]] = []
    for rows in torch.arange(len(read), device=read.device).split(AT_ONCE):
        pause()
        before, now = (activations(transcoder, x[rows]) for x in (clean, read))
        size = (now - before).abs() * written
        size[pos[rows] < zero] = 0
        top = size.flatten().topk(min(n + len(outcome.changes.all), size.numel()))
        row, chosen = top.indices // size.shape[1], top.indices % size.shape[1]
        predicted = activations(transcoder, direct[rows][row], chosen).diagonal()
        values = torch.stack([before[row, chosen], now[row, chosen], predicted], 1).tolist()
        where = zip(pos[rows][row].tolist(), chosen.tolist(), values, strict=True)
        found += [
            (measure, ChangedFeature(layer, at, index, *three))
            for measure, (at, index, three) in zip(top.values.tolist(), where, strict=True)
            if measure > 0
        ]
    return found


def sweep_layers(
    subject: Subject, interventions: Sequence[Intervention], *, at: int = -1, pause: Pause = go_on
) -> list[tuple[int, Outcome]]:
    """Constrained outcomes with the MLPs held from the first intervened layer up to each later one.

    The effect stays about the same until the held range reaches the layers that read it, then falls
    (transformer-circuits.pub/2025/attribution-graphs/methods.html).
    """
    check(interventions, subject.room)
    first = plan(interventions).first_layer
    return [
        (last, intervene(subject, interventions, Mode((first, last)), at=at, pause=pause))
        for last in range(first, subject.n_layers)
    ]


def substitution(
    off: Sequence[Place], on: Sequence[Place], strength: Callable[[Place], float], factor: float = 1.0
) -> tuple[Intervention, ...]:
    """Group ``off`` set to 0 and group ``on`` to ``factor`` times its ``strength``; what is in both is on."""
    return (*(place.off() for place in off), *(place.to(factor * strength(place)) for place in on))


def strengths_in(other: Subject, pos: int = -1) -> Callable[[Place], float]:
    """How strong features and neurons are in another prompt, at its position ``pos`` (-1: the last)."""
    at = _position(other, pos)

    def strength(place: Place) -> float:
        if place.kind not in (Kind.FEATURE, Kind.NEURON):
            raise GraphError(f"The {place.kind.value} has no one strength in another prompt; choose features.")
        with torch.no_grad():
            return float(strengths(other, [place], range(at, at + 1)))

    return strength


def _position(subject: Subject, at: int) -> int:
    found = at + subject.n_pos if at < 0 else at
    if not 0 <= found < subject.n_pos:
        raise GraphError(f"Position {at} is outside the prompt (0 to {subject.n_pos - 1}); choose another.")
    return found


def _places(changes: Plan) -> list[Place]:
    return [place for group in changes.by_layer.values() for place in group.places]


def _notes(subject: Subject, changes: Plan, how: Mode, at: int, found: Sequence[Source]) -> list[str]:
    """One sentence for each intervention that does nothing here."""
    moved = {(source.place.layer, source.place.kind, source.place.index) for source in found}
    notes = []
    for place in _places(changes):
        if not any(how.writes(layer) for layer in _written(subject, place)):
            notes.append(f"{place} writes outside the layers that are held, so it has no effect.")
        elif place.positions.first > at:
            notes.append(f"{place} lies behind position {at}, so it has no effect there.")
        elif (place.layer, place.kind, place.index) not in moved:
            remedy = "; an inactive feature needs an absolute value" if place.kind is Kind.FEATURE else ""
            notes.append(f"{place} is as strong as on the clean prompt{remedy}.")
    return [note[0].upper() + note[1:] for note in notes]


def _written(subject: Subject, place: Place) -> range:
    reach = subject.transcoders.layers[place.layer].n_targets if place.kind is Kind.FEATURE else 1
    return range(place.layer, place.layer + reach)
