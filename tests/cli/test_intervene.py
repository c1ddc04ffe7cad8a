"""The command intervene."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.cli import run_command
from explorer.cli.interventions import setting
from explorer.errors import GraphError

DALLAS = "Fact: the capital of the state containing Dallas is"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_json_has_tokens_logits_and_both_continuations(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    start = ["intervene", "us-cities", "--prompt", DALLAS, "--set", "1:10:5=400", "2:3+:7=x0", "--mode", "free"]
    code, out, _ = said(
        capsys, *start, "--generate", 2, "--temperature", 0, "--logits", tmp_path / "l.npz", "--changed", 2, "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert any(row["text"] == "Austin" and row["before"] > 0.9 for row in found["tokens"])
    assert found["generated"]["before"]["tokens"][0]["text"] == "Austin"
    assert found["generated"]["now"]["tokens"][0]["text"] == found["tokens"][0]["text"]
    assert len(found["changed"]) == 2
    with np.load(tmp_path / "l.npz") as held:
        chances = np.exp(held["now"] - held["now"].max())
        assert chances.max() / chances.sum() == pytest.approx(found["tokens"][0]["now"], abs=1e-4)


def test_the_form_of_a_change() -> None:
    assert setting("2:10:5=x1.5") == {
        "kind": "feature", "layer": 2, "index": 5, "pos": 10, "op": "set", "unit": "own", "value": 1.5
    }  # fmt: skip
    assert setting("head:1:3-5:2=*-1")["pos"] == [3, 5]
    assert setting("error:1:4=x0")["kind"] == "error"
    assert setting("2:10+:5=+3")["generated"]
    steer = setting("direction:1:10:C:\\a=b.npy=+3")
    assert (steer["file"], steer["pos"], steer["op"], steer["unit"], steer["value"]) == (
        "C:\\a=b.npy", 10, "add", "absolute", 3.0
    )  # fmt: skip
    assert setting("residual:1:0-10=other") == {
        "kind": "residual", "layer": 1, "index": 0, "pos": [0, 10], "op": "set", "unit": "other", "other_pos": None,
        "value": 1.0,
    }  # fmt: skip
    half = setting("head:1:3:2=x0.5other@-1")
    assert (half["unit"], half["other_pos"], half["value"]) == ("other", -1, 0.5)
    assert setting("2:10:5=+other")["op"] == "add"
    for wrong in ("", "2:10=1", "2:10:5", "2:10:5=", "a:10:5=1", "2:x:5=1", "head:1:2=1", "2:10:5=xy",
                  "residual:1=other", "direction:1:2=1", "2:10:5=*other", "2:10:5=other@x", "2:10:5=x", "2:10:5=1@2"):
        with pytest.raises(GraphError):
            setting(wrong)


@pytest.mark.parametrize(
    "wrong",
    [["--set", "9:1:1=2"], ["--set", "1:1:1=nan"], ["--set", "1:40:1=2"], ["--set", "1:1:1=2", "--freeze", "all"],
     ["--set", "1:1:1=2", "--layers", "x"], ["--set", "1:1:1=2", "--mode", "odd"],
     ["--set", "1:1:1=other"], ["--set", "1:9:1=other", "--other", "Fact: Ohio"], ["--set", "residual:1:1=x2"],
     ["--set", "1:1:1=other@50", "--other", "Fact: Ohio"], ["--set", "direction:1:1:gone.npy=1"], [],
     ["--set", "1:1:1=2", "--dose", "1:2"], ["--set", "1:1:1=2", "--dose", "0:nan:3"],
     ["--set", "1:1:1=other", "--other-tokens", "1,99999"]],
)  # fmt: skip
def test_faults_are_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str], wrong: list[str]) -> None:
    code, out, err = said(capsys, "intervene", "us-cities", "--prompt", DALLAS, *wrong)
    assert (code, out) == (1, "")
    assert [line for line in err.splitlines() if not line.startswith(("Reading", "Running", "Finding"))] != []
    assert "Traceback" not in err


OAKLAND = "Fact: the capital of the state containing Oakland is"


def test_a_dose_is_a_line_for_each_value(capsys: pytest.CaptureFixture[str]) -> None:
    start = ["intervene", "us-cities", "--prompt", DALLAS, "--mode", "free", "--other", OAKLAND, "--generate", 2]
    start += ["--set", "residual:1:10=other@-1", "--dose", "0:1:3"]
    code, out, _ = said(capsys, *start)
    assert code == 0
    assert "Austin" in out.splitlines()[0]
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["0", "0.5", "1"]
    code, out, _ = said(capsys, *start, "--json")
    points = json.loads(out)["points"]
    assert [point["value"] for point in points] == [0.0, 0.5, 1.0]
    assert points[0]["kl"] < points[1]["kl"] < points[2]["kl"]
    single = said(capsys, *[*start[:-2], "--json"])[1]
    now = {row["token_id"]: row["now"] for row in json.loads(single)["tokens"]}
    last = {row["token_id"]: row["probability"] for row in points[2]["tokens"]}
    assert max(now.values()) == pytest.approx(max(last.values()), abs=1e-6)
