"""What features say to the vocabulary: the tokens they promote and the tokens they read.

Logit effect of a feature, per unit of activation and with the final norm's scale at 1:

    z_v = linear(final norm) of its decoder . (U_v - mean of U)

Gain and centring of the final norm are folded in, and those of the norm that stands behind the MLP where a decoder
writes in front of it (its scale at 1 too). What heads hold goes through their output projection. The decoders of a
cross-layer feature are summed, or taken by target layer. This is the direct path alone: what later layers make of the
feature is not in it.

Token lookup: the pre-activation that the encoder would have at a token if the stream held its embedding alone, through
the layer's own norm (positions left out).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.models.frozen_norm import FrozenNorm, freeze_norm
from explorer.models.loader import LanguageModel
from explorer.shapes import Float, Int
from explorer.transcoders.transcoder import ReadPoint, Site, TranscoderSet, WritePoint
from explorer.work import Pause, go_on

TOKENS, FEATURES = 8192, 2048  # of a block
STREAM = (ReadPoint.RESID_MID, Site.RESID_PRE, Site.RESID_MID, Site.RESID_POST)


@dataclass(frozen=True, eq=False)
class Extremes:
    """For each feature the tokens with the largest and the smallest values, the most extreme first.

    ``spread`` is the root of the mean square over all tokens: the standard deviation of logit effects, whose mean is 0.
    """

    top: Int[np.ndarray, "n_features n"]
    top_value: Float[np.ndarray, "n_features n"]
    bottom: Int[np.ndarray, "n_features n"]
    bottom_value: Float[np.ndarray, "n_features n"]
    spread: Float[np.ndarray, " n_features"]


def writes(model: LanguageModel, transcoders: TranscoderSet, layer: int, features: Tensor) -> Tensor:
    """Decoders of ``features`` as they enter the residual stream [feature, target, d_model], scales of norms at 1."""
    rows = transcoders.layers[layer].decoder_rows(features).float()
    if transcoders.write is Site.ATTN_Z:
        return _out_of_heads(model, layer, rows)
    if transcoders.write is not WritePoint.MLP_OUT or not model.family.mlp_post_norm:
        return rows
    blocks = list(model.network.get_submodule(model.family.blocks).children())
    made = []
    for offset in range(rows.shape[1]):
        norm = _form(blocks[layer + offset].get_submodule(model.family.mlp_post_norm), model)
        made.append(norm.centre(rows[:, offset]) * norm.gain.to(rows))
    return torch.stack(made, 1)


def _out_of_heads(model: LanguageModel, layer: int, rows: Tensor) -> Tensor:
    """``rows`` of what the heads hold, through the output projection and the norm behind it."""
    family, rows = model.family, rows.to(model.device)
    block = list(model.network.get_submodule(family.blocks).children())[layer]
    output = block.get_submodule(family.attention).get_submodule(family.output)
    with torch.no_grad():
        made: Tensor = output(rows) - output(torch.zeros_like(rows[:1]))
    if not family.attention_post_norm:
        return made
    norm = _form(block.get_submodule(family.attention_post_norm), model)
    return norm.centre(made) * norm.gain.to(made)


def logit_effects(
    model: LanguageModel, rows: Float[Tensor, "n_features d_model"], n: int, pause: Pause = go_on
) -> Extremes:
    """The ``n`` tokens whose logits directions ``rows`` of the residual stream raise and lower most."""
    return _extremes(_unembeddings(model), rows, rows.new_zeros(len(rows)), n, pause)


def token_lookup(
    model: LanguageModel, transcoders: TranscoderSet, layer: int, features: Tensor, n: int, pause: Pause = go_on
) -> Extremes | None:
    """The ``n`` tokens at whose embedding ``features`` would be on most; None where no embedding is read."""
    transcoder = transcoders.layers[layer]
    if isinstance(transcoders.read, Site) and transcoders.read not in STREAM:
        return None
    W_enc, b_enc = transcoder.W_enc[features].float(), transcoder.b_enc[features].float()
    return _extremes(_embeddings(model, transcoders.read, layer), W_enc, b_enc, n, pause)


def _extremes(
    blocks: Iterator[tuple[int, Tensor]], rows: Tensor, shift: Tensor, n: int, pause: Pause
) -> Extremes:
    """The extremes of ``rows @ block.T + shift`` over all blocks (number of the first token, vectors)."""
    found: tuple[Tensor, ...] | None = None
    squares, n_tokens = rows.new_zeros(len(rows)), 0
    for first, block in blocks:
        parts = []
        for at in range(0, max(len(rows), 1), FEATURES):
            pause()
            values = rows[at : at + FEATURES] @ block.T + shift[at : at + FEATURES, None]
            squares[at : at + FEATURES] += values.square().sum(1)
            k = min(n, values.shape[1])
            high, low = values.topk(k), (-values).topk(k)
            parts.append((high.values, high.indices + first, low.values, low.indices + first))
        n_tokens += len(block)
        here = tuple(torch.cat(columns) for columns in zip(*parts, strict=True))
        found = here if found is None else tuple(_joined(found, here, n))
    assert found is not None
    top_value, top, bottom_value, bottom = (part.cpu().numpy() for part in found)
    return Extremes(top, top_value, bottom, -bottom_value, (squares / n_tokens).sqrt().cpu().numpy())


def _joined(one: tuple[Tensor, ...], other: tuple[Tensor, ...], n: int) -> Iterator[Tensor]:
    for at in (0, 2):
        values, tokens = torch.cat([one[at], other[at]], 1), torch.cat([one[at + 1], other[at + 1]], 1)
        best = values.topk(min(n, values.shape[1]))
        yield best.values
        yield tokens.gather(1, best.indices)


def _unembeddings(model: LanguageModel) -> Iterator[tuple[int, Tensor]]:
    head, name = model.head, model.family.final_norm
    norm = _form(model.network.get_submodule(name), model) if name else None
    mean = head.W_U.float().mean(0)
    for first in range(0, len(head.W_U), TOKENS):
        directions = head.W_U[first : first + TOKENS].float() - mean
        yield first, directions if norm is None else norm.centre(directions * norm.gain.to(directions))


def _embeddings(model: LanguageModel, read: ReadPoint | Site, layer: int) -> Iterator[tuple[int, Tensor]]:
    family, network = model.family, model.network
    block = list(network.get_submodule(family.blocks).children())[layer]
    norm = block.get_submodule(family.mlp_norm) if family.mlp_norm and read not in STREAM else None
    with torch.no_grad():
        for first in range(0, model.n_tokens, TOKENS):
            x = torch.arange(first, min(first + TOKENS, model.n_tokens), device=model.device)
            for name in (family.embedding_in, family.embedding):
                x = network.get_submodule(name)(x) if name else x
            if norm is not None:
                y = norm(x[None])[0]
                x = y if read is not ReadPoint.NORMALIZED else freeze_norm(norm, x, y).normalized(x.cpu().double())
            yield first, x.to(model.device, torch.float32)


def _form(module: torch.nn.Module, model: LanguageModel) -> FrozenNorm:
    """Gain and centring of a norm."""
    wave = torch.linspace(0.0, 7.0, model.d_model, device=model.device).sin()[None].to(model.dtype)
    with torch.no_grad():
        return freeze_norm(module, wave, module(wave[None])[0])
