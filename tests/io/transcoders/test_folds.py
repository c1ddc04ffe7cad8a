"""Folded transcoders compute on the raw input what the producers' steps around them compute, in float64."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from explorer.io.transcoders import folds
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import Transcoder

N, D, TARGETS, BATCH = 7, 4, 3, 6
GENERATOR = torch.Generator().manual_seed(5)
KINDS = {
    "relu": Activation("relu"),
    "jumprelu": Activation("jumprelu", torch.rand(N, generator=GENERATOR, dtype=torch.float64)),
    "topk": Activation("topk", k=3),
}


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=GENERATOR, dtype=torch.float64)


def made(kind: str, *, skip: bool = False) -> Transcoder:
    W_skip = draw(D, D) if skip else None
    return Transcoder(draw(N, D), draw(N), draw(N, TARGETS, D), draw(D), KINDS[kind], W_skip)


def features(one: Transcoder, x: Tensor) -> Tensor:
    return one.activation(x @ one.W_enc.T + one.b_enc)


def outputs(one: Transcoder, x: Tensor, skipped: Tensor | None = None) -> Tensor:
    """(batch, targets, d); ``skipped`` is what the skip weights see, if not ``x``."""
    out = torch.einsum("bn,ntd->btd", features(one, x), one.W_dec)
    own = out[:, 0] + one.b_dec
    if one.W_skip is not None:
        own = own + (x if skipped is None else skipped) @ one.W_skip
    return torch.cat([own[:, None], out[:, 1:]], dim=1)


def same(found: Tensor, expected: Tensor) -> None:
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", [False, True])
def test_a_bias_subtracted_in_front_of_the_encoder(kind: str, skip: bool) -> None:
    raw, before, x = made(kind, skip=skip), draw(D), draw(BATCH, D)
    folded = folds.shifted(raw, before)
    same(features(folded, x), features(raw, x - before))
    same(outputs(folded, x), outputs(raw, x - before, skipped=x))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("shapes", [((), ()), ((D,), (D,)), ((D,), (TARGETS, D))])
def test_scales_of_input_and_output(kind: str, skip: bool, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    raw, x = made(kind, skip=skip), draw(BATCH, D)
    into, out = (draw(*shape).abs() + 0.5 for shape in shapes)
    folded = folds.scaled(raw, into, out)
    same(features(folded, x), features(raw, x * into))
    same(outputs(folded, x), outputs(raw, x * into) * out)


def test_plain_numbers_scale_too() -> None:
    raw, x = made("relu"), draw(BATCH, D)
    same(outputs(folds.scaled(raw, 64.0, 1 / 3.39), x), outputs(raw, x * 64.0) / 3.39)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", [False, True])
def test_standardised_inputs_and_outputs(kind: str, skip: bool) -> None:
    raw, x = made(kind, skip=skip), draw(BATCH, D)
    mean_in, std_in, mean_out, std_out = draw(D), draw(D).abs() + 0.5, draw(D), draw(TARGETS, D).abs() + 0.5
    folded = folds.standardised(raw, mean_in, std_in, mean_out, std_out)
    inner = (x - mean_in) / std_in
    expected = outputs(raw, inner) * std_out
    expected[:, 0] += mean_out
    same(features(folded, x), features(raw, inner))
    same(outputs(folded, x), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_norms_in_the_decision(kind: str) -> None:
    raw, x = made(kind), draw(BATCH, D)
    norm = raw.W_dec.square().sum((1, 2)).sqrt()
    pre = x @ raw.W_enc.T + raw.b_enc
    on = raw.activation(pre * norm) != 0
    expected = torch.einsum("bn,ntd->btd", pre * on, raw.W_dec)
    expected[:, 0] += raw.b_dec
    folded = folds.decoder_norms_included(raw)
    same(outputs(folded, x), expected)
    assert torch.equal(features(folded, x) != 0, on)
    unit = norm if kind == "topk" else 1.0
    same(features(folded, x), pre * on * unit)


def test_a_decoder_of_zeros_leaves_its_feature_off() -> None:
    raw = made("jumprelu")
    silent = replace(raw, W_dec=raw.W_dec * (torch.arange(len(raw.W_dec)) > 0)[:, None, None])
    folded = folds.decoder_norms_included(silent)
    assert folded.activation.threshold is not None
    assert bool(folded.activation.threshold.isfinite().all())
    x = 1000 * torch.randn(50, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert not bool(features(folded, x)[:, 0].any())


def test_narrow_weights_become_float32() -> None:
    raw = made("jumprelu", skip=True)
    narrow = Transcoder(
        *(getattr(raw, name).bfloat16() for name in ("W_enc", "b_enc", "W_dec", "b_dec")),
        activation=raw.activation.to(torch.zeros(1).bfloat16()),
        W_skip=torch.eye(D).bfloat16(),
    )
    folded = folds.shifted(narrow, torch.ones(D))
    assert {getattr(folded, name).dtype for name in ("W_enc", "b_enc", "W_dec", "b_dec", "W_skip")} == {torch.float32}
    assert folded.activation.threshold is not None
    assert folded.activation.threshold.dtype is torch.float32
    assert folds.wide(raw) is raw
    assert replace(folds.wide(narrow), activation=raw.activation).W_enc.tolist() == narrow.W_enc.tolist()
