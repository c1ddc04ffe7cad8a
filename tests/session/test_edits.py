"""Edits are values: each function gives a new one and leaves the old as it was."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import NodeKey
from explorer.session import edits as edit
from explorer.session.edits import Edits, Label

A, B, C = (NodeKey(0, 1, 2, feature) for feature in (7, 8, 9))
keys = st.sampled_from([A, B, C])
actions = st.one_of(
    st.builds(lambda x: ("set_thresholds", (x, None)), st.floats(-1, 2)),
    st.builds(lambda x: ("set_thresholds", (None, x)), st.floats(-1, 2)),
    st.builds(lambda x: ("count_bias", (x,)), st.booleans()),
    st.builds(lambda x: ("pin", (x,)), st.lists(keys)),
    st.builds(lambda x: ("unpin", (x,)), st.lists(keys)),
    st.builds(lambda x: ("toggle_pin", (x,)), keys),
    st.builds(lambda x: ("hide", (x,)), st.lists(keys)),
    st.just(("show_all", ())),
    st.builds(lambda x, y: ("set_label", (x, y)), keys, st.text(max_size=3)),
    st.builds(lambda x, y: ("set_note", (x, y)), st.one_of(st.none(), keys), st.text(max_size=3)),
    st.builds(lambda x, y: ("group", (x, y)), st.lists(keys), st.text(max_size=3)),
    st.builds(lambda x: ("remove_members", (x,)), st.lists(keys)),
)


@given(steps=st.lists(actions, max_size=8))
def test_no_edit_changes_the_value_it_starts_from(steps: list[tuple[str, tuple[object, ...]]]) -> None:
    state = Edits()
    for name, arguments in steps:
        before = deepcopy(state)
        state, old = getattr(edit, name)(state, *arguments), state
        assert old == before
        assert 0 <= state.node_threshold <= 1
        assert 0 <= state.edge_threshold <= 1
        assert len(set(state.pinned)) == len(state.pinned)


def test_only_the_threshold_that_is_given_changes() -> None:
    assert edit.set_thresholds(Edits(), node=0.5) == Edits(node_threshold=0.5)
    assert edit.set_thresholds(Edits(), edge=0.5) == Edits(edge_threshold=0.5)


@pytest.mark.parametrize(("given_value", "kept"), [(-0.5, 0.0), (0.0, 0.0), (1.0, 1.0), (7.0, 1.0)])
def test_thresholds_are_clamped(given_value: float, kept: float) -> None:
    assert edit.set_thresholds(Edits(), given_value, given_value) == Edits(node_threshold=kept, edge_threshold=kept)


def test_pins_keep_the_order_in_which_they_came() -> None:
    assert edit.pin(edit.pin(Edits(), [B, A, B]), [A, C]).pinned == (B, A, C)


def test_unpinning_what_is_not_pinned_changes_nothing() -> None:
    assert edit.unpin(edit.pin(Edits(), [A]), [B]) == edit.pin(Edits(), [A])


def test_toggling_twice_is_nothing() -> None:
    assert edit.toggle_pin(Edits(), A).pinned == (A,)
    assert edit.toggle_pin(edit.toggle_pin(Edits(), A), A) == Edits()


def test_pinned_nodes_are_not_hidden() -> None:
    held = edit.hide(edit.pin(Edits(), [A]), [A, B])
    assert held.hidden == {B}
    assert edit.show_all(held).hidden == frozenset()


def test_labels_are_trimmed_and_an_empty_one_goes() -> None:
    held = edit.set_label(Edits(), A, "  say Austin ", "tested")
    assert held.labels == {A: Label("say Austin", "tested")}
    assert edit.set_label(held, A, "   ") == Edits()
    assert edit.set_label(Edits(), A, "x").labels[A].status == "human"


def test_notes_belong_to_a_node_or_to_the_document() -> None:
    held = edit.set_note(edit.set_note(Edits(), A, "why"), None, "all in all")
    assert (held.notes, held.note) == ({A: "why"}, "all in all")
    assert edit.set_note(edit.set_note(held, A, ""), None, "") == Edits()


def test_an_auto_label_never_takes_the_place_of_a_persons() -> None:
    for status in ("human", "tested"):
        held = edit.set_label(Edits(), A, "say Austin", status)
        assert edit.set_label(held, A, "about cities", "auto") == held
    auto = edit.set_label(Edits(), A, "about cities", "auto")
    assert edit.set_label(auto, A, "about towns", "auto").labels[A].text == "about towns"
    assert edit.set_label(held, A, "say Austin", "auto").labels[A].status == "auto"  # a person says so


def test_a_filter_is_renamed_in_its_place() -> None:
    held = edit.save_filter(edit.save_filter(Edits(), "late", "layer>2"), "early", "layer<2")
    renamed = edit.rename_filter(held, "late", " last ").filters
    assert list(renamed.items()) == [("last", "layer>2"), ("early", "layer<2")]
    assert edit.rename_filter(held, "late", "  ").filters == held.filters
    assert edit.rename_filter(held, "late", "early").filters == {"early": "layer>2"}
