"""crosslayer-transcoder (Goreg12345): config.yaml and checkpoint.safetensors of all layers.

encoder.W (L, d, n), encoder.b (L, n); decoder.W_t (t + 1, n, d) of the sources 0 to t that write to layer t and
decoder.b (L, d), or decoder.W (L, n, d) where layers write to themselves alone. Inputs and outputs are standardised by
input_standardizer and output_standardizer .mean and .std, (L, d) or (L,), unless is_folded. nonlinearity.theta
(1, L, n) or threshold (1,) or (L,): JumpReLU and BatchTopK keep what is above it and above 0, and TopK of a layer is
followed by a ReLU. config.yaml names classes, which its producer imports; here their names are read and nothing is
imported. Source: Goreg12345/crosslayer-transcoder, crosslayer_transcoder/model/{clt,standardize,jumprelu,topk}.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.errors import UnsupportedTranscoder
from explorer.io.transcoder_config import read_table
from explorer.io.transcoders import canonical, folds, hooks
from explorer.io.transcoders.weights_file import WeightsFile
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder, TranscoderSet
from explorer.work import Pause, go_on

CONFIG, WEIGHTS = "config.yaml", "checkpoint.safetensors"
Statistics = tuple[Tensor, Tensor]


def read(path: Path, told: Mapping[str, str], pause: Pause = go_on) -> TranscoderSet:
    """The set in the folder ``path``."""
    folder = path.parent if path.is_file() else path
    config = _model(folder / CONFIG)
    held = WeightsFile(folder / WEIGHTS)
    b_enc = held.take("encoder.b")
    if b_enc.ndim != 2:
        raise UnsupportedTranscoder(f"“{held.file}”: encoder.b has shape {tuple(b_enc.shape)} where two axes belong.")
    L, n = b_enc.shape
    W_enc = held.take("encoder.W")
    d = int(W_enc.shape[1]) if W_enc.ndim == 3 else 0
    if tuple(W_enc.shape) != (L, d, n):
        raise UnsupportedTranscoder(
            f"“{held.file}”: encoder.W has shape {tuple(W_enc.shape)} where ({L}, d, {n}) belongs; download it again."
        )
    decoders = _decoders(held, L, n, d)
    biased = "decoder.b" in held or "decoder.W" not in held.names
    b_dec = held.shaped("decoder.b", (L, d)) if biased else b_enc.new_zeros(L, d)
    activations = _activations(folder / CONFIG, config, held, L, n)
    sides = ("input_standardizer", "output_standardizer")
    into, out = (_statistics(folder / CONFIG, config, held, side, (L, d)) for side in sides)
    held.done()
    layers = []
    for layer in range(L):
        pause()
        W_dec = torch.stack(decoders[layer], dim=1)
        made = canonical.transcoder(W_enc[layer].T.contiguous(), b_enc[layer], W_dec, b_dec[layer], activations[layer])
        layers.append(_standardised(made, layer, into, out))
    points = hooks.points(path, hooks.read_name(told, path, ""), hooks.write_name(told, path, ""))
    return canonical.whole(folder, layers, *points, [folder / CONFIG, held.file], pause=pause)


def _model(file: Path) -> Mapping[str, Any]:
    """The settings of the model: its parts by name, and is_folded."""
    model = read_table(file).get("model")
    parts = model.get("init_args") if isinstance(model, dict) else None
    if not isinstance(model, dict) or not isinstance(parts, dict):
        raise UnsupportedTranscoder(f"“{file}” does not say what its model is made of; download it again.")
    return {**parts, "is_folded": parts.get("is_folded", model.get("is_folded", False))}


def _class(config: Mapping[str, Any], part: str) -> str:
    """The name of the class of a part, without its module."""
    said = config.get(part)
    path = said.get("class_path") if isinstance(said, dict) else None
    return path.rpartition(".")[2] if isinstance(path, str) else ""


def _decoders(held: WeightsFile, L: int, n: int, d: int) -> list[list[Tensor]]:
    """For each source the decoders (n, d) to its own and to later layers."""
    if "decoder.W" in held:
        return [[W] for W in held.shaped("decoder.W", (L, n, d))]
    by_target = [held.shaped(f"decoder.W_{target}", (target + 1, n, d)) for target in range(L)]
    return [[by_target[target][source] for target in range(source, L)] for source in range(L)]


def _activations(file: Path, config: Mapping[str, Any], held: WeightsFile, L: int, n: int) -> list[Activation]:
    name = _class(config, "nonlinearity")
    if name == "ReLU":
        return [Activation("relu")] * L
    if name == "PerLayerTopK":
        arguments = config["nonlinearity"].get("init_args")
        k = arguments.get("k") if isinstance(arguments, dict) else None
        if "nonlinearity.threshold" in held:
            held.take("nonlinearity.threshold")
        if type(k) is int and 0 < k < 2**31:
            return [Activation("topk", k=k, rectified=True)] * L
        raise UnsupportedTranscoder(f"“{file}” says PerLayerTopK without k; add the number used in training.")
    shapes = {"JumpReLU": (1, L, n), "BatchTopK": (1,), "PerLayerBatchTopK": (L,)}
    if name not in shapes:
        raise UnsupportedTranscoder(
            f"“{file}”: the nonlinearity is “{name}”, not one of ReLU, PerLayerTopK, {', '.join(shapes)}."
        )
    if "nonlinearity.bandwidth" in held:
        held.take("nonlinearity.bandwidth")
    stored = held.shaped("nonlinearity.theta" if name == "JumpReLU" else "nonlinearity.threshold", shapes[name])
    theta = stored.relu()[0].expand(L) if name == "BatchTopK" else stored.relu().reshape(L, *shapes[name][2:])
    return [Activation("jumprelu", row.clone()) for row in theta]


def _statistics(
    file: Path, config: Mapping[str, Any], held: WeightsFile, part: str, shape: tuple[int, int]
) -> Statistics | None:
    """Mean and standard deviation (L, d) by which a side is standardised; none if it is not, or folded already."""
    name = _class(config, part)
    if name.startswith("Samplewise"):
        raise UnsupportedTranscoder(f"“{file}”: {name} scales every token by itself; choose another set.")
    if f"{part}.mean" not in held and not name.startswith(("Dimensionwise", "Layerwise")):
        return None
    shaped = shape[:1] if name.startswith("Layerwise") else shape
    mean, std = (held.shaped(f"{part}.{what}", shaped) for what in ("mean", "std"))
    if config.get("is_folded"):
        return None
    if bool((std <= 0).any()):
        raise UnsupportedTranscoder(f"“{held.file}”: {part}.std has values that are not above 0; download it again.")
    return (mean, std) if mean.ndim == 2 else (mean[:, None].expand(shape), std[:, None].expand(shape))


def _standardised(made: Transcoder, layer: int, into: Statistics | None, out: Statistics | None) -> Transcoder:
    """``made`` with the statistics of both sides folded in."""
    if into is None and out is None:
        return made
    zero, one = made.b_dec.new_zeros(made.d_model), made.b_dec.new_ones(made.d_model)
    mean_in, std_in = (zero, one) if into is None else (into[0][layer], into[1][layer])
    if out is None:
        return folds.standardised(made, mean_in, std_in, zero, one)
    return folds.standardised(made, mean_in, std_in, out[0][layer], out[1][layer : layer + made.n_targets])
