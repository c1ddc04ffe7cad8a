"""Sets as OpenMOSS's Language-Model-SAEs and Llama Scope write them."""

from __future__ import annotations

import json
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

K = 3
READ, WRITE = "blocks.{}.ln2.hook_normalized", "blocks.{}.hook_mlp_out"
LOG = "activation_function.log_jumprelu_threshold"
SHAPES = {"W_E": (D, N), "b_E": (N,), "W_D": (N, D), "b_D": (D,), LOG: (N,)}


def activated(kind: str, pre: Tensor, norm: Tensor, log_threshold: Tensor) -> Tensor:
    """The activation function decides by ``pre`` times the decoder's norm and leaves the unit of ``pre``."""
    scaled = pre * norm
    kept = {"relu": scaled.relu(), "jumprelu": jump(scaled, log_threshold.exp()), "topk": largest(scaled.relu(), K)}
    return kept[kind] / norm


def layer_set(
    folder: Path, kind: str, *, transcodes: bool = True, folded: bool = False, pickled: bool = False
) -> Written:
    # a pickle is read in a process of its own, which takes time
    layers = [draw(layer, **SHAPES) for layer in range(1 if pickled else N_LAYERS)]
    names = (READ, WRITE) if transcodes else ("blocks.{}.hook_resid_post",) * 2
    averages = {name: 2.5 + row for row, name in enumerate(dict.fromkeys(names))}
    for layer, held in enumerate(layers):
        stored = {name: tensor for name, tensor in held.items() if kind == "jumprelu" or name != LOG}
        if not folded:
            stored |= {
                f"dataset_average_activation_norm.{name.format(layer)}": torch.tensor(average + layer).double()
                for name, average in averages.items()
            }
        inside = folder / f"layer{layer}"
        inside.mkdir()
        if pickled:
            torch.save({"sae": stored, "version": "0"}, inside / "sae_weights.pt")
        else:
            save(stored, inside / "sae_weights.safetensors")
        config = {"sae_type": "sae", "d_model": D, "expansion_factor": N / D, "act_fn": kind, "top_k": K}
        config |= {"hook_point_in": names[0].format(layer), "hook_point_out": names[1].format(layer)}
        config |= {"norm_activation": "inference" if folded else "dataset-wise", "use_decoder_bias": True}
        (inside / "config.json").write_text(json.dumps(config), "utf-8")

    def formula(x: Tensor) -> Tensor:
        out = []
        for layer, (w, rows) in enumerate(zip(layers, x, strict=True)):
            into, back = (1.0 if folded else D**0.5 / (averages[name] + layer) for name in names)
            pre = rows * into @ w["W_E"] + w["b_E"]
            acts = activated(kind, pre, w["W_D"].norm(dim=1), w[LOG])
            out.append((acts @ w["W_D"] + w["b_D"]) / back)
        return torch.stack(out)

    places = ("ln2.hook_normalized", "hook_mlp_out") if transcodes else ("hook_resid_post",) * 2
    return Written(folder, "openmoss", formula, *places, kind="plt" if transcodes else "sae")


