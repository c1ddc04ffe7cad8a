"""Model folders in the Hugging Face layout: every fault is one sentence that names the file and says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from explorer.errors import LoadError, UnsupportedModel
from explorer.io import models
from tests import tiny

Damage = Callable[[Path], None]
NORM = "model.layers.1.input_layernorm.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a tiny model to damage."""
    return shutil.copytree(tiny.saved("llama"), tmp_path / "a model")


def edit_config(**changes: Any) -> Damage:
    def damage(folder: Path) -> None:
        file = folder / "config.json"
        held = {**json.loads(file.read_text()), **changes}
        file.write_text(json.dumps({name: value for name, value in held.items() if value is not ...}))

    return damage


def edit_weights(change: Callable[[dict[str, torch.Tensor]], None]) -> Damage:
    def damage(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    return damage


def write(name: str, content: bytes) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return damage


def header(text: bytes) -> bytes:
    """The beginning of a safetensors file with this header."""
    return len(text).to_bytes(8, "little") + text


def write_index(weight_map: object) -> Damage:
    return write("model.safetensors.index.json", json.dumps({"weight_map": weight_map}).encode())


def remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def cut_weights(keep: float) -> Damage:
    def damage(folder: Path) -> None:
        file = folder / "model.safetensors"
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * keep)])

    return damage


def grow_weights(folder: Path) -> None:
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"more")


