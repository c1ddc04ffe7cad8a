"""Capture of one forward pass: patterns, norm scales, MLP inputs and outputs, logits.

1. The model runs with an attention function registered under our own name: it calls the family's own eager
   function and keeps the pattern. The mask function must be registered under the same name, or the mask is
   silently dropped; every capture therefore checks that the pattern is causal. Families that do not know the
   attention interface run as they are, with their ``_attn`` watched.
2. Hooks keep what the norms and the MLPs received and returned.
3. Norms are frozen at the captured pass (frozen_norm.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from explorer.errors import PromptError, UnsupportedModel
from explorer.models.families import Family
from explorer.models.frozen_norm import FrozenNorm, factor, freeze_norm
from explorer.models.trace import LayerTrace, Trace

ATTENTION = "explorer_capture"

# transformers calls a plain function, so what a capture keeps must be found from the module; one capture at a time.
_patterns: dict[int, Tensor] | None = None
# takes the place of the family's own attention function, which is its first argument (live.py)
_stand_in: Callable[..., tuple[Tensor, Tensor | None]] | None = None


def register_attention() -> None:
    """Make transformers know our attention function and its mask; may be called again."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, eager_mask

    AttentionInterface.register(ATTENTION, _keep_pattern)
    AttentionMaskInterface.register(ATTENTION, eager_mask)


def _keep_pattern(module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None]:
    """The family's own eager attention; its pattern is kept while a capture runs."""
    eager = sys.modules[type(module).__module__].eager_attention_forward
    attend = eager if _stand_in is None else partial(_stand_in, eager)
    output, pattern = attend(module, *args, **kwargs)
    if _patterns is not None and pattern is not None:
        _patterns[id(module)] = pattern.detach()[0]
    return output, pattern


@contextmanager
def standing_in(attend: Callable[..., tuple[Tensor, Tensor | None]]) -> Iterator[None]:
    """Let ``attend(own, module, query, key, value, ...)`` be the attention of models that know the interface.

    ``own`` is the family's function, called with the same arguments.
    """
    global _stand_in
    _stand_in = attend
    try:
        yield
    finally:
        _stand_in = None


def capture(network: nn.Module, family: Family, token_ids: Tensor) -> Trace:
    """Run ``token_ids`` (n_pos) once and keep what the frozen model needs.

    PromptError if there is no token or the model overflows on these; UnsupportedModel if attention is not causal or
    does not go through the attention interface.
    """
    if token_ids.numel() == 0:
        raise PromptError("The prompt is empty; type at least one token.")
    blocks = list(network.get_submodule(family.blocks).children())
    seen = _Seen(network, family, blocks)
    own = [block.get_submodule(family.attention) for block in blocks] if family.own_attention else []
    with torch.no_grad(), _kept_patterns() as patterns, _watched(own), seen.hooks():
        logits = network(token_ids[None], use_cache=False).logits[0].detach()
    for layer, block in enumerate(blocks):
        _check_finite(layer, seen.output(block.get_submodule(family.mlp)))
    layers = tuple(_layer(seen, block, family, patterns) for block in blocks)
    position = seen.outputs.get(id(network.get_submodule(family.position))) if family.position else None
    embedding = seen.output(network.get_submodule(family.embedding))
    return Trace(
        token_ids=token_ids,
        embedding=embedding,
        position=None if position is None else position.expand_as(embedding),
        layers=layers,
        final_norm=_final_norm(seen, network, family, embedding),
        head_out=seen.output(network.get_submodule(family.head)),
        logits=logits,
    )


def _check_finite(layer: int, mlp_out: Tensor) -> None:
    if not bool(mlp_out.isfinite().all()):
        dtype = str(mlp_out.dtype).removeprefix("torch.")
        raise PromptError(
            f"Layer {layer} of the model overflows on this prompt in {dtype}; "
            "choose a higher precision, or copy the model again."
        )


@contextmanager
def _kept_patterns() -> Iterator[dict[int, Tensor]]:
    global _patterns
    _patterns = {}
    try:
        yield _patterns
    finally:
        _patterns = None


@contextmanager
def _watched(attention: list[Any]) -> Iterator[None]:
    """Keep the patterns that these modules compute in their own ``_attn``."""
    for module in attention:
        module._attn = _keeping(module, module._attn)
    try:
        yield
    finally:
        for module in attention:
            del module._attn


