"""LocalReplacementModel: a prompt's frozen model with its MLP outputs split into features, errors and biases.

At every layer and position the true MLP output is

    y = sum of activation * decoder  +  b_dec  +  skip(x)  +  error        (positions >= zero_positions)
    y = skip(x)  +  BOS block                                               (positions below)

so the outputs are the model's exactly; only the mechanism differs
(transformer-circuits.pub/2025/attribution-graphs/methods.html, "local replacement model").
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.frozen import FrozenModel, freeze
from explorer.errors import UnsupportedTranscoder
from explorer.models.frozen_norm import FrozenNorm
from explorer.models.loader import LanguageModel
from explorer.models.trace import LayerTrace, Trace
from explorer.shapes import Float
from explorer.transcoders.features import ActiveFeatures, encode
from explorer.transcoders.transcoder import ReadPoint, Site, TranscoderSet, WritePoint
from explorer.work import Pause, go_on


@dataclass(frozen=True)
class LocalReplacementModel:
    """The frozen model with the active ``features`` of ``transcoders`` in place of its MLP outputs.

    ``error`` is what they miss of the true output at the write point, ``bos_block`` the true output (less the skip
    part) below ``zero_positions``.
    """

    frozen: FrozenModel
    transcoders: TranscoderSet
    features: ActiveFeatures
    error: Float[Tensor, "n_layers n_pos d_model"]
    bos_block: Float[Tensor, "n_layers n_pos d_model"]

    def read(self, layer: int, residual: Float[Tensor, "n_pos d_model"]) -> Float[Tensor, "n_pos d_model"]:
        """What the encoder of ``layer`` reads when the residual in front of its norm is ``residual``."""
        return _read(self.transcoders.read, self.frozen.layers[layer], residual)

    def read_seed(self, layer: int, rows: Float[Tensor, "n d_model"], pos: Tensor) -> Float[Tensor, "n d_model"]:
        """``rows`` at the read point of ``layer`` as directions in the residual stream at ``pos``."""
        norm = self.frozen.layers[layer].mlp_norm
        if self.transcoders.read is ReadPoint.RESID_MID or norm is None:
            return rows
        if self.transcoders.read is ReadPoint.MLP_IN:
            return norm.adjoint(rows, pos)
        return norm.centre(rows) / norm.scale[pos][:, None]

    def read_shift(self, layer: int) -> Float[Tensor, " d_model"] | None:
        """The constant that the norm adds to what the encoder reads, if any."""
        norm = self.frozen.layers[layer].mlp_norm
        return norm.shift if norm is not None and self.transcoders.read is ReadPoint.MLP_IN else None

    def write(self, layer: int, y: Float[Tensor, "n d_model"], pos: Tensor) -> Float[Tensor, "n d_model"]:
        """Vectors at the write point of ``layer`` as they leave its block in the residual stream; linear."""
        post, end = self._post_norm(layer), self.frozen.layers[layer].end
        y = y if post is None else post.linear(y, pos)
        return y if end is None else end.linear(y, pos)

    def write_adjoint(self, layer: int, gradient: Tensor, pos: Tensor) -> Tensor:
        """Transpose of ``write`` for gradients [pos, row, d_model] at positions ``pos``."""
        post, end = self._post_norm(layer), self.frozen.layers[layer].end
        gradient = gradient if end is None else end.adjoint(gradient, pos)
        return gradient if post is None else post.adjoint(gradient, pos)

    def write_shift(self, layer: int) -> Float[Tensor, "n_pos d_model"]:
        """The constants that norms behind the MLP's read point add to the residual stream, as they leave the block."""
        frozen, held = self.frozen, self.frozen.layers[layer]
        shift = frozen.embedding.new_zeros(frozen.n_pos, frozen.d_model)
        post = self._post_norm(layer)
        if post is not None and post.shift is not None:
            shift = shift + post.shift
        if frozen.norm_on_stream and held.mlp_norm is not None and held.mlp_norm.shift is not None:
            shift = shift + held.mlp_norm.shift
        if held.end is None:
            return shift
        shift = held.end.linear(shift)
        return shift if held.end.shift is None else shift + held.end.shift

    def _post_norm(self, layer: int) -> FrozenNorm | None:
        """The norm between the write point and the residual stream, if any."""
        return None if self.transcoders.write is WritePoint.RESIDUAL else self.frozen.layers[layer].mlp_post_norm

    def skip(self, layer: int) -> Float[Tensor, "d_model d_model"] | None:
        """W_skip of ``layer`` (in, out) in the run's precision."""
        W_skip = self.transcoders.layers[layer].W_skip
        return None if W_skip is None else W_skip.to(self.error)

    def replay(
        self, *, mlp_added: Tensor | None = None, embedding_added: Tensor | None = None, pause: Pause = go_on
    ) -> tuple[list[Tensor], Tensor]:
        """The frozen model's own forward pass: the residual in front of each MLP, and the last one.

        ``mlp_added`` (n_layers, n_pos, d_model) is added at the write points, ``embedding_added`` (n_pos, d_model)
        to the embeddings: doubling one source that way changes each target by its direct effect.
        Every bias is applied where the model applies it, through the unfolded weights, so that this pass knows
        nothing of how the books are kept. ``pause`` is called in front of each layer.
        """
        frozen = self.frozen
        x = frozen.embedding if frozen.position is None else frozen.embedding + frozen.position
        if embedding_added is not None:
            x = x + embedding_added
        mids = []
        for layer in range(frozen.n_layers):
            pause()
            attention = frozen.attention_output(layer, x)
            mid = x if frozen.parallel else x + attention
            mids.append(mid)
            added = None if mlp_added is None else mlp_added[layer]
            x = frozen.block_output(layer, x + attention, self._replayed_mlp(layer, mid, added))
        return mids, x

    def _replayed_mlp(self, layer: int, mid: Tensor, added: Tensor | None) -> Tensor:
        held = self.frozen.layers[layer]
        y = written(self.transcoders.write, held)
        W_skip = self.skip(layer)
        if W_skip is not None:
            y = y + (self.read(layer, mid) - self.read(layer, held.resid_mid)) @ W_skip
        if added is not None:
            y = y + added
        post = self._post_norm(layer)
        return y if post is None else post(y)

    def fidelity(self, pause: Pause = go_on) -> float:
        """Largest distance between the replayed and the captured residuals, relative to their largest entry.

        Not zero: transformers computes some norms in float32. Far above rounding it means that the model was not
        frozen as it runs.
        """
        mids, _ = self.replay(pause=pause)
        pairs = zip(mids, self.frozen.layers, strict=True)
        return max(
            float((mid - held.resid_mid).abs().max() / held.resid_mid.abs().max()) for mid, held in pairs
        )


