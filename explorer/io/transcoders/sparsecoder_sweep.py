"""mntss's older cross-layer transcoders (mntss/sparsecoder-sweep-gpt2): decoders grouped by the layer they write to.

``encoder_layer_{i}.safetensors``: W_enc (n, d), b_enc. ``decoder_layer_{i}.safetensors``: for every source layer s
up to i W_dec_from_{s} (d, n), then b_dec and perhaps W_skip (out, in). ReLU, from the residual stream in front of the
norm to what is added to it. Source: EleutherAI/attribute, experiments/convert_relu_clt.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io import tensors
from explorer.io.transcoder_config import numbered
from explorer.io.transcoders import canonical
from explorer.io.transcoders.weights_file import WeightsFile, check_alike
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from explorer.work import Pause, go_on

ENCODER, DECODER = "encoder_layer_", "decoder_layer_"


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in the folder ``path``."""
    folder = path.parent if path.is_file() else path
    encoders, decoders = numbered(folder, ENCODER), numbered(folder, DECODER)
    if len(encoders) != len(decoders):
        raise UnsupportedTranscoder(
            f"“{folder}” holds {len(encoders)} files {ENCODER}* and {len(decoders)} files {DECODER}*; "
            "download the missing ones."
        )
    _check_names(decoders)
    layers = []
    for source in range(len(encoders)):
        pause()
        layers.append(_layer(encoders[source], decoders[source:], source))
    files = (*encoders, *decoders)
    return canonical.whole(folder, layers, ReadPoint.RESID_MID, WritePoint.RESIDUAL, files, pause=pause)


def _layer(encoder: Path, decoders: tuple[Path, ...], source: int) -> Transcoder:
    """The layer ``source``; ``decoders`` are the files of its own and of all later layers."""
    held = WeightsFile(encoder)
    b_enc = held.vector("b_enc")
    own = WeightsFile(decoders[0], names=[name for name in ("b_dec", "W_skip") if name in _names(decoders[0])])
    b_dec = own.vector("b_dec")
    n, d = len(b_enc), len(b_dec)
    W_enc = held.matrix("W_enc", n, d, "as is")
    held.done()
    W_skip = own.shaped("W_skip", (d, d)).T.contiguous() if "W_skip" in own else None
    W_dec = torch.stack([_decoder(file, source, n, d) for file in decoders], dim=1)
    return canonical.transcoder(W_enc, b_enc, W_dec, b_dec, Activation("relu"), W_skip)


def _decoder(file: Path, source: int, n: int, d: int) -> Tensor:
    name = f"W_dec_from_{source}"
    return WeightsFile(file, names=[name]).matrix(name, n, d, "transposed")


def _check_names(decoders: tuple[Path, ...]) -> None:
    """UnsupportedTranscoder if a file of decoders holds more or less than its layout says."""
    for target, file in enumerate(decoders):
        needed = {"b_dec", *(f"W_dec_from_{source}" for source in range(target + 1))}
        missing, more = needed - _names(file), _names(file) - needed - {"W_skip"}
        if missing or more:
            fault = f"lacks the tensor {min(missing)}" if missing else f"also holds {min(more)}"
            raise UnsupportedTranscoder(f"“{file}” {fault}; download or convert it again.")
    check_alike({file: _names(file) & {"W_skip"} for file in decoders})


def _names(file: Path) -> frozenset[str]:
    return frozenset(tensors.header(file).tensors)
