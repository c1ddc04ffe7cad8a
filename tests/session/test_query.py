"""The filter's language against conditions written in numpy."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import Bools, NodeKind
from explorer.errors import GraphError
from explorer.session import query
from explorer.session.edits import Edits, hide, pin, set_label, set_note
from explorer.session.query import find, influence_share, matches, parse
from explorer.session.view import GraphView, HiddenBy, resolve
from tests.graphs import random_graph


@cache
def view_of(seed: int = 1) -> GraphView:
    graph = random_graph(60, 400, seed=seed, n_layers=4, n_pos=5)
    edits = set_label(Edits(), graph.key(2), "The Contrasting term")
    edits = pin(edits, [graph.key(0)])
    return resolve(graph, hide(edits, [graph.key(1)]))


def is_token(view: GraphView) -> Bools:
    return np.asarray(view.graph.nodes.kind == NodeKind.EMBEDDING)


CASES: tuple[tuple[str, Callable[[GraphView], Bools]], ...] = (
    ("", lambda v: np.ones(len(v.graph), dtype=bool)),
    ("kind:feature", lambda v: v.graph.nodes.kind == NodeKind.FEATURE),
    ("kind:token", lambda v: v.graph.nodes.kind == NodeKind.EMBEDDING),
    ("-kind:error", lambda v: v.graph.nodes.kind != NodeKind.ERROR),
    ("kind!=error", lambda v: v.graph.nodes.kind != NodeKind.ERROR),
    ("layer>=2", lambda v: v.graph.nodes.layer >= 2),
    ("layer≥2", lambda v: v.graph.nodes.layer >= 2),
    ("layer<2 pos:3", lambda v: (v.graph.nodes.layer < 2) & (v.graph.nodes.pos == 3)),
    ("layer:1-2", lambda v: (v.graph.nodes.layer >= 1) & (v.graph.nodes.layer <= 2)),
    ("influence>1", lambda v: influence_share(v) > 0.01),
    ("influence>1%", lambda v: influence_share(v) > 0.01),
    ("sign:lower", lambda v: v.effect < 0),
    ("is:hidden", lambda v: ~v.shown),
    ("hidden:hand", lambda v: np.arange(len(v.graph)) == 1),
    ("hidden:influence", lambda v: v.hidden_by == HiddenBy.INFLUENCE),
    ("is:pinned", lambda v: np.arange(len(v.graph)) == 0),
    ("is:labelled", lambda v: np.arange(len(v.graph)) == 2),
    ("contrast", lambda v: np.arange(len(v.graph)) == 2),
    ('"contrasting TERM"', lambda v: np.arange(len(v.graph)) == 2),
    ("contrasting -term", lambda v: np.zeros(len(v.graph), dtype=bool)),
    ("/contr.*TERM/", lambda v: np.arange(len(v.graph)) == 2),
    ("/^the contrasting/ -/sky$/", lambda v: np.arange(len(v.graph)) == 2),
    ("token:Capital", lambda v: v.graph.nodes.pos == v.graph.tokens.index(" capital")),
    ("token!=capital kind:token", lambda v: is_token(v) & (v.graph.nodes.pos != v.graph.tokens.index(" capital"))),
    ("http://x", lambda v: np.zeros(len(v.graph), dtype=bool)),
)


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[case[0] or "empty" for case in CASES])
def test_a_query_matches_what_it_says(text: str, expected: Callable[[GraphView], Bools]) -> None:
    view = view_of()
    np.testing.assert_array_equal(matches(parse(text), view), expected(view))


def outcome(text: str) -> tuple[Bools | None, str]:
    """What matches, or the sentence that says why nothing can."""
    try:
        return matches(parse(text), view_of()), ""
    except GraphError as error:
        return None, str(error)


SENSELESS = "layer>=x kind:sun is:nice pos: layer:1- sign>raise kind>error /(/ /a{99999999999}/"


@pytest.mark.parametrize("text", SENSELESS.split())
def test_what_makes_no_sense_is_text_or_a_sentence(text: str) -> None:
    found, sentence = outcome(text)
    assert found is None or not found.any()
    assert not sentence or (sentence.endswith(".") and text in sentence)


@given(st.text(max_size=30))
def test_any_text_is_a_query_or_a_sentence(text: str) -> None:
    found, sentence = outcome(text)
    assert found is not None or sentence.endswith(".")


def test_influence_is_a_share_of_the_whole() -> None:
    assert influence_share(view_of()).sum() == pytest.approx(1.0)


def test_what_reads_a_token_gets_a_twentieth_of_its_input_from_it() -> None:
    view = view_of()
    graph = view.graph
    dense = np.abs(graph.adjacency().astype(np.float64))
    mass = (dense * (graph.nodes.kind != NodeKind.BIAS)).sum(axis=1) + graph.rows.rest_abs
    texts = np.array([graph.tokens[pos] for pos in graph.nodes.pos])
    expected = dense[:, is_token(view) & (texts == " capital")].sum(axis=1) >= 0.05 * np.maximum(mass, 1e-10)
    assert 0 < expected.sum() < len(graph)
    np.testing.assert_array_equal(matches(parse("reads:capital"), view), expected)
    np.testing.assert_array_equal(matches(parse("-reads:capital"), view), ~expected)


def test_what_pushes_a_token_raises_it_by_a_twentieth_of_what_it_sends() -> None:
    view = view_of()
    graph = view.graph
    dense = graph.adjacency().astype(np.float64)
    output = graph.block(NodeKind.LOGIT).start + graph.logit_tokens.index(" is")
    expected = (dense[output] > 0) & (dense[output] >= 0.05 * np.abs(dense).sum(axis=0))
    assert 0 < expected.sum() < len(graph)
    np.testing.assert_array_equal(matches(parse("pushes:is"), view), expected)


def test_a_token_that_the_prompt_lacks_is_read_by_nothing() -> None:
    view = view_of()
    assert not any(matches(parse(f"{name}:nowhere"), view).any() for name in ("token", "reads", "pushes"))


def labelled(text: str) -> GraphView:
    graph = random_graph(60, 400, seed=1, n_layers=4, n_pos=5)
    return resolve(graph, set_label(Edits(), graph.key(2), text))


def test_a_pattern_that_would_take_ages_is_given_up_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "LONGEST", 0.02)
    view = labelled("aA" * 300 + "!")
    for pattern in (r"(a|aa)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$"):
        began = time.monotonic()
        with pytest.raises(GraphError, match="takes too long on these labels; write a simpler pattern"):
            matches(parse(f"/{pattern}/"), view)
        assert time.monotonic() - began < 30  # else it would be years


def test_a_pattern_on_nested_sets_warns_nobody() -> None:
    assert matches(parse("/[[a]/"), labelled("[")).any()


def test_nodes_with_a_note_are_found() -> None:
    view = labelled("x")
    noted = resolve(view.graph, set_note(view.edits, view.graph.key(3), "odd"))
    assert np.flatnonzero(matches(parse("is:noted"), noted)).tolist() == [3]


def test_what_is_found_is_sorted_by_influence_and_hidden_only_if_all_is() -> None:
    view = view_of()
    nodes = find(view, "kind:feature")
    assert view.shown[nodes].all()
    assert (np.diff(view.influence[nodes]) <= 0).all()
    assert find(view, "is:hidden").tolist() == sorted(
        np.flatnonzero(~view.shown).tolist(), key=lambda node: -view.influence[node]
    )
