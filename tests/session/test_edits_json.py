"""Edits survive JSON, and JSON that is not edits is refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.errors import LoadError
from explorer.session.edits import STATUSES, Edits, Label
from explorer.session.edits_json import from_json, to_json
from explorer.session.rules import Rules
from explorer.session.supernodes import COLOURS, Supernode

KINDS = st.sampled_from([int(kind) for kind in NodeKind])
KEYS = st.builds(NodeKey, KINDS, st.integers(-1, 40), st.integers(-1, 9), st.integers(-1, 10**6))
IDS = st.sampled_from(["", "g1", "g2", "g7"])
GROUPS = st.tuples(
    st.text(), st.lists(KEYS, max_size=3).map(tuple), IDS, st.sampled_from(["", *COLOURS]), IDS, st.text()
)
RULES = st.tuples(
    st.none() | st.tuples(st.integers(-1, 9), st.integers(9, 20)),
    st.frozensets(KINDS),
    st.none() | st.floats(0, 1),
    st.floats(0, 1),
    st.lists(st.tuples(KEYS, st.floats(-2, 2)), max_size=2).map(tuple),
)
BOXES = st.sampled_from(["g1", "g2", "node:feature:1:2:3", "node:logit:26:9:7"])
FIELDS = st.fixed_dictionaries(
    {
        "node_threshold": st.floats(0, 1),
        "edge_threshold": st.floats(0, 1),
        "count_bias": st.booleans(),
        "pinned": st.lists(KEYS, unique=True, max_size=5).map(tuple),
        "hidden": st.frozensets(KEYS, max_size=5),
        "supernodes": st.lists(GROUPS, max_size=4).map(tuple),
        "labels": st.dictionaries(
            KEYS, st.builds(Label, st.text(), st.sampled_from(STATUSES)), max_size=4
        ),
        "notes": st.dictionaries(KEYS, st.text(), max_size=4),
        "note": st.text(),
        "rules": RULES,
        "places": st.dictionaries(BOXES, st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=3),
        "edge_labels": st.dictionaries(st.tuples(BOXES, BOXES), st.text(), max_size=3),
        "edge_notes": st.dictionaries(st.tuples(BOXES, BOXES), st.text(), max_size=3),
        "filters": st.dictionaries(st.text(), st.text(), max_size=3),
        "drawn": st.integers(0, 2**31 - 1),
    }
)


@given(FIELDS)
def test_edits_survive_json(values: dict[str, Any]) -> None:
    groups = tuple(Supernode(*fields) for fields in values["supernodes"])
    edits = Edits(**{**values, "supernodes": groups, "rules": Rules(*values["rules"])})
    assert from_json(json.loads(json.dumps(to_json(edits)))) == edits


def test_every_field_is_written() -> None:
    assert set(to_json(Edits())) == {field.name for field in fields(Edits)} | {"edits_version"}


def test_equal_edits_give_equal_text() -> None:
    a, b = NodeKey(0, 1, 2, 3), NodeKey(0, 1, 2, 4)
    one = Edits(labels={a: Label("x"), b: Label("y")}, hidden=frozenset([a, b]))
    other = Edits(labels={b: Label("y"), a: Label("x")}, hidden=frozenset([b, a]))
    assert json.dumps(to_json(one)) == json.dumps(to_json(other))


def test_supernodes_of_an_older_document_get_an_id_each() -> None:
    one, two = NodeKey(0, 1, 2, 3), NodeKey(0, 1, 2, 4)
    old = [{"name": "x", "members": [str(one)]}, {"name": "x", "members": [str(two), str(one)]}]
    groups = from_json({"edits_version": 0, "supernodes": old}).supernodes
    assert groups == (Supernode("x", (one,), "g1"), Supernode("x", (two,), "g2"))


def test_unknown_fields_are_ignored_and_missing_ones_take_their_default() -> None:
    assert from_json({"edits_version": 0, "from_the_future": [1]}) == Edits()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"edits_version": 8}, "version 8"),
        ({"node_threshold": 1.5}, "node_threshold is 1.5"),
        ({"edge_threshold": "much"}, "edge_threshold"),
        ({"pinned": ["feature:1:2"]}, "feature:1:2"),
        ({"pinned": "feature:1:2:3"}, "pinned is not a list"),
        ({"hidden": [3]}, "3 stands"),
        ({"supernodes": [{"name": "x", "members": ["feature:1:2"]}]}, "feature:1:2"),
        ({"supernodes": [{"members": []}]}, "name of a supernode is not a text"),
        ({"supernodes": [{"name": "x", "members": [], "colour": "red"}]}, "“x” has the colour “red”"),
        ({"supernodes": [{"name": "x", "id": "a"}, {"name": "y", "id": "a"}]}, "Two supernodes have the id “a”"),
        ({"supernodes": [{"name": "x", "id": "a", "parent": "b"}]}, "lies in “b”, which is not there"),
        ({"supernodes": [{"name": "x", "id": "a", "parent": "a"}]}, "“x” lies within itself"),
        ({"supernodes": [{"name": "x", "id": 3}]}, "id of “x” is not a text"),
        ({"places": {"g1": [1, "2"]}}, "place of “g1”"),
        ({"places": {"g1": [1]}}, "not two numbers"),
        ({"places": {"node:feature:1": [1, 2]}}, "feature:1"),
        ({"edge_labels": [{"target": "g1", "text": "x"}]}, "name of a box is not a text"),
        ({"edge_notes": [{"target": "g1", "source": "g2"}]}, "text of notes of links is not a text"),
        ({"filters": {"mine": 3}}, "filter mine is not a text"),
        ({"filters": []}, "filters are not a table"),
        ({"drawn": -1}, "drawn is '-1'"),
        ({"drawn": True}, "drawn is 'True'"),
        ({"drawn": 10**400}, "a whole number from 0 on"),
        ({"rules": {"layers": [5, 2]}}, "first and a last layer"),
        ({"rules": {"kinds": ["ghost"]}}, "“ghost”, which is no kind of node"),
        ({"rules": {"max_density": 2}}, "max_density is 2"),
        ({"rules": {"targets": ["logit:1:2:3"]}}, "a target and its weight"),
        ({"rules": {"targets": [["logit:1:2:3", "much"]]}}, "a number belongs there"),
        ({"labels": {"feature:1:2:3": {"text": "x", "status": "sure"}}}, "status 'sure'"),
        ({"labels": {"feature:1:2:3": "x"}}, "label of feature:1:2:3"),
        ({"notes": {"feature:1:2:3": 5}}, "note of feature:1:2:3"),
        ({"note": None}, "note is not a"),
    ],
)
def test_what_is_no_edits_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(LoadError, match=words):
        from_json({**to_json(Edits()), **changed})
