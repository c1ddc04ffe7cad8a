"""Proposals of groups, in words."""

from __future__ import annotations

from explorer.circuits.graph import NodeKey
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.proposals import accept, propose
from explorer.session.view import GraphView, resolve
from tests.circuits import by_hand
from tests.circuits.test_proposals import EDGES, OTHER, OUT, A, B

GRAPH = by_hand.graph(EDGES, {OUT: 0.6, OTHER: 0.4})
FIRST, SECOND = NodeKey.parse(A), NodeKey.parse(B)


ALL = Edits(1.0, 1.0)


def view(edits: Edits = ALL) -> GraphView:
    return resolve(GRAPH, edits)


def test_a_proposal_says_what_its_members_read_and_do() -> None:
    (found,) = propose(view())
    assert set(found.members) == {FIRST, SECOND}
    assert found.name == "say “out1”"
    expected = "both read “t0” most and raise “out1”; 100 % of their inputs are the same: “t0”, “t1”"
    assert found.reason == expected
    assert (found.accepted, found.token) == (True, 0)


def test_labels_of_people_stand_in_the_reason() -> None:
    edits = edit.set_label(Edits(1.0, 1.0), NodeKey.parse(OUT), "the answer")
    assert propose(view(edits))[0].name == "say the answer"


def test_a_proposal_whose_members_share_too_little_is_offered_but_not_accepted() -> None:
    graph = by_hand.graph({**EDGES, (B, "embedding:-1:0:1"): 3.0, (B, "embedding:-1:1:2"): 2.0}, {OUT: 0.6, OTHER: 0.4})
    seen = resolve(graph, ALL)
    above, below = (propose(seen, shared=0.6 + 0.2 + off)[0] for off in (-0.01, 0.01))
    assert (above.accepted, below.accepted) == (True, False)
    assert "80 % of their inputs are the same" in below.reason


def test_accepting_makes_a_supernode_once() -> None:
    proposals = propose(view())
    edits = accept(Edits(1.0, 1.0), proposals)
    assert [(group.name, set(group.members)) for group in edits.supernodes] == [("say “out1”", {FIRST, SECOND})]
    assert accept(edits, proposals) == edits
    assert propose(view(edits)) == ()


def test_hidden_features_are_not_proposed() -> None:
    assert propose(view(edit.hide(Edits(1.0, 1.0), [FIRST]))) == ()
