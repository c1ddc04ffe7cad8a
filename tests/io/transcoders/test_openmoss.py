"""What OpenMOSS's and Llama Scope's settings say beyond the layouts of test_layouts.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.errors import LoadError, Unsaid, UnsupportedTranscoder
from explorer.io.transcoders import openmoss, read
from tests.io.transcoders.layouts import load, save
from tests.io.transcoders.layouts_openmoss import across, layer_set, llama_scope


def change(folder: Path, name: str, **said: Any) -> None:
    for file in folder.rglob(name):
        table = {**json.loads(file.read_text("utf-8")), **said}
        file.write_text(json.dumps(table), "utf-8")


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"act_fn": "batchtopk"}, "batchtopk"),
        ({"act_fn": "topk", "top_k": None}, "topk"),
        ({"norm_activation": "token-wise"}, "token-wise"),
        ({"sae_type": "lorsa"}, "lorsa"),
    ],
)
def test_what_the_canonical_form_cannot_hold_is_refused(tmp_path: Path, said: dict[str, object], named: str) -> None:
    folder = layer_set(tmp_path, "jumprelu").path
    change(folder, "config.json", **said)
    with pytest.raises(UnsupportedTranscoder, match=named):
        read(folder)


def test_a_decoder_bias_taken_off_the_scaled_input_is_folded(tmp_path: Path) -> None:
    folder = layer_set(tmp_path, "jumprelu").path
    plain = read(folder)
    change(folder, "config.json", apply_decoder_bias_to_pre_encoder=True)
    for layer, (before, after) in enumerate(zip(plain.layers, read(folder).layers, strict=True)):
        held = load(folder / f"layer{layer}" / "sae_weights.safetensors")
        W_E, b_D = (held[name].to(before.b_enc) for name in ("W_E", "b_D"))
        torch.testing.assert_close(after.b_enc, before.b_enc - b_D @ W_E)
        torch.testing.assert_close(after.W_enc, before.W_enc)


def test_decoder_biases_taken_off_inputs_across_layers_are_refused(tmp_path: Path) -> None:
    folder = across(tmp_path, "relu").path
    change(folder, "config.json", apply_decoder_bias_to_pre_encoder=True)
    with pytest.raises(UnsupportedTranscoder, match="decoder biases"):
        read(folder)


def test_a_place_that_is_not_known_is_named(tmp_path: Path) -> None:
    folder = layer_set(tmp_path, "relu", folded=True).path / "layer0"
    change(folder, "config.json", hook_point_in="blocks.0.nowhere")
    with pytest.raises(UnsupportedTranscoder, match="nowhere"):
        read(folder)


@pytest.mark.parametrize("kind", ["layertopk", "batchlayertopk"])
def test_topk_over_several_layers_is_refused(tmp_path: Path, kind: str) -> None:
    folder = across(tmp_path, "topk").path
    change(folder, "config.json", act_fn=kind)
    with pytest.raises(UnsupportedTranscoder, match=kind):
        read(folder)


def test_a_set_that_lacks_the_norms_it_needs_is_refused(tmp_path: Path) -> None:
    folder = layer_set(tmp_path, "jumprelu").path
    for file in folder.rglob("*.safetensors"):
        save({name: tensor for name, tensor in load(file).items() if "average" not in name}, file)
    with pytest.raises(UnsupportedTranscoder, match="average norm"):
        read(folder)


def test_without_a_decoder_bias_there_is_none(tmp_path: Path) -> None:
    folder = layer_set(tmp_path, "relu").path
    change(folder, "config.json", use_decoder_bias=False)
    for file in folder.rglob("*.safetensors"):
        save({name: tensor for name, tensor in load(file).items() if name != "b_D"}, file)
    assert not any(layer.b_dec.any() for layer in read(folder).layers)


def test_several_sets_in_one_folder_are_asked_for(tmp_path: Path) -> None:
    folder = layer_set(tmp_path, "relu").path
    again = folder / "again"
    again.mkdir()
    layer_set(again, "relu", transcodes=False)
    with pytest.raises(Unsaid) as caught:
        read(folder)
    assert caught.value.name == "variant"
    chosen = next(choice for choice in caught.value.choices if "hook_resid_post" in choice)
    assert read(folder, told={"variant": chosen}).kind == "sae"


def test_llama_scope_scales_input_and_output_by_two_norms(tmp_path: Path) -> None:
    folder = llama_scope(tmp_path).path
    before = read(folder)
    assert before.model_name == "meta-llama/Llama-3.1-8B"
    change(folder, "hyperparams.json", dataset_average_activation_norm={"in": 4.0, "out": 1.0})
    after = read(folder)
    assert torch.equal(before.layers[0].W_enc, after.layers[0].W_enc)
    assert torch.allclose(before.layers[0].W_dec * 2, after.layers[0].W_dec)


@pytest.mark.parametrize("name", ["jump_relu_threshold", "dataset_average_activation_norm", "hook_point_in"])
def test_llama_scope_needs_its_settings(tmp_path: Path, name: str) -> None:
    folder = llama_scope(tmp_path).path
    change(folder, "hyperparams.json", **{name: None})
    with pytest.raises(UnsupportedTranscoder):
        read(folder)


def test_settings_of_a_layer_that_are_no_json_are_named(tmp_path: Path) -> None:
    """Rather than the layer left out."""
    (tmp_path / "layer_0").mkdir()
    (tmp_path / "layer_0" / "config.json").write_text('{"sae_type": "sae",')
    with pytest.raises(LoadError, match=r"layer_0.config.json” is damaged: it is not valid JSON"):
        openmoss.read(tmp_path, {})
