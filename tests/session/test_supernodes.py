"""Supernodes: a node is in at most one, none is empty, none lies within itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.circuits.graph import NodeKey
from explorer.errors import GraphError
from explorer.session import edits as edit
from explorer.session.edits import Edits, box_key
from explorer.session.supernodes import Supernode, children, holder, members_below, whole, within

A, B, C, D = (NodeKey(0, 1, 2, feature) for feature in (7, 8, 9, 10))
KEYS = st.sampled_from([A, B, C, D])
IDS = st.sampled_from(["", "g1", "g2", "g3"])
STEPS: st.SearchStrategy[tuple[Callable[..., Edits], tuple[object, ...]]] = st.one_of(
    st.tuples(st.just(edit.group), st.tuples(st.lists(KEYS), st.text(max_size=2))),
    st.tuples(st.just(edit.nest), st.tuples(IDS, IDS)),
    st.tuples(st.just(edit.dissolve), st.tuples(IDS)),
    st.tuples(st.just(edit.add_members), st.tuples(IDS, st.lists(KEYS))),
    st.tuples(st.just(edit.remove_members), st.tuples(st.lists(KEYS))),
    st.tuples(st.just(edit.recolour), st.tuples(IDS, st.sampled_from(["", "teal"]))),
)


def two() -> Edits:
    return edit.group(edit.group(Edits(), [A, B], "states"), [C], "say Austin")


@given(st.lists(STEPS, max_size=12))
def test_any_steps_leave_a_node_in_one_supernode_and_every_supernode_below_the_top(
    steps: list[tuple[Callable[..., Edits], tuple[object, ...]]],
) -> None:
    edits = Edits()
    for do, arguments in steps:
        try:
            edits = do(edits, *arguments)
        except GraphError:
            continue
        groups = edits.supernodes
        members = [key for group in groups for key in group.members]
        assert len(members) == len(set(members))
        assert len({group.id for group in groups}) == len(groups)
        assert all(members_below(groups, group.id) for group in groups)
        below = [inner.id for top in children(groups, "") for inner in within(groups, top.id)]
        assert sorted(below) == sorted(group.id for group in groups)
        assert whole(groups) == groups


def test_a_new_group_takes_its_nodes_out_of_the_others() -> None:
    edits = edit.group(two(), [B, C], " both ")
    assert edits.supernodes == (Supernode("states", (A,), "g1"), Supernode("both", (B, C), "g3"))
    assert holder(edits.supernodes, C) == edits.supernodes[1]


def test_members_move_between_groups_and_an_empty_one_vanishes_with_its_place() -> None:
    edits = edit.move_boxes(two(), {"g2": (1.0, 2.0), box_key(A): (3.0, 4.0)})
    edits = edit.set_edge_label(edits, "g2", "g1", "reads")
    edits = edit.add_members(edits, "g1", [C, A])
    assert edits.supernodes == (Supernode("states", (A, B, C), "g1"),)
    assert edits.places == {"node:feature:1:2:7": (3.0, 4.0)}
    assert edits.edge_labels == {}


def test_a_nested_group_keeps_its_own_members_and_is_below_its_parent() -> None:
    edits = edit.nest(two(), "g2", "g1")
    assert members_below(edits.supernodes, "g1") == (A, B, C)
    assert members_below(edits.supernodes, "g2") == (C,)
    assert [group.id for group in children(edits.supernodes, "")] == ["g1"]
    assert edit.nest(edits, "g2", "") == two()


def test_a_group_cannot_go_into_what_lies_within_it() -> None:
    edits = edit.nest(two(), "g2", "g1")
    for parent in ("g1", "g2"):
        with pytest.raises(GraphError, match="cannot go into"):
            edit.nest(edits, "g1", parent)


def test_what_is_in_a_dissolved_group_goes_where_the_group_was() -> None:
    edits = edit.nest(edit.group(edit.nest(two(), "g2", "g1"), [D], "inner"), "g3", "g2")
    edits = edit.dissolve(edits, "g2")
    assert edits.supernodes == (
        Supernode("states", (A, B, C), "g1"),
        Supernode("inner", (D,), "g3", parent="g1"),
    )
    assert edit.dissolve(edit.dissolve(edits, "g1"), "g3") == Edits()


def test_a_group_whose_only_content_is_another_group_stays() -> None:
    edits = edit.remove_members(edit.nest(two(), "g2", "g1"), [A, B])
    assert [group.id for group in edits.supernodes] == ["g1", "g2"]
    assert edit.remove_members(edits, [C]) == Edits()


def test_names_colours_and_notes_change_one_group() -> None:
    edits = edit.annotate(edit.recolour(edit.rename(two(), "g1", " Texas "), "g1", "teal"), "g1", "why")
    assert edits.supernodes[0] == Supernode("Texas", (A, B), "g1", "teal", note="why")
    assert edits.supernodes[1] == two().supernodes[1]
    assert edit.rename(edits, "g1", "  ") == edits
    with pytest.raises(GraphError, match="“red” is no colour of a supernode"):
        edit.recolour(edits, "g1", "red")


def test_a_group_that_is_gone_is_named_in_the_sentence() -> None:
    with pytest.raises(GraphError, match="no supernode “g9”"):
        edit.rename(two(), "g9", "x")


def test_links_and_filters_are_forgotten_by_an_empty_text() -> None:
    edits = edit.save_filter(edit.set_edge_note(Edits(), "g1", "g2", "why"), "late", "layer>=6")
    assert (edits.edge_notes, edits.filters) == ({("g1", "g2"): "why"}, {"late": "layer>=6"})
    assert edit.save_filter(edit.set_edge_note(edits, "g1", "g2", ""), "late", "") == Edits()
    assert edit.forget_places(edit.move_boxes(Edits(), {"g1": (0.0, 1.0)})) == Edits()
