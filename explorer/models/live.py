"""LivePass: one pass of a prompt, kept so that its layers can be run again from any position.

Attention is the family's own module, called on the positions from ``first`` on; the keys and values of earlier
positions are put in front inside the attention function, where they have been rotated and normalised, so the same
code serves every family. What a module got besides the residual stream (mask, angles) is kept from the first pass
and cut to the positions asked for. Modules that do not go along with that (``resumes`` False) are run from position
0 each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.models.capture import standing_in
from explorer.models.loader import LanguageModel
from explorer.shapes import Float

Heads = Float[Tensor, "n n_heads d_head"]
OF_POSITION = {"position_embeddings": -2, "position_ids": -1, "cache_position": -1}  # arguments, and their axis
OFF = {"past_key_values": None, "layer_past": None, "use_cache": False}
CLOSE = 1e-3  # of the largest entry: what a resumed attention may be off by


@dataclass(frozen=True)
class KeysValues:
    """What attention looks back on, [1, n_kv_heads, n_pos, d_head] each, as its function receives them."""

    key: Tensor
    value: Tensor

    def until(self, pos: int) -> KeysValues:
        return KeysValues(self.key[:, :, :pos], self.value[:, :, :pos])


@dataclass(frozen=True)
class LiveLayer:
    """What a layer's attention got and made in the first pass; ``out`` is what its module returned."""

    arguments: dict[str, Any]
    past: KeysValues
    pattern: Float[Tensor, "n_heads n_pos n_pos"]
    entry: Float[Tensor, "n_pos d_model"]
    out: Float[Tensor, "n_pos d_model"]

    def heads(self, first: int, stop: int) -> Heads:
        """What each head gathered at these positions, in front of the output projection."""
        return _mixed(self.pattern[:, first:stop], self.past.value)


@dataclass(frozen=True)
class Attention:
    """How attention is to run: positions before ``n_frozen`` by the first pass's pattern; ``edit`` changes heads."""

    n_frozen: int = 0
    edit: Callable[[Heads], Heads] | None = None


