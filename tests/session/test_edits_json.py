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
from explorer.session.edits import STATUSES, Edits, Label, Supernode
from explorer.session.edits_json import from_json, to_json

KINDS = st.sampled_from([int(kind) for kind in NodeKind])
KEYS = st.builds(NodeKey, KINDS, st.integers(-1, 40), st.integers(-1, 9), st.integers(-1, 10**6))
FIELDS = st.fixed_dictionaries(
    {
        "node_threshold": st.floats(0, 1),
        "edge_threshold": st.floats(0, 1),
        "count_bias": st.booleans(),
        "pinned": st.lists(KEYS, unique=True, max_size=5).map(tuple),
        "hidden": st.frozensets(KEYS, max_size=5),
        "supernodes": st.lists(st.tuples(st.text(), st.lists(KEYS, unique=True, max_size=3)), max_size=3),
        "labels": st.dictionaries(
            KEYS, st.builds(Label, st.text(), st.sampled_from(STATUSES)), max_size=4
        ),
        "notes": st.dictionaries(KEYS, st.text(), max_size=4),
        "note": st.text(),
    }
)


@given(FIELDS)
def test_edits_survive_json(values: dict[str, Any]) -> None:
    groups = tuple(Supernode(name, tuple(members)) for name, members in values["supernodes"])
    edits = Edits(**{**values, "supernodes": groups})
    assert from_json(json.loads(json.dumps(to_json(edits)))) == edits


def test_every_field_is_written() -> None:
    assert set(to_json(Edits())) == {field.name for field in fields(Edits)} | {"edits_version"}


def test_equal_edits_give_equal_text() -> None:
    a, b = NodeKey(0, 1, 2, 3), NodeKey(0, 1, 2, 4)
    one = Edits(labels={a: Label("x"), b: Label("y")}, hidden=frozenset([a, b]))
    other = Edits(labels={b: Label("y"), a: Label("x")}, hidden=frozenset([b, a]))
    assert json.dumps(to_json(one)) == json.dumps(to_json(other))


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
        ({"labels": {"feature:1:2:3": {"text": "x", "status": "sure"}}}, "status 'sure'"),
        ({"labels": {"feature:1:2:3": "x"}}, "label of feature:1:2:3"),
        ({"notes": {"feature:1:2:3": 5}}, "note of feature:1:2:3"),
        ({"note": None}, "note is not a"),
    ],
)
def test_what_is_no_edits_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(LoadError, match=words):
        from_json({**to_json(Edits()), **changed})
