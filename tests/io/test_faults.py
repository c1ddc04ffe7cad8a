"""The table of faults (reference/formats.md, 3): each damaged file has its sentence, ends the command line with 1, and
leaves what is open as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytestqt.qtbot import QtBot
from safetensors.torch import load_file, save_file

from explorer.cli import run_command
from explorer.engine.inprocess import run_job
from explorer.engine.state import EngineState
from explorer.errors import ExplorerError, LoadError
from explorer.session.settings import Settings
from explorer.ui.canvas import GraphCanvas
from explorer.ui.document import Document
from explorer.ui.theme import LIGHT
from explorer.ui.window import MainWindow
from tests import tiny
from tests.graphs import random_graph
from tests.ui.stand_in import StandInEngine

DATA = Path(__file__).parents[1] / "data"
WEIGHTS = "model.safetensors"
HTML, LFS = b"<!DOCTYPE html><html></html>", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
NORM = "model.layers.1.input_layernorm.weight"
Damage = Callable[[Path], None]


def put(name: str, data: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(data) and None


def drop(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def cut(name: str, end: int | None) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:end]) and None


def config(**changes: Any) -> Damage:
    def damage(folder: Path) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return damage


def weights(change: Callable[[dict[str, torch.Tensor]], None]) -> Damage:
    def damage(folder: Path) -> None:
        held = load_file(folder / WEIGHTS)
        change(held)
        save_file(held, folder / WEIGHTS, metadata={"format": "pt"})

    return damage


def lengthen(folder: Path) -> None:
    with (folder / WEIGHTS).open("ab") as file:
        file.write(b"x")


def lie(**changes: Any) -> Damage:
    """One tensor of two numbers, whose entry says something else."""
    text = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}).encode()
    return put(WEIGHTS, len(text).to_bytes(8, "little") + text + bytes(8))


def instead(name: str, data: bytes = b"") -> Damage:
    """A PyTorch file in place of the model's safetensors, cut or of other content."""

    def damage(folder: Path) -> None:
        torch.save(load_file(folder / WEIGHTS), folder / name)
        (folder / WEIGHTS).unlink()
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(data if data or not name else whole[: len(whole) // 2])

    return damage


def empty(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        (folder / name).touch()

    return damage


def narrow(held: dict[str, torch.Tensor]) -> None:
    held[NORM] = held[NORM][:-1].clone()


def missing_layer(held: dict[str, torch.Tensor]) -> None:
    for name in [name for name in held if ".layers.2." in name]:
        del held[name]


def not_finite(value: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(held: dict[str, torch.Tensor]) -> None:
        held[NORM][1] = value

    return change


def lost_shard(folder: Path) -> None:
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": {"a": "model-00002-of-00005.safetensors"}}))


MODELS: dict[str, tuple[Damage, str]] = {
    "truncated": (cut(WEIGHTS, -9), r"is incomplete: its header promises \d+ bytes, the file has \d+; download it"),
    "trailing bytes": (lengthen, "has bytes too many"),
    "a web page": (put(WEIGHTS, HTML), "is a web page, not safetensors"),
    "a pointer": (put(WEIGHTS, LFS), "is a Git-LFS pointer, not the file itself, not safetensors"),
    "a .pt renamed": (put(WEIGHTS, b"PK\x03\x04" + bytes(60)), r"is a zip file \(a PyTorch file, perhaps\), not"),
    "empty": (put(WEIGHTS, b""), "is empty; download or copy it again"),
    "four bytes": (put(WEIGHTS, b"\1\2\3\4"), "is not a safetensors file"),
    "shape lies": (lie(shape=[3]), "the header is damaged at tensor w"),
    "offsets lie": (lie(data_offsets=[4, 12]), "the header is damaged at tensor w"),
    "unknown type": (lie(dtype="Q9"), "tensor w has the type Q9, unknown here; update the program"),
    "truncated .pt": (instead("pytorch_model.bin"), r"pytorch_model.bin” is (incomplete|a zip file)"),
    "empty .pt": (empty("pytorch_model.bin"), "pytorch_model.bin” is empty"),
    "a web page as .pt": (instead("pytorch_model.bin", HTML), "is a web page, not a file of PyTorch"),
    "a pointer as .pt": (instead("pytorch_model.bin", LFS), "is a Git-LFS pointer, not the file itself, not a file"),
    "no config": (drop("config.json"), "config.json"),
    "unknown architecture": (config(model_type="mamba"), "is a “mamba” model, which cannot be frozen exactly yet"),
    "no weights": (drop(WEIGHTS), "has no model.safetensors"),
    "a shard missing": (lost_shard, "lacks model-00002-of-00005.safetensors, which its index lists"),
    "a layer missing": (weights(missing_layer), "do not match its settings: .*layers.2"),
    "wrong shape": (weights(narrow), f"do not match its settings: {NORM}"),
    "code of its own": (config(auto_map={"AutoModel": "code.Model"}), "needs code of its own to run"),
    "NaN": (weights(not_finite(float("nan"))), f"{NORM} is not finite in 1 of its "),
    "infinity": (weights(not_finite(float("inf"))), f"{NORM} is not finite in 1 of its "),
}


def npz(write: Callable[[Path], None]) -> Damage:
    """A Gemma Scope set of three layers, one of which is damaged."""

    def damage(folder: Path) -> None:
        shutil.rmtree(folder)
        arrays = {"W_enc": (4, 7), "W_dec": (7, 4), "b_enc": (7,), "b_dec": (4,), "threshold": (7,)}
        for layer in range(3):
            own = folder / f"layer_{layer}" / "width_7" / "average_l0_3"
            own.mkdir(parents=True)
            np.savez(own / "params.npz", **{name: np.ones(shape, np.float32) for name, shape in arrays.items()})
        write(folder / "layer_1" / "width_7" / "average_l0_3" / "params.npz")

    return damage


def as_void(path: Path) -> None:
    held = {name: array.astype(np.float16).view("V2") for name, array in np.load(path).items()}
    np.savez(path, **held)


def shorten(folder: Path) -> None:
    """A set of two layers for a model of three."""
    (folder / "layer_2.safetensors").unlink()


SETS: dict[str, tuple[Damage, str]] = {
    "npz with objects": (
        npz(lambda path: np.savez(path, W_enc=np.array([{}], dtype=object))),
        "contains Python objects; it was not opened",
    ),
    "npz truncated": (npz(lambda path: path.write_bytes(path.read_bytes()[:-40]) and None), "incomplete or damaged"),
    "npz of bfloat16": (npz(as_void), "has the type .V2, which numpy cannot read"),
    "another number of layers": (shorten, "has 2 layers and “.*” has 3"),
    "another width": (lambda folder: None, "is 4 wide and “.*” 18; choose transcoders made for this model"),
    "threshold below zero": (
        lambda folder: _threshold(folder / "layer_1.safetensors"), "has 7 values below 0, logarithms perhaps"
    ),
    "no such folder": (lambda folder: shutil.rmtree(folder), "check the path"),
}


def _threshold(file: Path) -> None:
    held = load_file(file)
    save_file({**held, "activation_function.threshold": -torch.ones(7)}, file)


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "a web page": (HTML, "is a web page"),
    "a pointer": (LFS, "is a Git-LFS pointer"),
    "no graph": (b'{"nodes": 3, "links": []}', "JSON"),
    "cut": (b'{"metadata": {"prompt_tokens": ["a"]}, "nodes": [', "not valid JSON"),
    "a zip without end": (b"PK\x03\x04" + bytes(40), "incomplete|damaged|not one of"),
}


@pytest.fixture(scope="module")
def busy() -> tuple[EngineState, str]:
    """An engine with a good model open, and where it lies."""
    state, where = EngineState(), str(tiny.saved("gpt2"))
    run_job("open", state, model=where)
    return state, where


def refused(busy: tuple[EngineState, str], **values: str) -> str:
    """The sentence with which opening fails; the model of the document computes as before, afterwards."""
    state, good = busy
    with pytest.raises(ExplorerError) as caught:
        run_job("open", state, **values)
    assert run_job("open", state, model=good)["family"] == "gpt2"
    assert "weights_only" not in str(caught.value)  # torch advises to switch the guard off
    assert "\n" not in str(caught.value)
    return str(caught.value)


def ended(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command says on standard error, which must be one line; it must end with 1."""
    capsys.readouterr()
    assert run_command([str(argument) for argument in arguments]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("name", list(MODELS))
def test_a_damaged_model(
    name: str, tmp_path: Path, busy: tuple[EngineState, str], capsys: pytest.CaptureFixture[str]
) -> None:
    damage, words = MODELS[name]
    folder = Path(shutil.copytree(tiny.saved("llama"), tmp_path / "model"))
    damage(folder)
    sentence = refused(busy, model=str(folder))
    with pytest.raises(LoadError, match=words):
        raise LoadError(sentence)
    out = tmp_path / "out.circuit"
    assert ended(capsys, "attribute", folder, "--neurons", "--tokens", "1,2", "-o", out).strip() == sentence
    assert not out.exists()


@pytest.mark.parametrize("name", list(SETS))
def test_damaged_transcoders(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damage, words = SETS[name]
    folder, model = Path(shutil.copytree(DATA / "plt_relu", tmp_path / "set")), str(tiny.saved("llama"))
    damage(folder)
    out = tmp_path / "out.circuit"
    told = ("--tell", "kind=transcoders")
    said = ended(capsys, "attribute", model, "--transcoders", folder, "--tokens", "1,2,3", "-o", out, *told)
    with pytest.raises(LoadError, match=words):
        raise LoadError(said)
    assert not out.exists()


@pytest.mark.parametrize("suffix", [".json", ".circuit"])
@pytest.mark.parametrize("name", list(FILES))
def test_a_damaged_graph_leaves_the_document_and_has_its_sentence(
    name: str, suffix: str, tmp_path: Path, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    data, words = FILES[name]
    path = tmp_path / f"graph{suffix}"
    path.write_bytes(data)
    said = ended(capsys, "import", path, "-o", tmp_path / "out.circuit")
    with pytest.raises(LoadError, match=words):
        raise LoadError(said)
    assert not (tmp_path / "out.circuit").exists()
    window = open_window(qtbot)
    graph, edits = window.document.graph, window.document.edits
    window.files.open_path(path)
    assert (window.document.graph, window.document.edits) == (graph, edits)
    assert window.document.graph is graph
    assert window.banner.present is not None
    assert path.name in window.banner.present.text


def test_a_model_that_fails_in_the_engine_leaves_the_document(qtbot: QtBot) -> None:
    window = open_window(qtbot)
    graph = window.document.graph
    window.engine.fail("open", "“x” is empty; download or copy it again.")
    assert window.document.graph is graph
    assert window.banner.present is not None
    assert "is empty" in window.banner.present.text


def open_window(qtbot: QtBot) -> Any:
    """A window with a graph in it, whose engine only notes what it is asked."""
    document = Document()
    window = MainWindow(document, StandInEngine(), GraphCanvas(document, LIGHT), Settings(), lambda settings: None)
    qtbot.addWidget(window)
    document.open_graph(random_graph())
    return window
