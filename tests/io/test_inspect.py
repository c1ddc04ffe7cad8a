"""Any path is described from headers alone, or refused by name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from explorer.errors import LoadError
from explorer.io import circuit_file
from explorer.io.inspect import describe, words
from explorer.session.edits import Edits
from tests.io.graphs import random_graph

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    config = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 8}
    (folder / "config.json").write_text(json.dumps(config))
    save_file({"a": np.zeros((5, 8), np.float32), "b": np.zeros(3, np.float16)}, folder / "model.safetensors")
    return folder


def test_a_model(model: Path) -> None:
    found = describe(model)
    assert (found.kind, found.family, found.model_name) == ("model", "llama", "tiny")
    assert (found.n_layers, found.d_model, found.n_parameters, found.dtype) == (2, 8, 43, "F32, F16")
    assert found.pairs_with == "transcoders for 2 layers of width 8"


def test_a_model_nested_in_another(model: Path) -> None:
    inner = {"num_hidden_layers": 7, "hidden_size": 9}
    (model / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": inner}))
    assert (describe(model).n_layers, describe(model).d_model) == (7, 9)


def test_missing_shards_are_listed(model: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors", "c": "model-3.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(LoadError, match=r"lacks model-2.safetensors, model-3.safetensors, which its index lists"):
        describe(model)


def test_a_damaged_model_is_named(model: Path) -> None:
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(LoadError, match=r"model.safetensors” is incomplete"):
        describe(model)


def test_a_model_without_safetensors_is_not_readable(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert not describe(model).readable


@pytest.mark.parametrize(
    ("name", "title", "n_parameters"),
    [
        ("plt_relu", "per layer", 3 * (2 * 28 + 7 + 4)),
        ("plt_jump_skip", "per layer", 3 * (2 * 28 + 7 + 4 + 7 + 16)),
        ("clt_jump", "across layers", 3 * (28 + 7 + 4 + 7) + 28 * 6),
    ],
)
def test_transcoders(name: str, title: str, n_parameters: int) -> None:
    found = describe(DATA / name)
    assert (found.kind, found.readable) == ("transcoders", True)
    assert found.format == f"circuit-tracer transcoders {title}"
    assert (found.n_layers, found.d_model, found.d_transcoder, found.n_parameters) == (3, 4, 7, n_parameters)
    assert found.pairs_with == "a model of 3 layers of width 4 (the set says “tiny”)"


def test_transcoders_of_other_formats_are_told_but_not_read(tmp_path: Path) -> None:
    for name in ("cfg.json", "sae_weights.safetensors"):
        (tmp_path / name).touch()
    found = describe(tmp_path)
    assert (found.kind, found.format, found.readable) == ("transcoders", "transcoders of SAELens", False)
    assert "not read by this version" in words(found)[0]


def test_a_model_beside_its_transcoders(model: Path, tmp_path: Path) -> None:
    model.rename(tmp_path / "model")
    shutil.copytree(DATA / "plt_relu", tmp_path / "plt")
    found = describe(tmp_path)
    assert (found.kind, found.n_parameters, found.pairs_with) == ("sample", 43, "its transcoders plt")


def test_a_document(tmp_path: Path) -> None:
    graph = replace(random_graph(), provenance={"model": "tiny", "model_family": "llama", "transcoders": "plt"})
    circuit_file.save(tmp_path / "a.circuit", graph, Edits())
    found = describe(tmp_path / "a.circuit")
    assert (found.kind, found.n_nodes, found.n_edges) == ("circuit", len(graph), graph.n_edges)
    assert (found.family, found.model_name, found.pairs_with) == ("llama", "tiny", "tiny with plt")
    assert found.prompt == "<s> t1 t2 t3"
    circuit_file.save(tmp_path / "a.circuit", replace(graph, provenance={"prompt": "as it was typed"}), Edits())
    assert describe(tmp_path / "a.circuit").prompt == "as it was typed"


def test_a_graph_of_another_program() -> None:
    found = describe(DATA / "graphs" / "son-clt-hp.json")
    assert (found.kind, found.model_name, found.n_nodes, found.n_edges) == ("graph", "gemma-2-2b", 542, 3136)
    assert found.prompt.startswith("<bos>The saying goes")


def test_a_large_graph_is_told_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.io.inspect._COUNTED", 1000)
    found = describe(DATA / "graphs" / "son-clt-hp.json")
    assert (found.kind, found.model_name, found.n_nodes) == ("graph", "gemma-2-2b", 0)


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"", "empty"),
        (b"<html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git-LFS pointer, not the file itself"),
        (b"GGUF\x03\0\0\0", "a GGUF model"),
        (b'{"nodes": 3}', "a text file (JSON)"),
        (b"hello", "a text file"),
        (b"[project]\nname = 1", "a text file"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"PK\x03\x04", "a damaged or incomplete zip file"),
    ],
)
def test_other_files(tmp_path: Path, data: bytes, title: str) -> None:
    (tmp_path / "file").write_bytes(data)
    found = describe(tmp_path / "file")
    assert (found.kind, found.format, found.readable) == ("unknown", title, False)


def test_a_pytorch_file_is_told_from_its_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"")
    assert describe(tmp_path / "a.pt").format.startswith("a PyTorch file, which may hold code")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="does not exist"):
        describe(tmp_path / "none")


def test_words_leave_out_what_is_not_known(model: Path) -> None:
    lines = words(describe(model))
    assert "Parameters:         43" in lines
    assert not any(line.startswith("Nodes") for line in lines)
    json.dumps(asdict(describe(model)))


def test_describing_needs_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from explorer.io.inspect import describe; "
        f"describe(Path({str(DATA / 'plt_relu')!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=DATA.parents[1], timeout=60).returncode == 0
