"""A case of the attribution benchmark: a random model and random transcoders on disk, and what its rows cost.

The model is a GPT-2-shaped Hugging Face folder, the transcoders are in circuit-tracer's layout: both sides read the
same files. Gemma-2-2b's shape is its sizes (26 layers, d_model 2304) in GPT-2's architecture, which both sides know
without a download. Weights are random: real ones change how many features are active, not what a row costs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

N_LOGITS = 10


@dataclass(frozen=True)
class Shape:
    """A GPT-2-shaped model, and transcoders with about ``active`` features on at each layer and position."""

    name: str
    n_layers: int
    d_model: int
    n_heads: int
    d_vocab: int
    d_transcoder: int
    active: int
    kind: str
    n_pos: int


def shape(model: str, kind: str, n_pos: int) -> Shape:
    """The case of that name; the numbers of active features are those of the published comparisons."""
    cross = kind == "clt"
    if model == "5x256":
        return Shape(model, 5, 256, 4, 2000, 2048, 20, kind, n_pos)
    if model == "6x384":
        return Shape(model, 6, 384, 6, 5000, 4096, 20 if cross else 40, kind, n_pos)
    if model == "gemma-2-2b":
        return Shape(model, 26, 2304, 18, 256000, 16384, 30, kind, n_pos)
    return Shape(model, 12, 768, 12, 50257, 4096 if cross else 16384, 20 if cross else 50, kind, n_pos)


def make(case: Shape, folder: Path, seed: int = 0) -> None:
    """Write model, transcoders, token ids and the shape itself into ``folder``."""
    import torch

    torch.manual_seed(seed)
    _model(case).save_pretrained(folder / "model")
    _transcoders(case, folder / "transcoders")
    ids = torch.randint(2, case.d_vocab, (case.n_pos,))
    ids[0] = 1
    (folder / "case.json").write_text(json.dumps({"shape": asdict(case), "ids": ids.tolist()}), "utf-8")


def read(folder: Path) -> tuple[Shape, list[int]]:
    held = json.loads((folder / "case.json").read_text("utf-8"))
    return Shape(**held["shape"]), held["ids"]


def _model(case: Shape) -> Any:
    import torch
    import transformers

    config = transformers.GPT2Config(
        n_layer=case.n_layers,
        n_embd=case.d_model,
        n_head=case.n_heads,
        vocab_size=case.d_vocab,
        n_positions=max(128, case.n_pos),
        bos_token_id=1,
        eos_token_id=1,
    )
    network = transformers.GPT2LMHeadModel(config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.02)
            elif "ln_" in name:
                parameter.normal_(1, 0.1)
            elif "c_attn" in name:
                parameter.normal_(0, 1.5 / case.d_model**0.5)
    return network


def _transcoders(case: Shape, folder: Path) -> None:
    """Pre-activations are about standard normal, so one threshold leaves the wanted share on."""
    import torch

    from explorer.io.transcoders import circuit_tracer
    from explorer.transcoders.activations import Activation
    from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint

    n, d = case.d_transcoder, case.d_model
    threshold = torch.full((n,), NormalDist().inv_cdf(1 - case.active / n))
    layers = [
        Transcoder(
            W_enc=torch.randn(n, d) / d**0.5,
            b_enc=torch.randn(n) * 0.02,
            W_dec=torch.randn(n, case.n_layers - layer if case.kind == "clt" else 1, d) / (10 * d**0.5),
            b_dec=torch.randn(d) * 0.02,
            activation=Activation("jumprelu", threshold),
        )
        for layer in range(case.n_layers)
    ]
    held = TranscoderSet(tuple(layers), ReadPoint.MLP_IN, WritePoint.RESIDUAL, model_name=f"random-{case.name}")
    circuit_tracer.write(held, folder)


def cone_flops(case: Shape, active: list[list[int]], targets: list[tuple[int, int]], first: int = 1) -> float:
    """Floating-point operations that rows at ``targets`` (layer, pos) need at least, by dense products.

    With c = pos + 1 - first positions of a row's causal cone, d = d_model and H d_head = d:

        own attention      2 d^2              W_O, at the target's position alone (not for logits)
                           2 c d + 2 c d^2    pattern column, W_V
        attention j = l-1 .. 1, each   2 c d^2 + c (c + 1) d + 2 c d^2     W_O, causal half of the pattern, W_V
        dots               2 d for each feature active in the cone (a cross-layer one in each layer it writes to
                           below l) and for each error
        embeddings         2 d for each position, and attention 0 once more: 4 c d^2 + c (c + 1) d

    ``active[layer][pos]`` counts features. What shares work between rows (forward pass, encoders) is left out.
    """
    d, total = case.d_model, 0.0
    for layer, pos in targets:
        c = pos + 1 - first
        between = 4 * c * d * d + c * (c + 1) * d
        if layer < case.n_layers:
            total += 2 * d * d + 2 * c * d + 2 * c * d * d
        total += between * (layer - 1 if layer > 0 else 0)
        if layer > 0:
            total += between + 2 * (pos + 1) * d
        for below in range(layer):
            held = sum(active[below][first : pos + 1])
            slots = layer - below if case.kind == "clt" else 1
            total += 2 * d * (held * slots + c)
    return total


def executed_flops(case: Shape, active: list[list[int]], targets: list[tuple[int, int]], first: int = 1) -> float:
    """What our sweep executes of ``cone_flops``, padding left out.

    A feature's own attention and the W_O of the next go through factors of rank r = heads + 1 (where r is less than
    the prompt's positions), and attention 0 is met by embeddings carried through it beforehand:

        own attention    4 d^2 + 2 c r d         instead of  2 d^2 + 2 c d + 2 c d^2
        the next W_O     2 r d^2 + 2 c r d       instead of  2 c d^2
        attention 0      c (c + 1) d             instead of  4 c d^2 + c (c + 1) d
    """
    d, rank = case.d_model, case.n_heads + 1
    total = cone_flops(case, active, targets, first)
    for layer, pos in targets:
        c = pos + 1 - first
        if layer > 0:
            total -= 4 * c * d * d
        if layer < case.n_layers:
            total += 4 * d * d + 2 * c * rank * d - (2 * d * d + 2 * c * d + 2 * c * d * d)
            if layer > 1 and rank < case.n_pos:
                total += 2 * rank * d * d + 2 * c * rank * d - 2 * c * d * d
    return total
