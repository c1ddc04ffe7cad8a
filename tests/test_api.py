"""The Python interface, end to end on the sample, and the scripts that use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.api import Model, Transcoders
from explorer.circuits.graph import NodeKind
from explorer.cli import run_command
from explorer.engine.inprocess import run_job
from explorer.errors import ExplorerError, GraphError, LoadError
from explorer.io.circuit_file import open_circuit
from explorer.io.circuit_file import save as save_circuit
from explorer.session.edits import Edits
from explorer.session.edits import intervene as with_interventions
from explorer.session.interventions import Interventions, Row, group_row, request
from explorer.session.script import script
from explorer.session.view import GraphView

ROOT = Path(__file__).parent.parent
DALLAS = "Fact: the capital of the state containing Dallas is"
OAKLAND = "Fact: the capital of the state containing Oakland is"
NAMES = ("open_model", "open_transcoders", "attribute", "prune", "intervene", "open_graph", "save")


@pytest.fixture(scope="module")
def model() -> Model:
    return explorer.open_model("us-cities", threads=1)


@pytest.fixture(scope="module")
def transcoders() -> Transcoders:
    return explorer.open_transcoders("us-cities/plt")


@pytest.fixture(scope="module")
def view(model: Model, transcoders: Transcoders) -> GraphView:
    return explorer.attribute(model, transcoders, DALLAS)


def interventions(view: GraphView) -> Interventions:
    """Rows of several kinds on the strongest features of the last position, one of them off."""
    nodes = view.graph.nodes
    rows = np.flatnonzero((nodes.kind == NodeKind.FEATURE) & (nodes.pos == 10))
    strongest = rows[np.argsort(-view.influence[rows])[:4]]
    keys = [view.graph.key(int(row)) for row in strongest]
    first = Row("feature", keys[0].layer, keys[0].feature, 10, 10, value=0.0)
    patch = Row("residual", 1, 0, 10, 10, unit="other", other_pos=-1, value=0.4)
    off = Row("head", 1, 2, 9, None, generated=True, value=0.0, on=False)
    return Interventions((first, off, group_row("Texas", keys[1:], 0.5), patch), "free", counterpart=OAKLAND)


def test_a_graph_is_computed_pruned_saved_and_opened(view: GraphView, tmp_path: Path) -> None:
    assert view.graph.logit_tokens[0] == "Austin"
    fewer = explorer.prune(view, 0.5, 0.9)
    assert fewer.pruned.nodes.sum() < view.pruned.nodes.sum()
    explorer.save(fewer, tmp_path / "dallas.circuit")
    again = explorer.open_graph(tmp_path / "dallas.circuit")
    assert again.edits.node_threshold == 0.5
    np.testing.assert_array_equal(again.pruned.nodes, fewer.pruned.nodes)
    explorer.save(fewer, tmp_path / "dallas.json")
    assert len(explorer.open_graph(tmp_path / "dallas.json").graph)
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(GraphError, match="between 0 and 1"):
            explorer.prune(view, wrong)


def test_interventions_are_those_of_the_job(model: Model, transcoders: Transcoders, view: GraphView) -> None:
    held = transcoders.held
    asked = request(interventions(view))
    answer = explorer.intervene(model, transcoders, DALLAS, **asked, top=3)
    where = {"model": model.path, "transcoders": transcoders.path, "text": DALLAS}
    expected = run_job("intervene", model.state, None, **where, **asked, top=3)
    assert answer["tokens"] == expected["tokens"]
    assert answer["kl"] > 0.1
    assert transcoders.held is held  # read once
    assert model.network.n_layers == model.info["n_layers"] == 3


def test_without_transcoders_features_are_the_models_neurons(model: Model) -> None:
    edit = {"kind": "feature", "layer": 1, "index": 7, "pos": 10, "unit": "absolute", "value": 9.0}
    assert explorer.intervene(model, None, DALLAS, [edit], neurons_per_cell=4)["kl"] > 0


def test_what_is_not_there_is_one_sentence(model: Model) -> None:
    for wrong in (lambda: explorer.open_model("nowhere"), lambda: explorer.open_transcoders("us-cities/abc")):
        with pytest.raises(LoadError):
            wrong()
    with pytest.raises(ExplorerError, match="Position 40 is outside"):
        explorer.intervene(model, None, DALLAS, [{"layer": 1, "index": 7, "pos": 40, "value": 0.0}])
    with pytest.raises(AttributeError):
        explorer.nothing  # noqa: B018


def test_importing_the_package_brings_in_nothing() -> None:
    code = "import sys, explorer; print(sorted(name for name in sys.modules if name in ('torch', 'numpy', 'PySide6')))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    assert all(callable(getattr(explorer, name)) for name in NAMES)


def printed(out: str) -> dict[str, list[float]]:
    """The table that a script prints, by token."""
    rows = [line.rsplit(maxsplit=3) for line in out.splitlines() if line.startswith(("'", '"'))]
    return {row[0].strip("'\""): [float(value) for value in row[1:]] for row in rows}


def test_a_script_prints_what_the_job_answers(
    model: Model, transcoders: Transcoders, view: GraphView, capsys: pytest.CaptureFixture[str]
) -> None:
    made = interventions(view)
    text = script(made, model="us-cities", transcoders="us-cities/plt", text=DALLAS)
    assert "    # {'kind': 'head'" in text
    exec(compile(text, "script.py", "exec"), {"__name__": "__main__"})
    found = printed(capsys.readouterr().out)
    expected = explorer.intervene(model, transcoders, DALLAS, **request(made))["tokens"]
    assert list(found) == [row["text"] for row in expected]
    for row in expected:
        assert found[row["text"]] == pytest.approx([row["before"], row["now"], row["predicted"]], abs=1e-6)


def test_a_script_of_neurons_and_no_rows_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(script(Interventions(), model="us-cities", transcoders="", text=DALLAS, at=3), {})
    assert all(values[0] == values[1] for values in printed(capsys.readouterr().out).values())


def test_the_command_line_runs_a_documents_interventions(
    model: Model, transcoders: Transcoders, view: GraphView, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, document = interventions(view), tmp_path / "dallas.circuit"
    save_circuit(document, view.graph, with_interventions(Edits(), made))
    expected = explorer.intervene(model, transcoders, DALLAS, **request(made))["tokens"]
    assert run_command(["intervene", "--from", str(document)]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines[0].split()[0] == expected[0]["text"]
    assert float(lines[0].split()[2]) == pytest.approx(expected[0]["now"], abs=1e-3)
    assert run_command(["export", str(document), str(tmp_path / "made.py")]) == 0
    assert "open_transcoders('us-cities/plt')" in (tmp_path / "made.py").read_text()
    save_circuit(document, *open_circuit(document)[:1], Edits())
    for command in (["export", str(document), str(tmp_path / "none.py")], ["intervene", "--from", str(document)]):
        assert run_command(command) == 1
    assert not (tmp_path / "none.py").exists()


@pytest.mark.slow
def test_an_exported_script_runs_by_itself(
    model: Model, transcoders: Transcoders, view: GraphView, tmp_path: Path
) -> None:
    made, document, program = interventions(view), tmp_path / "dallas.circuit", tmp_path / "made.py"
    save_circuit(document, view.graph, with_interventions(Edits(), made))
    assert run_command(["export", str(document), str(program)]) == 0
    run = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    found = printed(run.stdout)
    for row in explorer.intervene(model, transcoders, DALLAS, **request(made))["tokens"]:
        assert found[row["text"]] == pytest.approx([row["before"], row["now"], row["predicted"]], abs=1e-6)
