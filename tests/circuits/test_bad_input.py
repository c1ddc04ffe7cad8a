"""Bad input gives one sentence before, or instead of, a wrong graph: by the job and by the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from explorer.circuits.graph import NodeKind
from explorer.circuits.graph_arrays import from_arrays
from explorer.circuits.pruning import prune
from explorer.circuits.scores import worst_residual
from explorer.cli import run_command
from explorer.engine.inprocess import run_job
from explorer.engine.jobs import attributing
from explorer.engine.state import EngineState
from explorer.errors import ExplorerError, GraphError, UnsupportedModel
from explorer.io.circuit_file import open_circuit
from explorer.io.transcoders import circuit_tracer
from tests import tiny

PROMPT = (1, 5, 7, 12)


@dataclass
class Bench:
    """Copies of a tiny model and its transcoders that a test may damage."""

    model: Path
    transcoders: Path
    output: Path

    def job(self, *tokens: int, **more: Any) -> dict[str, Any]:
        where = {"model": str(self.model), "transcoders": str(self.transcoders)}
        return run_job("attribute", EngineState(), None, **{"token_ids": list(tokens or PROMPT), **where, **more})

    def command(self, *more: object, tokens: tuple[int, ...] = PROMPT) -> int:
        ids = ",".join(str(token) for token in tokens)
        given = [] if "--neurons" in more else ["--transcoders", str(self.transcoders)]
        start = ["attribute", str(self.model), *given, "--tokens", ids, "-o", str(self.output)]
        return run_command([*start, *(str(part) for part in more)])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    shutil.copytree(tiny.saved("llama"), tmp_path / "model")
    circuit_tracer.write(tiny.transcoders(tiny.model("llama")), tmp_path / "plt", "tiny")
    return Bench(tmp_path / "model", tmp_path / "plt", tmp_path / "out.circuit")


@pytest.fixture
def refused(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Check that the job and the command both refuse with one sentence that has these ``words``."""

    def check(*words: str, job: dict[str, Any] | None = None, command: tuple[object, ...] = ()) -> None:
        tokens = tuple((job or {}).pop("token_ids", PROMPT))
        with pytest.raises(ExplorerError) as caught:
            bench.job(*tokens, **(job or {}))
        capsys.readouterr()
        assert bench.command(*command, tokens=tokens) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        for text in (str(caught.value), err):
            assert [word for word in words if word not in text] == []
        assert not bench.output.exists()

    return check


