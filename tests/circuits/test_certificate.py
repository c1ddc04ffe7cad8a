"""The certificate notices every constant that is left out, and each invariant notices the mutation it is for.

Each test puts one fault into the program and asks which checks fail; without the fault none does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.circuits import frozen, influence, replacement, roots, sources
from explorer.circuits.aim import Targets, aim
from explorer.circuits.attribution import attribute
from explorer.circuits.frozen import FrozenModel
from explorer.circuits.graph import BiasClass
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.scores import worst_residual
from explorer.models.frozen_norm import FrozenNorm
from explorer.models.loader import LanguageModel, open_language_model
from explorer.transcoders.features import ActiveFeatures, encode
from explorer.transcoders.transcoder import TranscoderSet, WritePoint
from explorer.work import run as finish
from tests import tiny
from tests.circuits.books import Run, broken
from tests.oracle import open_norms

Patch = pytest.MonkeyPatch


def swap(monkeypatch: Patch, name: str, new: Callable[..., Any]) -> None:
    """Put ``new`` wherever a module of the mathematics holds the function ``name``."""
    holders = [module for key, module in sys.modules.items() if key.startswith("explorer.circuits.")]
    holders = [module for module in holders if hasattr(module, name)]
    assert holders, f"no module holds {name}"
    for module in holders:
        monkeypatch.setattr(module, name, new)


@cache
def opened(family: str) -> LanguageModel:
    return open_norms(open_language_model(tiny.saved(family), dtype="float64"))


def traced(family: str, kind: str = "plt", *, skip: bool = True) -> Run:
    """A run made now, under whatever has been patched."""
    model = opened(family)
    held = tiny.transcoders(model, kind, write=WritePoint.MLP_OUT, skip=skip)
    trace, local = tiny.replaced(model, held)
    targets = tiny.logits(model, trace)
    return Run(model, trace, local, targets, finish(attribute(local, targets)))


# Which constants a family has: llama (with attention biases), gpt2 (also shifts and positions), gemma2 (post norms).
CONSTANTS = {
    "llama": (BiasClass.B_DEC, BiasClass.ATTENTION, BiasClass.BOS_BLOCK),
    "gpt2": tuple(BiasClass),
    "gemma2": (BiasClass.B_DEC, BiasClass.ATTENTION, BiasClass.BOS_BLOCK),
}


@pytest.mark.parametrize("kind", ["plt", "clt"])
@pytest.mark.parametrize(
    ("family", "left_out"),
    [(family, constant) for family, constants in CONSTANTS.items() for constant in constants],
    ids=lambda value: getattr(value, "name", value),
)
def test_certificate_fails_without_a_constant(family: str, left_out: BiasClass, kind: str, monkeypatch: Patch) -> None:
    assert worst_residual(traced(family, kind).graph) <= 1e-12
    whole = roots.written_by_biases

    def without(local: LocalReplacementModel, *_: object) -> roots.Written:
        written = whole(local)
        for vectors in (written.start, *written.attention, *written.mlp):
            vectors[left_out] = 0
        return written

    swap(monkeypatch, "written_by_biases", without)
    assert worst_residual(traced(family, kind).graph) > 1e-3


@pytest.mark.parametrize("name", ["b_V", "b_O"])
@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
def test_certificate_fails_without_one_attention_bias(family: str, name: str, monkeypatch: Patch) -> None:
    whole = FrozenModel.bias_output

    def without(self: FrozenModel, layer: int, shift: Tensor | None, *, with_bias: bool) -> Tensor:
        weights = tuple(replace(own, **{name: None}) for own in self.weights)
        return whole(replace(self, weights=weights), layer, shift, with_bias=with_bias)

    monkeypatch.setattr(FrozenModel, "bias_output", without)
    assert worst_residual(traced(family).graph) > 1e-3


@pytest.mark.parametrize(("holder", "made_by", "field"), [(Targets, "aimed", "direct"), (aim, "aim", "constant")])
def test_certificate_fails_without_a_targets_own_constant(
    holder: Any, made_by: str, field: str, monkeypatch: Patch
) -> None:
    """The norm shift that an encoder reads directly; the encoder's bias."""
    whole = getattr(holder, made_by, holder)

    def without(*args: Any) -> Any:
        made = whole(*args)
        return replace(made, **{field: torch.zeros_like(getattr(made, field))})

    if holder is Targets:
        monkeypatch.setattr(Targets, made_by, without)
    else:
        swap(monkeypatch, made_by, without)
    assert worst_residual(traced("gpt2").graph) > 1e-3


