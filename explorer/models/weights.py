"""AttentionWeights and Head: the weights that stay in the frozen model, in one orientation for all families."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from explorer.models.families import Family
from explorer.shapes import Float


@dataclass(frozen=True)
class AttentionWeights:
    """The linear part of one attention layer: ``out = (pattern @ (x @ W_V + b_V)) @ W_O + b_O``.

    Query heads are grouped by the key-value head that they share: head h uses ``h // (n_heads // n_kv_heads)``.
    """

    W_V: Float[Tensor, "d_model n_kv_heads d_head"]
    b_V: Float[Tensor, "n_kv_heads d_head"] | None
    W_O: Float[Tensor, "n_heads d_head d_model"]
    b_O: Float[Tensor, " d_model"] | None


@dataclass(frozen=True)
class Head:
    """The unembedding: ``logits = x @ W_U.T + b_U`` of the final norm's output, scale included."""

    W_U: Float[Tensor, "d_vocab d_model"]
    b_U: Float[Tensor, " d_vocab"] | None

    @cached_property
    def mean(self) -> Float[Tensor, " d_model"]:
        """The mean unembedding over the whole vocabulary axis."""
        return self.W_U.mean(0)

    def direction(self, token_id: int) -> Float[Tensor, " d_model"]:
        """``U_v`` minus the mean over the whole vocabulary axis, padding rows included."""
        return self.W_U[token_id] - self.mean

    def constant(self, token_id: int) -> float:
        """``b_U[v]`` minus its mean; 0 without a bias."""
        return 0.0 if self.b_U is None else float(self.b_U[token_id] - self.b_U.mean())


def attention_weights(block: nn.Module, family: Family, config: Any) -> AttentionWeights:
    """The value and output weights of ``block``; the sizes of heads are those of its own matrices."""
    attention = block.get_submodule(family.attention)
    n_heads = int(config.num_attention_heads)
    output = attention.get_submodule(family.output)
    W_O = _weight(output) if family.value_layout == "conv1d" else _weight(output).T
    d_head = W_O.shape[0] // n_heads
    weight, bias = _value(_value_module(attention, family), family.value_layout, n_heads, d_head)
    d_model = weight.shape[0]
    return AttentionWeights(
        W_V=weight.reshape(d_model, -1, d_head),
        b_V=None if bias is None else bias.reshape(-1, d_head),
        W_O=W_O.reshape(n_heads, d_head, d_model),
        b_O=_bias(output),
    )


def head_weights(model: nn.Module, family: Family, config: Any) -> Head:
    """The unembedding with Cohere's ``logit_scale`` and OPT-350m's projection folded in, where there are."""
    module = model.get_submodule(family.head)
    scale = float(getattr(config, "logit_scale", None) or 1.0)
    weight, bias = _weight(module), _bias(module)
    if family.head_in:
        weight = weight @ _weight(model.get_submodule(family.head_in))
    return Head(weight * scale if scale != 1.0 else weight, None if bias is None else bias * scale)


def _value_module(attention: nn.Module, family: Family) -> nn.Module:
    missing = family.value_else and getattr(attention, family.value, None) is None
    return attention.get_submodule(family.value_else if missing else family.value)


def _value(module: nn.Module, layout: str, n_heads: int, d_head: int) -> tuple[Tensor, Tensor | None]:
    """Value weights as [in, out] and their bias."""
    weight, bias = _weight(module), _bias(module)
    if layout == "linear":
        return weight.T, bias
    if layout == "conv1d":
        third = weight.shape[1] // 3
        return weight[:, 2 * third :], None if bias is None else bias[2 * third :]
    if layout == "per head":
        grouped = weight.reshape(n_heads, 3, -1, weight.shape[1])[:, 2].flatten(0, 1)
        return grouped.T, None if bias is None else bias.reshape(n_heads, 3, -1)[:, 2].flatten()
    before_values = (weight.shape[0] + n_heads * d_head) // 2
    return weight[before_values:].T, None if bias is None else bias[before_values:]


def _weight(module: nn.Module) -> Tensor:
    weight = module.weight
    assert isinstance(weight, Tensor)
    return weight.detach()


def _bias(module: nn.Module) -> Tensor | None:
    bias = getattr(module, "bias", None)
    return bias.detach() if isinstance(bias, Tensor) else None
