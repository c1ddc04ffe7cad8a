"""Transcoder and TranscoderSet: the canonical form into which every file format is read.

    pre  = x @ W_enc.T + b_enc
    a    = activation(pre)
    y_l' = sum over l <= l' of  a_l @ W_dec_l[:, l' - l]  + b_dec_l'  + x_l' @ W_skip_l'

``x`` is what the model holds at the set's read point, ``y`` what its MLP adds at the write point.
Per-layer transcoders (PLT, arXiv 2406.11944) write to their own layer only; cross-layer transcoders
(CLT, transformer-circuits.pub/2025/attribution-graphs/methods.html) to their own and every later one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.shapes import Float, Int
from explorer.transcoders.activations import Activation


class ReadPoint(Enum):
    """Where the encoder reads; the names are circuit-tracer's."""

    RESID_MID = "hook_resid_mid"  # the residual stream, before the norm in front of the MLP
    MLP_IN = "mlp.hook_in"  # what the MLP module receives: after the norm, gain and shift included
    NORMALIZED = "ln2.hook_normalized"  # after the norm's scale, before its gain and shift


class WritePoint(Enum):
    """What the decoder reconstructs; the two differ only in models with a norm after the MLP."""

    MLP_OUT = "mlp.hook_out"  # the MLP module's own output
    RESIDUAL = "hook_mlp_out"  # what is added to the residual stream, after a post norm


class Site(Enum):
    """What a sparse autoencoder (SAE) both reads and reconstructs; the names are TransformerLens's."""

    RESID_PRE = "hook_resid_pre"
    RESID_MID = "hook_resid_mid"
    RESID_POST = "hook_resid_post"
    ATTN_OUT = "hook_attn_out"
    ATTN_Z = "attn.hook_z"  # what the heads hold in front of the output projection, side by side
    MLP_OUT = "hook_mlp_out"


@dataclass(frozen=True)
class Transcoder:
    """The features of one source layer.

    ``W_dec[:, j]`` writes to layer ``l + j``; a per-layer transcoder has one such slot.
    ``W_skip`` (in, out) is used as ``x @ W_skip``. ``b_dec`` belongs to the own layer's output.
    ``W_gate`` and ``b_gate`` are those of a gated MLP whose neurons are the features (neurons.py).
    """

    W_enc: Float[Tensor, "d_transcoder d_model"]
    b_enc: Float[Tensor, " d_transcoder"]
    W_dec: Float[Tensor, "d_transcoder n_targets d_model"]
    b_dec: Float[Tensor, " d_model"]
    activation: Activation
    W_skip: Float[Tensor, "d_model d_model"] | None = None
    W_gate: Float[Tensor, "d_transcoder d_model"] | None = None
    b_gate: Float[Tensor, " d_transcoder"] | None = None

    def __post_init__(self) -> None:
        n, d = self.W_enc.shape
        expected = {
            "b_enc": (self.b_enc, (n,)),
            "W_dec": (self.W_dec, (n, self.W_dec.shape[1] if self.W_dec.ndim == 3 else -1, d)),
            "b_dec": (self.b_dec, (d,)),
        }
        if self.W_skip is not None:
            expected["W_skip"] = (self.W_skip, (d, d))
        for name, (tensor, shape) in expected.items():
            if tuple(tensor.shape) != shape:
                raise UnsupportedTranscoder(
                    f"{name} has shape {tuple(tensor.shape)} where W_enc {tuple(self.W_enc.shape)} asks for {shape}."
                )

    @property
    def d_transcoder(self) -> int:
        return int(self.W_enc.shape[0])

    @property
    def d_model(self) -> int:
        return int(self.W_enc.shape[1])

    @property
    def n_targets(self) -> int:
        return int(self.W_dec.shape[1])

    def decoder_rows(self, features: Int[Tensor, " n"]) -> Float[Tensor, "n n_targets d_model"]:
        """The decoder vectors of ``features``."""
        return self.W_dec[features]


@dataclass(frozen=True)
class TranscoderSet:
    """One transcoder for each layer of a model, with where they read and write.

    Positions below ``zero_positions`` have no features: what the MLPs write there is kept as it is.
    Sparse autoencoders read and write the same Site; features can be looked at with them, but they replace no MLP.
    ``origin`` names the folder for messages and provenance, ``model_name`` what the files say.
    """

    layers: tuple[Transcoder, ...]
    read: ReadPoint | Site
    write: WritePoint | Site
    zero_positions: int = 1
    model_name: str = ""
    origin: str = ""
    sha256: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if Site in (type(self.read), type(self.write)) and self.read is not self.write:
            raise UnsupportedTranscoder(
                f"{self.origin or 'The set'} reads {self.read.value} and writes {self.write.value}, "
                "which is no step of an MLP; choose transcoders of MLPs."
            )
        last = len(self.layers)
        for layer, transcoder in enumerate(self.layers):
            allowed = {1, last - layer}
            if transcoder.n_targets not in allowed:
                raise UnsupportedTranscoder(
                    f"{self.origin or 'The set'}: layer {layer} writes to {transcoder.n_targets} layers, "
                    f"expected 1 or {last - layer}."
                )

    @property
    def n_layers(self) -> int:
        return len(self.layers)

    @property
    def kind(self) -> str:
        """``plt`` if every layer writes to itself only, else ``clt``; ``neurons`` of the model's own; ``sae``."""
        if isinstance(self.read, Site):
            return "sae"
        if any(transcoder.activation.kind == "own" for transcoder in self.layers):
            return "neurons"
        cross = any(transcoder.n_targets > 1 for transcoder in self.layers)
        return "clt" if cross else "plt"
