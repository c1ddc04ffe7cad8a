"""What SAELens's settings can say that cannot be read exactly is refused by name, with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import LoadError, Unsaid
from explorer.io.transcoders import read
from tests.io.transcoders import layouts_saelens

Settings = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return layouts_saelens.current(tmp_path, "transcoder").path


def change(folder: Path, **settings: object) -> None:
    for file in folder.rglob("cfg.json"):
        table = json.loads(file.read_text())
        file.write_text(json.dumps({**table, **settings}))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"architecture": "abstopk"}, "the architecture is “abstopk”, not one that is read here"),
        ({"architecture": "matching_pursuit"}, "the architecture is “matching_pursuit”"),
        ({"architecture": "temporal"}, "the architecture is “temporal”"),
        ({"architecture": None}, "the architecture is “None”"),
        ({"normalize_activations": "layer_norm"}, "“layer_norm”, which normalises every token by itself"),
        ({"normalize_activations": "constant_norm_rescale"}, "which rescales every token by itself"),
        ({"normalize_activations": "covariance_whitening"}, "which whitens its input"),
        ({"normalize_activations": "expected_average_only_in"}, "no activation_scaler.json says by which factor"),
    ],
)
def test_settings_that_cannot_be_read_exactly_are_refused(folder: Path, settings: Settings, words: str) -> None:
    change(folder, **settings)
    with pytest.raises(LoadError, match=words):
        read(folder)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"activation_fn_str": "tanh-relu"}, "the activation “tanh-relu” is not one of relu, topk"),
        ({"normalize_activations": True}, "no activation_scaler.json says by which factor"),
    ],
)
def test_older_settings_are_refused_likewise(tmp_path: Path, settings: Settings, words: str) -> None:
    folder = layouts_saelens.older(tmp_path).path
    change(folder, **settings)
    with pytest.raises(LoadError, match=words):
        read(folder)


def test_a_scaling_factor_without_a_word_on_it_is_refused(tmp_path: Path) -> None:
    folder = layouts_saelens.older(tmp_path, finetuned=True).path
    change(folder, finetuning_scaling_factor=False)
    with pytest.raises(LoadError, match=r"holds a scaling_factor, but cfg.json does not say finetuning_scaling_factor"):
        read(folder)


def test_topk_without_k_is_asked(tmp_path: Path) -> None:
    folder = layouts_saelens.current(tmp_path, "topk").path
    with pytest.raises(Unsaid) as caught:
        read(folder)
    assert caught.value.name == "k"
    assert {layer.activation.k for layer in read(folder, told={"k": "3"}).layers} == {3}


def test_settings_that_are_none_are_named(folder: Path) -> None:
    (folder / "layer_1" / "cfg.json").write_text("[]")
    with pytest.raises(LoadError, match=r"layer_1/cfg.json” is no table of settings in JSON"):
        read(folder)


def test_the_layer_is_that_of_the_hook_not_of_the_folder(folder: Path) -> None:
    (folder / "layer_0").rename(folder / "b")
    (folder / "layer_1").rename(folder / "a")
    (folder / "layer_2").rename(folder / "c")
    before = layouts_saelens.drawn(201, "transcoder")["W_enc"]
    assert read(folder).layers[1].W_enc.T.equal(before)


def test_layers_of_several_places_are_refused(folder: Path) -> None:
    file = folder / "layer_1" / "cfg.json"
    file.write_text(file.read_text().replace("mlp.hook_in", "ln2.hook_normalized"))
    with pytest.raises(LoadError, match=r"layer_1” is of another place in the model than layer 0"):
        read(folder)


def test_the_name_that_means_two_things_gives_way_to_that_of_hugging_face(folder: Path) -> None:
    for layer in range(3):
        file = folder / f"layer_{layer}" / "cfg.json"
        table = json.loads(file.read_text())
        table["metadata"]["hook_name"] = f"blocks.{layer}.hook_mlp_in"
        file.write_text(json.dumps(table))
    with pytest.raises(Unsaid, match="does not say whether its transcoders read"):
        read(folder)
    for layer in range(3):
        file = folder / f"layer_{layer}" / "cfg.json"
        table = json.loads(file.read_text())
        table["metadata"]["hf_hook_name"] = f"model.layers.{layer}.pre_feedforward_layernorm.output"
        file.write_text(json.dumps(table))
    assert read(folder).read.value == "mlp.hook_in"
