"""Proposals of groups: which shown features are alike, in words, to be accepted or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.circuits.proposals import USUAL, Alike, Likeness, alike
from explorer.session.edits import Edits, group
from explorer.session.supernodes import holder
from explorer.session.view import GraphView

LISTED = 2  # nodes that a reason names
SHARED = 0.5  # part of the members' inputs that is the same, from which a proposal is taken by default


@dataclass(frozen=True)
class Proposal:
    """A group that is offered: its members, a name and the reason; ``accepted`` whether it is taken by default.

    ``token`` is the position that the members read most, ``coherence`` the mean likeness of two members, ``influence``
    their share of the influence of all nodes.
    """

    members: tuple[NodeKey, ...]
    name: str
    reason: str
    token: int
    coherence: float
    influence: float
    accepted: bool


def propose(view: GraphView, likeness: Likeness = USUAL, shared: float = SHARED) -> tuple[Proposal, ...]:
    """Groups of shown features that are in no supernode yet, the most influential first."""
    graph = view.graph
    free = view.shown.copy()
    for at in [graph.index[key] for one in view.edits.supernodes for key in one.members if key in graph.index]:
        free[at] = False
    free |= view.shown & (graph.nodes.kind != NodeKind.FEATURE)
    found = alike(view.aimed, free, view.share, view.influence, likeness)
    total = float(view.influence.sum()) or 1.0
    return tuple(
        Proposal(
            members=tuple(graph.key(row) for row in one.rows),
            name=_name(view, one),
            reason=_reason(view, one),
            token=one.token,
            coherence=one.coherence,
            influence=float(view.influence[list(one.rows)].sum()) / total,
            accepted=one.shared_inputs >= shared and one.lead >= 0,
        )
        for one in found
    )


def accept(edits: Edits, proposals: Iterable[Proposal]) -> Edits:
    """``edits`` with a supernode for each of ``proposals``; members that are in a supernode by now stay there."""
    for proposal in proposals:
        keys = [key for key in proposal.members if holder(edits.supernodes, key) is None]
        if len(keys) > 1:
            edits = group(edits, keys, proposal.name)
    return edits


def _name(view: GraphView, one: Alike) -> str:
    """By what they all do to an output, else by what they all read, else by the most influential of them."""
    kind = view.graph.nodes.kind
    if one.outputs and kind[one.outputs[0]] == NodeKind.LOGIT:
        return f"{'say' if one.raises else 'not'} {view.label(one.outputs[0])}"
    if one.inputs and kind[one.inputs[0]] == NodeKind.EMBEDDING:
        return f"reads {view.label(one.inputs[0])}"
    return f"like {view.label(one.rows[0])}"


def _reason(view: GraphView, one: Alike) -> str:
    """“all read “Dallas” most and raise “Austin”; 82 % of their inputs are the same: “Dallas”, L1 / 37”."""
    graph = view.graph
    read = [graph.block(NodeKind.EMBEDDING).start + one.token] if one.lead > 0 else []
    done = [f"read {view.label(row)} most" for row in read if row < graph.block(NodeKind.EMBEDDING).stop]
    if one.outputs:
        done.append(f"{'raise' if one.raises else 'lower'} {view.label(one.outputs[0])}")
    who = "both" if len(one.rows) == 2 else "all"
    same = f"{100 * one.shared_inputs:.0f} % of their inputs are the same"
    if one.inputs:
        same += ": " + ", ".join(view.label(row) for row in one.inputs[:LISTED])
    return f"{who} {' and '.join(done)}; {same}" if done else same
