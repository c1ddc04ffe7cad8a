"""What the canvas shows of a view under a selection, as arrays: which links, how strong, which marks are lit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.circuits.graph import Floats, Ints, NodeKind
from explorer.session.overlay import Overlay
from explorer.session.theme import RAMP, ramp_step
from explorer.session.view import GraphView
from explorer.ui.canvas.hues import hue_of

MOST_LIT = 6_000
REST = 0
LOWER = 1  # states 1 to 5 lower, 6 to 10 raise, by step
RAISE = 1 + len(RAMP)
HIDDEN = RAISE + len(RAMP)
SIDE = HIDDEN + 1  # of an overlay: from here for each Status its steps


@dataclass(frozen=True, eq=False)
class Links:
    """Some links, strongest first: ``edge`` is the row, ``strength`` relative to the strongest (0 to 1).

    ``hue`` says which of the ``hues`` of the view a link has.
    """

    edge: Ints
    source: Ints
    target: Ints
    weight: Floats
    strength: Floats
    hue: Ints
    total: int  # how many there are, drawn or not

    def __len__(self) -> int:
        return len(self.edge)


@dataclass(frozen=True, eq=False)
class Scene:
    """``state`` (n_nodes) is how a mark is drawn: REST, LOWER + step, RAISE + step or HIDDEN; of an overlay also
    SIDE + steps of each Status + step."""

    view: GraphView
    selection: tuple[int, ...]
    links: Links
    inputs: Links
    outputs: Links
    state: NDArray[np.int8]

    @property
    def current(self) -> int | None:
        return self.selection[-1] if self.selection else None


def scene(view: GraphView, selection: tuple[int, ...], old: Scene | None = None) -> Scene:
    """The scene; the resting links are taken from ``old`` if they are the same."""
    links = old.links if old is not None and old.view is view else strongest(view, view.edits.drawn)
    chosen = np.array(selection, dtype=np.int64)
    inputs, outputs = _touching(view, chosen)
    return Scene(view, selection, links, inputs, outputs, _states(view, chosen, inputs, outputs))


def strongest(view: GraphView, budget: int) -> Links:
    """The links that carry most influence: the share in the target's input times the target's influence."""
    graph = view.graph
    edges = np.flatnonzero(view.links)
    reach = view.influence + graph.target_weight
    score = np.abs(view.share[edges]) * reach[graph.edge_target[edges]]
    return _links(view, edges, score, budget)


def _links(view: GraphView, edges: Ints, score: Floats, most: int) -> Links:
    total = len(edges)
    if total > most:
        kept = np.argpartition(-score, most)[:most]
        edges, score = edges[kept], score[kept]
    order = np.argsort(-score, kind="stable")
    edges, score = edges[order], score[order]
    graph = view.graph
    top = float(score[0]) if len(score) and score[0] > 0 else 1.0
    return Links(
        edges,
        graph.rows.source[edges].astype(np.int64),
        graph.edge_target[edges].astype(np.int64),
        graph.rows.weight[edges].astype(np.float64),
        score / top,
        hue_of(view, edges),
        total,
    )


def _touching(view: GraphView, chosen: Ints) -> tuple[Links, Links]:
    """Links into and out of the chosen nodes; of a hidden node, all that end at a shown one."""
    graph = view.graph
    if not len(chosen):
        none = np.zeros(0, dtype=np.int64)
        return _links(view, none, np.zeros(0), 0), _links(view, none, np.zeros(0), 0)
    spans = [np.arange(graph.rows.start[node], graph.rows.start[node + 1]) for node in chosen.tolist()]
    into = np.concatenate(spans)
    if len(chosen) == 1:
        out = np.flatnonzero(graph.rows.source == chosen[0])
    else:
        out = np.flatnonzero(np.isin(graph.rows.source, chosen))
    into = into[_drawn(view, into, graph.rows.source[into], graph.edge_target[into])]
    out = out[_drawn(view, out, graph.edge_target[out], graph.rows.source[out])]
    both = [
        _links(view, edges, np.abs(graph.rows.weight[edges]).astype(np.float64), MOST_LIT)
        for edges in (into, out)
    ]
    return both[0], both[1]


def _drawn(
    view: GraphView, edges: Ints, far: NDArray[np.int32], near: NDArray[np.int32]
) -> NDArray[np.bool_]:
    if_hidden = view.shown[far] & ~view.shown[near] & (view.graph.rows.weight[edges] != 0)
    return np.asarray(view.links[edges] | if_hidden)


def _states(view: GraphView, chosen: Ints, inputs: Links, outputs: Links) -> NDArray[np.int8]:
    state = np.where(view.shown, REST, HIDDEN).astype(np.int8)
    if isinstance(view, Overlay):
        return _sides(view, state, chosen, inputs, outputs)
    if not len(chosen):
        size = np.abs(view.effect)
        features = view.shown & (view.graph.nodes.kind == NodeKind.FEATURE)
        top = float(size[features].max(initial=0.0))
        lit = view.shown & (view.effect != 0) & (view.graph.nodes.kind != NodeKind.LOGIT)
        if top > 0:
            state[lit] = _lit(size[lit] / top, view.effect[lit])
        return state
    state[outputs.target] = _lit(outputs.strength, outputs.weight)
    state[inputs.source] = _lit(inputs.strength, inputs.weight)
    return state


def _sides(
    view: Overlay, state: NDArray[np.int8], chosen: Ints, inputs: Links, outputs: Links
) -> NDArray[np.int8]:
    """In which graph each node is, by how much its influence differs, or the weight of its link to the selection."""
    first = SIDE + len(RAMP) * view.found.status.astype(np.int64)
    if len(chosen):
        told = view.shown & (view.graph.nodes.kind != NodeKind.ERROR)
        state[told] = first[told]
        for ends, links in ((outputs.target, outputs), (inputs.source, inputs)):
            state[ends] = first[ends] + ramp_step(links.strength)
        return state
    differs = np.abs(view.found.influence)
    top = float(differs[view.shown].max(initial=0.0))
    state[view.shown] = (first + ramp_step(differs / (top if top > 0 else 1.0)))[view.shown]
    return state


def _lit(strength: Floats, value: Floats) -> NDArray[np.int64]:
    return np.where(value < 0, LOWER, RAISE) + ramp_step(strength)
