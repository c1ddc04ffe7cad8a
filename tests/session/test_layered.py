"""The layered layout: rows by layer, no overlap, few crossings, and a person's places kept."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.session.layered import Slab, Tie, area, lay_out

APART = 0.75
sizes = st.floats(20, 220)
slabs_drawn = st.lists(
    st.tuples(st.integers(-1, 6), st.integers(0, 5), sizes, st.floats(20, 90)), min_size=1, max_size=12
).map(lambda rows: [Slab(f"b{at}", float(row[0]), float(row[1]), row[2], row[3]) for at, row in enumerate(rows)])


def ties_among(slabs: list[Slab]) -> st.SearchStrategy[list[Tie]]:
    ids = st.sampled_from([slab.id for slab in slabs])
    drawn = st.lists(st.tuples(ids, ids, st.floats(-1, 1)), max_size=20)
    return drawn.map(lambda rows: [Tie(s, t, share) for s, t, share in rows if s != t])


@settings(max_examples=40)
@given(st.data())
def test_no_two_boxes_overlap_and_the_same_boxes_stand_at_the_same_places(data: st.DataObject) -> None:
    slabs = data.draw(slabs_drawn)
    ties = data.draw(ties_among(slabs))
    places = lay_out(slabs, ties, apart=APART)
    assert set(places) == {slab.id for slab in slabs}
    for one, other in combinations(slabs, 2):
        assert not area(one, places[one.id]).meets(area(other, places[other.id]))
    assert lay_out(slabs, ties, apart=APART) == places


@settings(max_examples=30)
@given(st.data())
def test_what_a_person_has_put_stays_and_the_others_keep_clear(data: st.DataObject) -> None:
    slabs = data.draw(slabs_drawn)
    ties = data.draw(ties_among(slabs))
    auto = lay_out(slabs, ties, apart=APART)
    put = Slab("put", 2.0, 1.0, 120.0, 60.0, auto[slabs[0].id])
    places = lay_out([*slabs, put], ties, apart=APART)
    assert places["put"] == auto[slabs[0].id]
    everything = [*slabs, put]
    for one, other in combinations(everything, 2):
        assert not area(one, places[one.id]).meets(area(other, places[other.id]))


def box(id: str, level: float, pos: float = 0.0) -> Slab:
    return Slab(id, float(level), float(pos), 100.0, 50.0)


def test_rows_follow_the_layers_and_what_feeds_another_stands_below_it() -> None:
    slabs = [box("token", -1), box("early", 3), box("twin", 3.4), box("output", 20)]
    apart = lay_out(slabs, [Tie("token", "early", 0.5)], apart=2.0)
    assert apart["early"][1] == apart["twin"][1]
    fed = lay_out(slabs, [Tie("early", "twin", 0.5)], apart=2.0)
    assert fed["token"][1] > fed["early"][1] > fed["twin"][1] > fed["output"][1]


def test_the_lowest_row_is_in_the_order_of_the_tokens() -> None:
    slabs = [box("late", -1, 5), box("first", -1, 0), box("middle", -1, 2), box("up", 4)]
    places = lay_out(slabs, [Tie("late", "up", 1.0), Tie("first", "up", 0.1)], apart=APART)
    assert places["first"][0] < places["middle"][0] < places["late"][0]


def test_links_that_need_not_cross_do_not() -> None:
    """Four boxes above four, each tied to the one across: untangled, they stand each above its own."""
    low = [box(f"low{at}", 0, at) for at in range(4)]
    high = [box(f"high{at}", 5, at) for at in range(4)]
    places = lay_out([*low, *high], [Tie(f"low{at}", f"high{3 - at}", 0.5) for at in range(4)], apart=APART)
    assert [places[f"high{3 - at}"][0] for at in range(4)] == [places[f"low{at}"][0] for at in range(4)]


def test_a_box_gives_room_to_a_link_that_passes_its_row() -> None:
    slabs = [box("a", 0, 0), box("b", 5, 0), box("c", 10, 0)]
    ties = [Tie("a", "b", 0.5), Tie("b", "c", 0.5)]
    straight = lay_out(slabs, ties, apart=APART)
    assert straight["a"][0] == straight["b"][0] == straight["c"][0]
    passed = lay_out(slabs, [*ties, Tie("a", "c", 0.5)], apart=APART)
    assert passed["a"][0] == passed["c"][0]
    assert abs(passed["a"][0] - passed["b"][0]) > 30.0


def test_a_row_that_is_too_wide_is_broken() -> None:
    slabs = [box(f"b{at}", 3, at) for at in range(12)]
    places = lay_out(slabs, [], apart=APART, widest=500.0)
    assert max(x for x, _ in places.values()) - min(x for x, _ in places.values()) <= 500.0
    assert len({y for _, y in places.values()}) == 3


def test_nothing_to_place_is_no_fault() -> None:
    assert lay_out([], [], apart=APART) == {}
