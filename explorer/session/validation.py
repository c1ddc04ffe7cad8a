"""Validation: what is to be tested of a graph, and what came of it, as values.

A Question names the things that are changed in the model and the circuit that is tested as a whole. What is found out
is kept as a mapping of entries by name (io.validation_file writes them one by one); ``assemble`` makes the Validation
of whatever entries there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import nan
from typing import Any

import numpy as np

from explorer.circuits.graph import Bools, NodeKey, NodeKind
from explorer.circuits.layer_faithfulness import LayerFaithfulness
from explorer.errors import GraphError, LoadError
from explorer.session import supernodes
from explorer.session.view import GraphView

SCOPES = ("pinned", "shown", "all", "cells")
TESTED = (NodeKind.FEATURE, NodeKind.ERROR)  # what the model can be changed in; tokens, biases and outputs it cannot
Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Thing:
    """What is changed at once: a node, a supernode, or all features of a layer at a position."""

    key: str
    label: str
    members: tuple[NodeKey, ...]

    @property
    def id(self) -> str:
        """What its entries are named by: its members, so that a supernode that was changed is tested again."""
        if len(self.members) == 1:
            return str(self.members[0])
        return _digest(self.members)


@dataclass(frozen=True)
class Question:
    """What is tested: each of ``things`` set to ``factor`` times what it is, in ``mode``, and the ``circuit``.

    ``is_pinned``: the circuit is what a person pinned or grouped; else it is what the thresholds show. ``counterpart``
    is the prompt in which what lies outside the circuit has its values; "" for zero. ``controls`` are drawn, and
    layers pushed, with ``seed``.
    """

    things: tuple[Thing, ...]
    circuit: tuple[NodeKey, ...]
    is_pinned: bool
    factor: float = 0.0
    mode: str = "iterative"
    controls: int = 20
    seed: int = 0
    counterpart: str = ""

    @property
    def circuit_id(self) -> str:
        return _digest(self.circuit)


@dataclass(frozen=True)
class Effect:
    """A thing with its predicted and measured effects on the explained logit (circuits.predicted says of which unit).

    ``layer`` and ``pos`` are those of its first member, ``activation`` is NaN of groups and errors. What is not
    measured yet is NaN; ``kl`` is how far the next token's distribution moved, in nats.
    """

    key: str
    label: str
    members: tuple[str, ...]
    layer: int
    pos: int
    activation: float
    predicted_direct: float = nan
    predicted_total: float = nan
    predicted_linear: float = nan
    measured_direct: float = nan
    measured_total: float = nan
    probability: float = nan
    kl: float = nan


@dataclass(frozen=True)
class CircuitTest:
    """The circuit of ``n`` nodes off (``without``), alone (``alone``) and with nothing at all (``empty``).

    ``matched_effect`` is what the ``matched`` features alone do that have controls, ``controls`` what each draw of as
    many others does, ``activations`` their means: of the matched features and of the controls.
    """

    n: int
    is_pinned: bool
    without_logit: float = nan
    without_probability: float = nan
    without_kl: float = nan
    alone_logit: float = nan
    alone_probability: float = nan
    empty_logit: float = nan
    rest: str = ""
    features: int = 0
    matched: int = 0
    matched_effect: float = nan
    controls: tuple[float, ...] = ()
    activations: tuple[float, float] = (nan, nan)


@dataclass(frozen=True)
class Validation:
    """What is known so far. ``mass``: the targets' whole absolute input, by weight, to which errors are relative."""

    factor: float
    mode: str
    target: str
    logit: float
    probability: float
    mass: float
    effects: tuple[Effect, ...]
    circuit: CircuitTest
    layers: tuple[LayerFaithfulness, ...]

    @property
    def measured(self) -> tuple[Effect, ...]:
        return tuple(one for one in self.effects if one.measured_total == one.measured_total)


def question(view: GraphView, only: str = "shown", **how: Any) -> Question:
    """What there is to test of ``view``: of its nodes the pinned, the shown or all ones, and the supernodes.

    ``cells`` are the features of each layer at each position, whatever is shown. GraphError if there is nothing.
    """
    if only not in SCOPES:
        raise GraphError(f"There is nothing “{only}” to test; choose one of {', '.join(SCOPES)}.")
    groups = _groups(view)
    pinned = _known(view, [*view.edits.pinned, *(key for group in groups for key in group.members)])
    shown = _nodes(view, view.shown)
    nodes = {"pinned": _known(view, view.edits.pinned), "shown": shown, "all": _nodes(view, None), "cells": ()}[only]
    things = (*_cells(view),) if only == "cells" else (*(_thing(view, key) for key in nodes), *groups)
    if not things:
        raise GraphError("There is no feature or error node to test; pin some, or loosen the thresholds.")
    return Question(things, pinned or shown, bool(pinned), **how)


def assemble(asked: Question, activation: Mapping[str, float], entries: Entries) -> Validation:
    """What ``entries`` say of what is ``asked``; ``activation`` by node. LoadError if they are damaged."""
    try:
        return _assembled(asked, activation, entries)
    except (KeyError, TypeError, ValueError) as error:
        raise LoadError("What was measured before is damaged; measure it anew.") from error


