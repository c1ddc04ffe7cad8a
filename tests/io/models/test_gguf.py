"""GGUF files open to the model they were made of, and damaged ones are refused from their headers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.errors import LoadError, UnsupportedModel
from explorer.io import models
from explorer.io.gguf_header import TYPES, header
from tests import tiny
from tests.certificate import certify

gguf = pytest.importorskip("gguf")
NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v"}
NAMES |= {"self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up"}
NAMES |= {"mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
TOKENS = ["<unk>", "<s>", "</s>", *(f"▁t{i}" for i in range(34))]


def network() -> Any:
    return tiny.network("llama", attention_bias=False, hidden_size=18).double()


def permuted(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """Rows of queries and keys as llama.cpp's converter orders them: its rotation takes neighbours."""
    halves = weight.reshape(n_heads, 2, weight.shape[0] // n_heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def write(path: Path) -> Path:
    """The tiny Llama as the gguf package, llama.cpp's own, writes it."""
    made, config = network(), tiny.config("llama")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(64)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(37)
    for name, tensor in made.state_dict().items():
        stem, _, last = name.rpartition(".")
        array = tensor.float().numpy()
        if stem in OUTER:
            writer.add_tensor(f"{OUTER[stem]}.{last}", array)
            continue
        _, _, layer, part = stem.split(".", 3)
        heads = {"self_attn.q_proj": config.num_attention_heads, "self_attn.k_proj": config.num_key_value_heads}
        array = permuted(array, heads[part]) if part in heads else array
        writer.add_tensor(f"blk.{layer}.{NAMES[part]}.{last}", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_logits_are_those_of_the_model_it_was_made_of(tmp_path: Path) -> None:
    model = models.read(write(tmp_path / "small.gguf"), dtype="float64")
    with torch.no_grad():
        logits = network()(torch.tensor([tiny.PROMPT])).logits[0]
    torch.testing.assert_close(model.run(tiny.PROMPT).logits, logits, rtol=0, atol=1e-5)  # stored in float32
    assert (model.name, model.n_layers, model.d_model, model.context) == ("small", 3, 18, 64)
    certify(model, tiny.PROMPT)


def test_the_header_says_what_the_package_says(tmp_path: Path) -> None:
    path = write(tmp_path / "small.gguf")
    theirs, ours = gguf.GGUFReader(path), header(path)
    assert {tensor.name: int(tensor.n_bytes) for tensor in theirs.tensors} == {
        name: info.n_bytes for name, info in ours.tensors.items()
    }
    assert {tensor.name: tuple(map(int, tensor.shape))[::-1] for tensor in theirs.tensors} == {
        name: info.shape for name, info in ours.tensors.items()
    }
    assert (ours.family, ours.count("block_count"), ours.count("embedding_length")) == ("llama", 3, 18)


def test_the_table_of_types_is_the_packages() -> None:
    theirs = {int(kind): (kind.name, *sizes) for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    assert {kind: row for kind, row in TYPES.items() if theirs.get(kind) != row} == {}


def test_without_the_package_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "small.gguf")
    monkeypatch.setattr("explorer.io.models.gguf.find_spec", lambda name: None)
    with pytest.raises(UnsupportedModel, match=r"needs the Python package gguf; .*pipx inject circuit-explorer gguf"):
        models.read(path)


HUGE = struct.pack("<Q", 2**60)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GGUF", "ends early"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + struct.pack("<I", 3) + HUGE + HUGE, "counts make no sense"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + HUGE, "ends early"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 8, 2**60), "list that makes no"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 4, 2**60), "ends early"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"a" + struct.pack("<IQIQ", 1, 2**60, 0, 0), "is incomplete"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"a" + struct.pack("<IQIQ", 1, 2, 99, 0), "type 99"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"a" + struct.pack("<I", 2**31), "axes"),
    ],
)
def test_counts_that_lie_are_found_before_anything_is_allocated(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(data)
    with pytest.raises(LoadError, match=words):
        header(path)


def test_a_cut_file_is_incomplete(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gguf")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(LoadError, match=r"is incomplete: tensor .* ends at byte"):
        models.read(path)
