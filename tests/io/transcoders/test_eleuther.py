"""What sparsify's and clt-training's files say or leave open beyond the layouts of test_layouts.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.errors import Unsaid, UnsupportedTranscoder
from explorer.io.transcoders import read
from explorer.transcoders.transcoder import Site
from tests.io.transcoders.layouts import N_LAYERS, D, draw, load, save
from tests.io.transcoders.layouts_eleuther import K, across, sparsify_set

TOLD = {"read": "hook_resid_mid"}


def change(folder: Path, **said: Any) -> None:
    """Say ``said`` in the settings of every module; None takes it out."""
    for file in folder.rglob("cfg.json"):
        table = {**json.loads(file.read_text("utf-8")), **said}
        file.write_text(json.dumps({name: value for name, value in table.items() if value is not None}), "utf-8")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return sparsify_set(tmp_path, "layers.{}.mlp", transcode=True).path


@pytest.mark.parametrize(
    "said", [{"activation": "groupmax"}, {"activation": "batchtopk"}, {"signed": True}, {"embed_skip": True}]
)
def test_what_the_canonical_form_cannot_hold_is_refused(plain: Path, said: dict[str, object]) -> None:
    change(plain, **said)
    with pytest.raises(UnsupportedTranscoder, match=next(iter(said)).removesuffix("s")):
        read(plain)


def test_k_is_asked_if_the_settings_lack_it(plain: Path) -> None:
    change(plain, k=None)
    with pytest.raises(Unsaid) as caught:
        read(plain)
    assert caught.value.name == "k"
    assert {layer.activation.k for layer in read(plain, told={"k": f"{K}"}).layers} == {K}


def test_the_model_is_what_the_run_says(plain: Path) -> None:
    assert read(plain).model_name == "tiny"


@pytest.mark.parametrize(
    ("module", "site"),
    [("layers.{}.mlp", Site.MLP_OUT), ("h.{}.attn", Site.ATTN_OUT), ("gpt_neox.layers.{}", Site.RESID_POST)],
)
def test_autoencoders_are_of_what_their_module_puts_out(tmp_path: Path, module: str, site: Site) -> None:
    held = read(sparsify_set(tmp_path, module, transcode=False).path)
    assert (held.read, held.write) == (site, site)


@pytest.mark.parametrize("module", ["embed_tokens", "layers.{}.self_attn"])
def test_transcoders_of_other_modules_are_refused(tmp_path: Path, module: str) -> None:
    with pytest.raises(UnsupportedTranscoder):
        read(sparsify_set(tmp_path, module, transcode=True).path)


@pytest.mark.parametrize("said", [{"topk_coalesced": True}, {"coalesce_topk": "group"}, {"n_targets": 7}])
def test_sets_whose_layers_mix_or_lack_each_other_are_refused(tmp_path: Path, said: dict[str, object]) -> None:
    folder = across(tmp_path).path
    change(folder, **said)
    with pytest.raises(UnsupportedTranscoder):
        read(folder, told=TOLD)


def test_offsets_that_differ_from_target_to_target_are_refused(tmp_path: Path) -> None:
    folder = across(tmp_path).path
    file = folder / "layers.0.mlp" / "sae.safetensors"
    held = load(file)
    save({**held, "post_encs.1": held["post_encs.1"] + 1}, file)
    with pytest.raises(UnsupportedTranscoder, match="post_encs differ"):
        read(folder, told=TOLD)


def test_skips_to_other_layers_are_refused_unless_they_are_zero(tmp_path: Path) -> None:
    folder = across(tmp_path, skip_connection=True).path
    file = folder / "layers.0.mlp" / "sae.safetensors"
    held = load(file)
    save({**held, "W_skips.1": torch.zeros(D, D, dtype=torch.float64)}, file)
    assert read(folder, told=TOLD).n_layers == N_LAYERS
    save({**held, "W_skips.1": draw(1, W=(D, D))["W"]}, file)
    with pytest.raises(UnsupportedTranscoder, match=r"W_skips\.1"):
        read(folder, told=TOLD)


def test_the_second_name_of_the_first_decoder_is_no_other_tensor(tmp_path: Path) -> None:
    folder = across(tmp_path).path
    before = read(folder, told=TOLD)
    for file in folder.rglob("*.safetensors"):
        held = load(file)
        save({**held, "W_dec": held["W_decs.0"].clone(), "b_dec": held["b_decs.0"].clone()}, file)
    after = read(folder, told=TOLD)
    assert torch.equal(before.layers[0].W_dec, after.layers[0].W_dec)
