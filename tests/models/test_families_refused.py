"""What cannot be frozen exactly is refused with its reason, and what could go wrong unseen is seen."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from explorer.circuits.frozen import freeze
from explorer.errors import UnsupportedModel
from explorer.models import capture as capturing
from explorer.models.families import FAMILIES, REFUSED, family_of
from explorer.models.loader import open_language_model
from explorer.models.structure import check_structure
from tests import tiny, tiny_models
from tests.models.families_page import PAGE, page


def test_the_page_says_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_a_refused_family_says_why(kind: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(f'{{"model_type": "{kind}"}}', encoding="utf-8")
    with pytest.raises(UnsupportedModel, match=re.escape(REFUSED[kind])):
        open_language_model(tmp_path)


def test_an_unknown_family_is_told_which_are_known(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}', encoding="utf-8")
    with pytest.raises(UnsupportedModel, match="“mamba” model") as error:
        open_language_model(tmp_path)
    assert all(kind in str(error.value) for kind in FAMILIES)


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("gemma4 text", {"hidden_size_per_layer_input": 7}, "per-layer embeddings"),
        ("gemma4 text", {"num_kv_shared_layers": 1}, "values of an earlier layer"),
        ("gemma4 text", {"enable_moe_block": True, "num_experts": 3, "top_k_experts": 1}, "experts beside the MLP"),
        ("gemma4 text", {"use_bidirectional_attention": "all"}, "later tokens"),
        ("gemma", {"use_bidirectional_attention": True}, "later tokens"),
        ("gemma2", {"use_bidirectional_attention": True}, "later tokens"),
        ("gemma3 text", {"use_bidirectional_attention": True}, "later tokens"),
        ("gpt2", {"reorder_and_upcast_attn": True}, "its own order and precision"),
        ("gpt2", {"add_cross_attention": True}, "second text"),
    ],
)
def test_a_setting_that_changes_the_frozen_form_is_refused(name: str, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedModel, match=f"“model”.*{reason}"):
        family_of(tiny_models.config(name, **changes), "“model”")


def test_a_refused_setting_is_found_when_a_folder_is_opened(tmp_path: Path) -> None:
    settings = {"hidden_size_per_layer_input": 7, "vocab_size_per_layer_input": tiny_models.D_VOCAB}
    tiny_models.network("gemma4 text", **settings).save_pretrained(tmp_path)
    with pytest.raises(UnsupportedModel, match="per-layer embeddings"):
        open_language_model(tmp_path)


def test_quantised_weights_are_refused_by_method(tmp_path: Path) -> None:
    tiny_models.network("llama").save_pretrained(tmp_path)
    _quantise(tmp_path, {"quant_method": "gptq", "bits": 4})
    with pytest.raises(UnsupportedModel, match=r"quantised \(gptq\)"):
        open_language_model(tmp_path)


def test_gpt_oss_in_mxfp4_opens_with_its_exact_weights(tmp_path: Path) -> None:
    """Two numbers of four bits in a byte, the low one first, a power of two for every 32 (OCP MX specification)."""
    tiny_models.network("gpt_oss", hidden_size=32, intermediate_size=64).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    packed = {name: _packed(name, value) for name, value in weights.items()}
    save_file({name: value for parts in packed.values() for name, value in parts.items()}, tmp_path / WEIGHTS, PT)
    _quantise(tmp_path, {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]})
    model = open_language_model(tmp_path)
    name = "model.layers.1.mlp.experts.down_proj"
    bits, power = packed[name][f"{name}_blocks"], packed[name][f"{name}_scales"]
    codes = torch.stack([bits & 15, bits >> 4], -1).flatten(-2).long()
    expected = (FP4[codes] * 2.0 ** (power.float() - 127)[..., None]).flatten(-2).transpose(1, 2)
    assert torch.equal(model.network.get_parameter(name), expected)
    assert tiny.replaced(model, tiny.transcoders(model), tiny_models.PROMPT)[1].fidelity() <= 1e-5


WEIGHTS, PT = "model.safetensors", {"format": "pt"}
FP4 = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0])


def _packed(name: str, value: torch.Tensor) -> dict[str, torch.Tensor]:
    """Random MXFP4 numbers in the shape of an expert's matrix [expert, in, out]; anything else as it is."""
    if not name.endswith(("gate_up_proj", "down_proj")):
        return {name: value}
    experts, width, out = value.shape
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(256, (experts, out, width // 32, 16), generator=generator, dtype=torch.uint8)
    power = torch.randint(122, 126, bits.shape[:-1], generator=generator, dtype=torch.uint8)
    return {f"{name}_blocks": bits, f"{name}_scales": power}


def _quantise(folder: Path, settings: dict[str, Any]) -> None:
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**config, "quantization_config": settings}), encoding="utf-8")


