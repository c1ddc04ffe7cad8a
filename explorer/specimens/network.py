"""Network: a tiny transformer (docs/tiny-models.md) as arrays, and one pass through it with every part in sight.

Everything here is numpy, so that the window reads a specimen without the engine. explorer/models/tiny.py is the same
network in torch, and the oracle of this one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy import ndarray

from explorer.errors import UnsupportedModel
from explorer.shapes import Float, Int

Site = Literal["head", "neuron"]
Change = Callable[[Site, int, ndarray], ndarray]


def _relu(x: ndarray) -> ndarray:
    result: ndarray = np.maximum(x, 0)
    return result


def _gelu(x: ndarray) -> ndarray:
    """In the form with tanh, which numpy has."""
    result: ndarray = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return result


ACTIVATIONS = {"relu": _relu, "gelu_pytorch_tanh": _gelu, "gelu_new": _gelu}
KNOWN: Mapping[str, tuple[object, ...]] = {
    "norm": ("none", "layer"),
    "positions": ("learned", "none"),
    "hidden_act": tuple(ACTIVATIONS),
    "gated_mlp": (False,),
    "parallel": (False,),
}


@dataclass(frozen=True, eq=False)  # one is another than the next, and can be a key
class Network:
    """Weights by the names of docs/tiny-models.md, matrices [out, in]; ``settings`` are those of its config.json."""

    settings: Mapping[str, Any]
    weights: Mapping[str, ndarray]

    def __post_init__(self) -> None:
        for name, known in KNOWN.items():
            if self.settings[name] not in known:
                raise UnsupportedModel(
                    f"This specimen has {name} “{self.settings[name]}”, which is read as "
                    f"{' or '.join(map(str, known))} only; open it as a model instead."
                )

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(self.settings["tokens"])

    @property
    def n_layers(self) -> int:
        return int(self.settings["num_hidden_layers"])

    @property
    def n_heads(self) -> int:
        return int(self.settings["num_attention_heads"])

    @property
    def n_neurons(self) -> int:
        return int(self.settings["intermediate_size"])

    @property
    def n_parameters(self) -> int:
        return sum(weight.size for weight in self.weights.values())

    @property
    def unembedding(self) -> Float[ndarray, "d_vocab d_model"]:
        return self.weights["head.weight" if "head.weight" in self.weights else "embed.weight"]

    def linear(self, name: str, x: ndarray) -> ndarray:
        """``x`` through the matrix ``name``, and its shift if it has one."""
        result: ndarray = x @ self.weights[f"{name}.weight"].T
        shift = self.weights.get(f"{name}.bias")
        return result if shift is None else result + shift

    def normed(self, name: str, x: ndarray) -> ndarray:
        """``x`` through the LayerNorm ``name``; ``x`` itself if the model has none."""
        if self.settings["norm"] == "none":
            return x
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + self.settings["norm_eps"])
        result: ndarray = centred / scale * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]
        return result


@dataclass(frozen=True)
class Pass:
    """All that one run computes, for rows of tokens.

    ``resid[l]`` enters layer l and the last one leaves the stack; ``mixed`` is what each head gathers, before the
    output matrix; ``pattern`` is [row, head, query, key]; ``neurons`` are the activations.
    """

    resid: tuple[Float[ndarray, "row pos d_model"], ...]
    pattern: tuple[Float[ndarray, "row head pos pos"], ...]
    mixed: tuple[Float[ndarray, "row pos head d_head"], ...]
    neurons: tuple[Float[ndarray, "row pos neuron"], ...]
    logits: Float[ndarray, "row pos d_vocab"]


def unchanged(site: Site, layer: int, x: ndarray) -> ndarray:
    """The change that changes nothing."""
    return x


def run(network: Network, ids: Int[ndarray, "row pos"], change: Change = unchanged) -> Pass:
    """One pass; ``change`` puts other values for what heads gather (site "head") and for neurons.

    It is called with ``mixed`` [row, pos, head, d_head] and ``neurons`` [row, pos, neuron] of each layer.
    """
    x = network.weights["embed.weight"][ids]
    if network.settings["positions"] == "learned":
        x = x + network.weights["positions.weight"][: ids.shape[1]]
    resid: list[ndarray] = [x]
    patterns: list[ndarray] = []
    all_mixed: list[ndarray] = []
    all_neurons: list[ndarray] = []
    act = ACTIVATIONS[network.settings["hidden_act"]]
    for layer in range(network.n_layers):
        block = f"blocks.{layer}"
        pattern, mixed = attention(network, layer, x)
        mixed = change("head", layer, mixed)
        x = x + network.linear(f"{block}.attention.output", mixed.reshape(*x.shape[:2], -1))
        neurons = act(network.linear(f"{block}.mlp.up", network.normed(f"{block}.mlp_norm", x)))
        neurons = change("neuron", layer, neurons)
        x = x + network.linear(f"{block}.mlp.down", neurons)
        for kept, value in zip((resid, patterns, all_mixed, all_neurons), (x, pattern, mixed, neurons), strict=True):
            kept.append(value)
    logits = network.normed("final_norm", x) @ network.unembedding.T
    return Pass(tuple(resid), tuple(patterns), tuple(all_mixed), tuple(all_neurons), logits)


def attention(network: Network, layer: int, x: Float[ndarray, "row pos d_model"]) -> tuple[ndarray, ndarray]:
    """The pattern [row, head, query, key] of a layer and what each head gathers [row, pos, head, d_head]."""
    block = f"blocks.{layer}.attention"
    read = network.normed(f"blocks.{layer}.attention_norm", x)
    query, key, value = (
        network.linear(f"{block}.{part}", read).reshape(*x.shape[:2], network.n_heads, -1)
        for part in ("query", "key", "value")
    )
    scores = np.einsum("rqhd,rkhd->rhqk", query, key, optimize=True) * network.settings["attention_scale"]
    later = np.triu(np.ones(scores.shape[-2:], dtype=bool), 1)
    weight = np.exp(np.where(later, -np.inf, scores - np.where(later, -np.inf, scores).max(-1, keepdims=True)))
    pattern = weight / weight.sum(-1, keepdims=True)
    return pattern, np.einsum("rhqk,rkhd->rqhd", pattern, value, optimize=True)