def _assembled(asked: Question, activation: Mapping[str, float], entries: Entries) -> Validation:
    about = entries.get("target", {})
    return Validation(
        factor=asked.factor,
        mode=asked.mode,
        target=str(about.get("text", "")),
        logit=float(about.get("logit", nan)),
        probability=float(about.get("probability", nan)),
        mass=float(about.get("mass", nan)),
        effects=tuple(_effect(one, activation, entries) for one in asked.things),
        circuit=_circuit(asked, entries),
        layers=tuple(
            LayerFaithfulness(**row)
            for name in entries
            if name.startswith("layer ") and name.endswith(f" {asked.seed}")
            for row in entries[name]["rows"]
        ),
    )


def to_message(value: Question | Validation) -> dict[str, Any]:
    """``value`` as JSON values."""
    made = asdict(value)
    if isinstance(value, Question):
        made["circuit"] = [str(key) for key in value.circuit]
        made["things"] = [
            {"key": one.key, "label": one.label, "members": [str(key) for key in one.members]} for one in value.things
        ]
    return made


def question_of(message: Mapping[str, Any]) -> Question:
    """The Question that ``to_message`` wrote; GraphError if a node in it is none."""

    def keys(written: Iterable[str]) -> tuple[NodeKey, ...]:
        return tuple(NodeKey.parse(key) for key in written)

    things = tuple(Thing(one["key"], one["label"], keys(one["members"])) for one in message["things"])
    return Question(**{**message, "things": things, "circuit": keys(message["circuit"])})


def validation_of(message: Mapping[str, Any]) -> Validation:
    """The Validation that ``to_message`` wrote."""
    circuit = {**message["circuit"]}
    for name in ("controls", "activations"):
        circuit[name] = tuple(circuit[name])
    effects = tuple(Effect(**{**one, "members": tuple(one["members"])}) for one in message["effects"])
    layers = tuple(LayerFaithfulness(**row) for row in message["layers"])
    return Validation(**{**message, "circuit": CircuitTest(**circuit), "effects": effects, "layers": layers})


def _effect(one: Thing, activation: Mapping[str, float], entries: Entries) -> Effect:
    first, alone = one.members[0], len(one.members) == 1
    predicted, measured = (entries.get(f"{name} {one.id}", {}) for name in ("predicted", "measured"))
    return Effect(
        key=one.key,
        label=one.label,
        members=tuple(str(key) for key in one.members),
        layer=first.layer,
        pos=first.pos,
        activation=activation.get(str(first), nan) if alone else nan,
        predicted_direct=float(predicted.get("direct", nan)),
        predicted_total=float(predicted.get("total", nan)),
        predicted_linear=float(predicted.get("linear", nan)),
        measured_direct=float(measured.get("direct", nan)),
        measured_total=float(measured.get("total", nan)),
        probability=float(measured.get("probability", nan)),
        kl=float(measured.get("kl", nan)),
    )


def _circuit(asked: Question, entries: Entries) -> CircuitTest:
    id, n = asked.circuit_id, len(asked.circuit)
    found: dict[str, Any] = {}
    for name in (f"necessity {id}", f"sufficiency {id} {asked.counterpart}", f"matched {id} {asked.seed}"):
        found |= entries.get(name, {})
    draws = [entries.get(f"control {id} {asked.seed} {draw}") for draw in range(asked.controls)]
    if "activations" in found:
        found["activations"] = tuple(found["activations"])
    known = tuple(float(one["effect"]) for one in draws if one is not None)
    return CircuitTest(n, asked.is_pinned, rest=asked.counterpart or "zero", controls=known, **found)


def _digest(keys: Iterable[NodeKey]) -> str:
    return hashlib.sha256(" ".join(sorted(str(key) for key in keys)).encode()).hexdigest()[:16]


def _known(view: GraphView, keys: Iterable[NodeKey]) -> tuple[NodeKey, ...]:
    """Those of ``keys`` that the graph has and the model can be changed in."""
    return tuple(key for key in dict.fromkeys(keys) if key in view.graph.index and key.kind in TESTED)


def _nodes(view: GraphView, which: Bools | None) -> tuple[NodeKey, ...]:
    rows = np.flatnonzero(np.isin(view.graph.nodes.kind, TESTED) & (True if which is None else which))
    return tuple(view.graph.key(int(row)) for row in rows)


def _thing(view: GraphView, key: NodeKey) -> Thing:
    return Thing(str(key), view.label(view.graph.index[key]), (key,))


def _groups(view: GraphView) -> tuple[Thing, ...]:
    found: list[Thing] = []
    for group in view.edits.supernodes:
        members = _known(view, supernodes.members_below(view.edits.supernodes, group.id))
        if members:
            found.append(Thing(group.id, group.name, members))
    return tuple(found)


def _cells(view: GraphView) -> Sequence[Thing]:
    cells: dict[tuple[int, int], list[NodeKey]] = {}
    for key in _nodes(view, view.graph.nodes.kind == NodeKind.FEATURE):
        cells.setdefault((key.layer, key.pos), []).append(key)
    return [
        Thing(f"cell:{layer}:{pos}", f"L{layer} · {view.graph.tokens[pos].strip()}", tuple(keys))
        for (layer, pos), keys in cells.items()
    ]
