"""MlpWeights: a layer's MLP as neurons, in one orientation for all families.

    plain   y = act(x @ W_in.T + b_in) @ W_out + b_out
    gated   y = (act(x @ W_gate.T + b_gate) * (x @ W_in.T + b_in)) @ W_out + b_out
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from explorer.errors import UnsupportedModel
from explorer.models.families import Family
from explorer.shapes import Float

if TYPE_CHECKING:
    from explorer.models.loader import LanguageModel


@dataclass(frozen=True)
class MlpWeights:
    """One MLP; ``W_gate`` is None in a plain one, biases are None where there are none."""

    W_in: Float[Tensor, "d_mlp d_model"]
    b_in: Float[Tensor, " d_mlp"] | None
    W_gate: Float[Tensor, "d_mlp d_model"] | None
    b_gate: Float[Tensor, " d_mlp"] | None
    act: Callable[[Tensor], Tensor]
    W_out: Float[Tensor, "d_mlp d_model"]
    b_out: Float[Tensor, " d_model"] | None


def mlps(model: LanguageModel) -> tuple[MlpWeights, ...]:
    """The MLPs of ``model``; UnsupportedModel if they are mixtures of experts."""
    family = model.family
    if family.experts:
        raise UnsupportedModel(
            f"“{model.name}” sends each token to experts of its own choice, so it has no fixed MLP neurons; "
            "choose transcoders."
        )
    return tuple(_mlp(block, family) for block in model.network.get_submodule(family.blocks).children())


def _mlp(block: nn.Module, family: Family) -> MlpWeights:
    conv = family.value_layout == "conv1d"
    W_in, b_in = _linear(block, family.neurons_in, conv=conv)
    W_gate, b_gate = _linear(block, family.neurons_gate, conv=conv) if family.neurons_gate else (None, None)
    if W_gate is not None and family.neurons_gate == family.neurons_in:
        half = len(W_in) // 2
        W_gate, W_in = W_in[:half], W_in[half:]
        b_gate, b_in = (None, None) if b_in is None else (b_in[:half], b_in[half:])
    W_out, b_out = _linear(block, family.neurons_out, conv=conv)
    return MlpWeights(W_in, b_in, W_gate, b_gate, block.get_submodule(family.neurons_act), W_out.T, b_out)


def _linear(block: nn.Module, name: str, *, conv: bool) -> tuple[Tensor, Tensor | None]:
    """Weight [out, in] and bias of the module ``name``; GPT-2's Conv1D holds [in, out]."""
    module = block.get_submodule(name)
    weight, bias = module.weight, getattr(module, "bias", None)
    assert isinstance(weight, Tensor)
    weight = weight.detach()
    return weight.T if conv else weight, bias.detach() if isinstance(bias, Tensor) else None
