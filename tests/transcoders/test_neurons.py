"""Neurons of a plain and of a gated MLP, against the formulas written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu, silu

from explorer.errors import UnsupportedTranscoder
from explorer.transcoders import neurons
from explorer.transcoders.activations import Activation
from explorer.transcoders.features import encode
from explorer.transcoders.neurons import FLOOR, reconstruct, strongest
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint

D, N, N_POS = 5, 11, 4


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X = drawn(N_POS, D, seed=1)


def mlp(*, gated: bool, k: int = N) -> Transcoder:
    return Transcoder(
        W_enc=drawn(N, D, seed=2),
        b_enc=drawn(N, seed=3),
        W_dec=drawn(N, 1, D, seed=4),
        b_dec=drawn(D, seed=5),
        activation=Activation("own", k=k, function=silu if gated else gelu),
        W_gate=drawn(N, D, seed=6) if gated else None,
        b_gate=drawn(N, seed=7) if gated else None,
    )


def by_hand(one: Transcoder) -> tuple[Tensor, Tensor]:
    """Pre-activations and activations of all neurons."""
    linear = X @ one.W_enc.T + one.b_enc
    if one.W_gate is None:
        return linear, gelu(linear)
    value = silu(X @ one.W_gate.T + one.b_gate) * linear
    return value, value


@pytest.mark.parametrize("gated", [False, True])
def test_all_neurons_together_write_what_the_mlp_writes(gated: bool) -> None:
    one = mlp(gated=gated)
    torch.testing.assert_close(reconstruct(one, X), by_hand(one)[1] @ one.W_dec[:, 0] + one.b_dec)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("k", [1, 3, 50])
def test_the_strongest_of_each_position_are_kept(gated: bool, k: int) -> None:
    one = mlp(gated=gated, k=k)
    pre, activation = by_hand(one)
    written = activation.abs() * one.W_dec[:, 0].norm(dim=1)
    pos, neuron, value, before, _ = strongest(one, X, 1)
    assert pos.tolist() == sorted(pos.tolist())
    for p in range(N_POS):
        own = neuron[pos == p].tolist()
        strongest_first = written[p].argsort(descending=True)[:k].tolist()
        enough = [n for n in strongest_first if written[p, n] > FLOOR * written[p].max()]
        assert own == ([] if p == 0 else sorted(enough))
    torch.testing.assert_close(value, activation[pos, neuron])
    torch.testing.assert_close(before, pre[pos, neuron])


def test_a_silent_position_keeps_nothing() -> None:
    one = mlp(gated=False)
    quiet = Transcoder(one.W_enc, one.b_enc * 0, one.W_dec, one.b_dec, one.activation)
    assert len(strongest(quiet, X * 0, 0)[0]) == 0


@pytest.mark.parametrize("gated", [False, True])
def test_encoder_row_and_bias_give_the_pre_activation(gated: bool) -> None:
    """Linear in what is read, with the gate where it was: row . x + bias is the neuron's value."""
    held = TranscoderSet((mlp(gated=gated),) * 2, ReadPoint.MLP_IN, WritePoint.MLP_OUT, zero_positions=0)
    assert held.kind == "neurons"
    found = encode(held, (X, 2 * X))
    for layer, x in enumerate((X, 2 * X)):
        own = found.of_layer(layer)
        rows = found.encoder_rows(held, layer)
        torch.testing.assert_close((rows * x[found.pos[own]]).sum(1) + found.b_enc[own], found.pre[own])
    assert torch.equal(found.gate, torch.ones_like(found.gate)) != gated
    assert torch.equal(found.pre, found.activation) == gated


def test_the_floor_can_be_told_from_keeping_all(monkeypatch: pytest.MonkeyPatch) -> None:
    one = mlp(gated=True)
    some = len(strongest(one, X, 0)[0])
    monkeypatch.setattr(neurons, "FLOOR", 0.0)
    assert some < len(strongest(one, X, 0)[0]) == N * N_POS


@pytest.mark.parametrize("settings", [{"kind": "own", "k": 3}, {"kind": "own", "function": gelu}])
def test_an_own_activation_needs_its_function_and_how_many_to_keep(settings: dict[str, object]) -> None:
    with pytest.raises(UnsupportedTranscoder):
        Activation(**settings)  # type: ignore[arg-type]


def test_other_activations_have_no_function() -> None:
    with pytest.raises(UnsupportedTranscoder, match="no other has one"):
        Activation("relu", function=gelu)
