"""The command specimen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from explorer.cli import run_command
from explorer.specimens.catalogue import SPECIMENS


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command(["specimen", *arguments])
    return code, *capsys.readouterr()


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code, out, _ = said(capsys, *arguments, "--json")
    assert code == 0
    answer: dict[str, Any] = json.loads(out)
    return answer


VERBS = {
    "letters": (["read", "q"], ["intervene", "--columns", "."], ["extract"]),
    "superposition": (["read"], ["intervene", "--without", "1"]),
    "adder": (["read", "12", "988"], ["intervene", "--neurons", "3", "--sums", "20"], ["extract", "9", "1"]),
    "modular-113": (["intervene", "--frequencies", "21"],),
    "modular-59": (["read"], ["intervene", "--frequencies", "5"], ["extract"]),
    "induction": (["read", "kQ7pxkQ7"], ["intervene", "--without", "1.0"], ["extract"]),
}
CASES = [(row.name, *verb) for row in SPECIMENS for verb in VERBS[row.name]]


def test_without_a_name_the_specimens_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [row.name for row in SPECIMENS]
    assert [row["name"] for row in told(capsys)["specimens"]] == [row.name for row in SPECIMENS]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_each_verb_says_the_same_in_words_and_in_json(
    capsys: pytest.CaptureFixture[str], case: tuple[str, ...]
) -> None:
    code, out, _ = said(capsys, *case)
    assert code == 0
    assert len(out.splitlines()) > 1
    assert told(capsys, *case)


def test_cutting_the_end_of_words_makes_them_endless(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "letters", "intervene", "--columns", ".", "--words", "20")
    assert all(word["ended"] for word in found["before"]["words"])
    assert not any(word["ended"] for word in found["after"]["words"])
    assert found["after"]["perplexity"] > 10 * found["before"]["perplexity"]
    assert found["after"]["loop"]


def test_a_fault_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in (
        (["letters", "read", "Q"], "“Q” is no letter of this model"),
        (["letters", "intervene"], "Nothing is cut out"),
        (["superposition", "intervene", "--without", "2"], "There is no dimension 2; take one of 0 to 1."),
        (["superposition", "read", "--density", "0"], "The density is 0"),
    ):
        code, out, error = said(capsys, *arguments)
        assert (code, out) == (1, "")
        assert sentence in error


@pytest.mark.parametrize("wrong", [("--sums", "0", 1), ("--seed", "-1", 0)])
def test_a_number_too_small_is_a_sentence(wrong: tuple[str, str, int], capsys: pytest.CaptureFixture[str]) -> None:
    flag, value, least = wrong
    with pytest.raises(SystemExit):
        run_command(["specimen", "adder", "intervene", "--neurons", "1", flag, value])
    assert f"{value} is too small; give a whole number from {least} on." in capsys.readouterr().err