def test_every_option_is_met_by_a_test() -> None:
    """A setting that changes a row holds for one tiny model of that row at least."""
    configs = [tiny_models.config(name) for name in tiny_models.MODELS]
    for kind, family in FAMILIES.items():
        own = [config.get_text_config() for config in configs if config.model_type == kind]
        for option in family.options:
            assert option.refused or any(option.when(config) for config in own)


def test_a_part_that_no_row_names_is_refused_by_name() -> None:
    model = tiny_models.model("llama")
    check_structure(model.network, model.family, "“model”")
    block = model.network.get_submodule("model.layers.1")
    block.add_module("adapter", nn.Linear(3, 3))
    with pytest.raises(UnsupportedModel, match="“model” has “adapter” in LlamaDecoderLayer"):
        check_structure(model.network, model.family, "“model”")
    del block.adapter
    block.register_buffer("residual_factor", torch.ones(1))
    with pytest.raises(UnsupportedModel, match="“residual_factor”"):
        check_structure(model.network, model.family, "“model”")
    del block.residual_factor


def test_a_dropped_mask_does_not_pass_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attention function without a mask function of its name sees later tokens, and nothing warns."""
    from transformers.masking_utils import AttentionMaskInterface

    model = tiny_models.model("llama")
    right = model.run(tiny_models.PROMPT).logits
    monkeypatch.delitem(AttentionMaskInterface._global_mapping, capturing.ATTENTION)
    with torch.no_grad():
        wrong = model.network(torch.tensor([tiny_models.PROMPT]), use_cache=False).logits[0]
    assert float((wrong - right).abs().max()) > 0.1 * float(right.abs().max())
    with pytest.raises(UnsupportedModel, match="later tokens"):
        model.run(tiny_models.PROMPT)


@pytest.mark.parametrize("name", ["gpt_neo", "gptj"])
def test_a_watched_attention_is_left_as_it_was(name: str) -> None:
    model = tiny_models.model(name)
    model.run(tiny_models.PROMPT)
    handle = model.network.get_submodule(model.family.head).register_forward_pre_hook(lambda module, args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.run(tiny_models.PROMPT)
    handle.remove()
    assert not any("_attn" in vars(module) for module in model.network.modules())


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("gemma4 text", {"value_scale": None}),
        ("gemma4 text", {"end": None}),
        ("opt-350m", {"end": None}),
        ("olmo2", {"attention_post_norm": None}),
        ("olmo2", {"mlp_post_norm": None}),
    ],
)
def test_each_part_of_a_row_matters(name: str, left_out: dict[str, None]) -> None:
    """Without it the frozen model no longer replays the pass."""
    model = tiny_models.model(name)
    trace = model.run(tiny_models.PROMPT)
    layers = tuple(replace(layer, **left_out) for layer in trace.layers)
    local = tiny.replaced(model, tiny.transcoders(model), tiny_models.PROMPT)[1]
    broken = replace(local, frozen=freeze(model, replace(trace, layers=layers), torch.float32))
    assert local.fidelity() <= 1e-5
    assert broken.fidelity() > 1e-2


def test_norms_on_the_residual_stream_matter() -> None:
    model = tiny_models.model("opt-350m")
    local = tiny.replaced(model, tiny.transcoders(model), tiny_models.PROMPT)[1]
    broken = replace(local, frozen=replace(local.frozen, norm_on_stream=False))
    assert broken.fidelity() > 1e-2