def across(folder: Path, kind: str, *, by_norm: bool = True) -> Written:
    many = {f"W_D.{to}": (to + 1, N, D) for to in range(N_LAYERS)} | {f"b_D.{to}": (D,) for to in range(N_LAYERS)}
    held = draw(3, W_E=(N_LAYERS, D, N), b_E=(N_LAYERS, N), **{LOG: (N_LAYERS, N)}, **many)
    hooks_in = [f"blocks.{layer}.hook_resid_mid" for layer in range(N_LAYERS)]
    hooks_out = [WRITE.format(layer) for layer in range(N_LAYERS)]
    averages = {hook: 1.5 + row for row, hook in enumerate((*hooks_in, *hooks_out))}
    stored = {name: tensor for name, tensor in held.items() if kind == "jumprelu" or name != LOG}
    stored |= {f"dataset_average_activation_norm.{hook}": torch.tensor(value) for hook, value in averages.items()}
    save(stored, folder / "sae_weights.safetensors")
    config = {"sae_type": "clt", "d_model": D, "expansion_factor": N / D, "act_fn": kind, "top_k": K}
    config |= {"hook_points_in": hooks_in, "hook_points_out": hooks_out, "sparsity_include_decoder_norm": by_norm}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")

    def formula(x: Tensor) -> Tensor:
        acts = []
        for layer in range(N_LAYERS):
            pre = x[layer] * (D**0.5 / averages[hooks_in[layer]]) @ held["W_E"][layer] + held["b_E"][layer]
            squares = sum(held[f"W_D.{to}"][layer].pow(2).sum(-1) for to in range(layer, N_LAYERS))
            norm = torch.as_tensor(squares).sqrt() if by_norm else torch.ones(N)
            acts.append(activated(kind, pre, norm, held[LOG][layer]))
        out = []
        for to in range(N_LAYERS):
            decoded = sum(acts[source] @ held[f"W_D.{to}"][source] for source in range(to + 1)) + held[f"b_D.{to}"]
            out.append(decoded * averages[hooks_out[to]] / D**0.5)
        return torch.stack(out)

    return Written(folder, "openmoss", formula, "hook_resid_mid", "hook_mlp_out", kind="clt")


def llama_scope(folder: Path) -> Written:
    shapes = {"encoder.weight": (N, D), "encoder.bias": (N,), "decoder.weight": (D, N), "decoder.bias": (D,)}
    layers = [draw(20 + layer, **shapes) for layer in range(N_LAYERS)]
    for layer, held in enumerate(layers):
        inside = folder / f"Llama3_1-8B-Base-L{layer}TC-8x"
        save(held, inside / "checkpoints" / "final.safetensors")
        config = {"d_model": D, "d_sae": N, "act_fn": "jumprelu", "jump_relu_threshold": 0.25, "top_k": 50}
        config |= {"hook_point_in": READ.format(layer), "hook_point_out": WRITE.format(layer)}
        config |= {"dataset_average_activation_norm": {"in": 4.0, "out": 0.5 + layer}, "use_decoder_bias": True}
        config |= {"norm_activation": "dataset-wise", "apply_decoder_bias_to_pre_encoder": False}
        (inside / "hyperparams.json").write_text(json.dumps(config), "utf-8")
    return Written(folder, "llama_scope", scope_formula(layers), "ln2.hook_normalized", "hook_mlp_out")


def scope_formula(layers: list[Held]) -> Formula:
    def one(w: Held, x: Tensor) -> Tensor:
        pre = x * (D**0.5 / 4.0) @ w["encoder.weight"].T + w["encoder.bias"]
        acts = pre * (pre * w["decoder.weight"].norm(dim=0) > 0.25)
        return acts @ w["decoder.weight"].T + w["decoder.bias"]

    decoded = per_layer(layers, one)
    return lambda x: decoded(x) * torch.tensor([0.5 + layer for layer in range(N_LAYERS)])[:, None, None] / D**0.5


LAYOUTS: dict[str, Layout] = {
    "OpenMOSS JumpReLU": lambda folder: layer_set(folder, "jumprelu"),
    "OpenMOSS TopK": lambda folder: layer_set(folder, "topk"),
    "OpenMOSS ReLU, norms folded, pickled": lambda folder: layer_set(folder, "relu", folded=True, pickled=True),
    "OpenMOSS autoencoders": lambda folder: layer_set(folder, "jumprelu", transcodes=False),
    "OpenMOSS across layers": lambda folder: across(folder, "jumprelu"),
    "OpenMOSS across layers, TopK": lambda folder: across(folder, "topk"),
    "OpenMOSS across layers, ReLU": lambda folder: across(folder, "relu", by_norm=False),
    "Llama Scope": llama_scope,
}
