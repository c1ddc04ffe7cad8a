"""Questions, what becomes of entries, verdicts by hand, the table and the figures."""

from __future__ import annotations

import csv
from dataclasses import replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from explorer.circuits.graph import NodeKind
from explorer.circuits.layer_faithfulness import LayerFaithfulness
from explorer.errors import GraphError
from explorer.io.svg import svg_text
from explorer.io.validation_csv import write_csv
from explorer.session.agreement import agreement
from explorer.session.edits import Edits, group, nest, pin
from explorer.session.figure import Box
from explorer.session.figure_validation import effects_figure, effects_places, effects_plot, layers_figure
from explorer.session.theme import DARK, LIGHT, PRINT
from explorer.session.validation import (
    CircuitTest,
    Effect,
    Validation,
    assemble,
    question,
    question_of,
    to_message,
    validation_of,
)
from explorer.session.verdict import by_distance, sentences, verdict
from explorer.session.view import GraphView, resolve
from tests.graphs import random_graph


@pytest.fixture(scope="module")
def view() -> GraphView:
    return resolve(random_graph(60, 600), Edits())


def effect(key: str, predicted: float, measured: float, direct: float = 0.0) -> Effect:
    predictions = {"predicted_direct": direct, "predicted_total": predicted, "predicted_linear": predicted}
    measured_ones = {"measured_direct": direct + 0.002, "measured_total": measured, "kl": abs(measured)}
    return Effect(key, key, (key,), 1, 2, 3.0, **predictions, **measured_ones)


@pytest.fixture
def found() -> Validation:
    measured = {"a": (-2.0, -1.0), "b": (1.0, 0.5), "c": (0.5, -0.4), "d": (0.1, 0.1)}
    effects = (*(effect(key, *values) for key, values in measured.items()), Effect("e", "e", ("e",), 0, 0, 1.0))
    circuit = CircuitTest(
        5, is_pinned=True, without_logit=2.0, without_probability=0.1, alone_logit=8.0, alone_probability=0.8,
        empty_logit=4.0, rest="zero", features=4, matched=3, matched_effect=-1.0, controls=(0.2, -1.5, 0.3),
    )  # fmt: skip
    layers = tuple(LayerFaithfulness(start, layer, "random", 1.0, 0.5 + start / 10, 0.4, 0.3, 0.6, 2 + start)
                   for start in range(2) for layer in range(start, 2))  # fmt: skip
    return Validation(0.0, "iterative", "Austin", 10.0, 0.97, 4.0, effects, circuit, layers)


def test_the_question_holds_nodes_groups_with_what_lies_in_them_and_the_circuit(view: GraphView) -> None:
    keys = [view.graph.key(row) for row in range(6)]
    edits = pin(Edits(), [keys[0], view.graph.key(len(view.graph) - 1)])
    edits = group(group(edits, keys[1:3], "outer"), keys[3:5], "inner")
    outer, inner = (one.id for one in edits.supernodes)
    asked = question(resolve(view.graph, nest(edits, inner, outer)), "pinned")
    assert [one.members for one in asked.things] == [(keys[0],), tuple(keys[1:5]), tuple(keys[3:5])]
    assert set(asked.circuit) == set(keys[:5])
    assert asked.is_pinned
    assert question_of(to_message(asked)) == asked
    cells = question(view, "cells")
    assert sum(len(one.members) for one in cells.things) == view.graph.count(NodeKind.FEATURE)
    assert not cells.is_pinned
    with pytest.raises(GraphError, match="nothing “some”"):
        question(view, "some")
    with pytest.raises(GraphError, match="pin some"):
        question(view, "pinned")


def test_entries_of_other_members_do_not_count(view: GraphView) -> None:
    keys = [view.graph.key(row) for row in range(3)]
    one = question(resolve(view.graph, group(Edits(), keys[:2], "pair")), "pinned")
    other = question(resolve(view.graph, group(Edits(), keys, "pair")), "pinned")
    entries = {f"measured {one.things[0].id}": {"direct": 1.0, "total": 2.0, "probability": 0.5, "kl": 0.1}}
    assert assemble(one, {}, entries).measured[0].measured_total == 2.0
    assert assemble(other, {}, entries).measured == ()
    assert isnan(assemble(other, {}, {}).circuit.without_logit)


def test_a_message_keeps_everything(found: Validation) -> None:
    again = validation_of(to_message(found))
    assert repr(again) == repr(found)


def test_verdicts_by_hand(found: Validation) -> None:
    told = verdict(found)
    assert told.direct_error == pytest.approx(0.002 / 4.0)
    assert told.sizes.rho == pytest.approx(1.0)
    assert told.signed.rho == pytest.approx(1 - 6 * 2 / 60)  # ranks 1 4 3 2 against 1 4 2 3: squares 0 0 1 1
    assert told.sign_share == pytest.approx(1.6 / 2.0)
    assert told.faithfulness == pytest.approx(4 / 6)
    assert told.p == pytest.approx(2 / 4)
    assert by_distance(found, 1.0)[0] == pytest.approx((1, (2 * 0.5 + 3 * 0.6) / 5, 0.4, 0.3, 0.6))
    said = " ".join(sentences(found))
    assert "Direct effects do not hold" in said
    assert "0.970 to 0.100" in said
    assert "faithfulness 0.67" in said
    assert "p = 0.500 (3 draws)" in said


def test_an_empty_validation_says_nothing(found: Validation) -> None:
    nothing = replace(found, effects=(), layers=(), circuit=CircuitTest(0, is_pinned=False))
    assert sentences(nothing) == []
    assert isnan(verdict(nothing).direct_error)
    for theme in (LIGHT, DARK, PRINT):
        svg_text(effects_figure(nothing, theme))
        svg_text(layers_figure(nothing, theme))


def test_the_table_has_a_row_for_each_thing_and_empty_cells_for_what_is_not_measured(
    found: Validation, tmp_path: Path
) -> None:
    write_csv(found, tmp_path / "a.csv")
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [row["key"] for row in rows] == ["a", "b", "c", "d", "e"]
    assert float(rows[0]["predicted_total"]) == -2.0
    assert rows[4]["measured_total"] == ""


def test_marks_stand_where_their_decades_are_and_nothing_overlaps(found: Validation) -> None:
    figure = effects_figure(found, LIGHT, chosen="b")
    plot = effects_plot(found, figure.width, figure.height)
    places = effects_places(found, plot)
    assert places[0, 0] - places[3, 0] == pytest.approx((plot.across(0.0) - plot.across(-1.0)) * np.log10(20), rel=1e-6)
    assert len(figure.group("effects").items) == 4
    assert len(figure.group("chosen").items) == 1
    for drawn in (figure, layers_figure(found, LIGHT)):
        boxes = [text.box for text in drawn.texts()]
        assert all(not one.meets(other) for i, one in enumerate(boxes) for other in boxes[:i])
        assert all(box.within(Box(0.0, 0.0, drawn.width, drawn.height)) for box in boxes)


def test_a_graph_agrees_with_itself_and_prompts_must_be_the_same(view: GraphView, found: Validation) -> None:
    agreed = agreement(view.graph, view.graph, found, found)
    assert agreed.tokens.rho == pytest.approx(1.0)
    assert agreed.measured.rho == pytest.approx(1.0)
    other = replace(view.graph, token_ids=view.graph.token_ids + 1)
    with pytest.raises(GraphError, match="different prompts"):
        agreement(view.graph, other, found, found)