def replace_locally(
    model: LanguageModel, trace: Trace, transcoders: TranscoderSet, dtype: torch.dtype, pause: Pause = go_on
) -> LocalReplacementModel:
    """The local replacement model of a captured pass, in ``dtype``; UnsupportedTranscoder if the set does not fit.

    ``pause`` is called between layers.
    """
    check_fit(model, transcoders)
    frozen = freeze(model, trace, dtype, pause)
    reads = tuple(_read(transcoders.read, held, held.resid_mid) for held in frozen.layers)
    features = encode(transcoders, reads, pause)
    true = torch.stack([written(transcoders.write, held) for held in frozen.layers])
    rest = true - _skipped(transcoders, reads, true)
    zero = transcoders.zero_positions
    error = rest - _decoded(transcoders, features, true, pause)
    error[:, :zero] = 0
    bos_block = rest.clone()
    bos_block[:, zero:] = 0
    return LocalReplacementModel(frozen, transcoders, features, error, bos_block)


def check_fit(model: LanguageModel, transcoders: TranscoderSet) -> None:
    """UnsupportedTranscoder if the set was not made for a model of this shape."""
    where = transcoders.origin or "The transcoders"
    if transcoders.kind == "sae":
        raise UnsupportedTranscoder(
            f"{where} are sparse autoencoders of {transcoders.read.value}: they reconstruct what they read and stand "
            "for no MLP; choose transcoders, or no set to use the model's neurons."
        )
    if transcoders.n_layers != model.n_layers:
        raise UnsupportedTranscoder(
            f"{where} has {transcoders.n_layers} layers and “{model.name}” has {model.n_layers}; "
            "choose transcoders made for this model."
        )
    widths = {transcoder.d_model for transcoder in transcoders.layers}
    if widths != {model.d_model}:
        raise UnsupportedTranscoder(
            f"{where} is {max(widths)} wide and “{model.name}” {model.d_model}; choose transcoders made for this model."
        )


def _read(point: ReadPoint | Site, held: LayerTrace, residual: Tensor) -> Tensor:
    if point is ReadPoint.RESID_MID or held.mlp_norm is None:
        return residual
    return held.mlp_norm.normalized(residual) if point is ReadPoint.NORMALIZED else held.mlp_norm(residual)


def written(point: WritePoint | Site, held: LayerTrace) -> Tensor:
    """The true MLP output at the write point."""
    if point is WritePoint.RESIDUAL and held.mlp_post_norm is not None:
        return held.mlp_post_norm(held.mlp_out)
    return held.mlp_out


def _skipped(transcoders: TranscoderSet, reads: tuple[Tensor, ...], like: Tensor) -> Tensor:
    skipped = torch.zeros_like(like)
    for layer, transcoder in enumerate(transcoders.layers):
        if transcoder.W_skip is not None:
            skipped[layer] = reads[layer] @ transcoder.W_skip.to(like)
    return skipped


def _decoded(transcoders: TranscoderSet, features: ActiveFeatures, like: Tensor, pause: Pause) -> Tensor:
    """What features and b_dec write at each layer and position."""
    decoded = torch.zeros_like(like)
    for layer, transcoder in enumerate(transcoders.layers):
        pause()
        decoded[layer] += transcoder.b_dec.to(like)
        own = features.of_layer(layer)
        rows = transcoder.decoder_rows(features.feature[own]).to(like) * features.activation[own][:, None, None]
        for offset in range(transcoder.n_targets):
            pause()
            decoded[layer + offset].index_add_(0, features.pos[own], rows[:, offset])
    return decoded