@pytest.mark.parametrize("place", ["attention_norm", "mlp_post_norm", "attention_post_norm"])
def test_certificate_fails_without_the_shift_of_one_norm(place: str, monkeypatch: Patch) -> None:
    """Post norms with a shift exist in no family yet; one is put into the captured pass."""
    model = opened("gpt2")
    trace, held = model.run(tiny.PROMPT), tiny.transcoders(model, write=WritePoint.MLP_OUT, skip=True)
    layers = []
    for layer in trace.layers:
        norm = layer.attention_norm
        assert norm is not None
        layers.append(layer if place == "attention_norm" else replace(layer, **{place: norm}))
    trace = replace(trace, layers=tuple(layers))
    local = replacement.replace_locally(model, trace, held, torch.float64)
    targets = tiny.logits(model, trace)
    assert worst_residual(finish(attribute(local, targets))) <= 1e-12
    if place == "mlp_post_norm":
        monkeypatch.setattr(LocalReplacementModel, "write_shift", lambda self, layer: torch.zeros_like(self.error[0]))
    else:
        gone = {id(getattr(layer, place)) for layer in local.frozen.layers}
        whole = roots._shift
        monkeypatch.setattr(roots, "_shift", lambda norm: None if id(norm) in gone else whole(norm))
    assert worst_residual(finish(attribute(local, targets))) > 1e-3


def unfrozen_scale(monkeypatch: Patch) -> None:
    def live(self: FrozenNorm, x: Tensor) -> Tensor:
        centred = self.centre(x)
        return centred / (centred * centred).mean(-1, keepdim=True).sqrt()

    monkeypatch.setattr(FrozenNorm, "normalized", live)


def unfrozen_pattern(monkeypatch: Patch) -> None:
    """Replay attention as GPT-2 runs it, its pattern computed anew from the residual stream."""

    def live(self: FrozenModel, layer: int, x: Tensor) -> Tensor:
        network: Any = opened("gpt2").network
        block, n_pos = network.transformer.h[layer], self.n_pos
        mask = torch.full((1, 1, n_pos, n_pos), float("-inf"), dtype=x.dtype).triu(1)
        with torch.no_grad():
            out: Tensor = block.attn(block.ln_1(x[None]), attention_mask=mask)[0][0]
        return out

    monkeypatch.setattr(FrozenModel, "attention_output", live)


def dropped_gain_in_attention(monkeypatch: Patch) -> None:
    whole = frozen._fold

    def without(held: Any, weights: Any) -> Any:
        norm = held.attention_norm
        return whole(replace(held, attention_norm=replace(norm, gain=torch.ones_like(norm.gain))), weights)

    monkeypatch.setattr(frozen, "_fold", without)


def dropped_gain_at_encoders(monkeypatch: Patch) -> None:
    def without(self: LocalReplacementModel, layer: int, rows: Tensor, pos: Tensor) -> Tensor:
        norm = self.frozen.layers[layer].mlp_norm
        assert norm is not None
        return norm.centre(rows) / norm.scale[pos][:, None]

    monkeypatch.setattr(LocalReplacementModel, "read_seed", without)


def one_layer_late(monkeypatch: Patch) -> None:
    """A feature's decoders arrive one layer after the one they are for."""
    whole = sources.lay_out

    def late(local: LocalReplacementModel, *_: object) -> sources.Sources:
        layers = tuple(replace(t, W_dec=t.W_dec.roll(1, dims=1)) for t in local.transcoders.layers)
        return whole(replace(local, transcoders=replace(local.transcoders, layers=layers)))

    swap(monkeypatch, "lay_out", late)


