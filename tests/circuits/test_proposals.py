"""Groups of features that are alike, on graphs whose groups are known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.graph import Graph, NodeKind
from explorer.circuits.influence import edge_share, node_influence, row_mass
from explorer.circuits.proposals import Alike, Likeness, alike
from explorer.circuits.reading import lead, token_shares
from tests.circuits import by_hand
from tests.graphs import random_graph

FIRST, SECOND, OUT, OTHER = "embedding:-1:0:1", "embedding:-1:1:2", "logit:3:1:9", "logit:3:1:8"
A, B, C, D = (f"feature:0:1:{index}" for index in (4, 5, 6, 7))
# A and B read the first token and raise OUT; C reads the second, D is fed like A but raises OTHER.
EDGES = {
    (A, FIRST): 2.0, (A, SECOND): 0.5, (B, FIRST): 4.0, (B, SECOND): 1.0, (C, SECOND): 3.0, (D, FIRST): 2.0,
    (OUT, A): 1.0, (OUT, B): 2.0, (OUT, C): 1.0, (OTHER, D): 1.0,
}  # fmt: skip


def found(graph: Graph, likeness: Likeness) -> list[Alike]:
    share = edge_share(graph, row_mass(graph))
    return alike(graph, np.ones(len(graph), dtype=bool), share, node_influence(graph), likeness)


def names(graph: Graph, rows: tuple[int, ...]) -> set[str]:
    return {str(graph.key(row)) for row in rows}


def test_features_with_the_same_inputs_and_outputs_are_one_group() -> None:
    graph = by_hand.graph(EDGES, {OUT: 0.6, OTHER: 0.4})
    (group,) = found(graph, Likeness())
    assert names(graph, group.rows) == {A, B}
    assert group.coherence == pytest.approx(1.0)
    assert group.shared_inputs == pytest.approx(1.0)
    assert [str(graph.key(row)) for row in group.inputs] == [FIRST, SECOND]
    assert names(graph, group.outputs) == {OUT}
    assert (group.raises, group.token, group.lead) == (True, 0, pytest.approx(0.6))


@pytest.mark.parametrize("moved", ["feature:0:0:5", "feature:2:1:5"])
def test_what_stands_elsewhere_is_another_group_unless_that_is_asked_for(moved: str) -> None:
    edges = {(moved if t == B else t, moved if s == B else s): w for (t, s), w in EDGES.items()}
    graph = by_hand.graph(edges, {OUT: 0.6, OTHER: 0.4})
    assert found(graph, Likeness(layer_gap=1)) == []
    (group,) = found(graph, Likeness(layer_gap=2, same_position=False))
    assert names(graph, group.rows) == {A, moved}


def test_features_that_read_other_tokens_most_are_joined_only_if_that_is_asked_for() -> None:
    edges = {**EDGES, (A, FIRST): 1.0, (A, SECOND): 1.1, (B, FIRST): 1.1, (B, SECOND): 1.0}
    graph = by_hand.graph(edges, {OUT: 0.6, OTHER: 0.4})
    assert all({A, B} - names(graph, group.rows) for group in found(graph, Likeness()))
    joined = found(graph, Likeness(least=0.95, same_token=False))
    assert [names(graph, group.rows) for group in joined] == [{A, B}]
    assert joined[0].lead < 0


def test_only_features_of_which_the_same_is_known_are_joined_if_anything_is() -> None:
    graph = by_hand.graph(EDGES, {OUT: 0.6, OTHER: 0.4})
    share = edge_share(graph, row_mass(graph))
    known = np.zeros((len(graph), 2), dtype=bool)
    shown = np.ones(len(graph), dtype=bool)
    for columns, n in (((0, 1), 0), ((0, 0), 1)):
        known[:] = False
        for name, column in zip((A, B), columns, strict=True):
            known[next(row for row in range(len(graph)) if str(graph.key(row)) == name), column] = True
        assert len(alike(graph, shown, share, node_influence(graph), Likeness(), known)) == n


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), least=st.floats(0.1, 0.9), gap=st.integers(0, 3))
def test_every_two_members_are_alike_and_near(seed: int, least: float, gap: int) -> None:
    graph = random_graph(n_features=40, n_edges=150, n_pos=4, n_layers=5, seed=seed, errors=False)
    nodes, kept = graph.nodes, graph.nodes.kind != NodeKind.BIAS
    share = edge_share(graph, row_mass(graph))
    matrix = np.zeros((len(graph), len(graph)))
    matrix[graph.edge_target, graph.rows.source] = share
    matrix[:, ~kept] = 0
    columns = matrix * (node_influence(graph) + graph.target_weight)[:, None]
    taken: list[int] = []
    for group in found(graph, Likeness(least, layer_gap=gap)):
        taken += group.rows
        for one, other in combinations(group.rows, 2):
            assert nodes.pos[one] == nodes.pos[other]
            assert abs(nodes.layer[one] - nodes.layer[other]) <= gap
            for profile in (matrix, columns.T):
                length = np.linalg.norm(profile[one]) * np.linalg.norm(profile[other])
                assert profile[one] @ profile[other] >= (least - 1e-9) * length
    assert len(taken) == len(set(taken))


def test_what_a_node_reads_is_the_series_over_all_paths() -> None:
    graph = random_graph(n_features=30, n_edges=200, n_pos=4, n_layers=5, seed=2)
    share = edge_share(graph, row_mass(graph))
    matrix = np.zeros((len(graph), len(graph)))
    matrix[graph.edge_target, graph.rows.source] = share
    tokens = graph.block(NodeKind.EMBEDDING)
    series = np.linalg.inv(np.eye(len(graph)) - matrix)[:, tokens]
    np.testing.assert_allclose(token_shares(graph, share), series, atol=1e-9)


def test_the_lead_is_the_part_of_the_first_less_that_of_the_second() -> None:
    first, ahead = lead(np.array([[0.2, -0.6, 0.2], [0.0, 0.0, 0.0]]))
    assert first.tolist() == [1, 0]
    assert ahead.tolist() == pytest.approx([0.4, 0.0])
