"""Sets as circuit-tracer 0.4.1 and its older scripts write them (decoderesearch/circuit-tracer)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from tests.io.transcoders.layouts import (
    N_LAYERS,
    D,
    Formula,
    Held,
    Layout,
    N,
    Written,
    draw,
    jump,
    largest,
    per_layer,
    save,
)

POINTS = ("mlp.hook_in", "mlp.hook_out")
LAYER = {"W_enc": (N, D), "b_enc": (N,), "W_dec": (N, D), "b_dec": (D,)}


def config(folder: Path, kind: str, *more: str) -> None:
    read, write = POINTS
    lines = [f"model_kind: {kind}", "model_name: tiny", f"feature_input_hook: {read}", f"feature_output_hook: {write}"]
    (folder / "config.yaml").write_text("\n".join([*lines, "scan: tiny", *more, ""]), "utf-8")


def per_layer_set(folder: Path, activation: str, *, skip: bool = False, older: bool = False) -> Written:
    layers = [draw(layer, **LAYER, W_skip=(D, D), threshold=(N,)) for layer in range(N_LAYERS)]
    config(folder, "transcoder_set", *(["activation: topk", "k: 3"] if activation == "topk" else []))
    for layer, held in enumerate(layers):
        names = [*LAYER, *(["W_skip"] if skip else [])]
        stored = {name: held[name] for name in names}
        if activation == "jumprelu":
            stored["activation_function.threshold"] = held["threshold"].abs()
        if older:
            stored["W_dec"] = stored["W_dec"].T
        save(stored, folder / f"layer_{layer}.safetensors")

    def one(w: Held, x: Tensor) -> Tensor:
        pre = x @ w["W_enc"].T + w["b_enc"]
        kept = {"relu": pre.relu(), "jumprelu": jump(pre, w["threshold"].abs()), "topk": largest(pre, 3)}
        return kept[activation] @ w["W_dec"] + w["b_dec"] + (x @ w["W_skip"].T if skip else 0)

    return Written(folder, "circuit_tracer", per_layer(layers, one), *POINTS)


def across(layers: list[Held], decoders: dict[tuple[int, int], Tensor], *, skip: bool = False) -> Formula:
    """JumpReLU if the layers have a threshold, else ReLU; ``decoders`` by source and target layer."""

    def formula(x: Tensor) -> Tensor:
        out = torch.stack([held["b_dec"] + 0 * rows for held, rows in zip(layers, x, strict=True)])
        for source, held in enumerate(layers):
            pre = x[source] @ held["W_enc"].T + held["b_enc"]
            kept = jump(pre, held["threshold"].abs()) if "threshold" in held else pre.relu()
            for target in range(source, len(layers)):
                out[target] += kept @ decoders[source, target]
            if skip:
                out[source] += x[source] @ held["W_skip"]
        return out

    return formula


def drawn_across(*, threshold: bool) -> tuple[list[Held], dict[tuple[int, int], Tensor]]:
    shapes = {name: shape for name, shape in LAYER.items() if name != "W_dec"} | {"W_skip": (D, D)}
    shapes |= {"threshold": (N,)} if threshold else {}
    layers = [draw(50 + layer, **shapes) for layer in range(N_LAYERS)]
    pairs = [(source, target) for target in range(N_LAYERS) for source in range(target + 1)]
    return layers, {pair: draw(60 + row, W=(N, D))["W"] for row, pair in enumerate(pairs)}


def cross_layer_set(folder: Path, *, threshold: bool) -> Written:
    layers, decoders = drawn_across(threshold=threshold)
    config(folder, "cross_layer_transcoder")
    for layer, held in enumerate(layers):
        stored = {f"{name}_{layer}": held[name] for name in ("W_enc", "b_enc", "b_dec")}
        if threshold:
            stored[f"threshold_{layer}"] = held["threshold"].abs()
        save(stored, folder / f"W_enc_{layer}.safetensors")
        decoder = torch.stack([decoders[layer, target] for target in range(layer, N_LAYERS)], dim=1)
        save({f"W_dec_{layer}": decoder}, folder / f"W_dec_{layer}.safetensors")
    return Written(folder, "circuit_tracer", across(layers, decoders), *POINTS, kind="clt")


def sweep(folder: Path, *, skip: bool) -> Written:
    """mntss's older sets across layers: decoders lie with the layer that they write to."""
    layers, decoders = drawn_across(threshold=False)
    for layer, held in enumerate(layers):
        save({name: held[name] for name in ("W_enc", "b_enc")}, folder / f"encoder_layer_{layer}.safetensors")
        stored = {f"W_dec_from_{source}": decoders[source, layer].T for source in range(layer + 1)}
        stored |= {"b_dec": held["b_dec"], **({"W_skip": held["W_skip"].T} if skip else {})}
        save(stored, folder / f"decoder_layer_{layer}.safetensors")
    formula, points = across(layers, decoders, skip=skip), ("hook_resid_mid", "hook_mlp_out")
    return Written(folder, "sparsecoder_sweep", formula, *points, kind="clt")


def without_config(written: Written) -> Written:
    (written.path / "config.yaml").unlink()
    return replace(written, told=dict(zip(("read", "write"), POINTS, strict=True)))


def without_k(written: Written) -> Written:
    config(written.path, "transcoder_set", "activation: topk")
    return replace(written, told={"k": "3"})


LAYOUTS: dict[str, Layout] = {
    "circuit-tracer ReLU": lambda folder: per_layer_set(folder, "relu"),
    "circuit-tracer JumpReLU with skip": lambda folder: per_layer_set(folder, "jumprelu", skip=True),
    "circuit-tracer TopK": lambda folder: per_layer_set(folder, "topk"),
    "circuit-tracer, older decoders": lambda folder: per_layer_set(folder, "relu", skip=True, older=True),
    "circuit-tracer across layers": lambda folder: cross_layer_set(folder, threshold=False),
    "circuit-tracer across layers, JumpReLU": lambda folder: cross_layer_set(folder, threshold=True),
    "circuit-tracer without config.yaml": lambda folder: without_config(per_layer_set(folder, "relu", older=True)),
    "circuit-tracer TopK without k": lambda folder: without_k(per_layer_set(folder, "topk")),
    "mntss's sweep": lambda folder: sweep(folder, skip=False),
    "mntss's sweep with skip": lambda folder: sweep(folder, skip=True),
}