def transposed_shares(monkeypatch: Patch) -> None:
    """Each effect divided by what its source sends instead of by what its target receives."""

    def by_source(graph: Any, mass: np.ndarray) -> np.ndarray:
        sent = np.bincount(graph.rows.source, np.abs(graph.rows.weight), minlength=len(graph))
        return graph.rows.weight / np.maximum(sent, 1e-10)[graph.rows.source]

    monkeypatch.setattr(influence, "edge_share", by_source)


def features_at_the_first_token(monkeypatch: Patch) -> None:
    def everywhere(held: TranscoderSet, reads: tuple[Tensor, ...], *_: object) -> ActiveFeatures:
        return encode(replace(held, zero_positions=0), reads)

    monkeypatch.setattr(replacement, "encode", everywhere)


def errors_at_the_first_token(monkeypatch: Patch) -> None:
    """The BOS block counted twice: as its bias node and as errors."""
    whole = sources.lay_out

    def double(local: LocalReplacementModel, *_: object) -> sources.Sources:
        error = local.error + local.bos_block
        return whole(replace(local, error=error, transcoders=replace(local.transcoders, zero_positions=0)))

    swap(monkeypatch, "lay_out", double)


def no_skip_from_targets(monkeypatch: Patch) -> None:
    swap(monkeypatch, "_skip_adjoint", lambda local, gradient, *rest: torch.zeros_like(gradient))


def no_skip_from_tokens(monkeypatch: Patch) -> None:
    monkeypatch.setattr(roots, "_skipped", lambda local, layer, mid, *rest: torch.zeros_like(mid))


def errors_before_the_skip(monkeypatch: Patch) -> None:
    """Errors that still hold what the skip connection writes (circuit-tracer's bug of pull request 76)."""
    monkeypatch.setattr(replacement, "_skipped", lambda held, reads, like: torch.zeros_like(like))


BOOKS, FREEZING, FLOW = "I2 certificate", "I4 doubled sources", "I6 conserved influence"

# Each with a model that has what it breaks, and the invariant that is there to notice it.
MUTATIONS: list[tuple[Callable[[Patch], None], str, str, str]] = [
    (unfrozen_scale, "llama", "plt", FREEZING),
    (unfrozen_scale, "gpt2", "clt", FREEZING),
    (unfrozen_pattern, "gpt2", "plt", FREEZING),
    (dropped_gain_in_attention, "llama", "plt", BOOKS),
    (dropped_gain_in_attention, "gemma2", "clt", BOOKS),
    (dropped_gain_at_encoders, "gpt2", "plt", BOOKS),
    (one_layer_late, "llama", "clt", BOOKS),
    (transposed_shares, "llama", "plt", FLOW),
    (features_at_the_first_token, "gpt2", "clt", BOOKS),
    (errors_at_the_first_token, "llama", "plt", BOOKS),
    (no_skip_from_targets, "llama", "plt", BOOKS),
    (no_skip_from_targets, "gemma2", "clt", BOOKS),
    (no_skip_from_tokens, "gpt2", "plt", BOOKS),
    (errors_before_the_skip, "llama", "plt", BOOKS),
]


@pytest.mark.parametrize(("family", "kind"), sorted({case[1:3] for case in MUTATIONS}))
def test_nothing_is_broken_without_a_mutation(family: str, kind: str) -> None:
    assert broken(traced(family, kind)) == []


@pytest.mark.parametrize(
    ("mutate", "family", "kind", "noticed_by"), MUTATIONS, ids=lambda value: getattr(value, "__name__", value)
)
def test_mutation_breaks_its_invariant(
    mutate: Callable[[Patch], None], family: str, kind: str, noticed_by: str, monkeypatch: Patch
) -> None:
    mutate(monkeypatch)
    assert noticed_by in broken(traced(family, kind))
