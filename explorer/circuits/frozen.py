"""FrozenModel: the model on one prompt with patterns, norm scales and MLP outputs held constant.

What is left is affine in the residual stream. Row-vector convention throughout; arrays over positions are
position-major, [pos, row, d_model], so that one row is one source or one target.

    residual -> attention norm -> W_V -> pattern -> W_O -> post norm -> + residual       (each layer)
    residual += what is written at the layer's MLP output
    residual = end(residual)                             (a factor, or the norms of norm_on_stream blocks)

Derivation of the folded matrices (gains, centring and scales drop into the weights, biases drop out of the
derivative): with C the mean subtraction of a LayerNorm and identity for an RMSNorm,

    norm          y = C(x) / s * w        adjoint  G_x = C(w * G_y) / s
    attention     out[q] = sum_k At[h, k, q] (x[k] @ WV_h) @ WO_h,   At = pattern[h, q, k] / (s_in[k] s_post[q]),
                  WV = C(w_in * W_V),  WO = C_post(W_O) * w_post
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.cone import Cone, Step
from explorer.models.frozen_norm import FrozenNorm
from explorer.models.loader import LanguageModel
from explorer.models.trace import LayerTrace, Trace
from explorer.models.weights import AttentionWeights
from explorer.shapes import Float, Int
from explorer.work import Pause, go_on


@dataclass(frozen=True)
class FrozenAttention:
    """One attention layer as two matrices and a weighting of positions, post norm included.

    W_V (d_model, n_kv * d_head), W_O (n_heads * d_head, d_model); ``mix`` (n_kv, n_pos k, group, n_pos q) for the
    ``group`` query heads that share a key-value head.
    """

    W_V: Float[Tensor, "d_model kv_width"]
    W_O: Float[Tensor, "q_width d_model"]
    mix: Float[Tensor, "n_kv n_pos group n_pos"]

    def forward(self, x: Float[Tensor, "n_pos rows d_model"]) -> Float[Tensor, "n_pos rows d_model"]:
        """What the layer writes for each of ``rows`` residual streams; linear, without biases."""
        n_pos, rows, _ = x.shape
        n_kv, _, group, _ = self.mix.shape
        values = (x @ self.W_V).view(n_pos, rows, n_kv, -1).permute(2, 0, 1, 3).reshape(n_kv, n_pos, -1)
        mixed = self.mix.permute(0, 2, 3, 1).reshape(n_kv, group * n_pos, n_pos) @ values
        heads = mixed.view(n_kv, group, n_pos, rows, -1).permute(2, 3, 0, 1, 4)
        return heads.reshape(n_pos, rows, -1) @ self.W_O

    def forward_from(self, x: Float[Tensor, "n_pos d_model"]) -> Float[Tensor, "n_pos n_pos d_model"]:
        """``forward`` of residual streams that are nonzero at one position each, row ``s`` being ``x[s]`` at ``s``."""
        n_kv, n_pos, group, _ = self.mix.shape
        values = (x @ self.W_V).view(n_pos, n_kv, -1).transpose(0, 1)
        heads = self.W_O.view(n_kv, group, values.shape[2], -1).transpose(1, 2).flatten(2)
        written = (values @ heads).view(n_kv, n_pos, group, -1).transpose(0, 1).flatten(1, 2)
        return (self.mix.permute(1, 3, 0, 2).flatten(2) @ written).transpose(0, 1)

    def carry(
        self, gradient: Float[Tensor, "n_flat d_model"], cone: Cone, factors: Factors | None = None
    ) -> Float[Tensor, "n_flat d_model"]:
        """``gradient`` at the layer's output carried to its input: itself plus the transpose of ``forward``, in place.

        ``factors`` of it, if it has any, save most of the product with W_O.
        """
        if factors is not None and factors.under.shape[1] < cone.n_pos:
            heads = Factors(factors.over, factors.under @ self.W_O.T).product(cone)
        else:
            heads = gradient @ self.W_O.T
        return gradient.addmm_(self._mixed_back(heads, cone), self.W_V.T)

    def _mixed_back(self, heads: Float[Tensor, "n_flat q_width"], cone: Cone) -> Float[Tensor, "n_flat kv_width"]:
        """Transpose of the pattern: at each position what the heads of later positions take from it."""
        n_kv, _, group, _ = self.mix.shape
        values = heads.new_empty(len(heads), self.W_V.shape[1])
        by_head = [step.of(heads).unflatten(2, (n_kv, group, -1)).permute(2, 3, 0, 1, 4) for step in cone.steps]
        ready = [part.reshape(n_kv, group * part.shape[2], -1) for part in by_head]
        for index, step in enumerate(cone.steps):
            mixed = self._weights(step, step) @ ready[index]
            for later, part in zip(cone.steps[index + 1 :], ready[index + 1 :], strict=True):
                mixed[:, :, : part.shape[2]].baddbmm_(self._weights(step, later), part)
            out = step.of(values).unflatten(2, (n_kv, -1))
            out.copy_(mixed.view(n_kv, step.n_pos, step.n_rows, -1).permute(1, 2, 0, 3))
        return values

    def _weights(self, key: Step, query: Step) -> Float[Tensor, "n_kv n_keys n_queries"]:
        return self.mix[:, key.start : key.stop, :, query.start : query.stop].flatten(2)

    def spread(self, seed: Float[Tensor, "rows d_model"], cone: Cone) -> Factors:
        """What ``carry`` makes of rows nonzero at their own positions alone: factors of rank n_heads + 1."""
        n_kv, _, group, _ = self.mix.shape
        rows, d_model = seed.shape
        heads = (seed @ self.W_O.T).view(rows, n_kv, group, -1).transpose(0, 1).reshape(n_kv, rows * group, -1)
        back = heads @ self.W_V.T.unflatten(0, (n_kv, -1))
        back = back.view(n_kv, rows, group, d_model).transpose(0, 1).reshape(rows, n_kv * group, d_model)
        weights = self.mix[:, : cone.n_pos, :, cone.at].permute(3, 1, 0, 2).reshape(rows, cone.n_pos, n_kv * group)
        own = torch.arange(cone.n_pos, device=seed.device) == cone.at[:, None]
        return Factors(
            over=torch.cat([weights, own[:, :, None].to(weights)], dim=2), under=torch.cat([back, seed[:, None]], dim=1)
        )


@dataclass(frozen=True)
class Factors:
    """Rows of low rank over the positions: at position k, row t is ``over[t, k] @ under[t]``."""

    over: Float[Tensor, "rows n_pos rank"]
    under: Float[Tensor, "rows rank width"]

    def product(self, cone: Cone) -> Float[Tensor, "n_flat width"]:
        """The rows themselves, over the steps of ``cone``."""
        product = self.over.new_empty(len(cone.pos), self.under.shape[2])
        for step in cone.steps:
            over, under = self.over[: step.n_rows, step.start : step.stop], self.under[: step.n_rows]
            torch.bmm(over, under, out=step.of(product).transpose(0, 1))
        return product


@dataclass(frozen=True)
class FrozenModel:
    """A prompt's frozen layers in one precision, with what is needed to start and to read off effects."""

    attention: tuple[FrozenAttention, ...]
    layers: tuple[LayerTrace, ...]
    weights: tuple[AttentionWeights, ...]
    final_norm: FrozenNorm
    embedding: Float[Tensor, "n_pos d_model"]
    position: Float[Tensor, "n_pos d_model"] | None
    token_ids: Int[Tensor, " n_pos"]
    parallel: bool
    norm_on_stream: bool

    @property
    def n_layers(self) -> int:
        return len(self.layers)

    @property
    def n_pos(self) -> int:
        return int(self.embedding.shape[0])

    @property
    def d_model(self) -> int:
        return int(self.embedding.shape[1])

    def attention_output(self, layer: int, x: Float[Tensor, "n_pos d_model"]) -> Float[Tensor, "n_pos d_model"]:
        """What attention ``layer`` adds to the residual stream ``x``, biases included, unfolded.

        Independent of ``FrozenAttention``: the replay that checks the books runs through here.
        """
        held, weights = self.layers[layer], self.weights[layer]
        read = x if held.attention_norm is None else held.attention_norm(x)
        values = torch.einsum("pd,dvh->pvh", read, weights.W_V)
        if weights.b_V is not None:
            values = values + weights.b_V
        group = weights.W_O.shape[0] // weights.W_V.shape[1]
        mixed = torch.einsum("hqk,khd->qhd", held.mixing, values.repeat_interleave(group, 1))
        out = torch.einsum("qhd,hdm->qm", mixed, weights.W_O)
        if weights.b_O is not None:
            out = out + weights.b_O
        return out if held.attention_post_norm is None else held.attention_post_norm(out)

    def bias_output(self, layer: int, shift: Tensor | None, *, with_bias: bool) -> Tensor:
        """What attention ``layer`` writes (n_pos, d_model) for a constant read of ``shift`` at every position.

        With ``with_bias`` its own b_V and b_O, without the shift: the two are separate bias nodes.
        """
        held, weights = self.layers[layer], self.weights[layer]
        values = torch.zeros_like(weights.W_V[0]) if shift is None else torch.einsum("d,dvh->vh", shift, weights.W_V)
        if with_bias and weights.b_V is not None:
            values = values + weights.b_V
        group = weights.W_O.shape[0] // weights.W_V.shape[1]
        per_head = torch.einsum("hd,hdm->hm", values.repeat_interleave(group, 0), weights.W_O)
        out = held.mixing.sum(-1).T @ per_head
        if with_bias and weights.b_O is not None:
            out = out + weights.b_O
        post = held.attention_post_norm
        return out if post is None else post.linear(out)

    def block_output(
        self, layer: int, stream: Float[Tensor, "n_pos d_model"], y: Float[Tensor, "n_pos d_model"]
    ) -> Float[Tensor, "n_pos d_model"]:
        """The residual stream behind block ``layer``, given that behind its attention and what its MLP adds."""
        held = self.layers[layer]
        if self.norm_on_stream and held.mlp_norm is not None:
            stream = held.mlp_norm(stream)
        return stream + y if held.end is None else held.end(stream + y)

    def onward(self, layer: int, stream: Float[Tensor, "n_pos rows d_model"]) -> Float[Tensor, "n_pos rows d_model"]:
        """``block_output`` of tangents whose MLP adds nothing; linear, without shifts."""
        held = self.layers[layer]
        if self.norm_on_stream and held.mlp_norm is not None:
            stream = held.mlp_norm.linear(stream)
        return stream if held.end is None else held.end.linear(stream)

    def onward_adjoint(
        self, layer: int, gradient: Float[Tensor, "n d_model"], pos: Int[Tensor, " n"]
    ) -> Float[Tensor, "n d_model"]:
        """Transpose of ``onward`` for gradients at positions ``pos``."""
        held = self.layers[layer]
        if held.end is not None:
            gradient = held.end.adjoint(gradient, pos)
        if self.norm_on_stream and held.mlp_norm is not None:
            gradient = held.mlp_norm.adjoint(gradient, pos)
        return gradient


