"""Two graphs side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.circuits.compare import SET, Status, compare, roles
from explorer.circuits.graph import NodeKind
from explorer.circuits.influence import node_influence
from tests.circuits import by_hand
from tests.graphs import random_graph

ONE, TWO, THREE = "feature:0:1:4", "feature:1:1:5", "feature:1:1:6"
TOKEN, OUT, OTHER = "embedding:-1:1:2", "logit:2:1:9", "logit:2:1:8"
A = by_hand.graph({(ONE, TOKEN): 1.0, (TWO, ONE): 2.0, (OUT, TWO): 1.0}, {OUT: 0.5})
B = by_hand.graph({(ONE, TOKEN): 3.0, (THREE, ONE): 1.0, (OUT, THREE): 1.0, (OUT, ONE): 1.0}, {OUT: 0.5})


def test_a_graph_compared_with_itself_differs_nowhere() -> None:
    graph = random_graph(n_features=40, n_edges=300, seed=1)
    found = compare(graph, graph)
    assert (found.status == Status.BOTH).all()
    assert (found.link_status == Status.BOTH).all()
    np.testing.assert_array_equal(found.row_b, np.arange(len(graph)))
    assert not np.nan_to_num(found.activation).any()
    assert not found.influence.any()
    assert not found.weight.any()
    assert found.said == ()


def test_nodes_and_links_are_in_one_or_in_both() -> None:
    found = compare(A, B)
    status = {
        str(A.key(a) if a >= 0 else B.key(b)): Status(s).name
        for a, b, s in zip(found.row_a.tolist(), found.row_b.tolist(), found.status.tolist(), strict=True)
    }
    assert status == {ONE: "BOTH", TWO: "ONLY_A", TOKEN: "BOTH", OUT: "BOTH", THREE: "ONLY_B"}
    key = [A.key(a) if a >= 0 else B.key(b) for a, b in zip(found.row_a.tolist(), found.row_b.tolist(), strict=True)]
    links = {
        (str(key[t]), str(key[s])): (wa, wb, Status(state).name)
        for t, s, wa, wb, state in zip(
            found.target, found.source, found.weight_a, found.weight_b, found.link_status, strict=True
        )
    }
    assert links == {
        (ONE, TOKEN): (1.0, 3.0, "BOTH"),
        (TWO, ONE): (2.0, 0.0, "ONLY_A"),
        (OUT, TWO): (1.0, 0.0, "ONLY_A"),
        (THREE, ONE): (0.0, 1.0, "ONLY_B"),
        (OUT, THREE): (0.0, 1.0, "ONLY_B"),
        (OUT, ONE): (0.0, 1.0, "ONLY_B"),
    }


@settings(max_examples=30)
@given(one=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_nothing_is_lost_or_counted_twice(one: int, other: int) -> None:
    a, b = (random_graph(n_features=30, n_edges=150, n_pos=5, n_layers=4, seed=seed) for seed in (one, other))
    there, back = compare(a, b), compare(b, a)
    assert sorted(there.row_a[there.row_a >= 0].tolist()) == list(range(len(a)))
    assert sorted(there.row_b[there.row_b >= 0].tolist()) == list(range(len(b)))
    assert there.weight_a.sum() == pytest.approx(float(a.rows.weight.astype(float).sum()))
    assert there.weight_b.sum() == pytest.approx(float(b.rows.weight.astype(float).sum()))
    assert (there.status == Status.BOTH).sum() == (back.status == Status.BOTH).sum()
    assert (there.status == Status.ONLY_A).sum() == (back.status == Status.ONLY_B).sum()
    both = there.status == Status.BOTH
    shares = [node_influence(graph) / node_influence(graph).sum() for graph in (a, b)]
    expected = shares[1][there.row_b[both]] - shares[0][there.row_a[both]]
    np.testing.assert_allclose(there.influence[both], expected, atol=1e-12)


def test_tokens_of_prompts_of_one_length_stand_for_each_other_in_their_place() -> None:
    assert roles(("<bos>", "Dallas", "is"), ("<bos>", "Oakland", "is")).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("b", "expected"),
    [
        (("<bos>", "the", "city", "of", "Dallas", "is"), [0, -1, -1, -1, 1, 2]),
        (("<bos>", "Fort", "Worth", "is"), [0, -1, 1, 2]),
        (("<bos>", "is"), [0, 2]),
    ],
)
def test_tokens_of_longer_and_shorter_prompts_are_aligned(b: tuple[str, ...], expected: list[int]) -> None:
    assert roles(("<bos>", "Dallas", "is"), b).tolist() == expected


def test_features_of_a_longer_prompt_are_found_by_the_role_of_their_token() -> None:
    edges = {("feature:0:2:4", "embedding:-1:2:2"): 1.0, ("logit:2:2:9", "feature:0:2:4"): 1.0}
    longer = by_hand.graph(edges, {"logit:2:2:9": 0.5}, others=["embedding:-1:0:1"])
    longer = replace(longer, tokens=("t0", "new", "t1"))
    found = compare(A, longer)
    assert found.role.tolist() == [0, -1, 1]
    row = A.index[next(key for key in A.index if str(key) == ONE)]
    assert longer.key(int(found.row_b[row])).pos == 2
    assert found.said == ("The prompts have 2 and 3 tokens; 2 are aligned.",)


def test_features_of_two_sets_are_never_the_same_but_the_rest_is() -> None:
    a, b = (replace(A, provenance={SET: name}) for name in ("x", "y"))
    found = compare(a, b)
    kinds = A.nodes.kind[found.row_a[found.status == Status.BOTH]]
    assert set(kinds.tolist()) == {NodeKind.EMBEDDING, NodeKind.LOGIT}
    assert "cannot be aligned" in found.said[0]
    assert (compare(a, b, same_features=True).status == Status.BOTH).all()


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"metadata": {"scan": "x"}}, {"metadata": {"scan": "y"}}, "cannot be aligned"),
        ({"metadata": {"scan": "x"}}, {"metadata": {"scan": "x"}}, ""),
        ({"metadata": {"scan": "x"}}, {"transcoder_sha256": "0"}, "is not known"),
        ({"metadata": {}}, {"metadata": {}}, "is not known"),
    ],
)
def test_imported_graphs_have_the_set_that_their_file_names(
    one: dict[str, object], other: dict[str, object], words: str
) -> None:
    a, b = (replace(random_graph(n_features=5, n_edges=20, seed=3), provenance=held) for held in (one, other))
    said = compare(a, b).said
    assert (words in said[0]) if words else said == ()


def test_two_targets_are_told() -> None:
    other = by_hand.graph({(ONE, TOKEN): 1.0, (TWO, ONE): 2.0, (OTHER, TWO): 1.0}, {OTHER: 0.5})
    found = compare(A, other)
    assert found.said == ("The graphs explain different outputs; influence is that on each graph’s own.",)
    assert (found.status == Status.ONLY_A).sum() == 1


def test_nodes_that_are_the_same_in_one_graph_are_told_apart() -> None:
    twice = replace(A, nodes=replace(A.nodes, layer=A.nodes.layer * 0, feature=A.nodes.feature * 0))
    found = compare(twice, twice)
    assert (found.status == Status.BOTH).all()
    np.testing.assert_array_equal(found.row_b, np.arange(len(A)))
