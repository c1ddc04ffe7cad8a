"""Sets as dictionary_learning and transcoder_circuits pickle them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from tests.io.transcoders.layouts import D, Held, Layout, N, Written, draw, jump, largest, per_layer

K = 3
LINEAR = {"encoder.weight": (N, D), "encoder.bias": (N,), "decoder.weight": (D, N)}
PARAMETERS = {"W_enc": (D, N), "b_enc": (N,), "W_dec": (N, D), "b_dec": (D,)}
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "AutoEncoder": {**LINEAR, "bias": (D,)},
    "AutoEncoderNew": {**LINEAR, "decoder.bias": (D,)},
    "GatedAutoEncoder": {
        **{"encoder.weight": (N, D), "decoder.weight": (D, N), "decoder_bias": (D,)},
        **{"r_mag": (N,), "gate_bias": (N,), "mag_bias": (N,)},
    },
    "AutoEncoderTopK": {**LINEAR, "b_dec": (D,)},
    "BatchTopKSAE": {**LINEAR, "b_dec": (D,)},
    "MatryoshkaBatchTopKSAE": PARAMETERS,
    "JumpReluAutoEncoder": {**PARAMETERS, "threshold": (N,)},
}


def autoencoder(kind: str, w: Held, x: Tensor) -> Tensor:
    if kind == "AutoEncoder":
        return encoded(w, x - w["bias"]).relu() @ w["decoder.weight"].T + w["bias"]
    if kind == "AutoEncoderNew":
        return encoded(w, x).relu() @ w["decoder.weight"].T + w["decoder.bias"]
    if kind == "GatedAutoEncoder":
        inner = (x - w["decoder_bias"]) @ w["encoder.weight"].T
        gate = (inner + w["gate_bias"] > 0).double()
        return gate * (w["r_mag"].exp() * inner + w["mag_bias"]).relu() @ w["decoder.weight"].T + w["decoder_bias"]
    if kind == "AutoEncoderTopK":
        return largest(encoded(w, x - w["b_dec"]).relu(), K) @ w["decoder.weight"].T + w["b_dec"]
    if kind == "BatchTopKSAE":
        return jump(encoded(w, x - w["b_dec"]).relu(), w["threshold"]) @ w["decoder.weight"].T + w["b_dec"]
    inner = (x if kind == "JumpReluAutoEncoder" else x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    return jump(inner, w["threshold"]).relu() @ w["W_dec"] + w["b_dec"]


def encoded(w: Held, x: Tensor) -> Tensor:
    return x @ w["encoder.weight"].T + w["encoder.bias"]


def dictionaries(folder: Path, kind: str) -> Written:
    n_layers = 2 if kind == "AutoEncoder" else 1  # each file is read in a process of its own, which takes time
    layers = [draw(40 + layer, **SHAPES[kind]) for layer in range(n_layers)]
    for layer, held in enumerate(layers):
        stored = dict(held)
        if "TopK" in kind:
            held["threshold"] = torch.tensor(0.25)
            stored |= {"k": torch.tensor(K, dtype=torch.int), "threshold": held["threshold"]}
        if kind == "MatryoshkaBatchTopKSAE":
            stored["group_sizes"] = torch.tensor([2, N - 2])
        inside = folder / f"resid_post_layer_{layer}" / "trainer_0"
        inside.mkdir(parents=True)
        torch.save(stored, inside / "ae.pt")
        trainer = {"dict_class": kind, "layer": layer, "lm_name": "tiny", "activation_dim": D, "dict_size": N, "k": K}
        config = {"trainer": {**trainer, "submodule_name": f"resid_post_layer_{layer}"}, "buffer": {"ctx_len": 128}}
        (inside / "config.json").write_text(json.dumps(config), "utf-8")
    formula = per_layer(layers, lambda w, x: autoencoder(kind, w, x))
    site = "hook_resid_post"
    optional = ("threshold", "group_sizes") if kind == "AutoEncoderTopK" else ("group_sizes",)
    return Written(folder, "dictionary_learning", formula, site, site, "sae", optional, free=("group_sizes",))


class LanguageModelSAERunnerConfig:
    """What transcoder_circuits pickles beside the tensors; ours, under its name."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


LanguageModelSAERunnerConfig.__module__ = "sae_training.config"
sys.modules.setdefault("sae_training", ModuleType("sae_training"))
sys.modules.setdefault("sae_training.config", ModuleType("sae_training.config"))
setattr(sys.modules["sae_training.config"], "LanguageModelSAERunnerConfig", LanguageModelSAERunnerConfig)  # noqa: B010


def checkpoint(layer: int, held: Held, *, transcodes: bool) -> dict[str, object]:
    place = f"blocks.{layer}.{'ln2.hook_normalized' if transcodes else 'hook_resid_post'}"
    config = {"hook_point": place, "hook_point_layer": layer, "d_in": D, "model_name": "gpt2-small"}
    config |= {"dtype": torch.float64, "device": torch.device("cpu"), "is_transcoder": transcodes}
    config |= {"out_hook_point": f"blocks.{layer}.hook_mlp_out" if transcodes else None, "hook_point_head_index": None}
    return {"cfg": LanguageModelSAERunnerConfig(**config), "state_dict": held}


def circuits(folder: Path, *, transcodes: bool = True) -> Written:
    shapes = {**PARAMETERS, **({"b_dec_out": (D,)} if transcodes else {})}
    layers = [draw(60 + layer, **shapes) for layer in range(2 if transcodes else 1)]
    for layer, held in enumerate(layers):
        name = f"final_sparse_autoencoder_gpt2-small_blocks.{layer}.ln2.hook_normalized_{N}.pt"
        torch.save(checkpoint(layer, held, transcodes=transcodes), folder / name)

    def one(w: Held, x: Tensor) -> Tensor:
        acts = ((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]).relu()
        return acts @ w["W_dec"] + w["b_dec_out" if transcodes else "b_dec"]

    places = ("ln2.hook_normalized", "hook_mlp_out") if transcodes else ("hook_resid_post",) * 2
    kind = "plt" if transcodes else "sae"
    return Written(folder, "transcoder_circuits", per_layer(layers, one), *places, kind=kind)


LAYOUTS: dict[str, Layout] = {
    **{f"dictionary_learning {kind}": lambda folder, kind=kind: dictionaries(folder, kind) for kind in SHAPES},
    "transcoder_circuits": circuits,
    "transcoder_circuits autoencoders": lambda folder: circuits(folder, transcodes=False),
}
