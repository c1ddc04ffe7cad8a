"""FAMILIES: where each model family keeps what the explorer freezes, one row per family.

A row says where the modules are, in which order a block uses them and which settings of the configuration change
that. Everything that depends on numbers (norm gains, scales, patterns) is read off the model or captured; see
capture.py. What is not here is refused: families by name, settings by their row, modules by structure.py.
Facts: the modeling files of transformers 5.23.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.errors import UnsupportedModel


@dataclass(frozen=True)
class Option:
    """A setting on which a row depends: where ``when`` holds of the configuration, ``changes`` apply.

    ``text`` says in words when that is; with ``refused`` the model is not opened, for the reason given.
    """

    text: str
    when: Callable[[Any], bool]
    changes: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class Family:
    """Module paths of one family; those of a block are relative to it. Empty means that there is none.

    value_layout says how the value projection is stored:
      ``linear``     own nn.Linear, rows are outputs
      ``conv1d``     GPT-2's fused Conv1D [in, out], values are the last third of the columns
      ``per head``   fused nn.Linear with rows grouped [query, key, value] for each head
      ``blocks``     fused nn.Linear with rows [all queries; all keys; all values]
    value_else is the projection where ``value`` is missing, value_norm a norm of the values, both of the attention.
    mlp_read is the module that the MLP begins with, where no single module is the whole of it.
    neurons_in, neurons_gate, neurons_act, neurons_out: the parts of the MLP (mlp.py); a gate of the same name as
    neurons_in is the upper half of its rows.
    parallel blocks read attention and MLP from the same residual.
    In a norm_on_stream block the norms do not stand beside the residual stream but on it: what is carried on is
    ``end(mlp_norm(mid) + mlp)``. ``end`` is the norm, or the number, that is applied to the sum last.
    head_in is a matrix between the final norm and the unembedding, embedding_in the table whose rows a matrix
    (``embedding``) turns into the token vectors.
    own_attention: the family computes its pattern in ``_attn`` and not through transformers' attention interface.
    """

    blocks: str
    embedding: str
    final_norm: str
    embedding_in: str = ""
    position: str = ""
    head: str = "lm_head"
    head_in: str = ""
    attention: str = "self_attn"
    value: str = "v_proj"
    value_else: str = ""
    value_norm: str = ""
    value_layout: str = "linear"
    output: str = "o_proj"
    attention_norm: str = "input_layernorm"
    attention_post_norm: str = ""
    mlp_norm: str = "post_attention_layernorm"
    mlp: str = "mlp"
    mlp_read: str = ""
    neurons_in: str = "mlp.up_proj"
    neurons_gate: str = "mlp.gate_proj"
    neurons_act: str = "mlp.act_fn"
    neurons_out: str = "mlp.down_proj"
    mlp_post_norm: str = ""
    end: str = ""
    parallel: bool = False
    norm_on_stream: bool = False
    own_attention: bool = False
    experts: bool = False
    options: tuple[Option, ...] = ()


def _on(name: str) -> Callable[[Any], bool]:
    return lambda config: bool(getattr(config, name, None))


def _off(name: str) -> Callable[[Any], bool]:
    return lambda config: not getattr(config, name, None)


BIDIRECTIONAL = Option(
    "use_bidirectional_attention",
    lambda config: getattr(config, "use_bidirectional_attention", None) in (True, "all"),
    refused="its attention looks at later tokens (use_bidirectional_attention)",
)

LLAMA = Family(blocks="model.layers", embedding="model.embed_tokens", final_norm="model.norm")
MOE = replace(LLAMA, experts=True)
GEMMA = replace(LLAMA, options=(BIDIRECTIONAL,))
GEMMA_2 = replace(
    GEMMA,
    attention_post_norm="post_attention_layernorm",
    mlp_norm="pre_feedforward_layernorm",
    mlp_post_norm="post_feedforward_layernorm",
)
GEMMA_4 = replace(
    GEMMA_2,
    value_else="k_proj",
    value_norm="v_norm",
    end="layer_scalar",
    options=(
        BIDIRECTIONAL,
        Option(
            "per-layer embeddings",
            _on("hidden_size_per_layer_input"),
            refused="its per-layer embeddings are a second nonlinear part of every layer (hidden_size_per_layer_input)",
        ),
        Option(
            "layers that share keys and values",
            _on("num_kv_shared_layers"),
            refused="its last layers attend to values of an earlier layer (num_kv_shared_layers)",
        ),
        Option(
            "experts beside the MLP",
            _on("enable_moe_block"),
            refused="its layers have experts beside the MLP, two nonlinear parts (enable_moe_block)",
        ),
    ),
)


def _wrapped(family: Family) -> Family:
    """The language part of a multimodal wrapper."""
    inner = {name: getattr(family, name).replace("model.", "model.language_model.") for name in _OF_MODEL}
    return replace(family, **inner)


_OF_MODEL = ("blocks", "embedding", "final_norm")

FAMILIES: Mapping[str, Family] = {
    "cohere2": replace(LLAMA, mlp_norm="input_layernorm", parallel=True),
    "gemma": GEMMA,
    "gemma2": GEMMA_2,
    "gemma3": _wrapped(GEMMA_2),
    "gemma3_text": GEMMA_2,
    "gemma4": _wrapped(GEMMA_4),
    "gemma4_text": GEMMA_4,
    "gpt2": Family(
        blocks="transformer.h",
        embedding="transformer.wte",
        position="transformer.wpe",
        final_norm="transformer.ln_f",
        attention="attn",
        value="c_attn",
        output="c_proj",
        value_layout="conv1d",
        attention_norm="ln_1",
        mlp_norm="ln_2",
        neurons_in="mlp.c_fc",
        neurons_gate="",
        neurons_act="mlp.act",
        neurons_out="mlp.c_proj",
        options=(
            Option(
                "reorder_and_upcast_attn",
                _on("reorder_and_upcast_attn"),
                refused="it computes attention in its own order and precision (reorder_and_upcast_attn)",
            ),
            Option(
                "cross-attention",
                _on("add_cross_attention"),
                refused="it attends to a second text (add_cross_attention)",
            ),
        ),
    ),
    "gpt_neo": Family(
        blocks="transformer.h",
        embedding="transformer.wte",
        position="transformer.wpe",
        final_norm="transformer.ln_f",
        attention="attn.attention",
        output="out_proj",
        attention_norm="ln_1",
        mlp_norm="ln_2",
        neurons_in="mlp.c_fc",
        neurons_gate="",
        neurons_act="mlp.act",
        neurons_out="mlp.c_proj",
        own_attention=True,
    ),
    "gpt_neox": Family(
        blocks="gpt_neox.layers",
        embedding="gpt_neox.embed_in",
        final_norm="gpt_neox.final_layer_norm",
        attention="attention",
        value="query_key_value",
        output="dense",
        value_layout="per head",
        neurons_in="mlp.dense_h_to_4h",
        neurons_gate="",
        neurons_act="mlp.act",
        neurons_out="mlp.dense_4h_to_h",
        parallel=True,
        options=(Option("sequential blocks", _off("use_parallel_residual"), {"parallel": False}),),
    ),
    "gpt_oss": MOE,
    "gptj": Family(
        blocks="transformer.h",
        embedding="transformer.wte",
        final_norm="transformer.ln_f",
        attention="attn",
        output="out_proj",
        attention_norm="ln_1",
        mlp_norm="ln_1",
        neurons_in="mlp.fc_in",
        neurons_gate="",
        neurons_act="mlp.act",
        neurons_out="mlp.fc_out",
        parallel=True,
        own_attention=True,
    ),
    "llama": LLAMA,
    "mistral": LLAMA,
    "mixtral": MOE,
    "olmo2": replace(
        LLAMA,
        attention_norm="",
        attention_post_norm="post_attention_layernorm",
        mlp_norm="",
        mlp_post_norm="post_feedforward_layernorm",
    ),
    "opt": Family(
        blocks="model.decoder.layers",
        embedding="model.decoder.embed_tokens",
        position="model.decoder.embed_positions",
        final_norm="model.decoder.final_layer_norm",
        output="out_proj",
        attention_norm="self_attn_layer_norm",
        mlp_norm="final_layer_norm",
        mlp="fc2",
        mlp_read="fc1",
        neurons_in="fc1",
        neurons_gate="",
        neurons_act="activation_fn",
        neurons_out="fc2",
        options=(
            Option("no final norm", _on("_remove_final_layer_norm"), {"final_norm": ""}),
            Option(
                "norms on the residual stream (OPT-350m)",
                _off("do_layer_norm_before"),
                {
                    "attention_norm": "",
                    "mlp_norm": "self_attn_layer_norm",
                    "end": "final_layer_norm",
                    "norm_on_stream": True,
                    "final_norm": "",
                },
            ),
            Option(
                "token vectors of another width (OPT-350m)",
                lambda config: config.word_embed_proj_dim != config.hidden_size,
                {
                    "embedding_in": "model.decoder.embed_tokens",
                    "embedding": "model.decoder.project_in",
                    "head_in": "model.decoder.project_out",
                },
            ),
        ),
    ),
    "phi": replace(
        LLAMA,
        final_norm="model.final_layernorm",
        output="dense",
        mlp_norm="input_layernorm",
        neurons_in="mlp.fc1",
        neurons_gate="",
        neurons_act="mlp.activation_fn",
        neurons_out="mlp.fc2",
        parallel=True,
    ),
    "phi3": replace(
        LLAMA,
        value="qkv_proj",
        value_layout="blocks",
        neurons_in="mlp.gate_up_proj",
        neurons_gate="mlp.gate_up_proj",
        neurons_act="mlp.activation_fn",
    ),
    "qwen2": LLAMA,
    "qwen3": LLAMA,
    "qwen3_moe": MOE,
    "smollm3": LLAMA,
    "stablelm": replace(
        LLAMA,
        options=(
            Option(
                "parallel blocks",
                _on("use_parallel_residual"),
                {"parallel": True, "mlp_norm": "input_layernorm"},
            ),
        ),
    ),
    "tiny": Family(
        blocks="blocks",
        embedding="embed",
        position="positions",
        final_norm="final_norm",
        head="head",
        attention="attention",
        value="value",
        output="output",
        attention_norm="attention_norm",
        mlp_norm="mlp_norm",
        neurons_in="mlp.up",
        neurons_gate="",
        neurons_act="mlp.act",
        neurons_out="mlp.down",
        own_attention=True,
        options=(
            Option(
                "no norms",
                lambda config: config.norm == "none",
                {"attention_norm": "", "mlp_norm": "", "final_norm": ""},
            ),
            Option("no learned positions", lambda config: config.positions != "learned", {"position": ""}),
            Option("gated MLP", _on("gated_mlp"), {"neurons_gate": "mlp.gate"}),
            Option("parallel blocks", _on("parallel"), {"parallel": True}),
        ),
    ),
}

GATED = "a gate after attention and linear-attention layers are nonlinear parts of their own"
OWN_CODE = "its attention is code of its own that does not hand out the pattern"

REFUSED: Mapping[str, str] = {
    "bloom": OWN_CODE,
    "falcon": OWN_CODE,
    "qwen3_5": GATED,
    "qwen3_5_moe": GATED,
    "qwen3_5_moe_text": GATED,
    "qwen3_5_text": GATED,
    "qwen3_next": GATED,
}


def check_kind(kind: str, where: str) -> None:
    """UnsupportedModel with the reason or the list of families if there is no row for this model_type."""
    if kind in REFUSED:
        raise UnsupportedModel(f"{where} is a “{kind}” model, which cannot be frozen exactly: {REFUSED[kind]}.")
    if kind not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise UnsupportedModel(
            f"{where} is a “{kind or 'nameless'}” model, which cannot be frozen exactly yet; these can: {known}."
        )


def family_of(config: Any, where: str) -> Family:
    """The row for a transformers configuration, its settings applied; UnsupportedModel if it cannot be frozen."""
    kind = str(getattr(config, "model_type", ""))
    check_kind(kind, where)
    row, text = FAMILIES[kind], config.get_text_config()
    family = replace(row, options=())
    for option in row.options:
        if not option.when(text):
            continue
        if option.refused:
            raise UnsupportedModel(f"{where} is a “{kind}” model that cannot be frozen exactly: {option.refused}.")
        family = replace(family, **option.changes)
    return family
