"""Reads: what the encoder of each layer reads in a plain pass over a batch of windows.

The points are those of ReadPoint (circuits/replacement.py freezes the same ones) and of Site, TransformerLens's names
for what sparse autoencoders read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import UnsupportedTranscoder
from explorer.features.entries import Entries
from explorer.features.windows import Batch
from explorer.models.frozen_norm import freeze_norm
from explorer.models.loader import LanguageModel
from explorer.shapes import Float, Int
from explorer.transcoders.features import encode_layer
from explorer.transcoders.transcoder import ReadPoint, Site, TranscoderSet

Read = Float[Tensor, "n_pos d_read"]


def check_fits(model: LanguageModel, transcoders: TranscoderSet) -> None:
    """UnsupportedTranscoder if the set has not one encoder for each layer of the model."""
    if transcoders.n_layers != model.n_layers:
        raise UnsupportedTranscoder(
            f"{transcoders.origin or 'The set'} has {transcoders.n_layers} layers and “{model.name}” has "
            f"{model.n_layers}; choose transcoders made for this model."
        )


def reads(model: LanguageModel, transcoders: TranscoderSet, ids: Int[Tensor, "n_rows context"]) -> tuple[Read, ...]:
    """What each layer's encoder reads, in float32, rows of windows one after the other."""
    blocks = list(model.network.get_submodule(model.family.blocks).children())
    with torch.no_grad(), _watched([_point(model, transcoders.read, block) for block in blocks]) as seen:
        model.network(ids, use_cache=False, logits_to_keep=1)
    return tuple(_read(transcoders.read, *pair) for pair in seen)


def entries(transcoders: TranscoderSet, layer: int, x: Read, counted: Tensor) -> Entries:
    """The active features of ``layer`` for its reads ``x``, at the positions that are ``counted`` (bool, n_pos)."""
    with torch.no_grad():
        _, row, feature, value, *_ = encode_layer(transcoders, layer, x)
    kept = counted[row]
    row, feature, value = row[kept], feature[kept], value[kept].float()
    return Entries(row.cpu().numpy(), feature.cpu().numpy(), value.cpu().numpy())


def counted(batch: Batch, zero_positions: int) -> np.ndarray:
    """Which positions of the flat batch hold a token of the text that may have features."""
    place = np.arange(batch.ids.shape[1])
    return ((place >= max(zero_positions, batch.n_special)) & (place < batch.length[:, None])).reshape(-1)


@dataclass(frozen=True)
class _Point:
    """A module of a block and which of its sides is read; with ``both`` what went in and what came out."""

    module: nn.Module
    output: bool = False
    both: bool = False


def _point(model: LanguageModel, read: ReadPoint | Site, block: nn.Module) -> _Point:
    family = model.family
    attention = block.get_submodule(family.attention)
    mlp_in = _Point(block.get_submodule(family.mlp_read or family.mlp))
    norm = block.get_submodule(family.mlp_norm) if family.mlp_norm else None
    after_mlp = block.get_submodule(family.mlp_post_norm or family.mlp)
    after_attention = block.get_submodule(family.attention_post_norm) if family.attention_post_norm else attention
    points: dict[ReadPoint | Site, Callable[[], _Point]] = {
        ReadPoint.MLP_IN: lambda: mlp_in,
        ReadPoint.RESID_MID: lambda: _Point(norm) if norm is not None else mlp_in,
        ReadPoint.NORMALIZED: lambda: _Point(norm, both=True) if norm is not None else mlp_in,
        Site.RESID_PRE: lambda: _Point(block),
        Site.RESID_MID: lambda: _Point(norm) if norm is not None else mlp_in,
        Site.RESID_POST: lambda: _Point(block, output=True),
        Site.ATTN_OUT: lambda: _Point(after_attention, output=True),
        Site.ATTN_Z: lambda: _Point(attention.get_submodule(family.output)),
        Site.MLP_OUT: lambda: _Point(after_mlp, output=True),
    }
    return points[read]()


@contextmanager
def _watched(points: list[_Point]) -> Iterator[list[tuple[_Point, Tensor, Tensor | None]]]:
    """What is read at each of ``points`` in the pass that runs inside, in their order."""
    found: list[Any] = [None] * len(points)

    def hook(at: int, point: _Point) -> Callable[..., None]:
        def keep(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            given = args[0] if args else kwargs["hidden_states"]
            made = output[0] if isinstance(output, tuple) else output
            read = made if point.output else given
            found[at] = (point, _flat(read), _flat(made) if point.both else None)

        return keep

    hooks = [
        point.module.register_forward_hook(hook(at, point), with_kwargs=True) for at, point in enumerate(points)
    ]
    try:
        yield found
    finally:
        for handle in hooks:
            handle.remove()


def _flat(value: Tensor) -> Tensor:
    return value.detach().reshape(-1, value.shape[-1])


def _read(read: ReadPoint | Site, point: _Point, x: Tensor, y: Tensor | None) -> Tensor:
    if y is None:
        return x.float()
    return freeze_norm(point.module, x, y).normalized(x.cpu().double()).to(x.device, torch.float32)
