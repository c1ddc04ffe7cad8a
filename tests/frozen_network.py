"""FrozenNetwork: a Hugging Face network frozen at one prompt by hooks on its own modules, for every family.

It shares no step with explorer.models.capture or explorer.circuits: the network itself runs, with each pattern,
each norm's scale and each MLP output held at what they were, so that an edge can be measured by adding its source
once more. Norm scales come from the definitions (sqrt of variance or mean square plus eps).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from explorer.models.loader import LanguageModel


@dataclass
class FrozenNetwork:
    """``run`` gives what each MLP reads (layer, pos, d_model) and the unembedding's output (pos, d_vocab).

    Without ``frozen`` only the MLP outputs are held: what the attribution does not model.
    """

    model: LanguageModel
    token_ids: tuple[int, ...]
    frozen: bool = True
    _held: dict[int, Tensor] = field(default_factory=dict)
    _reads: list[Tensor] = field(default_factory=list)
    _head_out: Tensor | None = None

    def __post_init__(self) -> None:
        self.clean = self.run()

    def run(self, mlp: Tensor | None = None, embedding: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One pass with ``mlp`` (layer, pos, d_model) added to MLP outputs, ``embedding`` to token vectors.

        The first pass only records.
        """
        self._reads = []
        with torch.no_grad(), ExitStack() as stack:
            for context in self._contexts(mlp, embedding):
                stack.enter_context(context)
            self.model.network(torch.tensor([self.token_ids]), use_cache=False)
        assert self._head_out is not None
        return torch.stack(self._reads), self._head_out

    def _contexts(self, mlp: Tensor | None, embedding: Tensor | None) -> Iterator[Any]:
        family, network = self.model.family, self.model.network
        blocks = list(network.get_submodule(family.blocks).children())
        if embedding is not None:
            yield network.get_submodule(family.embedding).register_forward_hook(lambda _m, _a, y: y + embedding)
        yield network.get_submodule(family.head).register_forward_hook(self._keep_head)
        yield self._attention([block.get_submodule(family.attention) for block in blocks])
        for layer, block in enumerate(blocks):
            reads = block.get_submodule(family.mlp_read or family.mlp)
            yield reads.register_forward_pre_hook(self._keep_read)
            added = None if mlp is None else mlp[layer]
            yield block.get_submodule(family.mlp).register_forward_hook(self._mlp_hook(added))
        for module in network.modules():
            if self.frozen and "Norm" in type(module).__name__:
                yield module.register_forward_hook(self._norm)

    def _keep_head(self, module: nn.Module, args: Any, output: Tensor) -> None:
        self._head_out = output[0]

    def _keep_read(self, module: nn.Module, args: tuple[Tensor, ...]) -> None:
        self._reads.append(args[0].reshape(len(self.token_ids), -1))

    def _mlp_hook(self, added: Tensor | None) -> Callable[..., Any]:
        def hook(module: nn.Module, args: Any, output: Any) -> Any:
            y = output[0] if isinstance(output, tuple) else output
            y = self._held.setdefault(id(module), y)
            y = y if added is None else y + added.view_as(y)
            return (y, *output[1:]) if isinstance(output, tuple) else y

        return hook

    def _norm(self, module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        x = args[0]
        eps: Any = getattr(module, "variance_epsilon", None) or getattr(module, "eps", 0.0)
        x = x - x.mean(-1, keepdim=True) if "LayerNorm" in type(module).__name__ else x
        scale = ((x * x).mean(-1, keepdim=True) + eps).sqrt()
        held = self._held.setdefault(id(module), scale)
        bias: Any = getattr(module, "bias", None)
        shift = 0.0 if bias is None else bias
        return (output - shift) * (scale / held) + shift

    @contextmanager
    def _attention(self, modules: list[Any]) -> Iterator[None]:
        """Patterns are recorded in the first pass and replayed later."""
        own = self.frozen and hasattr(modules[0], "_attn")
        through = self.frozen and not own
        family = sys.modules[type(modules[0]).__module__]
        eager = family.eager_attention_forward if through else None
        for module in modules if own else ():
            module._attn = self._own(module, module._attn)
        if through:
            family.eager_attention_forward = self._replaying(eager)
        try:
            yield
        finally:
            for module in modules if own else ():
                del module._attn
            if through:
                family.eager_attention_forward = eager

    def _replaying(self, eager: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., tuple[Tensor, Tensor]]:
        def attend(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Any, **rest: Any) -> Any:
            pattern = self._held.setdefault(id(module), eager(module, query, key, value, mask, **rest)[1])
            each = value.repeat_interleave(query.shape[1] // value.shape[1], 1)
            return (pattern @ each).transpose(1, 2).contiguous(), pattern

        return attend

    def _own(self, module: nn.Module, attend: Callable[..., tuple[Tensor, Tensor]]) -> Callable[..., Any]:
        def replay(query: Tensor, key: Tensor, value: Tensor, *mask: Any) -> tuple[Tensor, Tensor]:
            pattern = self._held.setdefault(id(module), attend(query, key, value, *mask)[1])
            return pattern @ value, pattern

        return replay
