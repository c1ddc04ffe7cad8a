"""Label libraries: what they take from a document, and what they give to another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError
from explorer.session import edits as edit
from explorer.session.edits import Edits, Label
from explorer.session.labels import Library, joined, library, take
from tests.circuits import by_hand

EARLY, LATE, OTHER, OUT = "feature:0:0:4", "feature:0:1:4", "feature:1:1:5", "logit:2:1:9"
GRAPH = by_hand.graph({(OTHER, EARLY): 1.0, (OTHER, LATE): 1.0, (OUT, OTHER): 1.0}, {OUT: 1.0})
GRAPH = replace(GRAPH, provenance={"transcoder_sha256": "abc"})
AT_FIRST, AT_LAST, HIGH, ANSWER = (NodeKey.parse(text) for text in (EARLY, LATE, OTHER, OUT))


def labelled(**names: tuple[str, str]) -> Edits:
    keys = {"early": AT_FIRST, "late": AT_LAST, "other": HIGH, "out": ANSWER}
    edits = Edits()
    for name, (text, status) in names.items():
        edits = edit.set_label(edits, keys[name], text, status)
    return edits


def test_a_library_holds_features_alone_with_their_status() -> None:
    found = library(GRAPH, labelled(other=("say Austin", "tested"), out=("the answer", "human")))
    assert found == Library("abc", {(1, 5): Label("say Austin", "tested")})


def test_of_two_names_of_a_feature_the_higher_status_counts_then_the_earlier_position() -> None:
    assert library(GRAPH, labelled(early=("a", "auto"), late=("b", "human"))).labels == {(0, 4): Label("b", "human")}
    assert library(GRAPH, labelled(early=("a", "human"), late=("b", "human"))).labels == {(0, 4): Label("a", "human")}


def test_labels_go_to_the_feature_at_every_position() -> None:
    edits, n = take(Edits(), GRAPH, Library("abc", {(0, 4): Label("Texas", "auto"), (7, 7): Label("gone")}))
    assert (edits.labels, n) == ({AT_FIRST: Label("Texas", "auto"), AT_LAST: Label("Texas", "auto")}, 2)


@pytest.mark.parametrize(
    ("own", "theirs", "taken"),
    [
        ("human", "tested", False),
        ("tested", "human", False),
        ("auto", "human", True),
        ("auto", "tested", True),
        ("auto", "auto", True),
    ],
)
def test_what_a_person_has_called_a_node_stays(own: str, theirs: str, taken: bool) -> None:
    edits, n = take(labelled(other=("mine", own)), GRAPH, Library("abc", {(1, 5): Label("theirs", theirs)}))
    assert n == int(taken)
    assert edits.labels[HIGH].text == ("theirs" if taken else "mine")


def test_labels_of_another_set_are_refused_and_of_an_unknown_one_are_not() -> None:
    with pytest.raises(GraphError, match="another set of transcoders"):
        take(Edits(), GRAPH, Library("xyz", {(1, 5): Label("x")}))
    assert take(Edits(), GRAPH, Library("", {(1, 5): Label("x")}))[1] == 1
    assert take(Edits(), replace(GRAPH, provenance={}), Library("xyz", {(1, 5): Label("x")}))[1] == 1


def test_libraries_are_joined_by_status() -> None:
    old = Library("abc", {(0, 1): Label("a", "tested"), (0, 2): Label("b", "auto")})
    new = Library("abc", {(0, 1): Label("c", "human"), (0, 2): Label("d", "auto"), (0, 3): Label("e")})
    assert {name: label.text for name, label in joined(old, new).labels.items()} == {
        (0, 1): "a",
        (0, 2): "d",
        (0, 3): "e",
    }
