"""Lens: what one prompt's pass shows without any transcoders.

    seen = look(model, token_ids)
    logit_lens(seen)                what the model would say if it stopped behind each block
    direct_attribution(seen, token) what each head and MLP adds to a logit, norms held (they sum to it)
    seen.pattern                    where each head looks
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.errors import GraphError, UnsupportedModel
from explorer.models.frozen_norm import FrozenNorm
from explorer.models.live import LivePass, run_live
from explorer.models.loader import LanguageModel
from explorer.models.trace import Trace
from explorer.shapes import Float

CLOSE = {torch.bfloat16: 0.1, torch.float16: 1e-2}  # of the logits' spread; in others 1e-3


@dataclass(frozen=True, eq=False)
class Seen:
    """A prompt's pass; ``stream`` [n_layers + 1] is the residual in front of each block and behind the last."""

    model: LanguageModel
    trace: Trace
    live: LivePass
    stream: Float[Tensor, "n_points n_pos d_model"]

    @property
    def pattern(self) -> Float[Tensor, "n_layers n_heads n_pos n_pos"]:
        """Attention after the softmax, [layer, head, query, key]."""
        return torch.stack([layer.pattern for layer in self.trace.layers])

    def position(self, at: int) -> int:
        """``at`` from the front; GraphError if the prompt has no such position."""
        n_pos = self.trace.n_pos
        if not -n_pos <= at < n_pos:
            raise GraphError(f"Position {at} is outside the prompt (0 to {n_pos - 1}); choose another.")
        return at % n_pos

    def read_out(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_vocab"]:
        """What the model would answer with the last residual ``x``: final norm, unembedding, softcap."""
        name, head = self.model.family.final_norm, self.model.head
        normed = self.model.network.get_submodule(name)(x) if name else x
        logits = torch.nn.functional.linear(normed, head.W_U.to(normed), head.b_U)
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return cap * torch.tanh(logits / cap) if cap else logits


@torch.no_grad()
def look(model: LanguageModel, token_ids: tuple[int, ...]) -> Seen:
    """The pass of a prompt; UnsupportedModel if the last residual does not give the model's own logits."""
    trace = model.run(token_ids)
    blocks = list(model.network.get_submodule(model.family.blocks).children())
    behind: list[Tensor] = []
    hook = blocks[-1].register_forward_hook(lambda module, given, out: behind.append(_plain(out)))
    try:
        live = run_live(model, trace.token_ids)
    finally:
        hook.remove()
    seen = Seen(model, trace, live, torch.stack([*(layer.entry for layer in live.layers), behind[0]]))
    off = (seen.read_out(seen.stream[-1, -1:]) - trace.logits[-1:]).abs().max()
    spread = trace.logits[-1].max() - trace.logits[-1].min()
    if not float(off) <= CLOSE.get(trace.logits.dtype, 1e-3) * float(spread):
        raise UnsupportedModel(f"The layers of “{model.name}” cannot be read one by one; report the model's family.")
    return seen


def _plain(out: object) -> Tensor:
    result = out[0] if isinstance(out, tuple) else out
    assert isinstance(result, Tensor)
    return result.detach()[0] if result.ndim > 2 else result.detach()


def logit_lens(seen: Seen) -> Iterator[Float[Tensor, "n_pos d_vocab"]]:
    """The logits in front of each block and behind the last, which are the model's own; one after the other."""
    for x in seen.stream:
        with torch.no_grad():
            logits = seen.read_out(x)
        yield logits


@dataclass(frozen=True)
class Attribution:
    """What each part adds to the logit of a token, in front of a softcap; ``total`` is their sum.

    ``constant`` is what the model adds by itself: shifts of norms and biases of attention and head. ``logit`` is the
    model's own; with a rival both are differences.
    """

    token: int
    rival: int | None
    at: int
    embedding: float
    position: float
    heads: Float[Tensor, "n_layers n_heads"]
    mlps: Float[Tensor, " n_layers"]
    constant: float
    logit: float

    @property
    def total(self) -> float:
        return self.embedding + self.position + float(self.heads.sum() + self.mlps.sum()) + self.constant


@torch.no_grad()
def direct_attribution(seen: Seen, token: int, rival: int | None = None, at: int = -1) -> Attribution:
    """The logit of ``token`` (minus that of ``rival``) after position ``at``, taken apart; GraphError for no token."""
    model, trace, at = seen.model, seen.trace, seen.position(at)
    for each in (token, rival or 0):
        if not 0 <= each < model.d_vocab:
            raise GraphError(f"There is no token {each}; the model predicts 0 to {model.d_vocab - 1}.")
    parts = _Parts(trace, at)
    for layer in range(model.n_layers):
        parts.through(seen, layer)
    parts.normed(trace.final_norm)
    direction, bias = _direction(model, token), _bias(model, token)
    logits = trace.head_out[at].double() * float(getattr(model.config, "logit_scale", None) or 1.0)
    logit = logits[token]
    if rival is not None:
        direction, bias, logit = direction - _direction(model, rival), bias - _bias(model, rival), logit - logits[rival]
    value = parts.rows @ direction
    shape = model.n_layers, -1
    return Attribution(
        token=token,
        rival=rival,
        at=at,
        embedding=float(value[0]),
        position=float(value[1]),
        heads=value[parts.is_head].view(shape),
        mlps=value[parts.is_mlp],
        constant=float(value[2]) + bias,
        logit=float(logit),
    )


class _Parts:
    """The residual at one position as rows that sum to it: embedding, position, constants, then heads and MLPs."""

    def __init__(self, trace: Trace, at: int) -> None:
        self.trace, self.at = trace, at
        start = [trace.embedding[at].double()]
        start.append(torch.zeros_like(start[0]) if trace.position is None else trace.position[at].double())
        self.rows = torch.stack([*start, torch.zeros_like(start[0])])
        self.is_head: list[int] = []
        self.is_mlp: list[int] = []

    def through(self, seen: Seen, layer: int) -> None:
        """Add what block ``layer`` writes, and do to all what it does to the stream."""
        held, family = self.trace.layers[layer], seen.model.family
        weights = seen.model.attention(layer)
        gathered = seen.live.layers[layer].heads(self.at, self.at + 1)[0].double()
        written = torch.einsum("hd,hdm->hm", gathered, weights.W_O.double())
        self.is_head += self._add(written, held.attention_post_norm)
        if weights.b_O is not None:
            self._constant(weights.b_O.double(), held.attention_post_norm)
        if held.attention_post_norm is not None:
            self._shift(held.attention_post_norm)
        if family.norm_on_stream and held.mlp_norm is not None:
            self.normed(held.mlp_norm)
        self.is_mlp += self._add(held.mlp_out[self.at : self.at + 1].double(), held.mlp_post_norm)
        if held.mlp_post_norm is not None:
            self._shift(held.mlp_post_norm)
        if held.end is not None:
            self.normed(held.end)

    def normed(self, norm: FrozenNorm) -> None:
        """All rows through a held norm, its shift among the constants."""
        self.rows = self._linear(norm, self.rows)
        self._shift(norm)

    def _add(self, rows: Tensor, post: FrozenNorm | None) -> list[int]:
        start = len(self.rows)
        self.rows = torch.cat([self.rows, rows if post is None else self._linear(post, rows)])
        return list(range(start, len(self.rows)))

    def _constant(self, row: Tensor, post: FrozenNorm | None = None) -> None:
        self.rows[2] += row if post is None else self._linear(post, row[None])[0]

    def _shift(self, norm: FrozenNorm) -> None:
        if norm.shift is not None:
            self._constant(norm.shift.to(self.rows))

    def _linear(self, norm: FrozenNorm, rows: Tensor) -> Tensor:
        here = norm.to(rows.device, rows.dtype)
        return here.linear(rows, torch.full((len(rows),), self.at, device=rows.device))


def _direction(model: LanguageModel, token: int) -> Tensor:
    return model.head.W_U[token].double()


def _bias(model: LanguageModel, token: int) -> float:
    return 0.0 if model.head.b_U is None else float(model.head.b_U[token])