@dataclass(frozen=True, eq=False)
class LivePass:
    """The first pass of ``model``; ``n_pos`` tokens were asked for, and ``entry`` etc. may reach further."""

    model: LanguageModel
    layers: tuple[LiveLayer, ...]
    blocks: tuple[nn.Module, ...]
    resumes: bool

    def attend(
        self, layer: int, x: Float[Tensor, "n d_model"], first: int, past: KeysValues, how: Attention
    ) -> tuple[Float[Tensor, "n d_model"], KeysValues]:
        """What attention writes for the reads ``x`` at positions from ``first`` on, and all keys and values.

        ``past`` are those before ``first``.
        """
        stop = first + len(x)
        held = self.layers[layer]
        call = _Call(past, held.pattern[:, first : min(stop, how.n_frozen)], how.edit)
        module = self.blocks[layer].get_submodule(self.model.family.attention)
        with _called(module, call, own=self.model.family.own_attention):
            out = module(x[None], **_cut(held.arguments, first, stop))
        assert call.made is not None
        return _plain(out), call.made

    def norm(self, layer: int, name: str, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n d_model"]:
        """``x`` through the block's norm of that path."""
        y: Tensor = self.blocks[layer].get_submodule(name)(x[None])
        return y[0]

    def mlp(self, layer: int, x: Float[Tensor, "n d_model"]) -> Float[Tensor, "n d_model"]:
        """What the MLP of ``layer`` returns for the reads ``x``."""
        family, block = self.model.family, self.blocks[layer]
        if not family.mlp_read:
            return _plain(block.get_submodule(family.mlp)(x[None]))
        names = (family.neurons_in, family.neurons_act, family.neurons_out)
        for name in names:
            x = block.get_submodule(name)(x)
        return x


def run_live(model: LanguageModel, token_ids: Tensor) -> LivePass:
    """One plain pass of ``token_ids`` (n_pos) with all that a later pass from some position needs."""
    family = model.family
    blocks = tuple(model.network.get_submodule(family.blocks).children())
    modules = [block.get_submodule(family.attention) for block in blocks]
    seen: dict[int, dict[str, Any]] = {id(module): {} for module in modules}
    entries: list[Tensor] = []
    hooks = [block.register_forward_pre_hook(_entry(entries), with_kwargs=True) for block in blocks]
    hooks += [module.register_forward_pre_hook(_arguments(seen), with_kwargs=True) for module in modules]
    hooks += [module.register_forward_hook(_output(seen)) for module in modules]
    try:
        with torch.no_grad(), _recorded(modules, seen, own=family.own_attention):
            model.network(token_ids[None], use_cache=False, logits_to_keep=1)
    finally:
        for hook in hooks:
            hook.remove()
    layers = tuple(
        LiveLayer(entry=entry, **seen[id(module)]) for module, entry in zip(modules, entries, strict=True)
    )
    return LivePass(model, layers, blocks, _resumes(model, layers, blocks))


def _resumes(model: LanguageModel, layers: tuple[LiveLayer, ...], blocks: tuple[nn.Module, ...]) -> bool:
    """Whether every attention continues at the last position with what it made there in the whole pass."""
    live = LivePass(model, layers, blocks, True)
    last = len(layers[0].entry) - 1
    for layer, held in enumerate(layers):
        name = model.family.attention_norm
        x = live.norm(layer, name, held.entry[last:]) if name else held.entry[last:]
        with torch.no_grad():
            out, _ = live.attend(layer, x, last, held.past.until(last), Attention())
        if not float((out[0] - held.out[last]).abs().max()) <= CLOSE * float(held.out.abs().max()):
            return False
    return True


class _Call:
    """One run of an attention function: looks back on ``past``, follows ``pattern`` where that has rows."""

    def __init__(self, past: KeysValues, pattern: Tensor, edit: Callable[[Heads], Heads] | None) -> None:
        self.past = past
        self.pattern = pattern
        self.edit = edit
        self.made: KeysValues | None = None

    def __call__(
        self, attend: Callable[..., Any], query: Tensor, key: Tensor, value: Tensor, *, heads_first: bool
    ) -> Tensor:
        """The heads [1, n, n_heads, d_head], or the second and third axis swapped with ``heads_first``."""
        key = torch.cat([self.past.key, key], 2) if self.past.key.shape[2] else key
        value = torch.cat([self.past.value, value], 2) if self.past.value.shape[2] else value
        self.made = KeysValues(key, value)
        heads = _mixed(self.pattern, value)
        if len(heads) < query.shape[2]:
            live = attend(query, key, value)[0][0]
            live = live.transpose(0, 1) if heads_first else live
            heads = torch.cat([heads, live[len(heads) :]])
        heads = heads if self.edit is None else self.edit(heads)
        return (heads.transpose(0, 1) if heads_first else heads)[None]


def _mixed(pattern: Float[Tensor, "n_heads n n_pos"], value: Tensor) -> Heads:
    """What heads gather from ``value`` [1, n_kv_heads, n, d_head] by rows of a pattern."""
    n_heads, n, _ = pattern.shape
    values = value[0]
    n_kv, n_pos, d_head = values.shape
    grouped = pattern[:, :, :n_pos].reshape(n_kv, n_heads // n_kv * n, n_pos)
    return (grouped @ values).view(n_heads, n, d_head).transpose(0, 1)


@contextmanager
def _called(module: Any, call: _Call, *, own: bool) -> Iterator[None]:
    """While it lasts ``call`` is the attention function of ``module``."""
    if not own:
        with standing_in(lambda eager, m, q, k, v, *rest, **more: (
            call(lambda *qkv: eager(m, *qkv, *rest, **more), q, k, v, heads_first=False), None
        )):  # fmt: skip
            yield
        return
    attend = module._attn
    module._attn = lambda q, k, v, *rest, **more: (
        call(lambda *qkv: attend(*qkv, *rest, **more), q, k, v, heads_first=True), None
    )  # fmt: skip
    try:
        yield
    finally:
        del module._attn


@contextmanager
def _recorded(modules: list[Any], seen: dict[int, dict[str, Any]], *, own: bool) -> Iterator[None]:
    """While it lasts keys, values and patterns of ``modules`` are kept in ``seen``."""

    def keep(module: Any, made: tuple[Tensor, Tensor], key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        seen[id(module)] |= {"past": KeysValues(key, value), "pattern": made[1][0]}
        return made

    if not own:
        with standing_in(lambda eager, m, q, k, v, *rest, **more: keep(m, eager(m, q, k, v, *rest, **more), k, v)):
            yield
        return
    for module in modules:
        module._attn = _keeping(module, module._attn, keep)
    try:
        yield
    finally:
        for module in modules:
            del module._attn


def _keeping(module: Any, attend: Callable[..., Any], keep: Callable[..., Any]) -> Callable[..., Any]:
    return lambda q, k, v, *rest, **more: keep(module, attend(q, k, v, *rest, **more), k, v)


def _entry(entries: list[Tensor]) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = args[0] if args else kwargs["hidden_states"]
        entries.append(x.detach()[0])

    return hook


def _arguments(seen: dict[int, dict[str, Any]]) -> Callable[..., None]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        rest = {name: value for name, value in kwargs.items() if name != "hidden_states"}
        seen[id(module)]["arguments"] = {**rest, **{name: OFF[name] for name in OFF if name in rest}}

    return hook


def _output(seen: dict[int, dict[str, Any]]) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any, output: Any) -> None:
        seen[id(module)]["out"] = _plain(output).detach()

    return hook


def _cut(arguments: dict[str, Any], first: int, stop: int) -> dict[str, Any]:
    """The arguments as they are for the positions from ``first`` to ``stop``."""
    cut = dict(arguments)
    for name, axis in OF_POSITION.items():
        if arguments.get(name) is not None:
            cut[name] = _narrowed(arguments[name], axis, first, stop)
    mask = arguments.get("attention_mask")
    if isinstance(mask, Tensor):
        cut["attention_mask"] = mask[..., first:stop, :stop]
    return cut


def _narrowed(value: Any, axis: int, first: int, stop: int) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_narrowed(part, axis, first, stop) for part in value)
    return value.narrow(axis, first, stop - first)


def _plain(output: Any) -> Tensor:
    """A module's first output without the batch axis."""
    result: Tensor = output[0] if isinstance(output, tuple) else output
    return result[0] if result.ndim > 2 else result
