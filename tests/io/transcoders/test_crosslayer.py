"""What crosslayer-coding's and crosslayer-transcoder's settings say beyond the layouts of test_layouts.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from explorer.errors import Unsaid, UnsupportedTranscoder
from explorer.io.transcoders import read
from tests.io.transcoders.layouts import N, load, save
from tests.io.transcoders.layouts_crosslayer import Coding, Transcoder

LATEST = "clt_checkpoint_latest.safetensors"
TOLD = {"read": "hook_resid_mid", "write": "mlp.hook_out"}


def change(folder: Path, **said: Any) -> None:
    file = folder / "cfg.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **said}), "utf-8")


def test_what_is_at_the_threshold_is_kept(tmp_path: Path) -> None:
    """The encoder is taken out, so that pre-activations are the biases: at and just below the threshold."""
    folder = Coding("jumprelu").write(tmp_path).path
    held = load(folder / LATEST)
    theta = held["theta_manager.log_threshold"].exp()
    key = "encoder_module.encoders.0"
    at = theta[0].clone()
    at[1] = torch.nextafter(at[1], torch.zeros_like(at[1]))
    save({**held, f"{key}.weight": held[f"{key}.weight"] * 0, f"{key}.bias_param": at}, folder / LATEST)
    layer = read(folder).layers[0]
    kept = layer.activation(layer.b_enc)
    assert torch.equal(kept != 0, torch.arange(N) != 1)


@pytest.mark.parametrize(
    "said",
    [
        {"activation_fn": "topk"},
        {"activation_fn": "batchtopk"},
        {"skip_connection": True},
        {"normalization_method": "sqrt_d_model"},
        {"decoder_tying": "other"},
        {"num_layers": None},
        {"num_layers": 2},
    ],
)
def test_what_the_canonical_form_cannot_hold_is_refused(tmp_path: Path, said: dict[str, object]) -> None:
    folder = Coding("jumprelu").write(tmp_path).path
    change(folder, **said)
    with pytest.raises(UnsupportedTranscoder):
        read(folder)


def test_a_standardised_set_needs_its_statistics(tmp_path: Path) -> None:
    folder = Coding("relu", standardised=True).write(tmp_path).path
    table = json.loads((folder / "norm_stats.json").read_text("utf-8"))
    table["1"]["targets"]["std"].pop()
    (folder / "norm_stats.json").write_text(json.dumps(table), "utf-8")
    with pytest.raises(UnsupportedTranscoder, match="std of the targets"):
        read(folder)
    (folder / "norm_stats.json").unlink()
    with pytest.raises(UnsupportedTranscoder, match=r"norm_stats\.json"):
        read(folder)


def test_which_of_several_checkpoints_is_asked_unless_one_is_the_latest(tmp_path: Path) -> None:
    folder = Coding("relu").write(tmp_path).path
    for step in (100, 200):
        (folder / f"clt_checkpoint_{step}.safetensors").write_bytes((folder / LATEST).read_bytes())
    assert read(folder).n_layers
    (folder / LATEST).unlink()
    with pytest.raises(Unsaid) as caught:
        read(folder)
    assert caught.value.choices == ("clt_checkpoint_100.safetensors", "clt_checkpoint_200.safetensors")
    assert read(folder, told={"checkpoint": caught.value.choices[0]}).kind == "clt"
    assert read(folder / "clt_checkpoint_200.safetensors").kind == "clt"


def test_offsets_that_differ_from_target_to_target_are_refused(tmp_path: Path) -> None:
    folder = Coding("relu", "per_source", affine=True).write(tmp_path).path
    held = load(folder / LATEST)
    name = "decoder_module.feature_offset.1"
    save({**held, name: held[name] + 1}, folder / LATEST)
    with pytest.raises(UnsupportedTranscoder, match="feature_offset"):
        read(folder)


def test_offsets_of_decoders_tied_by_target_are_refused(tmp_path: Path) -> None:
    folder = Coding("relu", "per_target", affine=True).write(tmp_path).path
    with pytest.raises(UnsupportedTranscoder, match="inactive features too"):
        read(folder)


def rewrite(folder: Path, part: str, **said: object) -> None:
    """Change what config.yaml says of a part of the model, or of the model itself."""
    table = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    where = table["model"]["init_args"][part] if part else table["model"]
    where.update(said)
    (folder / "config.yaml").write_text(yaml.safe_dump(table), "utf-8")


def test_no_class_that_the_settings_name_is_imported(tmp_path: Path) -> None:
    folder = Transcoder("JumpReLU").write(tmp_path).path
    rewrite(folder, "nonlinearity", class_path="antigravity.JumpReLU")
    read(folder, told=TOLD)
    assert "antigravity" not in sys.modules


def test_statistics_that_are_folded_already_are_not_folded_again(tmp_path: Path) -> None:
    folder = Transcoder("JumpReLU", "Dimensionwise").write(tmp_path).path
    rewrite(folder, "", is_folded=True)
    held = read(folder, told=TOLD)
    assert torch.equal(held.layers[0].W_enc, load(folder / "checkpoint.safetensors")["encoder.W"][0].T)


@pytest.mark.parametrize(
    ("part", "name"), [("input_standardizer", "SamplewiseInputStandardizer"), ("nonlinearity", "Unheard")]
)
def test_parts_that_the_canonical_form_cannot_hold_are_refused(tmp_path: Path, part: str, name: str) -> None:
    folder = Transcoder("JumpReLU").write(tmp_path).path
    rewrite(folder, part, class_path=f"crosslayer_transcoder.model.{name}")
    with pytest.raises(UnsupportedTranscoder, match=name):
        read(folder, told=TOLD)
