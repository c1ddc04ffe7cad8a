"""Any path is described from headers alone, or refused by name."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from explorer.errors import LoadError
from explorer.io import circuit_file
from explorer.io.inspect import describe, words
from explorer.io.transcoder_formats import find
from explorer.io.transcoders import read
from explorer.session.edits import Edits
from tests.io import graph_dialects
from tests.io.graphs import random_graph
from tests.io.transcoders.layouts import D, N
from tests.io.transcoders.test_layouts import LAYOUTS

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


def test_a_model_without_weights_is_not_readable(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert describe(model).readable
    (model / "pytorch_model.bin").unlink()
    found = describe(model)
    assert (found.kind, found.readable) == ("model", False)
    assert found.format == "a Hugging Face model without its weights (model.safetensors)"


def test_a_model_of_a_family_that_cannot_be_frozen_says_so(model: Path) -> None:
    (model / "config.json").write_text(json.dumps({"model_type": "bloom"}))
    assert not describe(model).readable
    assert "of a family that cannot be frozen exactly: its attention" in describe(model).format


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


@pytest.mark.parametrize("name", list(LAYOUTS))
def test_transcoders_of_every_format(name: str, tmp_path: Path) -> None:
    written = LAYOUTS[name](tmp_path)
    found, row = describe(written.path), find(written.path)
    assert row is not None
    n_layers = read(written.path, told=written.told).n_layers
    assert (found.kind, found.readable, found.n_layers) == ("transcoders", True, n_layers)
    assert (found.d_model, found.d_transcoder) == (D, N)
    assert row.title in found.format


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
        (b'{"nodes": 3}', "a text file (JSON)"),
        (b"hello", "a text file"),
        (b"[project]\nname = 1", "a text file"),
        (b"\x80\x04\x95", "a damaged or incomplete Python pickle, or one with what is not read here"),
        (b"PK\x03\x04", "a damaged or incomplete zip file"),
    ],
)
def test_other_files(tmp_path: Path, data: bytes, title: str) -> None:
    (tmp_path / "file").write_bytes(data)
    found = describe(tmp_path / "file")
    assert (found.kind, found.format, found.readable) == ("unknown", title, False)


def test_models_in_one_file(tmp_path: Path) -> None:
    state = {"transformer.wte.weight": torch.zeros(7, 12), "transformer.h.0.ln_1.weight": torch.zeros(12).bfloat16()}
    torch.save({"model": state, "model_args": {"n_layer": 1, "n_embd": 12}}, tmp_path / "ckpt.pt")
    found = describe(tmp_path / "ckpt.pt")
    assert (found.kind, found.format, found.family) == ("model", "a nanoGPT checkpoint", "gpt2")
    assert (found.n_layers, found.d_model, found.n_parameters, found.dtype) == (1, 12, 96, "F32, BF16")
    assert describe(tmp_path) == found
    torch.save({"embed.W_E": torch.zeros(7, 12), "blocks.0.attn.W_Q": torch.zeros(1)}, tmp_path / "ckpt.pt")
    found = describe(tmp_path / "ckpt.pt")
    assert (found.format, found.n_layers, found.d_model) == ("a TransformerLens state dict", 1, 12)
    torch.save({"a": torch.zeros(3)}, tmp_path / "ckpt.pt")
    assert describe(tmp_path / "ckpt.pt").format == "a PyTorch file of no kind that is known here"


def test_a_gguf_model(tmp_path: Path) -> None:
    settings = gguf_setting("general.architecture", "llama") + gguf_setting("llama.block_count", 2)
    settings += gguf_setting("llama.embedding_length", 8)
    tensor = struct.pack("<Q", 1) + b"a" + struct.pack("<IQQIQ", 2, 8, 5, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + settings + tensor
    (tmp_path / "a.gguf").write_bytes(head + bytes(-len(head) % 32) + bytes(160))
    found = describe(tmp_path / "a.gguf")
    assert (found.kind, found.format, found.family, found.n_parameters) == ("model", "a GGUF model", "llama", 40)
    assert (found.n_layers, found.d_model, found.dtype, found.model_name) == (2, 8, "F32", "a")


def gguf_setting(name: str, value: str | int) -> bytes:
    key = struct.pack("<Q", len(name)) + name.encode()
    if isinstance(value, int):
        return key + struct.pack("<II", 4, value)
    return key + struct.pack("<IQ", 8, len(value)) + value.encode()


@pytest.mark.parametrize("name", ["circuit-tracer", "anthropic", "eleuther", "llamascopium", "llamascopium camel"])
def test_graphs_of_every_dialect(name: str, tmp_path: Path) -> None:
    camel = {"camel": True} if name.endswith("camel") else {}
    data = getattr(graph_dialects, {"circuit-tracer": "schema_0"}.get(name, name.split()[0]))(**camel)
    (tmp_path / "graph.json").write_text(json.dumps(data))
    found = describe(tmp_path / "graph.json")
    assert (found.kind, found.n_nodes) == ("graph", len(data["nodes"]))
    assert found.n_edges == len(data.get("links", data.get("edges")))


def test_a_graph_that_circuit_tracer_saved() -> None:
    found = describe(DATA / "graphs" / "circuit-tracer.pt")
    assert (found.kind, found.readable) == ("graph", True)
    assert found.n_nodes > 0


@pytest.mark.skipif(sys.platform != "linux", reason="counts the bytes read by /proc")
def test_ten_gigabytes_are_told_from_less_than_one_megabyte(tmp_path: Path) -> None:
    layer = {"W_enc": (163840, 3840), "W_dec": (163840, 3840), "b_enc": (163840,), "b_dec": (3840,)}
    for folder, shapes, names in (
        ("model", {f"layer.{i}": (4096, 4096) for i in range(150)}, ("model",)),
        ("set", layer, ("layer_0", "layer_1")),
    ):
        (tmp_path / folder).mkdir()
        for name in names:
            sparse_safetensors(tmp_path / folder / f"{name}.safetensors", shapes)
    config = {"model_type": "llama", "num_hidden_layers": 150, "hidden_size": 4096}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    text = "model_kind: transcoder_set\nfeature_input_hook: a\nfeature_output_hook: b\n"
    (tmp_path / "set" / "config.yaml").write_text(text)
    describe(DATA / "plt_relu")  # what is imported late is read before
    for folder, kind in (("model", "model"), ("set", "transcoders")):
        before = bytes_read()
        found = describe(tmp_path / folder)
        assert bytes_read() - before < 1_000_000
        assert (found.kind, found.readable) == (kind, True)
        assert found.n_bytes > 10_000_000_000


def sparse_safetensors(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """A file whose numbers are a hole: as large as it says, without a block on the disk."""
    head, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * int(np.prod(shape))
        head[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(head).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split("rchar:")[1].split()[0])


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
