"""The command validate."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.circuits import faithfulness
from explorer.cli import run_command
from explorer.io import validation_file as journal
from explorer.io.circuit_file import open_circuit, save
from explorer.session.edits import pin

DALLAS = "Fact: the capital of the state containing Dallas is"


def attributed(folder: Path, kind: str, *more: str) -> Path:
    made = folder / f"{kind}.circuit"
    asked = ["attribute", "us-cities", "--transcoders", kind, "--prompt", DALLAS, "-o", str(made), *more]
    assert run_command(asked) == 0
    return made


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small graph with three pins."""
    path = attributed(tmp_path_factory.mktemp("graphs"), "plt", "--max-features", "40")
    graph, edits = open_circuit(path)
    save(path, graph, pin(edits, [graph.key(row) for row in range(10, 13)]))
    return path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "validations_path", lambda: tmp_path / "validations")
    monkeypatch.setattr(faithfulness, "SIZES", (1.0,))  # for speed


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_command([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_it_prints_what_holds_and_writes_table_and_figure(
    capsys: pytest.CaptureFixture[str], pinned: Path, tmp_path: Path
) -> None:
    start = ["validate", pinned, "--only", "pinned", "--controls", 2]
    files = ["-o", tmp_path / "a.csv", "--figure", tmp_path / "a.svg", "--layers", tmp_path / "layers.csv"]
    code, out, _ = said(capsys, *start, *files)
    assert code == 0
    assert out.startswith("Direct effects hold: off by ")
    assert "Without the 3 pinned nodes “Austin” goes from 0.97" in out
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert len(rows) == 3
    assert all(float(row["measured_direct"]) == pytest.approx(float(row["predicted_direct"]), abs=1e-4) for row in rows)
    assert "measured in the model" in (tmp_path / "a.svg").read_text()
    assert len((tmp_path / "layers.csv").read_text().splitlines()) == 16
    code, out, _ = said(capsys, *start, "--json")
    found = json.loads(out)
    assert code == 0
    assert [one["label"] for one in found["effects"]] == [row["label"] for row in rows]
    assert found["verdict"]["direct_error"] < 1e-6
    assert found["circuit"]["is_pinned"] is True
    assert len(found["layers"]) == 15  # 3 kinds at 3 + 2 + 1 layers, but no decoder writes in front of the first


@pytest.mark.slow
def test_two_sets_are_compared_cell_by_cell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plt, clt = (attributed(tmp_path, kind) for kind in ("plt", "clt"))
    code, out, _ = said(capsys, "validate", plt, "--against", clt, "--controls", 0, "--json")
    agreed = json.loads(out)["agreement"]
    assert code == 0
    assert agreed["tokens"]["n"] == 11
    assert agreed["measured"]["n"] == 30
    assert agreed["measured"]["rho"] > 0.7


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["-o", "x.txt"], "“x.txt” names no format; end it in .csv, .svg, .png or .pdf."),
        (["--factor", "1"], "The factor 1 tests nothing; choose 0 to switch off, or another than 1."),
        (["--only", "some"], "There is nothing “some” to test; choose one of pinned, shown, all, cells."),
        (["--mode", "fast"], "There is no mode “fast”; choose direct, constrained, iterative or free."),
        (["--counterpart", "Dallas"], "The other prompt has 2 tokens and this one 11; choose one of the same length."),
    ],
)
def test_what_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], pinned: Path, more: list[str], sentence: str
) -> None:
    code, out, error = said(capsys, "validate", pinned, "--only", "pinned", *more)
    assert (code, out) == (1, "")
    assert error.splitlines()[-1].endswith(sentence)


def test_the_model_of_a_graph_that_is_no_samples_must_be_named(
    capsys: pytest.CaptureFixture[str], pinned: Path, tmp_path: Path
) -> None:
    graph, edits = open_circuit(pinned)
    save(tmp_path / "b.circuit", replace(graph, provenance={**graph.provenance, "model": "mine"}), edits)
    code, _, error = said(capsys, "validate", tmp_path / "b.circuit")
    assert code == 1
    assert "“mine”, which is no sample; say where it is: --model." in error
