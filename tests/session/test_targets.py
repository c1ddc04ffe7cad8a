"""Choosing what to explain."""

from __future__ import annotations

import pytest

from explorer.errors import PromptError
from explorer.session.prompt import Candidate, Prompt
from explorer.session.targets import TargetChoice, describe, likely

PROMPT = Prompt(
    "x", (1,), ("x",), 0, (Candidate(5, " dry", 0.875), Candidate(6, " hot", 0.06), Candidate(7, "\n", 0.04))
)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (TargetChoice(), ("dry", ".875 + 2 more")),
        (TargetChoice(max_logits=1), ("dry", ".875")),
        (TargetChoice("tokens", (6,)), ("hot", ".060")),
        (TargetChoice("tokens", (99, 6)), ("token 99", "+ 1 more")),
        (TargetChoice("contrast", (5, 6)), ("dry \u2212 hot", "")),
        (TargetChoice("contrast", (7, 6)), ("\\n \u2212 hot", "")),
    ],
)
def test_a_choice_is_described(choice: TargetChoice, words: tuple[str, str]) -> None:
    assert describe(choice, PROMPT) == words


def test_a_certain_token_is_written_as_one() -> None:
    prompt = Prompt("x", (1,), ("x",), 0, (Candidate(5, " dry", 0.9999),))
    assert describe(TargetChoice(), prompt) == ("dry", "1.000")


def test_without_candidates_it_is_the_most_probable() -> None:
    assert describe(TargetChoice(), Prompt("")) == ("most probable", "")


def test_likely_tokens_end_where_the_mass_is_reached() -> None:
    assert likely(TargetChoice(logit_mass=0.875), PROMPT) == (5,)
    assert likely(TargetChoice(logit_mass=0.9), PROMPT) == (5, 6)


@pytest.mark.parametrize("tokens", [(), (1,), (1, 1), (1, 2, 1), (1, 2, 3)])
def test_a_contrast_needs_two_tokens(tokens: tuple[int, ...]) -> None:
    with pytest.raises(PromptError):
        TargetChoice("contrast", tokens)


def test_chosen_tokens_must_be_some() -> None:
    with pytest.raises(PromptError):
        TargetChoice("tokens", ())