def freeze(model: LanguageModel, trace: Trace, dtype: torch.dtype, pause: Pause = go_on) -> FrozenModel:
    """The frozen model of a captured pass, computing in ``dtype`` on the trace's device.

    ``pause`` is called in front of each layer.
    """
    device = trace.embedding.device
    layers, weights, attention = [], [], []
    for layer, held in enumerate(trace.layers):
        pause()
        layers.append(_layer_to(held, device, dtype))
        weights.append(_weights_to(model.attention(layer), device, dtype))
        attention.append(_fold(layers[-1], weights[-1]))
    return FrozenModel(
        attention=tuple(attention),
        layers=tuple(layers),
        weights=tuple(weights),
        final_norm=trace.final_norm.to(device, dtype),
        embedding=trace.embedding.to(dtype),
        position=None if trace.position is None else trace.position.to(dtype),
        token_ids=trace.token_ids,
        parallel=model.family.parallel,
        norm_on_stream=model.family.norm_on_stream,
    )


def _fold(held: LayerTrace, weights: AttentionWeights) -> FrozenAttention:
    d_model, n_kv, _ = weights.W_V.shape
    W_V, W_O = weights.W_V.reshape(d_model, -1), weights.W_O.reshape(-1, d_model)
    mix = held.mixing
    norm, post = held.attention_norm, held.attention_post_norm
    if norm is not None:
        W_V = norm.centre((W_V * norm.gain[:, None]).T).T
        mix = mix / norm.scale
    if post is not None:
        W_O = post.centre(W_O) * post.gain
        mix = mix / post.scale[:, None]
    n_heads, n_pos, _ = mix.shape
    mix = mix.view(n_kv, n_heads // n_kv, n_pos, n_pos).permute(0, 3, 1, 2).contiguous()
    return FrozenAttention(W_V.contiguous(), W_O.contiguous(), mix)


def _layer_to(layer: LayerTrace, device: torch.device, dtype: torch.dtype) -> LayerTrace:
    def norm(value: FrozenNorm | None) -> FrozenNorm | None:
        return None if value is None else value.to(device, dtype)

    return LayerTrace(
        resid_mid=layer.resid_mid.to(dtype),
        mlp_in=layer.mlp_in.to(dtype),
        mlp_out=layer.mlp_out.to(dtype),
        pattern=layer.pattern.to(dtype),
        attention_norm=norm(layer.attention_norm),
        attention_post_norm=norm(layer.attention_post_norm),
        mlp_norm=norm(layer.mlp_norm),
        mlp_post_norm=norm(layer.mlp_post_norm),
        value_scale=None if layer.value_scale is None else layer.value_scale.to(device, dtype),
        end=norm(layer.end),
    )


def _weights_to(weights: AttentionWeights, device: torch.device, dtype: torch.dtype) -> AttentionWeights:
    def to(value: Tensor) -> Tensor:
        return value.to(device, dtype)

    return AttentionWeights(
        W_V=to(weights.W_V),
        b_V=None if weights.b_V is None else to(weights.b_V),
        W_O=to(weights.W_O),
        b_O=None if weights.b_O is None else to(weights.b_O),
    )