def shard(folder: Path) -> None:
    """The same weights in two files with an index."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    where = {name: f"model-0000{1 + (i >= len(names) // 2)}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in set(where.values()):
        own = {name: tensors[name] for name in names if where[name] == file}
        save_file(own, folder / file, metadata={"format": "pt"})
    size = sum(tensor.nbytes for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def shard_with(damage: Damage) -> Damage:
    def both(folder: Path) -> None:
        shard(folder)
        damage(folder)

    return both


def set_entry(name: str, value: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors[name].view(-1)[3] = value

    return change


def drop_layer(tensors: dict[str, torch.Tensor]) -> None:
    for name in [name for name in tensors if ".layers.2." in name]:
        del tensors[name]


def drop_norm(tensors: dict[str, torch.Tensor]) -> None:
    del tensors[NORM]


def narrow(tensors: dict[str, torch.Tensor]) -> None:
    name = "model.layers.1.mlp.down_proj.weight"
    tensors[name] = tensors[name][:, :-1].contiguous()


FAULTS: dict[str, tuple[Damage, tuple[str, ...]]] = {
    "no config": (remove("config.json"), ("a model", "config.json")),
    "damaged config": (write("config.json", b'{"model_type": '), ("config.json", "damaged", "copy")),
    "config not text": (write("config.json", b"\xff\xfe\x00"), ("config.json", "copy")),
    "config a list": (write("config.json", b"[1, 2]"), ("config.json", "no settings")),
    "own code": (edit_config(auto_map={"AutoModel": "modeling.Model"}), ("a model", "code of its own", "safety")),
    "unknown family": (edit_config(model_type="mamba"), ("a model", "mamba", "llama")),
    "no family": (edit_config(model_type=...), ("config.json", "model_type", "copy")),
    "no weights": (remove("model.safetensors"), ("a model", "model.safetensors", "save_pretrained")),
    "weights cut": (cut_weights(0.5), ("model.safetensors", "is incomplete: its header promises", "download it again")),
    "weights cut in the header": (cut_weights(0.001), ("model.safetensors", "download it again")),
    "weights too long": (grow_weights, ("model.safetensors", "bytes")),
    "weights empty": (write("model.safetensors", b""), ("model.safetensors", "is empty")),
    "weights no safetensors": (write("model.safetensors", b"PK\x03\x04" + bytes(100)), ("model.safetensors",)),
    "weights a pointer": (
        write("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n"),
        ("safetensors",),
    ),
    "header no JSON": (
        write("model.safetensors", (16).to_bytes(8, "little") + b"x" * 16),
        ("model.safetensors", "not a safetensors file", "convert"),
    ),
    "NaN": (edit_weights(set_entry(NORM, float("nan"))), ("a model", NORM, "not finite in 1 of")),
    "infinity": (edit_weights(set_entry(NORM, float("inf"))), ("a model", NORM)),
    "a layer missing": (edit_weights(drop_layer), ("a model", "settings", "layers.2")),
    "a tensor missing": (edit_weights(drop_norm), ("a model", NORM)),
    "a tensor too narrow": (edit_weights(narrow), ("a model", "layers.1.mlp.down_proj")),
    "more layers asked for": (edit_config(num_hidden_layers=5), ("a model", "layers.3")),
    "shard missing": (shard_with(remove("model-00002-of-00002.safetensors")), ("a model", "model-00002-of-00002")),
    "shard cut": (
        shard_with(write("model-00001-of-00002.safetensors", b"\x10\0\0\0\0\0\0\0")),
        ("model-00001-of-00002", "not a safetensors file"),
    ),
    "index damaged": (shard_with(write("model.safetensors.index.json", b"{}")), ("index.json", "copy")),
    "fewer layers asked for": (edit_config(num_hidden_layers=2), ("a model", "settings", "layers.2")),
    "no layers asked for": (edit_config(num_hidden_layers=0), ("a model", "settings", "layers.0")),
    "heads do not divide": (edit_config(num_attention_heads=7), ("config.json", "not a multiple")),
    "a number that is a text": (edit_config(num_hidden_layers="three"), ("config.json", "num_hidden_layers", "int")),
    "no vocabulary": (edit_config(vocab_size=0), ("a model",)),
    "quantized": (edit_config(quantization_config={"quant_method": "gptq", "bits": 4}), ("a model", "quanti")),
    "config too deep": (write("config.json", b"[" * 10**5), ("config.json", "damaged")),
    "header too deep": (
        write("model.safetensors", header(b'{"a":' * 10**5)),
        ("model.safetensors", "header is damaged"),
    ),
    "header offsets are texts": (
        write("model.safetensors", header(b'{"a": {"data_offsets": ["0", "4"]}}')),
        ("model.safetensors", "header", "damaged"),
    ),
    "header of an unknown type": (
        write("model.safetensors", header(b'{"a":{"dtype":"Z9","shape":[1],"data_offsets":[0,4]}}') + bytes(4)),
        ("a model", "Z9"),
    ),
    "index of numbers": (shard_with(write_index({"a": 3})), ("index.json", "damaged")),
    "index of nothing": (shard_with(write_index({})), ("index.json", "copy")),
    "index that leads outside": (shard_with(write_index({"a": "../secret"})), ("index.json", "own folder")),
    "an adapter": (write("adapter_config.json", b"{}"), ("a model", "adapter", "merge")),
    "wider than stored": (edit_config(hidden_size=18 * 2**20), ("a model", "settings", "another shape")),
    "layers without end": (edit_config(num_hidden_layers=10**9), ("a model", "1000000000 layers")),
    "tokenizer cut": (write("tokenizer.json", b"{"), ("a model", "tokenizer", "copy")),
    "tokenizer settings a list": (write("tokenizer_config.json", b"[]"), ("a model", "tokenizer", "copy")),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_damaged_folder_is_refused_in_one_sentence(name: str, folder: Path) -> None:
    damage, words = FAULTS[name]
    damage(folder)
    with pytest.raises(LoadError) as caught:
        models.read(folder)
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"no folder or file .*nowhere.*check the path"):
        models.read(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnsupportedModel, match="file” is a text file and no model"):
        models.read(tmp_path / "file")


def test_a_file_of_the_folder_names_the_folder(folder: Path) -> None:
    with pytest.raises(UnsupportedModel, match="one file of a model; open its folder"):
        models.read(folder / "model.safetensors")


def test_tied_weights_are_the_embedding(tmp_path: Path) -> None:
    model = models.read(tiny.saved("gpt2"))
    assert model.head.W_U.data_ptr() == model.network.get_input_embeddings().weight.data_ptr()


def test_bfloat16_weights_open_as_the_same_numbers(folder: Path) -> None:
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    held = models.read(folder).network.state_dict()
    for name, tensor in tensors.items():
        assert torch.equal(held[name], tensor.float())


def test_weights_in_a_pytorch_file_open_without_running_it(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    whole, pickled = tiny.model("llama"), models.read(folder)
    for one, other in zip(whole.network.parameters(), pickled.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_shards_open_like_one_file(folder: Path) -> None:
    shard(folder)
    whole, parts = tiny.model("llama"), models.read(folder)
    for one, other in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        assert torch.equal(one, other)
