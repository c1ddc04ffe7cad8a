"""The local replacement model by autograd, on the Hugging Face network itself: the oracle of the explicit adjoint.

It shares no step with explorer.circuits: queries and keys are detached, norms are replaced by ones that detach their
scale, what the MLP writes is replaced by the sum of differentiable leaves (same value, bit for bit), and each row is
a gradient times the leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.circuits.graph import BiasClass
from explorer.models.loader import LanguageModel
from explorer.transcoders.transcoder import ReadPoint, TranscoderSet, WritePoint


class OpenNorm(nn.Module):
    """A LayerNorm or RMSNorm in the precision of its input whose scale carries no gradient.

    transformers' RMSNorms compute in float32 whatever they are given, which would hide everything below 1e-7.
    """

    def __init__(self, gain: Tensor, shift: Tensor | None, eps: float, *, centred: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(gain)
        self.bias = None if shift is None else nn.Parameter(shift)
        self.eps, self.centred = eps, centred

    def normalized(self, x: Tensor) -> Tensor:
        x = x - x.mean(-1, keepdim=True) if self.centred else x
        return x / ((x * x).mean(-1, keepdim=True) + self.eps).sqrt().detach()

    def forward(self, x: Tensor) -> Tensor:
        y = self.normalized(x) * self.weight
        return y if self.bias is None else y + self.bias


def open_norms(model: LanguageModel) -> LanguageModel:
    """``model`` with every norm replaced in place by an OpenNorm."""
    for module in list(model.network.modules()):
        for name, child in list(module.named_children()):
            if "Norm" in type(child).__name__ and not isinstance(child, OpenNorm):
                setattr(module, name, _opened(child))
    return model


def _opened(norm: nn.Module) -> OpenNorm:
    offset = 1.0 if type(norm).__name__.startswith("Gemma") else 0.0
    eps: Any = norm.variance_epsilon if hasattr(norm, "variance_epsilon") else norm.eps
    weight: Any = norm.weight
    bias: Any = getattr(norm, "bias", None)
    shift = None if bias is None else bias.detach().clone()
    return OpenNorm(weight.detach().clone() + offset, shift, float(eps), centred=isinstance(norm, nn.LayerNorm))


@dataclass(frozen=True)
class Rows:
    """Direct effects on each target (rows), by kind of source, and the targets' pre-activations.

    feature [target, layer, pos, feature of that layer, padded], error [target, layer, pos], embedding [target, pos],
    bias [target, BiasClass]
    """

    feature: Tensor
    error: Tensor
    embedding: Tensor
    bias: Tensor
    preactivation: Tensor
    activation: Tensor


class Oracle:
    """One pass of ``model`` (norms already opened) with the MLPs replaced; ``rows`` reads off direct effects."""

    def __init__(
        self,
        model: LanguageModel,
        transcoders: TranscoderSet,
        token_ids: tuple[int, ...],
        *,
        live_pattern: bool = False,
    ) -> None:
        self.model, self.set, self.live_pattern = model, transcoders, live_pattern
        self.zero = transcoders.zero_positions
        self.pre: list[Tensor] = []  # of every feature [pos, feature], live
        self.features: list[Tensor] = []  # leaves: activations, errors, BOS blocks, decoder biases, skip shifts
        self.errors: list[Tensor] = []
        self.bos: list[Tensor] = []
        self.b_dec: list[Tensor] = []
        self.skip_shift: dict[int, Tensor] = {}
        self.leaf: dict[str, Tensor] = {}
        self._mid: dict[int, Tensor] = {}
        with self._hooked(), torch.enable_grad():
            ids = torch.tensor([token_ids])
            self.logits = model.network(ids, use_cache=False).logits[0]

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        family, network = self.model.family, self.model.network
        handles = [network.get_submodule(family.embedding).register_forward_hook(self._as_leaf("embedding"))]
        if family.position:
            handles.append(network.get_submodule(family.position).register_forward_hook(self._as_leaf("position")))
        handles.append(network.get_submodule(family.final_norm).register_forward_hook(self._keep_final))
        for layer, block in enumerate(network.get_submodule(family.blocks).children()):
            handles.append(block.get_submodule(family.mlp_norm).register_forward_pre_hook(self._keep_mid(layer)))
            post = family.mlp_post_norm if self.set.write is WritePoint.RESIDUAL else ""
            writer = block.get_submodule(post or family.mlp)
            handles.append(writer.register_forward_hook(self._replace(layer, block.get_submodule(family.mlp_norm))))
            if not self.live_pattern:
                handles += self._detach_queries_and_keys(block.get_submodule(family.attention))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _as_leaf(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            self.leaf[name] = output.detach().clone().requires_grad_()
            return self.leaf[name]

        return hook

    def _keep_mid(self, layer: int) -> Any:
        def hook(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            self._mid[layer] = args[0]

        return hook

    def _keep_final(self, module: nn.Module, args: Any, output: Tensor) -> None:
        self.final = output[0]

    @staticmethod
    def _detach_queries_and_keys(attention: nn.Module) -> list[Any]:
        def all_of_it(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            return output.detach()

        def two_thirds(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            query_key = output.shape[-1] * 2 // 3
            return torch.cat([output[..., :query_key].detach(), output[..., query_key:]], -1)

        if hasattr(attention, "c_attn"):
            return [attention.get_submodule("c_attn").register_forward_hook(two_thirds)]
        return [attention.get_submodule(name).register_forward_hook(all_of_it) for name in ("q_proj", "k_proj")]

    def _replace(self, layer: int, norm: nn.Module) -> Any:
        def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
            y = output.detach()[0]
            written = self._written(layer, norm, y)
            torch.testing.assert_close(written.detach(), y, rtol=1e-9, atol=1e-9)
            return (y + (written - written.detach()))[None]  # y, bit for bit

        return hook

    def _written(self, layer: int, norm: nn.Module, y: Tensor) -> Tensor:
        """What the sources write at the write point of ``layer``; equals ``y``."""
        assert isinstance(norm, OpenNorm)
        transcoder, mid = self.set.layers[layer], self._mid[layer][0]
        self.pre.append(self._read(norm, mid, norm.bias) @ transcoder.W_enc.T + transcoder.b_enc)
        self.features.append(self._activations(layer).requires_grad_())
        skip = self._skip(layer, norm, mid)
        later = torch.arange(len(y))[:, None] >= self.zero
        rest = y - skip.detach()
        self.b_dec.append((transcoder.b_dec * later).requires_grad_())
        decoded = self._decoded(layer)
        self.errors.append(((rest - decoded.detach() - self.b_dec[layer].detach()) * later).requires_grad_())
        self.bos.append((rest * ~later).requires_grad_())
        return decoded + self.b_dec[layer] + self.errors[layer] + self.bos[layer] + skip

    def _read(self, norm: OpenNorm, mid: Tensor, shift: Tensor | None) -> Tensor:
        if self.set.read is ReadPoint.RESID_MID:
            return mid
        if self.set.read is ReadPoint.NORMALIZED:
            return norm.normalized(mid)
        y = norm.normalized(mid) * norm.weight
        return y if shift is None else y + shift

    def _activations(self, layer: int) -> Tensor:
        pre, function = self.pre[layer].detach(), self.set.layers[layer].activation
        if function.kind == "topk":
            on = pre >= pre.sort(-1, descending=True).values[:, function.k - 1 : function.k]
        else:
            on = pre > (0.0 if function.threshold is None else function.threshold)
        on = on & (torch.arange(len(pre))[:, None] >= self.zero)
        return torch.where(on, pre, torch.zeros_like(pre))

    def _skip(self, layer: int, norm: OpenNorm, mid: Tensor) -> Tensor:
        W_skip = self.set.layers[layer].W_skip
        if W_skip is None:
            return torch.zeros_like(mid)
        shift = norm.bias
        if shift is not None and self.set.read is ReadPoint.MLP_IN:
            shift = self.skip_shift[layer] = shift.detach().clone().requires_grad_()
        return self._read(norm, mid, shift) @ W_skip

    def _decoded(self, layer: int) -> Tensor:
        parts = []
        for source in range(layer + 1):
            W_dec = self.set.layers[source].W_dec
            if layer - source < W_dec.shape[1]:
                parts.append(self.features[source] @ W_dec[:, layer - source])
        return torch.stack(parts).sum(0)

    def logit(self, token_id: int, pos: int) -> Tensor:
        """The logit before a softcap, less the mean over the vocabulary."""
        head: Any = self.model.network.get_submodule(self.model.family.head)
        return self.final[pos] @ (head.weight[token_id] - head.weight.mean(0)).detach()

    def rows(self, targets: list[Tensor]) -> Rows:
        """Direct effects on ``targets``, scalars such as ``pre[layer][pos, feature]`` and ``logit(...)``."""
        leaves = self._leaves()
        flat = [leaf for group in leaves.values() for leaf in group]
        stacked = torch.stack(targets)
        found = torch.autograd.grad(
            stacked, flat, torch.eye(len(targets), dtype=stacked.dtype), is_grads_batched=True, allow_unused=True
        )
        effect = {}
        for name, group in leaves.items():
            own, found = found[: len(group)], found[len(group) :]
            effect[name] = [
                leaf.detach() * (leaf.new_zeros(len(targets), *leaf.shape) if gradient is None else gradient)
                for leaf, gradient in zip(group, own, strict=True)
            ]
        width = max(leaf.shape[1] for leaf in self.features)
        pad = [nn.functional.pad(part, (0, width - part.shape[-1])) for part in effect["features"]]
        bias = torch.zeros(len(targets), len(BiasClass), dtype=stacked.dtype)
        for kind in BiasClass:
            for part in effect.get(kind.name, ()):
                bias[:, kind] += part.flatten(1).sum(1)
        return Rows(
            feature=torch.stack(pad, 1),
            error=torch.stack(effect["errors"], 1).sum(-1),
            embedding=effect["embedding"][0][:, 0].sum(-1),
            bias=bias,
            preactivation=stacked.detach(),
            activation=torch.stack([nn.functional.pad(a.detach(), (0, width - a.shape[1])) for a in self.features]),
        )

    def _leaves(self) -> dict[str, list[Tensor]]:
        norms = [module for module in self.model.network.modules() if isinstance(module, OpenNorm)]
        leaves = {
            "features": self.features,
            "errors": self.errors,
            "embedding": [self.leaf["embedding"]],
            BiasClass.B_DEC.name: self.b_dec,
            BiasClass.BOS_BLOCK.name: self.bos,
            BiasClass.NORM_SHIFT.name: [norm.bias for norm in norms if norm.bias is not None],
            BiasClass.ATTENTION.name: self._attention_biases(),
        }
        if "position" in self.leaf:
            leaves[BiasClass.POSITION.name] = [self.leaf["position"]]
        if self.skip_shift:
            leaves[BiasClass.SKIP_SHIFT.name] = list(self.skip_shift.values())
        return {name: group for name, group in leaves.items() if group}

    def _attention_biases(self) -> list[Tensor]:
        """Every bias inside the attention modules; those of queries and keys get no gradient."""
        family = self.model.family
        blocks = self.model.network.get_submodule(family.blocks).children()
        attention = [block.get_submodule(family.attention) for block in blocks]
        return [value for module in attention for name, value in module.named_parameters() if name.endswith("bias")]
