"""Sets as Google publishes Gemma Scope (npz) and Gemma Scope 2 (safetensors); circuit-tracer lists such files, too."""

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
    per_layer,
    save,
)
from tests.io.transcoders.layouts_circuit_tracer import across, config

FIRST = {"W_enc": (D, N), "W_dec": (N, D), "b_enc": (N,), "b_dec": (D,), "threshold": (N,)}
SECOND = {"w_enc": (D, N), "b_enc": (N,), "b_dec": (D,), "threshold": (N,)}
HOOKS = ("model.layers.{}.pre_feedforward_layernorm.output", "model.layers.{}.post_feedforward_layernorm.output")
SITE = ("model.layers.{}.output",) * 2


def drawn(seed: int, **shapes: tuple[int, ...]) -> Held:
    held = draw(seed, **shapes)
    return {**held, "threshold": held["threshold"].abs()}


def first(folder: Path, *, repository: str = "", sparsities: tuple[int, ...] = (76,), scaled: bool = False) -> Written:
    """Gemma Scope in folders as published; of several ``sparsities`` the last is to be read."""
    path, shapes = folder / repository, {**FIRST, **({"scaling_factor": (N,)} if scaled else {})}
    layers: list[Held] = []
    for layer in range(N_LAYERS):
        for row, l0 in enumerate(sparsities):
            held = drawn(100 + 10 * layer + row, **shapes)
            save(held, path / f"layer_{layer}/width_16k/average_l0_{l0}/params.npz")
        layers.append(held)

    def one(w: Held, x: Tensor) -> Tensor:
        on = jump(x @ w["W_enc"] + w["b_enc"], w["threshold"]) * w.get("scaling_factor", torch.ones(N))
        return on @ w["W_dec"] + w["b_dec"]

    told = {} if repository else {"kind": "transcoders"}
    told |= {"l0": str(sparsities[-1])} if len(sparsities) > 1 else {}
    autoencoders = repository.endswith("-res")
    points = ("hook_resid_post",) * 2 if autoencoders else ("ln2.hook_normalized", "hook_mlp_out")
    formula, kind = per_layer(layers, one), "sae" if autoencoders else "plt"
    optional = ("scaling_factor",)
    beside = f"average_l0_{sparsities[0]}" if len(sparsities) > 1 else "\0"
    return Written(path, "gemma_scope", formula, *points, kind, optional, told=told, beside=beside)


def second(folder: Path, *, affine: bool = False, said: tuple[str, str] | None = HOOKS, more: bool = False) -> Written:
    """Gemma Scope 2 per layer; config.json says ``said``, or is missing and the folder's name says what it is."""
    shapes = {**SECOND, "w_dec": (N, D), **({"affine_skip_connection": (D, D)} if affine else {})}
    layers = [drawn(150 + layer, **shapes) for layer in range(N_LAYERS)]
    path = folder / "transcoder_all"
    for layer, held in enumerate(layers):
        place = path / f"layer_{layer}_width_16k_l0_small{'_affine' if affine else ''}"
        save(held, place / "params.safetensors")
        if more:
            save(drawn(170, **shapes), path / f"layer_{layer}_width_16k_l0_big" / "params.safetensors")
        if said is not None:
            table = {"architecture": "jump_relu", "model_name": "gemma-v3-270m-pt", "affine_connection": affine}
            table |= {f"hf_hook_point_{end}": hook.format(layer) for end, hook in zip(("in", "out"), said, strict=True)}
            (place / "config.json").write_text(json.dumps(table), "utf-8")

    def one(w: Held, x: Tensor) -> Tensor:
        out = jump(x @ w["w_enc"] + w["b_enc"], w["threshold"]) @ w["w_dec"] + w["b_dec"]
        return out + x @ w["affine_skip_connection"] if affine else out

    points = ("hook_resid_post",) * 2 if said == SITE else ("mlp.hook_in", "hook_mlp_out")
    kind = "sae" if said == SITE else "plt"
    told = {"variant": "width_16k_l0_small"} if more else {}
    return Written(path, "gemma_scope_2", per_layer(layers, one), *points, kind=kind, told=told, beside="l0_big")


def second_across(folder: Path, *, affine: bool) -> Written:
    """Gemma Scope 2 across layers; what stands below the own layer is no part of it."""
    shapes = {**SECOND, "w_dec": (N, N_LAYERS, D), **({"affine_skip_connection": (D, D)} if affine else {})}
    layers = [drawn(180 + layer, **shapes) for layer in range(N_LAYERS)]
    path = folder / "clt" / "width_262k_l0_small"
    for layer, held in enumerate(layers):
        save(held, path / f"params_layer_{layer}.safetensors")
    restated = [
        {name: held[name] for name in ("b_enc", "b_dec", "threshold")}
        | {"W_enc": held["w_enc"].T, "W_skip": held.get("affine_skip_connection", torch.zeros(D, D))}
        for held in layers
    ]
    pairs = [(source, target) for target in range(N_LAYERS) for source in range(target + 1)]
    decoders = {(source, target): layers[source]["w_dec"][:, target] for source, target in pairs}
    formula = across(restated, decoders, skip=affine)
    return Written(path, "gemma_scope_2", formula, "mlp.hook_in", "hook_mlp_out", kind="clt")


def listed(folder: Path, written: Written, kind: str) -> Written:
    """The same set read by way of a config.yaml of circuit-tracer that lists its files."""
    files = [file.relative_to(folder).as_posix() for file in written.files()]
    config(folder, kind, f"transcoders: {json.dumps(files)}")
    return Written(folder, "circuit_tracer", written.formula, "mlp.hook_in", "mlp.hook_out", kind=written.kind)


PUBLISHED = "gemma-scope-2b-pt-"
LAYOUTS: dict[str, Layout] = {
    "Gemma Scope": lambda folder: first(folder, repository=f"{PUBLISHED}transcoders"),
    "Gemma Scope, renamed, of several sparsities": lambda folder: first(folder, sparsities=(20, 300)),
    "Gemma Scope autoencoders": lambda folder: first(folder, repository=f"{PUBLISHED}res", scaled=True),
    "Gemma Scope in circuit-tracer's list": lambda folder: listed(folder, first(folder), "transcoder_set"),
    "Gemma Scope 2": lambda folder: second(folder),
    "Gemma Scope 2, affine": lambda folder: second(folder, affine=True),
    "Gemma Scope 2 without config.json, of several": lambda folder: second(folder, said=None, more=True),
    "Gemma Scope 2 autoencoders": lambda folder: second(folder, said=SITE),
    "Gemma Scope 2 across layers": lambda folder: second_across(folder, affine=False),
    "Gemma Scope 2 across layers, affine": lambda folder: second_across(folder, affine=True),
    "Gemma Scope 2 in circuit-tracer's list": lambda folder: listed(
        folder, second(folder, affine=True), "transcoder_set"
    ),
    "Gemma Scope 2 across layers in circuit-tracer's list": lambda folder: listed(
        folder, second_across(folder, affine=True), "cross_layer_transcoder"
    ),
}
