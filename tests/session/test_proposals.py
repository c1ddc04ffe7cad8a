"""Proposals of groups, in words."""

from __future__ import annotations

import pytest

from explorer.circuits.graph import NodeKey
from explorer.features.named import Named
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.proposals import UNKNOWN, UNLIKE, UNNAMED, Labels, accept, propose
from explorer.session.view import GraphView, resolve
from tests.circuits import by_hand
from tests.circuits.test_proposals import EDGES, OTHER, OUT, A, B, C

GRAPH = by_hand.graph(EDGES, {OUT: 0.6, OTHER: 0.4})
FIRST, SECOND = NodeKey.parse(A), NodeKey.parse(B)
ALL = Edits(1.0, 1.0)
READS, PUSHES = Named(reads=frozenset({"t0"})), Named(pushes=frozenset({"out1"}))


def view(edits: Edits = ALL) -> GraphView:
    return resolve(GRAPH, edits)


def say(**labels: Named) -> Labels:
    """Labels of the features ``f4`` (A), ``f5`` (B)... of layer 0; the others have none."""
    return lambda layer, feature: labels.get(f"f{feature}", Named())


def test_a_proposal_says_what_its_members_read_and_do() -> None:
    (found,) = propose(view())
    assert set(found.members) == {FIRST, SECOND}
    assert found.name == "say “out1”"
    expected = "both read “t0” most and raise “out1”; 100 % of their inputs are the same: “t0”, “t1”"
    assert (found.reason, found.doubt) == (expected, UNKNOWN)
    assert list(map(str, found.about)) == ["embedding:-1:0:1", OUT]


@pytest.mark.parametrize(("label", "name", "said"), [
    (READS, "read “t0”", "both read “t0” most, as their labels say"),
    (PUSHES, "say “out1”", "both raise “out1”, as their labels say"),
    (Named(reads=frozenset({"out1"})), "say “out1”", "both raise “out1”, as their labels say"),
    (Named(READS.reads, PUSHES.pushes), "say “out1”", "both read “t0” most and raise “out1”, as their labels say"),
])  # fmt: skip
def test_what_all_labels_say_too_is_accepted_and_nothing_else_is_said(label: Named, name: str, said: str) -> None:
    (found,) = propose(view(), say(f4=label, f5=label))
    assert (found.accepted, found.name) == (True, name)
    assert found.reason == f"{said}; 100 % of their inputs are the same: “t0”, “t1”"


@pytest.mark.parametrize(("one", "other"), [
    (READS, Named()),  # a member without a label
    (READS, PUSHES),  # labels that say different things
    (Named(reads=frozenset({"t1"})),) * 2,  # what neither reads most
    (Named(pushes=frozenset({"out0", "t0"})),) * 2,  # what neither raises, and what neither is active on
])  # fmt: skip
def test_what_labels_do_not_agree_on_is_offered_in_doubt(one: Named, other: Named) -> None:
    (found,) = propose(view(), say(f4=one, f5=other))
    assert (found.accepted, found.doubt) == (False, UNNAMED)
    assert found.reason.startswith("both read “t0” most and raise “out1”;")


def test_members_whose_labels_agree_are_parted_from_those_whose_labels_do_not() -> None:
    third, fourth = "feature:0:1:8", "feature:0:1:9"
    edges = {**EDGES, **{(t.replace(A, new), s.replace(A, new)): w
                         for new in (third, fourth) for (t, s), w in EDGES.items() if A in (t, s)}}  # fmt: skip
    seen = resolve(by_hand.graph(edges, {OUT: 0.6, OTHER: 0.4}), ALL)
    assert [len(one.members) for one in propose(seen)] == [4]
    parted = propose(seen, say(f4=READS, f5=READS))
    assert {(one.accepted, frozenset(map(str, one.members))) for one in parted} == {
        (True, frozenset({A, B})), (False, frozenset({third, fourth})),
    }  # fmt: skip


def test_labels_of_people_stand_in_the_reason() -> None:
    edits = edit.set_label(Edits(1.0, 1.0), NodeKey.parse(OUT), "the answer")
    assert propose(view(edits))[0].name == "say the answer"


def test_a_proposal_whose_members_share_too_little_is_offered_but_not_accepted() -> None:
    graph = by_hand.graph({**EDGES, (B, "embedding:-1:0:1"): 3.0, (B, "embedding:-1:1:2"): 2.0}, {OUT: 0.6, OTHER: 0.4})
    seen, labels = resolve(graph, ALL), say(f4=READS, f5=READS)
    above, below = (propose(seen, labels, shared=0.6 + 0.2 + off)[0] for off in (-0.01, 0.01))
    assert (above.doubt, below.doubt) == ("", UNLIKE)
    assert "80 % of their inputs are the same" in below.reason


def test_a_feature_without_anything_alike_is_in_no_proposal() -> None:
    label = Named(reads=frozenset({"t1"}))
    assert all(NodeKey.parse(C) not in one.members for one in propose(view(), say(f6=label)))


def test_accepting_makes_a_supernode_once() -> None:
    proposals = propose(view())
    edits = accept(Edits(1.0, 1.0), proposals)
    assert [(group.name, set(group.members)) for group in edits.supernodes] == [("say “out1”", {FIRST, SECOND})]
    assert accept(edits, proposals) == edits
    assert propose(view(edits)) == ()


def test_hidden_features_are_not_proposed() -> None:
    assert propose(view(edit.hide(Edits(1.0, 1.0), [FIRST]))) == ()
