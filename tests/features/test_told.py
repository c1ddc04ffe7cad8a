"""What a language model is asked about a feature, and its answer as a rule."""

from __future__ import annotations

import math

from explorer.features.labels import Seen
from explorer.features.told import N_EXAMPLES, answer, question, shown, told_rule, vocabulary

WORDS = ["the", "Fort Smith", "Texas", "##a", "\n", "is", "texas"]


def text(token: int) -> str:
    return WORDS[token]


def test_the_strongest_examples_are_shown_up_to_their_peaks_and_none_twice() -> None:
    seen = [Seen((0, 5, 1), 1.0), Seen((0, 2), 3.0), Seen((0, 2), 2.0), Seen((), 9.0)]
    lines = shown(seen, text)
    assert lines == ["the «Texas»", "the is «Fort Smith»"]
    assert question(lines).endswith("- the «Texas»\n- the is «Fort Smith»\nMarked:")
    assert len(shown([Seen((at,), 1.0) for at in range(50)], str)) == N_EXAMPLES


def test_tokens_with_their_own_blanks_get_no_others() -> None:
    assert shown([Seen((0, 1), 1.0)], lambda token: ("The", " sea")[token]) == ["The «sea»"]
    assert shown([Seen((0, 1, 2), 1.0)], lambda token: ("The", " Aus", "tin")[token]) == ["The Aus«tin»"]


def test_an_answer_is_the_line_that_was_gone_on_with() -> None:
    assert answer("  cities of Texas.\n\n- more") == "cities of Texas"
    assert answer('"colours"') == "colours"
    assert answer(" .\x07\nmore") == ""
    assert answer("\n- more") == ""
    assert len(answer("long " * 99)) <= 80


def test_the_rule_weighs_the_tokens_that_are_named_by_how_rare_they_are() -> None:
    found = told_rule("The towns, Fort Smith and TEXAS", "small", 3, vocabulary(WORDS), {0: 98, 1: 0, 2: 8}, 98)
    assert found is not None
    assert (found.kind, found.words, found.evidence) == (
        "model", "The towns, Fort Smith and TEXAS", "by “small” from 3 examples",
    )  # fmt: skip
    assert set(found.weights) == {0, 1, 2, 6}
    assert found.weights[1] == found.weights[6] == 1.0
    assert abs(found.weights[2] - math.log(9 / 100) / math.log(1 / 100)) < 1e-9
    assert found.weights[0] < 0.01


def test_what_is_said_of_no_token_finds_nothing_and_nothing_said_is_no_rule() -> None:
    found = told_rule("months", "small", 3, vocabulary(WORDS), {}, 98)
    assert found is not None
    assert found.weights == {}
    assert told_rule("", "small", 3, vocabulary(WORDS), {}, 98) is None
