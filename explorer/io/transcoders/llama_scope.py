"""Llama Scope: transcoders and autoencoders of Llama 3.1 8B, one folder for each layer.

hyperparams.json and checkpoints/final.safetensors with encoder.weight (n, d), encoder.bias, decoder.weight (d, n),
decoder.bias. JumpReLU with one threshold for all features; top_k is left over from training. The average norms of the
input and of the output, by which both are scaled, are in hyperparams.json and differ in transcoders (64 and 3.39 in
layer 8). Source: fnlp/Llama3_1-8B-Base-LXTC-8x and OpenMOSS/Language-Model-SAEs, which computes as in openmoss.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from explorer.errors import UnsupportedTranscoder
from explorer.io.transcoder_formats import LLAMA_SCOPE, folders, settings
from explorer.io.transcoders import canonical, folds, openmoss
from explorer.io.transcoders.weights_file import WeightsFile
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on

CONFIG, WEIGHTS = LLAMA_SCOPE
MODEL = "meta-llama/Llama-3.1-8B"


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in ``path``: the folder of a layer, or one with folders of layers."""
    found = folders(path, CONFIG, WEIGHTS, depth=2)
    configs = {folder: settings(folder / CONFIG) for folder in found}
    ordered = canonical.in_order(path, (_piece(path, folder, configs[folder]) for folder in found), told)
    layers = []
    for folder in ordered:
        pause()
        layers.append(_layer(folder, configs[folder]))
    files = [folder / name for folder in ordered for name in LLAMA_SCOPE]
    name = MODEL if "Llama3_1-8B-Base" in ordered[0].absolute().name else ""
    points = openmoss.points(path, [configs[folder] for folder in ordered])
    return canonical.whole(path, layers, *points, files, name, pause=pause)


def _piece(path: Path, folder: Path, config: Mapping[str, Any]) -> canonical.Piece:
    layer = openmoss.layer_of(folder, config)
    inside = folder.relative_to(path).as_posix() if path.is_dir() else ""
    return canonical.Piece(folder, layer, inside.replace(f"-L{layer}", "-L*", 1).removesuffix(f"layer_{layer}"))


def _layer(folder: Path, config: Mapping[str, Any]) -> Transcoder:
    file, held = folder / CONFIG, WeightsFile(folder / WEIGHTS)
    b_enc, b_dec = held.vector("encoder.bias"), held.vector("decoder.bias")
    n, d = len(b_enc), len(b_dec)
    W_enc, W_dec = held.matrix("encoder.weight", n, d, "as is"), held.matrix("decoder.weight", n, d, "transposed")
    held.done()
    made = canonical.transcoder(W_enc, b_enc, W_dec, b_dec, _activation(file, config, b_enc.dtype))
    if config.get("sparsity_include_decoder_norm", True):
        made = folds.decoder_norms_included(made)
    if config.get("apply_decoder_bias_to_pre_encoder"):
        made = folds.shifted(made, made.b_dec)
    averages = config.get("dataset_average_activation_norm")
    norms = averages if isinstance(averages, dict) else {}
    into, out = (openmoss.norm_factor(file, config, norms.get(name)) for name in ("in", "out"))
    return folds.scaled(made, into, 1 / out)


def _activation(file: Path, config: Mapping[str, Any], dtype: torch.dtype) -> Activation:
    said, threshold = config.get("act_fn"), config.get("jump_relu_threshold")
    if said != "jumprelu":
        return openmoss.activation(file, config, None)
    if not isinstance(threshold, int | float) or not 0 <= threshold < 1e9:
        raise UnsupportedTranscoder(f"“{file}” does not say jump_relu_threshold; download it again.")
    return Activation("jumprelu", torch.tensor(float(threshold), dtype=torch.promote_types(dtype, torch.float32)))