def _keeping(module: nn.Module, attend: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., tuple[Tensor, Tensor]]:
    def keep(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        output, pattern = attend(*args, **kwargs)
        if _patterns is not None:
            _patterns[id(module)] = pattern.detach()[0]
        return output, pattern

    return keep


class _Seen:
    """What the hooked modules received and returned, by the identity of the module."""

    def __init__(self, network: nn.Module, family: Family, blocks: list[nn.Module]) -> None:
        self.inputs: dict[int, Tensor] = {}
        self.outputs: dict[int, Tensor] = {}
        outer = (family.embedding, family.position, family.final_norm, family.head)
        inner = (
            family.attention_norm,
            family.attention_post_norm,
            family.mlp_norm,
            family.mlp,
            family.mlp_read,
            family.mlp_post_norm,
            f"{family.attention}.{family.value_norm}" if family.value_norm else "",
            family.end if family.norm_on_stream else "",
        )
        self._modules = [network.get_submodule(name) for name in outer if name]
        self._modules += [block.get_submodule(name) for block in blocks for name in inner if name]

    @contextmanager
    def hooks(self) -> Iterator[None]:
        handles = [module.register_forward_hook(self._keep) for module in self._modules]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _keep(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        result = output[0] if isinstance(output, tuple) else output
        self.inputs[id(module)] = _unbatched(args[0])
        self.outputs[id(module)] = _unbatched(result)

    def output(self, module: nn.Module) -> Tensor:
        return self.outputs[id(module)]

    def norm(self, module: nn.Module) -> FrozenNorm:
        return freeze_norm(module, self.inputs[id(module)], self.outputs[id(module)])


def _unbatched(value: Tensor) -> Tensor:
    """Without the batch axis; OPT's MLP has none."""
    return value.detach()[0] if value.ndim > 2 else value.detach()


def _final_norm(seen: _Seen, network: nn.Module, family: Family, like: Tensor) -> FrozenNorm:
    if family.final_norm:
        return seen.norm(network.get_submodule(family.final_norm))
    return factor(like.new_ones(1), *like.shape)


def _layer(seen: _Seen, block: nn.Module, family: Family, patterns: dict[int, Tensor]) -> LayerTrace:
    def norm(name: str) -> FrozenNorm | None:
        return seen.norm(block.get_submodule(name)) if name else None

    mlp = block.get_submodule(family.mlp)
    mlp_in = seen.inputs[id(block.get_submodule(family.mlp_read or family.mlp))]
    return LayerTrace(
        resid_mid=seen.inputs[id(block.get_submodule(family.mlp_norm))] if family.mlp_norm else mlp_in,
        mlp_in=mlp_in,
        mlp_out=seen.output(mlp),
        pattern=_pattern(block.get_submodule(family.attention), patterns),
        attention_norm=norm(family.attention_norm),
        attention_post_norm=norm(family.attention_post_norm),
        mlp_norm=norm(family.mlp_norm),
        mlp_post_norm=norm(family.mlp_post_norm),
        value_scale=_value_scale(seen, block, family),
        end=norm(family.end) if family.norm_on_stream else _factor(block, family, mlp_in),
    )


def _pattern(attention: nn.Module, patterns: dict[int, Tensor]) -> Tensor:
    name = type(attention).__name__
    if id(attention) not in patterns:
        raise UnsupportedModel(f"{name} does not use the attention interface, so its pattern cannot be frozen.")
    pattern = patterns[id(attention)]
    if bool(pattern.triu(1).any()):
        raise UnsupportedModel(f"{name} looks at later tokens; only causal models are supported.")
    return pattern


def _value_scale(seen: _Seen, block: nn.Module, family: Family) -> Tensor | None:
    """What the norm of the values divides each head's values by, at each position (n_pos, n_kv_heads)."""
    if not family.value_norm:
        return None
    module = block.get_submodule(f"{family.attention}.{family.value_norm}")
    values = seen.inputs[id(module)]
    frozen = freeze_norm(module, values.flatten(0, 1), seen.output(module).flatten(0, 1))
    if frozen.centred or frozen.shift is not None or bool((frozen.gain != 1).any()):
        raise UnsupportedModel(f"{type(module).__name__} does more to the values than scale them; not supported.")
    return frozen.scale.view(values.shape[:2])


def _factor(block: nn.Module, family: Family, like: Tensor) -> FrozenNorm | None:
    value = getattr(block, family.end) if family.end else None
    return None if value is None or bool((value == 1).all()) else factor(value, *like.shape)
