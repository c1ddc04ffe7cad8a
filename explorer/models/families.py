"""FAMILIES: where each model family keeps what the explorer freezes, one row per family.

A row says where the modules are and in which order a block uses them. Everything that depends on numbers (norm
gains, scales, patterns) is read off the model or captured; see capture.py. A family that is not here is refused.
Facts: the modeling files of transformers 5.23.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.errors import UnsupportedModel


@dataclass(frozen=True)
class Family:
    """Module paths of one family; those of a block are relative to it. Empty means that there is none.

    value_layout says how the value projection is stored:
      ``linear``     own nn.Linear, rows are outputs
      ``conv1d``     GPT-2's fused Conv1D [in, out], values are the last third of the columns
      ``per head``   fused nn.Linear with rows grouped [query, key, value] for each head
      ``blocks``     fused nn.Linear with rows [all queries; all keys; all values]
    parallel blocks read attention and MLP from the same residual.
    """

    blocks: str
    embedding: str
    final_norm: str
    position: str = ""
    head: str = "lm_head"
    attention: str = "self_attn"
    value: str = "v_proj"
    output: str = "o_proj"
    value_layout: str = "linear"
    attention_norm: str = "input_layernorm"
    attention_post_norm: str = ""
    mlp_norm: str = "post_attention_layernorm"
    mlp: str = "mlp"
    mlp_post_norm: str = ""
    parallel: bool = False


LLAMA = Family(blocks="model.layers", embedding="model.embed_tokens", final_norm="model.norm")

FAMILIES: Mapping[str, Family] = {
    "llama": LLAMA,
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
    ),
    "gemma2": Family(
        blocks="model.layers",
        embedding="model.embed_tokens",
        final_norm="model.norm",
        attention_post_norm="post_attention_layernorm",
        mlp_norm="pre_feedforward_layernorm",
        mlp_post_norm="post_feedforward_layernorm",
    ),
}


def family_of(config: Any, where: str) -> Family:
    """The row for a transformers config; UnsupportedModel with the list of families if there is none."""
    kind = str(getattr(config, "model_type", ""))
    if kind not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise UnsupportedModel(
            f"{where} is a “{kind or 'nameless'}” model, which cannot be frozen exactly yet; these can: {known}."
        )
    return FAMILIES[kind]
