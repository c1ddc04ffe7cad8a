"""The command lens."""

from __future__ import annotations

import json

import pytest

from explorer.cli import run_command

DALLAS = "Fact: the capital of the state containing Dallas is"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command(["lens", "us-cities", *arguments])
    return code, *capsys.readouterr()


def test_the_lens_is_a_table_with_a_row_for_each_token(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--prompt", DALLAS)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["token", "before", "0", "before", "1", "before", "2", "output"]
    assert len(lines) == 12
    assert lines[-1].split()[-2:] == ["Austin", "0.97"]


def test_a_specimen_is_a_model_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["lens", "induction", "--prompt", "kQ7pxkQ7"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[-2] == "p"
    assert run_command(["lens", "induction", "--show", "heads", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["induction"][1][0] > 0.85
    assert found["copying"][1][0] > 0.9
    swapped = ["--prompt", "kQ7pxkQ7", "--other", "kQ7xpkQ7", "--show", "patching", "--json"]
    assert run_command(["lens", "induction", *swapped]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["answer_text"], found["rival_text"]) == ("p", "x")
    assert found["heads"][1][0] > 0.5


def test_attention_of_each_head_and_its_strongest_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--prompt", DALLAS, "--show", "attention")
    assert code == 0
    assert len(out.splitlines()) == 1 + 12
    assert "Dallas (9) 1.00" in out


def test_json_holds_the_parts_and_their_sum(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--prompt", DALLAS, "--show", "attribution", "--rival", "Sacramento", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["total"] == pytest.approx(found["logit"], rel=1e-5)
    assert len(found["heads"]) == len(found["mlps"]) == 3


def test_what_is_missing_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in (
        ([], "There is nothing to look at; give --prompt TEXT"),
        (["--prompt", DALLAS, "--show", "patching"], "Patching takes a second prompt; give it with --other TEXT."),
        (["--prompt", DALLAS, "--show", "attention", "--at", "40"], "Position 40 is outside the prompt (0 to 10)"),
    ):
        code, _, error = said(capsys, *arguments)
        assert code == 1
        assert sentence in error
