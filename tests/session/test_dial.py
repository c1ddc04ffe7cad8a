"""The range of a row's slider, what changes the run, and a row's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.circuits.graph import Graph, NodeKey
from explorer.session.dial import changes_run, counted, dial, in_unit, n_changes, position_words, title, value_words
from explorer.session.interventions import Interventions, Row, add, change, group_row, row_of
from tests.graphs import random_graph


@pytest.fixture(scope="module")
def graph() -> Graph:
    return random_graph(60, 400, n_layers=4, n_pos=5)


def own_row(graph: Graph, **values: object) -> Row:
    row = row_of(graph.key(0))
    assert row is not None
    return replace(row, **values)  # type: ignore[arg-type]


def test_times_its_own_reaches_three_times_to_both_sides(graph: Graph) -> None:
    found = dial(own_row(graph), graph)
    assert (found.low, found.high, found.own) == (-3.0, 3.0, 1.0)


def test_a_value_beyond_the_ends_widens_the_slider(graph: Graph) -> None:
    assert dial(own_row(graph, value=-8.0), graph).low == -8.0


def test_an_absolute_slider_has_its_tick_at_the_activation(graph: Graph) -> None:
    activation = float(graph.nodes.activation[0])
    found = dial(own_row(graph, unit="absolute", value=0.0), graph)
    assert found.own == activation
    assert found.high == pytest.approx(3 * abs(activation))
    assert found.step(0.05) == pytest.approx(0.05 * abs(activation))


def test_what_is_not_in_the_graph_has_no_strength_of_its_own(graph: Graph) -> None:
    assert dial(Row("feature", 0, 10**6, 1, 1, unit="absolute"), graph).own == 0.0
    assert dial(Row("head", 0, 1, 1, 1, unit="absolute"), graph).own is None


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({}, False),
        ({"value": 1.2}, True),
        ({"value": 1.2, "on": False}, False),
        ({"op": "add", "value": 0.0}, False),
        ({"op": "add", "value": 1.0}, True),
        ({"op": "multiply", "value": 1.0}, False),
        ({"unit": "other"}, True),
    ],
)
def test_a_row_changes_the_run_if_it_is_on_and_asks_for_another_strength(
    graph: Graph, values: dict[str, object], changes: bool
) -> None:
    assert changes_run(own_row(graph, **values), graph) is changes


def test_another_unit_keeps_the_strength(graph: Graph) -> None:
    activation = float(graph.nodes.activation[0])
    absolute = in_unit(own_row(graph, value=-1.5), "absolute", graph)
    assert absolute.value == pytest.approx(-1.5 * activation)
    assert in_unit(absolute, "own", graph).value == pytest.approx(-1.5)
    assert in_unit(own_row(graph, value=0.5, maximum=2.0), "maximum", graph).value == pytest.approx(activation / 4)


def test_changes_are_counted_by_row_and_setting(graph: Graph) -> None:
    made = add(Interventions(), [own_row(graph), own_row(graph, value=0.0)])
    assert counted(made, graph) == "1 of 2 changes the run"
    assert n_changes(made, change(made, 0, value=2.0)) == 1
    assert n_changes(made, replace(change(made, 0, value=2.0), mode="free")) == 2
    assert n_changes(made, add(made, [own_row(graph)])) == 1


def test_words_of_rows() -> None:
    row = Row("feature", 20, 288, 12, 12, value=-1.5)
    assert title(row) == "L20 / 288"
    assert value_words(row) == "× −1.5 own"
    assert value_words(replace(row, op="add", unit="absolute", value=2.0)) == "+ 2 absolute"
    assert position_words(row, 13) == "last token"
    assert position_words(row, 20) == "token 12"
    assert position_words(replace(row, last=None, generated=True), 20) == "from token 12 on + generated"
    assert title(group_row("moisture", [NodeKey(0, 1, 2, 3)])) == "moisture"
