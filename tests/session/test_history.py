"""Undo and redo over any values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.session.history import History


@given(states=st.lists(st.integers(), max_size=10), back=st.integers(0, 12))
def test_redo_undoes_undo(states: list[int], back: int) -> None:
    history = History(-1)
    for state in states:
        history = history.do(f"set {state}", state)
    here = history
    for _ in range(min(back, len(history.past))):
        history = history.undo()
    for _ in range(len(history.future)):
        history = history.redo()
    assert history == here


@given(states=st.lists(st.integers(0, 3), max_size=10))
def test_undoing_everything_comes_back_to_the_start(states: list[int]) -> None:
    history = History(-1)
    for state in states:
        history = history.do("step", state)
    while history.past:
        history = history.undo()
    assert history.present == -1


def test_a_new_step_forgets_what_was_undone() -> None:
    history = History(0).do("one", 1).do("two", 2).undo().do("three", 3)
    assert history.future == ()
    assert [history.present, history.undo().present, history.undo().undo().present] == [3, 1, 0]


def test_a_step_to_the_same_value_is_none() -> None:
    history = History((1, 2)).do("one", (3, 4)).undo()
    assert history.do("nothing", (1, 2)) is history


def test_the_ends_stay_where_they_are() -> None:
    history = History(0)
    assert history.undo() is history
    assert history.redo() is history
    assert (history.undo_text, history.redo_text) == ("", "")


def test_texts_say_what_would_happen() -> None:
    history = History(0).do("one", 1).do("two", 2)
    assert (history.undo_text, history.redo_text) == ("two", "")
    history = history.undo()
    assert (history.undo_text, history.redo_text) == ("one", "two")
    history = history.undo()
    assert (history.undo_text, history.redo_text) == ("", "one")


def test_a_drag_is_one_step() -> None:
    history = History(0).do("drag", 1, merge=True).do("drag", 2, merge=True).do("drag", 3, merge=True)
    assert history.undo() == History(0, (), (("drag", 3),))


def test_a_drag_does_not_join_another_kind_of_step() -> None:
    history = History(0).do("pin", 1).do("drag", 2, merge=True).do("pin", 3).do("drag", 4, merge=True)
    assert [text for text, _ in history.past] == ["pin", "drag", "pin", "drag"]


def test_a_drag_after_undo_forgets_the_future() -> None:
    history = History(0).do("drag", 1, merge=True).do("pin", 2).undo().do("drag", 3, merge=True)
    assert history.future == ()
    assert history.undo().present == 0
