"""A frozen norm equals the module it was made from, whatever its kind, and is linear."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from explorer.errors import UnsupportedModel
from explorer.models.frozen_norm import FrozenNorm, freeze_norm


class OnePlus(nn.Module):
    """Gemma's RMSNorm: the stored weight is the gain less one."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * (1.0 + self.weight)


class Bare(nn.Module):
    """An RMSNorm without weights."""

    def forward(self, x: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()


def llama_norm(d_model: int) -> nn.Module:
    from transformers.models.llama.modeling_llama import LlamaRMSNorm

    norm: nn.Module = LlamaRMSNorm(d_model)
    return norm


KINDS = {
    "LayerNorm": (nn.LayerNorm, True),
    "LayerNorm without bias": (lambda d: nn.LayerNorm(d, bias=False), True),
    "LayerNorm without weights": (lambda d: nn.LayerNorm(d, elementwise_affine=False), True),
    "RMSNorm": (nn.RMSNorm, False),
    "LlamaRMSNorm": (llama_norm, False),
    "1 + w": (OnePlus, False),
    "bare RMSNorm": (lambda d: Bare(), False),
}


def made(kind: str, d_model: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[nn.Module, bool, Tensor]:
    """A norm with random weights, whether it centres, and an input of five positions of very different size."""
    build, centred = KINDS[kind]
    module = build(d_model).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.5 * torch.randn(parameter.shape, generator=generator).to(dtype)
    size = torch.tensor([1e-2, 0.3, 1.0, 30.0, 1e3], dtype=torch.float64)[:, None]
    x = size * torch.randn(5, d_model, generator=generator, dtype=torch.float64) + 0.3 * size
    return module, centred, x.to(dtype)


def frozen(module: nn.Module, x: Tensor) -> FrozenNorm:
    with torch.no_grad():
        return freeze_norm(module, x, module(x))


@pytest.mark.parametrize("d_model", [3, 7, 64, 129])
@pytest.mark.parametrize("kind", list(KINDS))
def test_frozen_norm_equals_its_module(kind: str, d_model: int) -> None:
    module, centred, x = made(kind, d_model)
    norm = frozen(module, x)
    assert norm.centred is centred
    tolerance = 1e-6 if kind == "LlamaRMSNorm" else 1e-12  # transformers' computes in float32
    torch.testing.assert_close(norm(x), module(x).detach(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", list(KINDS))
def test_gain_and_shift_are_the_stored_ones(kind: str) -> None:
    module, _, x = made(kind, 9)
    norm, weight = frozen(module, x), getattr(module, "weight", None)
    gain = torch.ones(9, dtype=torch.float64) if weight is None else weight.detach() + (kind == "1 + w")
    torch.testing.assert_close(norm.gain, gain, rtol=0, atol=0)
    bias = getattr(module, "bias", None)
    if bias is None:
        assert norm.shift is None
    else:
        torch.testing.assert_close(norm.shift, bias.detach(), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", ["LayerNorm", "LlamaRMSNorm", "1 + w"])
def test_low_precision_is_recognised(kind: str, dtype: torch.dtype) -> None:
    module, centred, x = made(kind, 33, dtype=dtype)
    norm = frozen(module, x)
    assert norm.centred is centred
    tolerance = 1e-6 if dtype is torch.float32 else 2e-2
    torch.testing.assert_close(norm(x.double()), module(x).detach().double(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["LayerNorm", "RMSNorm", "1 + w"])
def test_one_huge_gain_does_not_confuse_it(kind: str) -> None:
    """Real models have a channel whose gain is a hundred times the others', and it may be any channel."""
    for channel in range(41):
        module, centred, x = made(kind, 41)
        with torch.no_grad():
            module.get_parameter("weight")[channel] = 100.0
        norm = frozen(module, x)
        assert norm.centred is centred, channel
        torch.testing.assert_close(norm(x), module(x).detach())


def test_channels_without_gain_are_ignored() -> None:
    module, centred, x = made("RMSNorm", 41)
    with torch.no_grad():
        module.get_parameter("weight")[:30] = 0.0
    norm = frozen(module, x)
    assert norm.centred is centred
    torch.testing.assert_close(norm(x), module(x).detach())


def test_the_scale_stays_when_the_input_changes() -> None:
    module, _, x = made("LayerNorm", 8)
    norm = frozen(module, x)
    assert norm.shift is not None
    torch.testing.assert_close(norm(3 * x) - norm.shift, 3 * (norm(x) - norm.shift))


def test_centring_is_its_own_transpose() -> None:
    module, _, x = made("LayerNorm", 8)
    norm, y = frozen(module, x), torch.randn(5, 8, dtype=torch.float64)
    torch.testing.assert_close((norm.centre(x) * y).sum(), (x * norm.centre(y)).sum())


def test_a_position_of_zeros_stays_zero() -> None:
    module, _, x = made("RMSNorm", 8)
    x[2] = 0
    assert frozen(module, x)(x)[2].tolist() == [0.0] * 8


class Squared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        return x * x.abs() / (x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


def test_what_is_no_norm_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModel, match="Squared"):
        frozen(Squared(), torch.randn(3, 8))