def spoil(file: Path, name: str, value: float) -> None:
    held = load_file(file)
    held[name].view(-1)[3] = value
    save_file(held, file, {"format": "pt"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_named(bench: Bench, refused: Callable[..., None], value: float) -> None:
    name = "model.layers.1.mlp.up_proj.weight"
    spoil(bench.model / "model.safetensors", name, value)
    refused(name, "is not finite in 1 of its ")


@pytest.mark.parametrize("name", ["W_enc", "b_enc", "W_dec", "b_dec"])
def test_transcoders_that_are_not_finite_are_named(bench: Bench, refused: Callable[..., None], name: str) -> None:
    spoil(bench.transcoders / "layer_1.safetensors", name, float("nan"))
    refused("layer_1.safetensors", name, "not finite")


def test_weights_that_overflow_on_the_prompt_give_no_graph(bench: Bench, refused: Callable[..., None]) -> None:
    file = bench.model / "model.safetensors"
    held = load_file(file)
    for part in ("up_proj", "down_proj"):
        held[f"model.layers.1.mlp.{part}.weight"] *= 3e37
    save_file(held, file, {"format": "pt"})
    refused("Layer 1", "overflows on this prompt in float32")


def test_no_active_feature_anywhere(bench: Bench, refused: Callable[..., None]) -> None:
    held = tiny.transcoders(tiny.model("llama"))
    dead = tuple(replace(layer, b_enc=layer.b_enc * 0 - 1e4) for layer in held.layers)
    shutil.rmtree(bench.transcoders)
    circuit_tracer.write(replace(held, layers=dead), bench.transcoders, "tiny")
    refused("No feature of", "plt is active on this prompt")


def test_a_prompt_of_one_token_has_no_features_where_the_first_has_none(refused: Callable[..., None]) -> None:
    refused("The prompt has 1 token", "type a longer prompt", job={"token_ids": [5]})


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
def test_a_prompt_of_one_token_works_with_neurons(family: str) -> None:
    where = {"model": str(tiny.saved(family)), "neurons": True, "neurons_per_cell": 6}
    answer = run_job("attribute", EngineState(), None, token_ids=[5], **where)
    graph = from_arrays(answer["head"], answer["arrays"])
    assert graph.count(NodeKind.FEATURE) == 6 * 3
    assert worst_residual(graph) <= 1e-5


def test_an_empty_prompt(refused: Callable[..., None]) -> None:
    with pytest.raises(ExplorerError, match="The prompt is empty"):
        run_job("attribute", EngineState(), None, token_ids=[], model=str(tiny.saved("llama")), neurons=True)


@pytest.mark.parametrize("token", [37, 999_999])
def test_a_prompt_outside_the_vocabulary(refused: Callable[..., None], token: int) -> None:
    refused(f"Token {token} is outside the vocabulary", job={"token_ids": [5, token]})


def test_a_target_outside_the_vocabulary(refused: Callable[..., None]) -> None:
    refused(
        "Token 37 is outside the vocabulary (0 to 36)",
        job={"targets": {"kind": "tokens", "tokens": [37]}},
        command=("--target", "37"),
    )


def test_a_contrast_of_a_token_with_itself(refused: Callable[..., None]) -> None:
    wanted = {"targets": {"kind": "contrast", "tokens": [4, 4]}}
    refused("two different tokens", job=wanted, command=("--contrast", "4", "4"))


@pytest.mark.parametrize("mass", [-0.5, 0.0, 1.5, float("nan")])
def test_a_mass_of_logits_outside_its_range(refused: Callable[..., None], mass: float) -> None:
    refused("mass in (0, 1]", job={"targets": {"logit_mass": mass}}, command=("--logit-mass", mass))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["node", "edge"])
def test_a_threshold_outside_its_range(
    bench: Bench, capsys: pytest.CaptureFixture[str], name: str, value: float
) -> None:
    assert bench.command() == 0
    pruned = bench.output.with_name("pruned.circuit")
    capsys.readouterr()
    assert run_command(["prune", str(bench.output), f"--{name}-threshold", str(value), "-o", str(pruned)]) == 1
    _, err = capsys.readouterr()
    assert "between 0 and 1" in err
    assert not pruned.exists()
    thresholds = (value, 0.5) if name == "node" else (0.5, value)
    with pytest.raises(GraphError, match="between 0 and 1"):
        prune(open_circuit(bench.output)[0], *thresholds)


def test_more_nodes_than_memory(
    bench: Bench, refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(attributing, "free_memory", lambda: 1000)
    refused("This run needs about", "0.0 MB are free")
    refused("are free: close other programs", job={"transcoders": "", "neurons": True}, command=("--neurons",))


def test_neurons_of_experts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from tests import tiny_models

    folder = str(tiny_models.saved("mixtral"))
    with pytest.raises(UnsupportedModel, match="experts of its own choice"):
        run_job("attribute", EngineState(), None, token_ids=[1, 2], model=folder, neurons=True)
    assert run_command(["attribute", folder, "--neurons", "--tokens", "1,2", "-o", str(tmp_path / "o.circuit")]) == 1
    assert "choose transcoders" in capsys.readouterr().err


def test_no_neurons_to_keep(refused: Callable[..., None]) -> None:
    asked = {"transcoders": "", "neurons": True, "neurons_per_cell": 0}
    refused("At least one neuron", job=asked, command=("--neurons", "--neurons-per-cell", 0))


def test_a_model_that_is_no_sample_needs_its_features_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["attribute", str(tiny.saved("llama")), "--tokens", "1,2", "-o", str(tmp_path / "o.circuit")]
    assert run_command(arguments) == 1
    assert "--transcoders DIR, or --neurons" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("dtype", "read", "skip"),
    [
        ("bfloat16", "plt", True),
        ("float32", "clt", False),
        pytest.param("bfloat16", "clt", False, marks=pytest.mark.slow),
        pytest.param("float32", "plt", True, marks=pytest.mark.slow),
    ],
)
def test_a_preview_says_so(
    bench: Bench, capsys: pytest.CaptureFixture[str], dtype: str, read: str, skip: bool
) -> None:
    """The one input that is not bad but coarse: its residual is shown, not held against the limit."""
    shutil.rmtree(bench.transcoders)
    circuit_tracer.write(tiny.transcoders(tiny.model("llama"), read, skip=skip), bench.transcoders, "tiny")
    assert bench.command("--dtype", dtype) == 0
    out, _ = capsys.readouterr()
    assert ("Preview in bfloat16: measured residual" in out) == (dtype == "bfloat16")
    where = ["--model", str(bench.model), "--transcoders", str(bench.transcoders)]
    assert run_command(["verify", str(bench.output), *where]) == 0
    out, _ = capsys.readouterr()
    assert ("preview: measured residual" in out) == (dtype == "bfloat16")
    assert ("The graph holds." in out) == (dtype == "float32")


