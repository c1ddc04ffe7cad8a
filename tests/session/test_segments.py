"""Tokens as stretches of a text that is being changed."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from explorer.session.prompt import Prompt
from explorer.session.segments import segments


def cut(*tokens: str, special: int = 1) -> Prompt:
    text = "".join(tokens[special:])
    return Prompt(text, tuple(range(len(tokens))), tokens, special)


def test_each_token_is_its_stretch() -> None:
    found = segments(cut("<s>", "The", " sun", "\n"), "The sun\n")
    assert [(each.words, each.pos) for each in found] == [("The", 1), (" sun", 2), ("\n", 3)]


def test_what_was_typed_since_has_no_token() -> None:
    found = segments(cut("<s>", "The", " sun"), "The sun is")
    assert [(each.words, each.pos) for each in found] == [("The", 1), (" sun", 2), (" is", -1)]


def test_a_change_within_leaves_what_is_before_it() -> None:
    found = segments(cut("<s>", "The", " sun", " is"), "The moon is")
    assert [(each.words, each.pos) for each in found] == [("The", 1), (" moon is", -1)]


def test_bytes_of_one_character_are_one_segment() -> None:
    prompt = Prompt("a 🌞 b", (0, 1, 2, 3, 4), ("a", " ", "\ufffd", "\ufffd", " b"), 0)
    found = segments(prompt, "a 🌞 b")
    assert [(each.words, each.pos, each.n_tokens) for each in found] == [
        ("a", 0, 1),
        (" ", 1, 1),
        ("🌞", 2, 2),
        (" b", 4, 1),
    ]


@given(st.lists(st.text(min_size=1, max_size=4), max_size=6), st.text(max_size=12))
def test_segments_cover_the_text_in_order(tokens: list[str], text: str) -> None:
    found = segments(cut(*tokens, special=0), text)
    assert "".join(each.words for each in found) == text
    assert all(one.end == other.start for one, other in pairwise(found))
