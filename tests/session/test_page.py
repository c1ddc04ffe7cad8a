"""Page: sizes on paper are those that were asked, and what is beyond reason is refused in a sentence."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import ExplorerError
from explorer.session.figure import Box, Circle, Figure, Group, Ink, Rect, Run, Text
from explorer.session.page import POINTS, Page, Wish, checked, length_mm, page_of, put_on, wish_of, words_pt

SIZES = st.floats(40.0, 1000.0)


def figure(width: float = 300.0, height: float = 200.0) -> Figure:
    items = (Rect(0.0, 0.0, width, height, Ink(fill="#FF0000")), Text(5.0, 20.0, (Run("words", "#000000"),), 11))
    return Figure(width, height, "#FFFFFF", "t", "s", (Group("all", items, Box(0.0, 0.0, width, height)),))


@given(SIZES, st.floats(30.0, 1000.0), st.floats(5.0, 30.0))
def test_a_page_has_the_size_that_was_asked_and_the_whole_figure_is_on_it(wide: float, high: float, pt: float) -> None:
    found = put_on(figure(), Page(wide, high, pt))
    assert found.width_mm == pytest.approx(wide)
    assert found.height_mm == pytest.approx(high)
    rect = found.groups[0].items[0]
    assert isinstance(rect, Rect)
    assert rect.x >= -0.6
    assert rect.y >= -0.6
    assert rect.x + rect.width <= found.width + 0.6
    assert rect.y + rect.height <= found.height + 0.6
    assert words_pt(found) <= pt + 1e-6


def test_words_are_as_large_as_asked_where_there_is_room() -> None:
    found = put_on(figure(), Page(width_mm=500.0, font_pt=12.0))
    assert words_pt(found) == pytest.approx(12.0)
    assert pytest.approx(11 / (720 / 190) / 25.4 * 72) == POINTS  # 11 px of 720 on 190 mm


def test_without_a_height_a_page_is_as_high_as_the_figure() -> None:
    found = put_on(figure(300.0, 200.0), Page(width_mm=200.0))
    assert found.height_mm / found.width_mm == pytest.approx(200.0 / found.width)


def test_a_clip_moves_with_its_items() -> None:
    group = put_on(figure(), Page(width_mm=500.0)).groups[0]
    rect, clip = group.items[0], group.clip
    assert isinstance(rect, Rect)
    assert clip is not None
    assert (clip.x0, clip.y0) == pytest.approx((rect.x, rect.y))
    assert rect.x > 1


def test_what_stands_at_the_origin_of_a_tight_page_stays() -> None:
    circle = Circle(1.0, 1.0, 1.0, Ink())
    tight = replace(figure(), groups=(Group("one", (circle,)),))
    found = put_on(tight, Page(width_mm=tight.width_mm, font_pt=30.0))
    assert found.groups[0].items == (circle,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width_mm": 5.0}, "The width is 5 mm; choose one from 40 to 1000."),
        ({"height_mm": float("nan")}, "The height is nan mm; choose one from 30 to 1000."),
        ({"font_pt": 400.0}, "The font size is 400 pt; choose one from 5 to 30."),
        ({"dpi": 0}, "The resolution is 0 dots per inch; choose one from 50 to 1200."),
        ({"theme": "sepia"}, "“sepia” is no theme; choose light, dark or print."),
    ],
)
def test_what_is_beyond_its_limits_is_a_sentence(change: dict[str, object], words: str) -> None:
    with pytest.raises(ExplorerError) as fault:
        checked(replace(Page(), **change))  # type: ignore[arg-type]
    assert str(fault.value) == words


@pytest.mark.parametrize(("text", "mm"), [("90", 90.0), ("90mm", 90.0), (" 3.5 in", 88.9), ("300px", 25.4)])
def test_lengths_are_read_as_people_write_them(text: str, mm: float) -> None:
    assert length_mm(text, 300.0) == pytest.approx(mm)


@pytest.mark.parametrize("text", ["", "wide", "12 furlongs", "mm", "1e"])
def test_what_is_no_length_is_a_sentence(text: str) -> None:
    with pytest.raises(ExplorerError, match="is no length; write 90mm"):
        length_mm(text, 300.0)


def test_a_wish_comes_back_from_json() -> None:
    wish = Wish("subgraph", ".pdf", "in", "/tmp", Page(120.0, 80.0, 9.5, 600, "dark", False, False))
    assert wish_of(json.loads(json.dumps(asdict(wish)))) == wish


DAMAGED = [None, 3, [], {}, {"page": 7}, {"page": {"dpi": True, "width_mm": "90"}}, {"suffix": ".exe"}]


@pytest.mark.parametrize("table", DAMAGED)
def test_what_is_damaged_in_the_settings_is_as_by_default(table: object) -> None:
    assert wish_of(table) == Wish()


def test_one_value_beyond_its_limits_does_not_take_the_others() -> None:
    assert page_of({"width_mm": -4, "dpi": 150, "theme": "dark"}) == Page(dpi=150, theme="dark")
