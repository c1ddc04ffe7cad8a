"""What is said of error at a node and at a place, against a graph by hand."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.circuits.unexplained import unexplained
from explorer.session import edits as edit
from explorer.session.edits import Edits
from explorer.session.rules import Rules
from explorer.session.unexplained import cell_share, unexplained_line, unexplained_of
from explorer.session.view import GraphView, resolve
from tests.circuits import by_hand
from tests.circuits.test_unexplained import EDGES, ERROR, HIGH, LOW, OUT, TOKEN
from tests.graphs import random_graph


def view() -> GraphView:
    return resolve(by_hand.graph(EDGES, {OUT: 0.7}), Edits(1.0, 1.0))


def said(seen: GraphView, name: str) -> str:
    return unexplained_line(seen, seen.graph.index[NodeKey.parse(name)])[0]


@pytest.mark.parametrize(("name", "line"), [
    (HIGH, "unexplained: 50 % directly, 50 % in all"),
    (OUT, "unexplained: 25 % directly, 62 % in all"),  # 1/4 and 3/4 of one half
    (LOW, "unexplained: 0 % directly, 0 % in all"),
    (ERROR, "unexplained here: 62 % of the outputs"),
    (TOKEN, ""),
])  # fmt: skip
def test_a_node_says_what_of_its_input_is_error_and_an_error_what_it_holds(name: str, line: str) -> None:
    assert said(view(), name) == line


def test_the_share_of_a_place_is_that_of_its_cell_for_the_outputs_that_count() -> None:
    graph = random_graph(n_features=40, n_edges=400, n_pos=4, n_layers=4, n_logits=3, seed=2)
    first = graph.key(graph.block(NodeKind.LOGIT).start)
    for edits in (Edits(), edit.set_rules(Edits(), Rules(targets=((first, 1.0),)))):
        seen = resolve(graph, edits)
        cells, errors = unexplained(seen.aimed).cells, graph.block(NodeKind.ERROR)
        rows = range(errors.start, errors.stop)
        expected = [cells[graph.nodes.layer[row], graph.nodes.pos[row]] for row in rows]
        np.testing.assert_allclose([cell_share(seen, row) for row in rows], expected)
        assert max(expected) > 0.01


def test_the_shares_are_worked_out_once_for_a_graph_and_its_outputs() -> None:
    seen = view()
    hidden = resolve(seen.graph, edit.hide(seen.edits, [NodeKey.parse(LOW)]), seen)
    assert unexplained_of(hidden) is unexplained_of(seen)
    counted = resolve(seen.graph, Edits(1.0, 1.0, count_bias=True))
    assert unexplained_of(counted) is not unexplained_of(seen)
