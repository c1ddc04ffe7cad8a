"""Sets as EleutherAI's sparsify and clt-training write them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from tests.io.transcoders.layouts import (
    N_LAYERS,
    D,
    Held,
    Layout,
    N,
    Written,
    draw,
    largest,
    per_layer,
    save,
)

K = 3
BASE = {"activation": "topk", "k": K, "num_latents": N, "expansion_factor": 32, "d_in": D, "normalize_decoder": True}
ENCODER = {"encoder.weight": (N, D), "encoder.bias": (N,)}
CROSS = {"n_sources": 0, "n_targets": 0, "coalesce_topk": "none", "post_encoder_scale": False, "topk_coalesced": False}


def write(folder: Path, module: str, config: dict[str, object], held: Held) -> None:
    save(held, folder / module / "sae.safetensors")
    (folder / module / "cfg.json").write_text(json.dumps(config), "utf-8")


def encoded(w: Held, x: Tensor) -> Tensor:
    return largest((x @ w["encoder.weight"].T + w["encoder.bias"]).relu(), K)


def sparsify_set(folder: Path, module: str, *, transcode: bool, skip: bool = False) -> Written:
    shapes = {**ENCODER, "W_dec": (N, D), "b_dec": (D,), **({"W_skip": (D, D)} if skip else {})}
    layers = [draw(layer, **shapes) for layer in range(N_LAYERS)]
    for layer, held in enumerate(layers):
        write(folder, module.format(layer), {**BASE, "transcode": transcode, "skip_connection": skip}, held)
    (folder / "config.json").write_text(json.dumps({"model": "tiny", "sae": BASE}), "utf-8")

    def one(w: Held, x: Tensor) -> Tensor:
        out = encoded(w, x if transcode else x - w["b_dec"]) @ w["W_dec"] + w["b_dec"]
        return out + x @ w["W_skip"].T if skip else out

    places = ("mlp.hook_in", "mlp.hook_out") if transcode else ("hook_resid_post",) * 2
    kind = "plt" if transcode else "sae"
    return Written(folder, "sparsify", per_layer(layers, one), *places, kind=kind)


def runner(layers: list[Held], config: dict[str, object], x: Tensor) -> Tensor:
    """What CrossLayerRunner computes layer by layer: every source's output is kept and decoded at each target."""
    out, root = [], D**0.5
    normed = config.get("normalize_io", False)
    inside = [rows * (root / w["in_norm"]) if normed else rows for w, rows in zip(layers, x, strict=True)]
    for target, own in enumerate(layers):
        total = torch.zeros_like(x[0])
        decoded = []
        for source in range(target + 1):
            w, j = layers[source], target - source
            acts = encoded(w, inside[source])
            acts = (acts + w[f"post_encs.{j}"] * (acts > 0)) * w.get(f"post_enc_scales.{j}", torch.ones(N))
            way = config["coalesce_topk"]
            if way == "none":
                W_dec = w["W_dec"] if config.get("per_source_tied") else w[f"W_decs.{j}"]
                decoded.append(acts @ W_dec + w[f"b_decs.{j}"])
            elif way == "concat":
                decoded.append(acts @ own["W_dec"])
            else:
                decoded.append(acts @ own["W_dec"][source * N : (source + 1) * N])
        others = sum(decoded[:-1], total)
        total = decoded[-1] + (others / max(1, target) if config.get("divide_cross_layer") else others)
        total = total + (0 if config["coalesce_topk"] == "none" else own["b_dec"])
        if config.get("skip_connection"):
            total = total + inside[target] @ own.get("W_skips.0", own.get("W_skip")).T
        out.append(total * (own["out_norm"] / root) if normed else total)
    return torch.stack(out)


def across(folder: Path, **config: object) -> Written:
    config = {**BASE, **CROSS, "transcode": True, **config}
    layers: list[Held] = []
    for layer in range(N_LAYERS):
        many = N_LAYERS - layer
        shapes: dict[str, tuple[int, ...]] = dict(ENCODER)
        if config["coalesce_topk"] == "none":
            shapes |= {f"b_decs.{j}": (D,) for j in range(many)}
            shapes |= {"W_dec": (N, D)} if config.get("per_source_tied") else {
                f"W_decs.{j}": (N, D) for j in range(many)
            }  # fmt: skip
        else:
            shapes |= {"b_dec": (D,), "W_dec": (N * (layer + 1 if config["coalesce_topk"] == "per-layer" else 1), D)}
        if config.get("post_encoder_scale"):
            shapes |= {f"post_enc_scales.{j}": (N,) for j in range(many)}
        if config.get("skip_connection"):
            shapes |= {"W_skips.0" if config["coalesce_topk"] == "none" else "W_skip": (D, D)}
        held = draw(70 + layer, **shapes)
        held |= {f"post_encs.{j}": draw(80 + layer, p=(N,))["p"].abs() for j in range(many)}
        if config.get("normalize_io"):
            held |= {name: draw(90 + layer, p=(1,))["p"].abs() + 1 for name in ("in_norm", "out_norm")}
        write(folder, f"layers.{layer}.mlp", {**config, "n_targets": many, "n_sources": layer + 1}, held)
        layers.append(held)
    return Written(
        folder,
        "clt_training",
        lambda x: runner(layers, config, x),
        "hook_resid_mid",
        "mlp.hook_out",
        kind="clt",
        optional=(*(f"post_enc_scales.{j}" for j in range(N_LAYERS)), "post_encs.0"),
        told={"read": "hook_resid_mid"},
    )


LAYOUTS: dict[str, Layout] = {
    "sparsify": lambda folder: sparsify_set(folder, "layers.{}.mlp", transcode=True),
    "sparsify with skip": lambda folder: sparsify_set(folder, "h.{}.mlp", transcode=True, skip=True),
    "sparsify autoencoders": lambda folder: sparsify_set(folder, "layers.{}", transcode=False),
    "clt-training": lambda folder: across(folder),
    "clt-training, scaled and divided": lambda folder: across(
        folder, normalize_io=True, post_encoder_scale=True, divide_cross_layer=True, skip_connection=True
    ),
    "clt-training, tied by source": lambda folder: across(folder, per_source_tied=True, post_encoder_scale=True),
    "clt-training, tied by target": lambda folder: across(folder, coalesce_topk="concat", skip_connection=True),
    "clt-training, grouped by target": lambda folder: across(folder, coalesce_topk="per-layer", normalize_io=True),
}
