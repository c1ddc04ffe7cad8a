"""Interventions as values of the document: rows of nodes, their JSON and the engine's request."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.errors import LoadError
from explorer.session.edits import Edits, intervene
from explorer.session.edits_json import from_json, to_json
from explorer.session.interventions import Interventions, Row, add, change, group_row, remove, request, row_of

TEXAS = NodeKey(NodeKind.FEATURE, 1, 10, 37)
ROWS = (
    Row("feature", 1, 37, 10, 10, value=1.5),
    Row("head", 2, 1, 3, None, generated=True, op="multiply", value=0.0, on=False),
    Row("feature", 2, 5, 4, 4, unit="maximum", maximum=12.5, value=0.5, name="capital"),
    Row("direction", 1, 0, 4, 4, op="add", unit="absolute", value=-3.0, file="steer.npy"),
    group_row("Texas", [TEXAS, NodeKey(NodeKind.ERROR, 0, 10, -1)], 0.0),
    Row("residual", 0, 0, 9, 9, unit="other", other_pos=-1),
)
MADE = Interventions(ROWS, "constrained", (1, 3), attention=False, counterpart="Fact: the capital of")


def test_interventions_survive_the_document() -> None:
    edits = intervene(Edits(), MADE)
    assert from_json(json.loads(json.dumps(to_json(edits)))) == edits


def test_an_older_document_has_none() -> None:
    table = to_json(Edits())
    del table["interventions"]
    assert from_json(table).interventions == Interventions()


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"rows": {}},
        {"rows": [3]},
        {"rows": [{"kind": "wish"}]},
        {"rows": [{"kind": "feature", "value": "much"}]},
        {"rows": [{"kind": "feature", "value": float("nan")}]},
        {"rows": [{"kind": "feature", "layer": True}]},
        {"rows": [{"kind": "feature", "last": 1.5}]},
        {"rows": [{"kind": "supernode", "members": ["somewhere"]}]},
        {"rows": [{"kind": "feature", "index": 10**20}]},
        {"rows": [{"kind": "feature", "layer": -1}]},
        {"layers": [0, 10**20]},
        {"mode": "wild"},
        {"layers": [1]},
        {"attention": "frozen"},
    ],
)
def test_what_does_not_belong_is_refused_in_one_sentence(wrong: Any) -> None:
    with pytest.raises(LoadError, match=r"^[A-Z\[“].*\.$"):
        from_json({**to_json(Edits()), "interventions": wrong})


def test_a_row_of_a_node_changes_that_node_alone() -> None:
    assert row_of(TEXAS, 0.0) == Row("feature", 1, 37, 10, 10, value=0.0)
    assert row_of(NodeKey(NodeKind.EMBEDDING, -1, 3, 55)) is None


def test_rows_are_added_changed_and_removed() -> None:
    two = add(Interventions(), ROWS[:2])
    assert change(two, 0, value=-1.0).rows[0] == replace(ROWS[0], value=-1.0)
    assert remove(two, 0).rows == ROWS[1:2]


def test_the_request_names_what_is_on_and_the_counterpart_where_it_is_needed() -> None:
    asked = request(MADE)
    kinds = [one["kind"] for one in asked["interventions"]]
    assert kinds == ["feature", "feature", "direction", "supernode", "residual"]
    assert asked["interventions"][0] == {
        "kind": "feature", "layer": 1, "index": 37, "pos": 10, "op": "set", "unit": "own", "value": 1.5,
    }
    assert asked["other"] == {"text": MADE.counterpart}
    assert asked["layers"] == [1, 3]
    assert "other" not in request(replace(MADE, rows=ROWS[:2]))
