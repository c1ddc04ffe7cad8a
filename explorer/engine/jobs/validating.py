"""The job that tests a graph against its model: what it predicts, then what the model does (docs/validation.md).

All predictions are written to the journal before anything is measured, and every measurement as soon as it is made, so
that a run that was cancelled or killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.circuits.graph import Graph, NodeKey, NodeKind
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.influence import row_mass
from explorer.circuits.predicted import predict, target_weight
from explorer.engine.jobs.opening import changed_weights, fingerprint, stopping
from explorer.engine.jobs.subjects import asked
from explorer.engine.jobs.targets import contrasts
from explorer.engine.state import EngineState
from explorer.errors import GraphError, LoadError
from explorer.io import validation_file as journal
from explorer.session.validation import Question, assemble, question_of, to_message
from explorer.work import Pause, Progress, Work

if TYPE_CHECKING:
    from explorer.circuits.interventions import Intervention
    from explorer.circuits.measured import Explained, State
    from explorer.circuits.modes import Mode
    from explorer.circuits.subject import Subject

LIMIT = 1e6  # of a factor
Entry = dict[str, Any]

MEASURED_WITH = "weights"  # the entry that names model and transcoders


@dataclass(frozen=True)
class Step:
    """One measurement: the name of its entry, what the window says meanwhile, and how it is made."""

    name: str
    text: str
    make: Callable[[], Entry]


def validate(
    state: EngineState,
    *,
    head: Mapping[str, Any],
    arrays: Mapping[str, Any],
    question: Mapping[str, Any],
    afresh: bool = False,
    layers: bool = True,
    model: str,
    **where: Any,
) -> Work[Mapping[str, object]]:
    """The Validation of a graph as a message; partial results as it grows.

    ``question`` is a Question's message. ``afresh`` forgets what was measured before; ``layers`` also pushes the
    replacement model. ``where``: transcoders or neurons, device, dtype, threads, told, as for attribute.
    """
    graph, wanted = from_arrays(head, arrays), question_of(question)
    if not abs(wanted.factor) <= LIMIT or wanted.factor == 1.0:
        raise GraphError(f"The factor {wanted.factor:g} tests nothing; choose 0 to switch off, or another than 1.")
    bench = yield from _bench(state, graph, wanted, {"model": model, **where})
    _check_made_with(state, graph, model, bench.subject)
    path = journal.journal_path(graph, wanted.factor, wanted.mode, str(where.get("dtype", "float32")))
    if afresh:
        journal.forget(path)
    entries = journal.read(path)
    measured_with = {"model": fingerprint(state, model), "transcoders": bench.subject.transcoders.sha256}
    if not _may_go_on(wanted, graph, entries, measured_with):
        journal.forget(path)
        entries = {}
        journal.append(path, {MEASURED_WITH: measured_with})
        entries |= {MEASURED_WITH: measured_with}
    first = _before(bench, entries)
    if first:
        journal.append(path, first)
        entries |= first
    answer = partial(_answer, wanted, graph, entries)
    steps = [*bench.steps(layers=layers)]
    for done, step in enumerate(steps):
        if step.name in entries:
            continue
        yield Progress(done, len(steps), step.text, answer)
        with stopping(state, bench.subject.model):
            made = {step.name: step.make()}
        journal.append(path, made)
        entries |= made
    return {**answer(), "journal": str(path)}


@dataclass(frozen=True)
class Bench:
    """A graph on its subject, with all that a measurement needs."""

    graph: Graph
    wanted: Question
    subject: Subject
    how: Mode
    direct: Mode
    of: Explained
    clean: State
    other: Subject | None
    pause: Pause

    def steps(self, *, layers: bool) -> Iterator[Step]:
        """Every measurement, the circuit's first: it is what is asked for, and few."""
        wanted, id = self.wanted, self.wanted.circuit_id
        if wanted.circuit:
            yield Step(f"necessity {id}", "Switching the circuit off", self.necessity)
            yield Step(f"sufficiency {id} {wanted.counterpart}", "Running the circuit alone", self.sufficiency)
            chosen = self.matched()
            yield Step(f"matched {id} {wanted.seed}", "Drawing controls", partial(self.matched_effect, *chosen))
            for draw, keys in enumerate(chosen[1]):
                name = f"control {id} {wanted.seed} {draw}"
                yield Step(name, "Measuring controls", partial(self.control, keys))
        for thing in wanted.things:
            yield Step(f"measured {thing.id}", "Measuring effects", partial(self.measured, thing.members))
        if layers:
            yield from self.pushes()

    def measured(self, members: Sequence[NodeKey]) -> Entry:
        """The direct and the knock-on effect of one thing."""
        from explorer.circuits.measured import state_after

        made = _set(members, self.wanted.factor)
        direct = state_after(self.subject, self.of, made, self.direct, self.pause)
        now = state_after(self.subject, self.of, made, self.how, self.pause)
        moved = {"direct": direct.logit - self.clean.logit, "total": now.logit - self.clean.logit}
        return {**moved, "probability": now.probability, "kl": now.kl}

    def necessity(self) -> Entry:
        from explorer.circuits.measured import state_after

        now = state_after(self.subject, self.of, _set(self.wanted.circuit, 0.0), self.how, self.pause)
        return {f"without_{name}": value for name, value in asdict(now).items()}

    def sufficiency(self) -> Entry:
        from explorer.circuits.measured import state_of
        from explorer.circuits.replaced import only, replaced_logits

        found = []
        for keys in (self.wanted.circuit, ()):
            acting = only(self.subject, keys, self.other)
            logits = replaced_logits(self.subject, acting, self.how, self.of.positions, self.pause)
            found.append(state_of(self.subject, self.of, logits))
        alone, empty = found
        return {"alone_logit": alone.logit, "alone_probability": alone.probability, "empty_logit": empty.logit}

    def live(self) -> dict[NodeKey, float]:
        """All features that are on, with their activations."""
        features = self.subject.local.features
        columns = (features.layer.tolist(), features.pos.tolist(), features.feature.tolist())
        keys = (NodeKey(int(NodeKind.FEATURE), *row) for row in zip(*columns, strict=True))
        return dict(zip(keys, features.activation.tolist(), strict=True))

    def matched(self) -> tuple[tuple[NodeKey, ...], tuple[tuple[NodeKey, ...], ...]]:
        from explorer.circuits.controls import matched

        found = matched(self.wanted.circuit, list(self.live().items()), self.wanted.controls, self.wanted.seed)
        return (found.members, found.draws if found.members else ())

    def matched_effect(self, members: Sequence[NodeKey], draws: Sequence[Sequence[NodeKey]]) -> Entry:
        live = self.live()
        theirs = [live[key] for draw in draws for key in draw]
        means = [float(np.mean([live[key] for key in members])), float(np.mean(theirs))] if theirs else None
        return {
            "features": sum(key.kind == NodeKind.FEATURE for key in self.wanted.circuit),
            "matched": len(members),
            "matched_effect": self.control(members)["effect"],
            **({"activations": means} if means else {}),
        }

    def control(self, keys: Sequence[NodeKey]) -> Entry:
        """What switching those off does."""
        from explorer.circuits.measured import state_after

        now = state_after(self.subject, self.of, _set(keys, 0.0), self.how, self.pause)
        return {"effect": now.logit - self.clean.logit}

    def pushes(self) -> Iterator[Step]:
        from explorer.circuits.faithfulness import KINDS, SIZES, faithfulness

        def make(start: int, kind: str, size: float) -> Entry:
            rows = faithfulness(self.subject, start, kind, size, seed=self.wanted.seed, pause=self.pause)
            return {"rows": [asdict(row) for row in rows]}

        for start in range(self.subject.n_layers):
            for kind in KINDS:
                for size in SIZES:
                    name = f"layer {start} {kind} {size:g} {self.wanted.seed}"
                    yield Step(name, "Pushing the replacement model", partial(make, start, kind, size))


