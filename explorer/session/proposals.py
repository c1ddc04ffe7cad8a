"""Proposals of groups: which shown features are alike, in words, to be accepted or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from explorer.circuits.graph import Bools, NodeKey, NodeKind
from explorer.circuits.proposals import MOST, USUAL, Alike, Likeness, alike
from explorer.circuits.reading import lead, token_shares
from explorer.features.named import Named
from explorer.session.edits import Edits, group
from explorer.session.supernodes import holder
from explorer.session.view import GraphView

LISTED = 2  # nodes that a reason names
SHARED = 0.5  # part of the members' inputs that is the same, from which a proposal may be accepted by default

Labels = Callable[[int, int], Named]  # what the label of a feature (layer, index) names
UNKNOWN = "there is no evidence of what these features read and do"
UNNAMED = "their labels do not all name what they read or raise here"
UNLIKE = "less than half of their inputs is the same"


@dataclass(frozen=True)
class Proposal:
    """A group that is offered: its members, a name and the reason; ``doubt`` is why it is not accepted by default.

    ``about`` are the nodes that the reason says all read or act on, ``coherence`` is the mean likeness of two members,
    ``influence`` their share of the influence of all nodes. An accepted one says only what the labels of all members
    say too.
    """

    members: tuple[NodeKey, ...]
    name: str
    reason: str
    about: tuple[NodeKey, ...]
    coherence: float
    influence: float
    doubt: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is taken by default."""
        return not self.doubt


@dataclass(frozen=True)
class _Same:
    """The token that all members read most, and what all of them raise (or lower); None for nothing."""

    reads: int | None
    does: int | None
    raises: bool = True


def propose(
    view: GraphView, labels: Labels | None = None, likeness: Likeness = USUAL, shared: float = SHARED
) -> tuple[Proposal, ...]:
    """Groups of shown features that are in no supernode yet, the most influential first.

    First those whose ``labels`` agree with the graph on something that all of them read or raise; then, in doubt,
    groups of the other features.
    """
    free = _free(view)
    known = _known(view, free, labels)
    made = []
    for one in _alike(view, free, likeness, known) if labels is not None else ():
        same = _sure(view, one, known)
        if same is not None and one.shared_inputs >= shared:
            made.append(_proposal(view, one, same))
            free[list(one.rows)] = False
    for one in _alike(view, free, likeness, None):
        doubt = UNKNOWN if labels is None else UNLIKE if _sure(view, one, known) is not None else UNNAMED
        made.append(_proposal(view, one, _likely(view, one), doubt))
    return tuple(sorted(made, key=lambda one: -one.influence))


def accept(edits: Edits, proposals: Iterable[Proposal]) -> Edits:
    """``edits`` with a supernode for each of ``proposals``; members that are in a supernode by now stay there."""
    for proposal in proposals:
        keys = [key for key in proposal.members if holder(edits.supernodes, key) is None]
        if len(keys) > 1:
            edits = group(edits, keys, proposal.name)
    return edits


def _free(view: GraphView) -> Bools:
    """(n_nodes) what is shown, without features that are in a supernode."""
    graph, free = view.graph, view.shown.copy()
    for at in [graph.index[key] for one in view.edits.supernodes for key in one.members if key in graph.index]:
        free[at] = graph.nodes.kind[at] != NodeKind.FEATURE and free[at]
    return free


def _known(view: GraphView, free: Bools, labels: Labels | None) -> Bools:
    """[n_nodes, outputs and then positions] what a feature raises straight, or reads most, and its label names too.

    A label that names an output may say that the feature pushes it, or is active on it.
    """
    graph, logits = view.graph, view.graph.block(NodeKind.LOGIT)
    known = np.zeros((len(graph), len(graph.logit_tokens) + graph.n_pos), dtype=bool)
    if labels is None:
        return known
    target, source = graph.edge_target, graph.rows.source
    up = (view.share > 0) & (target >= logits.start) & (target < logits.stop)
    known[source[up], target[up] - logits.start] = True
    read, ahead = lead(token_shares(view.aimed, view.share))
    known[np.arange(len(graph)), len(graph.logit_tokens) + read] = ahead > 0
    said = np.zeros_like(known)
    rows = np.flatnonzero(free & (graph.nodes.kind == NodeKind.FEATURE))
    for row in rows[np.argsort(-view.influence[rows], kind="stable")][:MOST].tolist():
        named = labels(int(graph.nodes.layer[row]), int(graph.nodes.feature[row]))
        outputs = [token.strip() in named.pushes | named.reads for token in graph.logit_tokens]
        said[row] = outputs + [token.strip() in named.reads for token in graph.tokens]
    return known & said


def _alike(view: GraphView, free: Bools, likeness: Likeness, known: Bools | None) -> list[Alike]:
    return alike(view.aimed, free, view.share, view.influence, likeness, known)


def _sure(view: GraphView, one: Alike, known: Bools) -> _Same | None:
    """What all members read and raise by graph and labels; None if that is nothing."""
    common: Bools = np.all(known[list(one.rows)], axis=0)
    first, n_outputs = view.graph.block(NodeKind.LOGIT).start, len(view.graph.logit_tokens)
    raised = [row for row in one.outputs if row >= first and common[row - first]]
    reads = (view.graph.block(NodeKind.EMBEDDING).start + one.token) if common[n_outputs + one.token] else None
    return _Same(reads, raised[0] if raised else None) if raised or reads is not None else None


def _likely(view: GraphView, one: Alike) -> _Same:
    """What all members read and do by the graph alone."""
    tokens = view.graph.block(NodeKind.EMBEDDING)
    row = tokens.start + one.token
    reads = row if one.lead > 0 and row < tokens.stop else None
    return _Same(reads, one.outputs[0] if one.outputs else None, one.raises)


def _proposal(view: GraphView, one: Alike, same: _Same, doubt: str = "") -> Proposal:
    return Proposal(
        members=tuple(view.graph.key(row) for row in one.rows),
        name=_name(view, one, same),
        reason=_reason(view, one, same, "" if doubt else ", as their labels say"),
        about=tuple(view.graph.key(row) for row in (same.reads, same.does) if row is not None),
        coherence=one.coherence,
        influence=float(view.influence[list(one.rows)].sum()) / (float(view.influence.sum()) or 1.0),
        doubt=doubt,
    )


def _name(view: GraphView, one: Alike, same: _Same) -> str:
    """By what they all do to an output, else by what they all read, else by the most influential of them."""
    kind = view.graph.nodes.kind
    if same.does is not None and kind[same.does] == NodeKind.LOGIT:
        return f"{'say' if same.raises else 'not'} {view.label(same.does)}"
    if same.reads is not None and (same.does is None or (one.inputs and kind[one.inputs[0]] == NodeKind.EMBEDDING)):
        return f"read {view.label(same.reads)}"
    return f"like {view.label(one.rows[0])}"


def _reason(view: GraphView, one: Alike, same: _Same, ground: str) -> str:
    """“all read “Dallas” most and raise “Austin”; 82 % of their inputs are the same: “Dallas”, L1 / 37”."""
    done = [f"read {view.label(same.reads)} most"] if same.reads is not None else []
    if same.does is not None:
        done.append(f"{'raise' if same.raises else 'lower'} {view.label(same.does)}")
    who = "both" if len(one.rows) == 2 else "all"
    inputs = f"{100 * one.shared_inputs:.0f} % of their inputs are the same"
    if one.inputs:
        inputs += ": " + ", ".join(view.label(row) for row in one.inputs[:LISTED])
    return f"{who} {' and '.join(done)}{ground}; {inputs}" if done else inputs
