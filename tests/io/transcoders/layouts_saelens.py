"""Sets as SAELens writes them, version 6 and older."""

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
    jump,
    largest,
    per_layer,
    save,
)

K = 3
BASE = {"W_enc": (D, N), "W_dec": (N, D), "b_enc": (N,), "b_dec": (D,)}
GATED = {"W_enc": (D, N), "W_dec": (N, D), "b_dec": (D,), "r_mag": (N,), "b_gate": (N,), "b_mag": (N,)}
HOOKS = ("blocks.{}.mlp.hook_in", "blocks.{}.hook_mlp_out")
SITE = "blocks.{}.hook_resid_post"


def shapes(architecture: str) -> dict[str, tuple[int, ...]]:
    more: dict[str, tuple[int, ...]] = {"threshold": (N,)} if "jumprelu" in architecture else {}
    more |= {"W_skip": (D, D)} if "skip" in architecture else {}
    return {**(GATED if architecture == "gated" else BASE), **more}


def drawn(seed: int, architecture: str, **more: tuple[int, ...]) -> Held:
    held = draw(seed, **shapes(architecture), **more)
    return held | {name: held[name].abs() for name in ("threshold",) if name in held}


def encoded(architecture: str, w: Held, x: Tensor, *, by_norms: bool = False) -> Tensor:
    """The features as the class of that name computes them."""
    if architecture == "gated":
        gate = (x @ w["W_enc"] + w["b_gate"] > 0).double()
        return gate * (x @ (w["W_enc"] * w["r_mag"].exp()) + w["b_mag"]).relu()
    pre = x @ w["W_enc"] + w["b_enc"]
    if "jumprelu" in architecture:
        return jump(pre.relu(), w["threshold"])
    if architecture == "topk":
        return largest(pre * w["W_dec"].norm(dim=-1) if by_norms else pre, K).relu()
    return pre.relu()


def current(folder: Path, architecture: str, *, hooks: tuple[str, str] = HOOKS, **settings: object) -> Written:
    """Version 6: settings of the model in ``metadata``."""
    transcodes = architecture.endswith("transcoder")
    subtract = not transcodes and settings.get("apply_b_dec_to_input", True)
    by_norms = bool(settings.get("rescale_acts_by_decoder_norm"))
    scale = 2.5 if settings.get("normalize_activations") == "expected_average_only_in" else 1.0
    layers = [drawn(200 + layer, architecture) for layer in range(N_LAYERS)]
    for layer, held in enumerate(layers):
        place = folder / f"layer_{layer}"
        save(held, place / "sae_weights.safetensors")
        names = dict(zip(("hook_name", "hook_name_out"), hooks, strict=True)) if transcodes else {"hook_name": SITE}
        metadata = {name: hook.format(layer) for name, hook in names.items() if hook}
        metadata |= {"model_name": "tiny", "sae_lens_version": "6.54.12"}
        table = {"d_in": D, "d_sae": N, "dtype": "float64", "device": "cpu", "apply_b_dec_to_input": not transcodes}
        table |= {"normalize_activations": "none", "reshape_activations": "none", "metadata": metadata, "d_out": D}
        table |= {"architecture": architecture, **settings}
        (place / "cfg.json").write_text(json.dumps(table), "utf-8")
        if scale != 1:
            (place / "activation_scaler.json").write_text(json.dumps({"scaling_factor": scale}), "utf-8")

    def one(w: Held, x: Tensor) -> Tensor:
        inside = x * scale - (w["b_dec"] if subtract else 0)
        W_dec = w["W_dec"] / w["W_dec"].norm(dim=-1, keepdim=True) if by_norms else w["W_dec"]
        out = (encoded(architecture, w, inside, by_norms=by_norms) @ W_dec + w["b_dec"]) / scale
        return out + x @ w["W_skip"].T if "W_skip" in w else out

    points = ("mlp.hook_in", "hook_mlp_out") if transcodes else ("hook_resid_post",) * 2
    told = {} if all(hooks) else {"read": points[0], "write": points[1]}
    kind = "plt" if transcodes else "sae"
    return Written(folder, "saelens", per_layer(layers, one), *points, kind=kind, told=told)


def older(folder: Path, activation: str = "relu", *, finetuned: bool = False, **settings: object) -> Written:
    """Versions 2 to 5: one flat table, with other names and defaults."""
    architecture = "topk" if activation == "topk" else str(settings.get("architecture", "standard"))
    more: dict[str, tuple[int, ...]] = {"scaling_factor": (N,)} if finetuned else {}
    layers = [drawn(230 + layer, architecture, **more) for layer in range(N_LAYERS)]
    for layer, held in enumerate(layers):
        place = folder / f"blocks.{layer}.hook_mlp_out"
        save(held, place / "sae_weights.safetensors")
        table = {"hook_point": f"blocks.{layer}.hook_mlp_out", "hook_point_layer": layer, "model_name": "tiny"}
        table |= {"d_in": D, "d_sae": N, "activation_fn_str": activation, "normalize_activations": False}
        table |= {"activation_fn_kwargs": {"k": K} if activation == "topk" else {}}
        table |= {"finetuning_scaling_factor": finetuned}
        (place / "cfg.json").write_text(json.dumps({**table, **settings}), "utf-8")

    def one(w: Held, x: Tensor) -> Tensor:
        on = encoded(architecture, w, x - w["b_dec"]) * w.get("scaling_factor", torch.ones(N))
        return on @ w["W_dec"] + w["b_dec"]

    points, optional = ("hook_mlp_out",) * 2, ("scaling_factor",)
    return Written(folder, "saelens", per_layer(layers, one), *points, kind="sae", optional=optional)


PLAIN = ("standard", "gated")
TRANSCODERS = ("transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder")
LAYOUTS: dict[str, Layout] = {
    **{f"SAELens {name}": lambda folder, name=name: current(folder, name) for name in TRANSCODERS},
    "SAELens without hooks": lambda folder: current(folder, "transcoder", hooks=("", "")),
    "SAELens scaled": lambda folder: current(
        folder, "skip_transcoder", normalize_activations="expected_average_only_in"
    ),
    **{f"SAELens {name} autoencoders": lambda folder, name=name: current(folder, name) for name in PLAIN},
    "SAELens autoencoders, b_dec after the decoder alone": lambda folder: current(
        folder, "jumprelu", apply_b_dec_to_input=False
    ),
    "SAELens TopK autoencoders": lambda folder: current(folder, "topk", k=K, rescale_acts_by_decoder_norm=True),
    "SAELens scaled autoencoders": lambda folder: current(
        folder, "jumprelu", normalize_activations="expected_average_only_in"
    ),
    "SAELens 3": lambda folder: older(folder),
    "SAELens 3, fine-tuned": lambda folder: older(folder, finetuned=True),
    "SAELens 3, TopK": lambda folder: older(folder, "topk"),
    "SAELens 5, gated": lambda folder: older(folder, architecture="gated", sae_lens_version="5.9.0"),
}
