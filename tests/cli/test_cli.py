"""The command line: the main road on the shipped sample, and one sentence for each foreseen fault."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from explorer.circuits.graph import NodeKind
from explorer.cli import run_command
from explorer.cli.hints import explained
from explorer.cli.parser import parser
from explorer.errors import GraphError
from explorer.io.samples import SAMPLES, model_folder, transcoder_folder

ROOT = Path(__file__).parent.parent.parent
DALLAS = "Fact: the capital of the state containing Dallas is"


@pytest.fixture(scope="module")
def dallas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("cli") / "dallas.circuit"
    assert run_command(["attribute", "us-cities", "--prompt", DALLAS, "-o", str(file)]) == 0
    return file


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    capsys.readouterr()
    code = run_command([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_no_command_waits_for_what_another_needs() -> None:
    code = (
        "import sys; from explorer.cli.parser import parser; parser().parse_args(['open']); "
        "print(sorted(name for name in sys.modules if name in ('numpy', 'explorer.features', 'explorer.session')))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_first_sample_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "samples")
    assert code == 0
    assert out.split()[0] == "us-cities"


def test_info_reads_the_sample_from_headers(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "info", "us-cities", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["family"], found["n_layers"], found["d_model"]) == ("llama", 3, 128)


def test_attribute_prints_one_json_object(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["attribute", "us-cities", "--prompt", DALLAS, "-o", tmp_path / "a.circuit", "--json"]
    code, out, _ = said(capsys, *arguments)
    found = json.loads(out)
    assert code == 0
    assert found["targets"][0]["text"] == "Austin"
    assert found["targets"][0]["probability"] > 0.9
    assert found["residual"] < 1e-5
    assert found["provenance"]["model"] == "us-cities"


@pytest.mark.parametrize("kind", ["plt", "clt"])
@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-5), ("float64", 1e-12)])
def test_the_books_of_the_sample_balance(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, dtype: str, limit: float
) -> None:
    file = tmp_path / "a.circuit"
    made = ["attribute", "us-cities", "--transcoders", kind, "--dtype", dtype, "--prompt", DALLAS, "-o", file]
    assert said(capsys, *made)[0] == 0
    code, out, _ = said(capsys, "verify", file, "--model", "us-cities", "--transcoders", kind, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["residual"] <= limit
    assert found["conservation"] < 1e-12
    assert found["spot_checks"]["worst"] <= limit


def test_verify_without_a_model_says_that_it_did_not_measure(
    capsys: pytest.CaptureFixture[str], dallas: Path
) -> None:
    code, out, _ = said(capsys, "verify", dallas)
    assert code == 0
    assert "spot checks: not run" in out


def test_verify_with_transcoders_alone_asks_for_the_model(capsys: pytest.CaptureFixture[str], dallas: Path) -> None:
    code, _, err = said(capsys, "verify", dallas, "--transcoders", "plt")
    assert (code, "--model" in err) == (1, True)


def test_verify_of_transcoders_as_neurons_says_what_they_are(capsys: pytest.CaptureFixture[str], dallas: Path) -> None:
    code, _, err = said(capsys, "verify", dallas, "--model", "us-cities", "--neurons")
    assert (code, "are no neurons; name its --transcoders" in err) == (1, True)


def test_a_refusal_for_memory_names_the_flags() -> None:
    chosen = parser().parse_args(["attribute", "m", "--prompt", "p", "-o", "o.circuit"])
    sentence = (
        "This run needs 9 GB: keep at most 1,200 features, or shorten the prompt to 9 tokens, "
        "or keep at most 3 neurons of each layer and position."
    )
    assert str(explained(GraphError(sentence), chosen)) == (
        "This run needs 9 GB: keep at most 1,200 features (--max-features), or shorten the prompt to 9 tokens, "
        "or keep at most 3 neurons of each layer and position (--neurons-per-cell)."
    )


def test_verify_finds_a_changed_edge(capsys: pytest.CaptureFixture[str], dallas: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from explorer.io.circuit_file import open_circuit, save

    graph, edits = open_circuit(dallas)
    weight = graph.rows.weight.copy()
    weight[np.argmax(np.abs(weight))] *= 1.01
    save(tmp_path / "wrong.circuit", replace(graph, rows=replace(graph.rows, weight=weight)), edits)
    code, out, _ = said(capsys, "verify", tmp_path / "wrong.circuit")
    assert code == 1
    assert "the books are off" in out


def test_targets_may_be_tokens_features_and_contrasts(
    capsys: pytest.CaptureFixture[str], dallas: Path, tmp_path: Path
) -> None:
    from explorer.io.circuit_file import open_circuit

    start = ["attribute", "us-cities", "--prompt", DALLAS, "-o", tmp_path / "t.circuit", "--json"]
    code, out, _ = said(capsys, *start, "--target", "Austin=0.5", "Phoenix")
    assert (code, [row["text"] for row in json.loads(out)["targets"]]) == (0, ["Austin", "Phoenix"])
    code, out, _ = said(capsys, *start, "--contrast", "Austin", "Phoenix")
    assert (code, json.loads(out)["targets"][0]["text"]) == (0, "Austin − Phoenix")
    placed = ["--target", "Austin@-1=0.5", "Dallas@8", "--contrast", "Austin", "Phoenix@-2=2"]
    assert said(capsys, *start, *placed, "--at", 9)[0] == 0
    several, _ = open_circuit(tmp_path / "t.circuit")
    last, own = len(several.tokens) - 1, several.block(NodeKind.LOGIT)
    assert several.nodes.pos[own].tolist() == [last, 8, last - 1]
    assert several.target_weight[own].tolist() == [0.5, several.probability[own][1], 2.0]
    graph, _ = open_circuit(dallas)
    layer, pos, feature = (int(column[100]) for column in (graph.nodes.layer, graph.nodes.pos, graph.nodes.feature))
    code, out, _ = said(capsys, *start, "--target", f"{layer}:{pos}:{feature}")
    assert code == 0
    assert json.loads(out)["targets"] == [{"text": f"{layer}:{pos}:{feature}", "probability": None}]
    alone, _ = open_circuit(tmp_path / "t.circuit")
    assert alone.target_weight.sum() == 1


def test_a_direction_of_a_logit_gives_the_logit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from explorer.io.circuit_file import open_circuit
    from explorer.models.loader import open_language_model

    model = open_language_model(model_folder(SAMPLES[0]))
    token = model.tokenizer.single("Austin")
    np.save(tmp_path / "direction.npy", model.head.direction(token).numpy())
    start = ["attribute", "us-cities", "--prompt", DALLAS, "-o"]
    assert said(capsys, *start, tmp_path / "d.circuit", "--direction", tmp_path / "direction.npy")[0] == 0
    assert said(capsys, *start, tmp_path / "l.circuit", "--target", "Austin")[0] == 0
    free, logit = (open_circuit(tmp_path / f"{name}.circuit")[0] for name in "dl")
    last = len(free) - 1
    np.testing.assert_allclose(free.inputs(last)[1], logit.inputs(last)[1], rtol=1e-5, atol=1e-6)


def test_the_most_influential_features_have_balanced_books(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "few.circuit"
    made = ["attribute", "us-cities", "--prompt", DALLAS, "--max-features", 25, "-o", file, "--json"]
    code, out, _ = said(capsys, *made)
    assert (code, json.loads(out)["n_features"]) == (0, 25)
    assert 0 < json.loads(out)["provenance"]["influence_bound"] < 0.5
    code, out, _ = said(capsys, "verify", file, "--json")
    assert code == 0
    assert json.loads(out)["residual"] < 1e-5


def test_prune_sets_thresholds_and_deletes_nothing(
    capsys: pytest.CaptureFixture[str], dallas: Path, tmp_path: Path
) -> None:
    from explorer.io.circuit_file import open_circuit

    file = tmp_path / "p.circuit"
    code, out, _ = said(capsys, "prune", dallas, "--node-threshold", 0.5, "--edge-threshold", 0.9, "-o", file, "--json")
    graph, edits = open_circuit(file)
    assert code == 0
    assert (edits.node_threshold, edits.edge_threshold) == (0.5, 0.9)
    assert json.loads(out)["n_edges"] == graph.n_edges == open_circuit(dallas)[0].n_edges


def test_no_command_writes_over_what_it_reads(capsys: pytest.CaptureFixture[str], dallas: Path, tmp_path: Path) -> None:
    kept = dallas.read_bytes()
    (tmp_path / "same.circuit").symlink_to(dallas)
    outputs = (dallas, tmp_path / "same.circuit")
    for command in (["prune", dallas, "-o"], ["import", dallas, "-o"]):
        for output in outputs:
            code, out, err = said(capsys, *command, output)
            assert (code, out, "is what is read" in err) == (1, "", True)
    graph = tmp_path / "graph.json"
    assert said(capsys, "export", dallas, graph)[0] == 0
    code, _, err = said(capsys, "export", graph, graph)
    assert (code, "is what is read" in err) == (1, True)
    assert dallas.read_bytes() == kept


def test_an_earlier_document_may_be_replaced(capsys: pytest.CaptureFixture[str], dallas: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.circuit"
    shutil.copy(dallas, file)
    assert said(capsys, "prune", dallas, "--node-threshold", 0.5, "-o", file)[0] == 0
    assert file.read_bytes() != dallas.read_bytes()


def test_export_writes_every_format(capsys: pytest.CaptureFixture[str], dallas: Path, tmp_path: Path, qapp) -> None:
    for suffix in ("png", "svg", "npz", "json"):
        assert said(capsys, "export", dallas, tmp_path / f"out.{suffix}")[0] == 0
    assert (tmp_path / "out.png").read_bytes()[:4] == b"\x89PNG"
    assert ElementTree.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as arrays:
        assert arrays["adjacency"].shape == arrays["edge_mask"].shape == (len(arrays["kind"]),) * 2
    nodes = json.loads((tmp_path / "out.json").read_text())["nodes"]
    assert any(node["clerp"].startswith('Output "Austin"') for node in nodes)


def faulty(tmp_path: Path) -> dict[str, tuple[list[str], str]]:
    """Commands that must fail, with a part of the sentence that each must say."""
    model, plt = model_folder(SAMPLES[0]), transcoder_folder(SAMPLES[0])
    out = str(tmp_path / "never.circuit")
    cut = tmp_path / "cut"
    shutil.copytree(model, cut)
    whole = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    wide = tmp_path / "shallow"
    shutil.copytree(plt, wide)
    (wide / "layer_2.safetensors").unlink()
    damaged = tmp_path / "damaged"
    shutil.copytree(plt, damaged)
    (damaged / "layer_1.safetensors").write_bytes(b"not a tensor file at all")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.circuit").write_text("hello")
    prompt = ["--prompt", DALLAS, "-o", out]
    long = "the " * 100
    return {
        "missing model": (["attribute", "nowhere", *prompt], "nowhere"),
        "no model in it": (["attribute", str(tmp_path / "empty"), "--transcoders", str(plt), *prompt], "config.json"),
        "missing transcoders": (["attribute", str(model), *prompt], "--transcoders"),
        "wrong transcoder path": (["attribute", str(model), "--transcoders", "/nowhere", *prompt], "/nowhere"),
        "empty prompt": (["attribute", "us-cities", "--prompt", "", "-o", out], "empty"),
        "long prompt": (["attribute", "us-cities", "--prompt", long, "-o", out], "at most 64"),
        "token outside": (["attribute", "us-cities", "--tokens", "1,999999", "-o", out], "999999"),
        "not a number": (["attribute", "us-cities", "--tokens", "1,x", "-o", out], "--tokens"),
        "truncated weights": (["attribute", str(cut), "--transcoders", str(plt), *prompt], "incomplete"),
        "too few layers": (["attribute", str(model), "--transcoders", str(wide), *prompt], "layer"),
        "damaged transcoders": (["attribute", str(model), "--transcoders", str(damaged), *prompt], "layer_1"),
        "target of two tokens": (["attribute", "us-cities", *prompt, "--target", "Austin Phoenix"], "not one token"),
        "position outside": (["attribute", "us-cities", *prompt, "--at", "99"], "99"),
        "target's position": (["attribute", "us-cities", *prompt, "--target", "Austin@99"], "Position 99 is outside"),
        "no weight": (["attribute", "us-cities", *prompt, "--target", "Austin=abc"], "“abc” is no weight"),
        "no such layer": (["attribute", "us-cities", *prompt, "--target", "99:3:5"], "layer 99, and there are 0 to 2"),
        "no such place": (["attribute", "us-cities", *prompt, "--target", "0:99:5"], "position 99, and"),
        "features below 0": (["attribute", "us-cities", *prompt, "--max-features", "-3"], "--max-features is -3"),
        "mass above 1": (["attribute", "us-cities", *prompt, "--logit-mass", "2"], "--logit-mass is 2"),
        "target's weight": (["attribute", "us-cities", *prompt, "--target", "Austin=nan"], "must be a number above 0"),
        "no folder": (["attribute", "us-cities", "--prompt", DALLAS, "-o", "/nowhere/a.circuit"], "does not exist"),
        "not a circuit": (["verify", str(tmp_path / "text.circuit")], "text.circuit"),
        "no such circuit": (["verify", str(tmp_path / "none.circuit")], "none.circuit"),
        "threshold outside": (["prune", str(tmp_path / "x"), "--node-threshold", "1.5", "-o", out], "between 0 and 1"),
        "unknown suffix": (["export", str(tmp_path / "x.circuit"), str(tmp_path / "x.bmp")], "x.bmp"),
        "no document's name": (["import", "x.json", "-o", str(tmp_path / "a.txt")], "end its name in .circuit"),
        "another's file": (["import", "x.json", "-o", str(tmp_path / "text.circuit")], "no document"),
        "no picture's name": (["open", "--picture", str(tmp_path / "text.circuit")], "end its name in .png"),
        "prompt not in UTF-8": (["attribute", "us-cities", "--prompt", "a\udcff", "-o", out], "not valid text"),
        "target not in UTF-8": (["attribute", "us-cities", *prompt, "--target", "\udcff"], "not valid text"),
        "info of nothing": (["info", str(tmp_path / "nothing")], "nothing"),
    }


def test_every_foreseen_fault_is_one_sentence_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.cli.say.EVERY_LOG", float("inf"))  # no progress, however slow torch is imported
    for name, (arguments, part) in faulty(tmp_path).items():
        code, out, err = said(capsys, *arguments)
        assert code == 1, name
        assert out == "", name
        assert part in err, name
        assert err.count("\n") == 1, f"{name}: {err}"
        assert "Traceback" not in err, name
    assert not (tmp_path / "never.circuit").exists()
    assert not list(tmp_path.glob(".*tmp"))


def test_wrong_usage_is_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run_command(["attribute"])
    assert end.value.code == 2


def test_an_interrupted_run_leaves_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.cli.say import ProgressLine

    def interrupt(_line: ProgressLine, _progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "__call__", interrupt)
    code, out, err = said(capsys, "attribute", "us-cities", "--prompt", DALLAS, "-o", tmp_path / "a.circuit")
    assert (code, out) == (130, "")
    assert "Cancelled" in err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_modules_are_imported_is_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import explorer.cli
    from explorer.__main__ import main

    def interrupt(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(explorer.cli, "run_command", interrupt)
    assert main() == 130
    assert capsys.readouterr() == ("", "")
