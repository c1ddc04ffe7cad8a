"""A tiny random model of every family: odd sizes, shared key-value heads, short windows, no weight at its default."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.models.loader import LanguageModel, open_language_model

N_LAYERS = 3
D_VOCAB = 37
PROMPT = (1, 17, 4, 30, 4, 22, 9, 35, 11)

ENDS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
COMMON = {"vocab_size": D_VOCAB, "max_position_embeddings": 64, **ENDS}
OWN_HEAD_DIM = {
    **COMMON,
    "hidden_size": 18,
    "num_hidden_layers": N_LAYERS,
    "intermediate_size": 29,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 10,
}
SPLIT_HEADS = {
    **COMMON,
    "hidden_size": 30,
    "num_hidden_layers": N_LAYERS,
    "intermediate_size": 31,
    "num_attention_heads": 5,
    "num_key_value_heads": 1,
}
EQUAL_HEADS = {name: value for name, value in SPLIT_HEADS.items() if name != "num_key_value_heads"}
WINDOW = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
WINDOW_THEN_FULL = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention", "full_attention"]}
EXPERTS = {"num_experts_per_tok": 2, "head_dim": 10, "attention_bias": True}
GPT = {"vocab_size": D_VOCAB, "n_layer": N_LAYERS, "n_embd": 21, "n_positions": 64, **ENDS}
OPT = {**COMMON, "hidden_size": 21, "num_hidden_layers": N_LAYERS, "ffn_dim": 29, "num_attention_heads": 3}
LLAMA_3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
YARN = {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0, "original_max_position_embeddings": 16}
GEMMA_3 = {**OWN_HEAD_DIM, **WINDOW, "query_pre_attn_scalar": 6}
GEMMA_4 = {
    **OWN_HEAD_DIM,
    **WINDOW_THEN_FULL,
    "hidden_size_per_layer_input": 0,
    "global_head_dim": 8,
    "num_global_key_value_heads": 3,
    "attention_k_eq_v": True,
    "attention_bias": True,
    "final_logit_softcapping": 20.0,
}
STABLELM = {**SPLIT_HEADS, "hidden_size": 40, "use_qkv_bias": True}
VISION = {
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}

# name: the class of its configuration and the settings
MODELS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "cohere2": ("Cohere2", {**SPLIT_HEADS, **WINDOW, "attention_bias": True, "logit_scale": 0.3}),
    "gemma": ("Gemma", {**OWN_HEAD_DIM, "attention_bias": True}),
    "gemma2": ("Gemma2", {**OWN_HEAD_DIM, **WINDOW, "attention_bias": True, "query_pre_attn_scalar": 6}),
    "gemma3 text": ("Gemma3Text", {**GEMMA_3, "attention_bias": True}),
    "gemma3 wrapper": (
        "Gemma3",
        {"text_config": GEMMA_3, "vision_config": VISION, "mm_tokens_per_image": 4},
    ),
    "gemma4 text": ("Gemma4Text", GEMMA_4),
    "gemma4 wrapper": (
        "Gemma4",
        {"text_config": {**GEMMA_4, "attention_k_eq_v": False}, "vision_config": None, "audio_config": None},
    ),
    "gpt2": ("GPT2", {**GPT, "n_head": 3, "scale_attn_by_inverse_layer_idx": True}),
    "gpt_neo": (
        "GPTNeo",
        {
            **COMMON,
            "hidden_size": 21,
            "num_layers": N_LAYERS,
            "num_heads": 3,
            "attention_types": [[["global", "local", "local"], 1]],
            "window_size": 4,
        },
    ),
    "gpt_neox parallel": ("GPTNeoX", {**EQUAL_HEADS, "use_parallel_residual": True}),
    "gpt_neox sequential": ("GPTNeoX", {**EQUAL_HEADS, "use_parallel_residual": False}),
    "gpt_oss": ("GptOss", {**OWN_HEAD_DIM, **WINDOW, **EXPERTS, "num_local_experts": 3, "rope_parameters": YARN}),
    "gptj": ("GPTJ", {**GPT, "n_embd": 30, "n_head": 5, "rotary_dim": 4, "tie_word_embeddings": False}),
    "llama": ("Llama", {**OWN_HEAD_DIM, "attention_bias": True, "mlp_bias": True}),
    "llama3 rope": ("Llama", {**OWN_HEAD_DIM, "rope_parameters": LLAMA_3_ROPE}),
    "mistral": ("Mistral", {**OWN_HEAD_DIM, "sliding_window": 4}),
    "mixtral": ("Mixtral", {**OWN_HEAD_DIM, "num_local_experts": 3, "num_experts_per_tok": 2}),
    "olmo2": ("Olmo2", {**SPLIT_HEADS, "attention_bias": True}),
    "opt": ("OPT", OPT),
    "opt without final norm": ("OPT", {**OPT, "_remove_final_layer_norm": True}),
    "opt-350m": ("OPT", {**OPT, "do_layer_norm_before": False}),
    "opt-350m projected": ("OPT", {**OPT, "do_layer_norm_before": False, "word_embed_proj_dim": 13}),
    "phi": ("Phi", {**SPLIT_HEADS, "hidden_size": 40, "qk_layernorm": True}),
    "phi3": ("Phi3", {**SPLIT_HEADS, "hidden_size": 36, "num_attention_heads": 6, "num_key_value_heads": 3}),
    "qwen2": ("Qwen2", {**SPLIT_HEADS, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}),
    "qwen3": ("Qwen3", {**OWN_HEAD_DIM, "attention_bias": True}),
    "qwen3_moe": (
        "Qwen3Moe",
        {**OWN_HEAD_DIM, **EXPERTS, "num_experts": 3, "moe_intermediate_size": 7, "mlp_only_layers": [1]},
    ),
    "smollm3": (
        "SmolLM3",
        {**SPLIT_HEADS, "no_rope_layers": [1, 0, 1], "attention_bias": True, "mlp_bias": True},
    ),
    "stablelm": ("StableLm", {**STABLELM, "qk_layernorm": True}),
    "stablelm parallel": ("StableLm", {**STABLELM, "use_parallel_residual": True}),
    "tiny": ("Tiny", {**OWN_HEAD_DIM, "norm": "layer", "hidden_act": "gelu", "head_bias": True}),
    "tiny without norms": ("Tiny", {**SPLIT_HEADS, "norm": "none", "n_outputs": 37, "attention_bias": False}),
    "tiny rotary": (
        "Tiny",
        {**OWN_HEAD_DIM, "norm": "rms", "positions": "rotary", "rotary_dim": 8, "gated_mlp": True}
        | {"hidden_act": "silu"},
    ),
    "tiny parallel": (
        "Tiny",
        {**OWN_HEAD_DIM, **{"norm": "layer", "positions": "rotary", "rotary_adjacent": True, "parallel": True}},
    ),
}
ONE_PLUS = ("Gemma", "Gemma2", "Gemma3", "Gemma3Text")  # their norms multiply by 1 + weight


def config(name: str, **changes: Any) -> Any:
    """The transformers configuration of the tiny model called ``name``."""
    import transformers

    from explorer.models import tiny

    tiny.register()
    kind, settings = MODELS[name]
    known = tiny.TinyConfig if kind == "Tiny" else getattr(transformers, f"{kind}Config")
    return known(**{**settings, **changes})


def network(name: str, seed: int = 0, **changes: Any) -> nn.Module:
    """A network with random weights: norm gains, shifts, sinks, factors and every bias included."""
    import transformers

    made: nn.Module = transformers.AutoModelForCausalLM.from_config(config(name, **changes))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for path, parameter in made.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(_drawn(path, noise, one_plus=MODELS[name][0] in ONE_PLUS))
        for layer, (_, scalar) in enumerate(b for b in made.named_buffers() if b[0].endswith("layer_scalar")):
            scalar.fill_(0.7 + 0.2 * layer)
    return made


def _drawn(path: str, noise: Tensor, *, one_plus: bool) -> Tensor:
    """Queries and keys are large enough that no pattern is flat."""
    query_key = any(part in path for part in ("q_", "k_", "c_attn", "qkv_proj", "query", "key"))
    if "norm" in path or "ln_" in path:
        gain = path.endswith("weight") and not one_plus
        return (2.5 if query_key else 1.0) * (0.4 * noise + (1.0 if gain else 0.0))
    if noise.ndim == 1:
        return 0.4 * noise
    return (4.0 if query_key else 1.0) * noise / noise.shape[-1] ** 0.5


@cache
def saved(name: str) -> Path:
    """The folder of a tiny model as transformers saves it; kept for the run of the tests."""
    folder = _root() / name
    network(name).save_pretrained(folder)
    return folder


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="tiny-families-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def model(name: str, dtype: str = "float32") -> LanguageModel:
    """The tiny model called ``name``, opened the way every model is."""
    return open_language_model(saved(name), dtype=dtype)