def _bench(state: EngineState, graph: Graph, wanted: Question, where: Mapping[str, Any]) -> Work[Bench]:
    from explorer.circuits.doubling import active_rows
    from explorer.circuits.measured import explained, state_after
    from explorer.circuits.modes import mode

    per_cell = int(graph.provenance.get("neurons_per_cell", 0))
    if per_cell:
        where = {**where, "neurons": True, "neurons_per_cell": per_cell, "transcoders": ""}
    other = None
    if wanted.counterpart:
        other = (yield from asked(state, text=wanted.counterpart, **where)).subject
    ready = yield from asked(state, token_ids=graph.token_ids.tolist(), mode=wanted.mode, **where)
    subject = ready.subject
    active_rows(subject.local, graph)
    pairs = contrasts(subject.model, graph.provenance.get("targets") or {})
    of, direct = explained(graph, subject.model.d_vocab, pairs), mode("direct", subject.n_layers)
    clean = state_after(subject, of, [], direct)
    return Bench(graph, wanted, subject, ready.how, direct, of, clean, other, state.raise_if_stopped)


def _before(bench: Bench, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """What is known before the first measured run, as far as it is not there: the clean state and all predictions."""
    graph = bench.graph
    found: dict[str, Entry] = {}
    if "target" not in entries:
        mass = float((target_weight(graph) * row_mass(graph, count_bias=True)).sum())
        text = graph.logit_tokens[int(graph.target_weight[graph.block(NodeKind.LOGIT)].argmax())]
        clean = {"logit": bench.clean.logit, "probability": bench.clean.probability}
        found["target"] = {"text": text.strip(), **clean, "mass": mass}
    new = [thing for thing in bench.wanted.things if f"predicted {thing.id}" not in entries]
    rows = [np.array([graph.index[key] for key in thing.members]) for thing in new]
    values = predict(graph, rows, bench.wanted.factor)
    for number, thing in enumerate(new):
        row = {name: float(getattr(values, name)[number]) for name in ("direct", "total", "linear")}
        found[f"predicted {thing.id}"] = row
    return found


def _set(keys: Sequence[NodeKey], factor: float) -> list[Intervention]:
    from explorer.circuits.interventions import members

    return [place.times(factor) for place in members("", keys)] if keys else []


def _answer(wanted: Question, graph: Graph, entries: Mapping[str, Entry]) -> dict[str, Any]:
    keys = {key for thing in wanted.things if len(thing.members) == 1 for key in thing.members}
    activation = {str(key): float(graph.nodes.activation[graph.index[key]]) for key in keys}
    return to_message(assemble(wanted, activation, entries))


def _may_go_on(
    wanted: Question, graph: Graph, entries: Mapping[str, Entry], measured_with: Mapping[str, str]
) -> bool:
    """Whether what a journal holds is of this model and these transcoders, and whole."""
    if entries.get(MEASURED_WITH) != measured_with:
        return False
    try:
        _answer(wanted, graph, entries)
    except LoadError:
        return False
    return True


def _check_made_with(state: EngineState, graph: Graph, model: str, subject: Subject) -> None:
    """GraphError if the graph is of other weights: its predictions would be tested on what they are not of."""
    for name in changed_weights(state, graph, model, subject.transcoders):
        raise GraphError(f"This graph was made with other weights of the {name} than are open; open those.")
