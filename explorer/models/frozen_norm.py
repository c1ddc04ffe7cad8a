"""FrozenNorm: a LayerNorm or RMSNorm with its scale held at what it was on one prompt."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from explorer.errors import UnsupportedModel
from explorer.shapes import Float


@dataclass(frozen=True)
class FrozenNorm:
    """``y = C(x) / scale * gain + shift``; C subtracts the mean if ``centred``, else it does nothing.

    ``scale`` (n_pos) is sqrt(var + eps) or sqrt(mean square + eps) of the captured pass and is held constant, so
    the norm is an affine map at each position.
    """

    gain: Float[Tensor, " d_model"]
    shift: Float[Tensor, " d_model"] | None
    centred: bool
    scale: Float[Tensor, " n_pos"]

    def normalized(self, x: Float[Tensor, "n_pos d_model"]) -> Float[Tensor, "n_pos d_model"]:
        """``C(x) / scale``, before gain and shift."""
        return self.centre(x) / self.scale[:, None]

    def __call__(self, x: Float[Tensor, "n_pos d_model"]) -> Float[Tensor, "n_pos d_model"]:
        y = self.normalized(x) * self.gain
        return y if self.shift is None else y + self.shift

    def linear(self, x: Float[Tensor, "*batch d_model"], pos: Tensor | None = None) -> Float[Tensor, "*batch d_model"]:
        """The map without its shift. The first axis of ``x`` is the position, or at ``pos``."""
        return self.centre(x) / self._scale(x, pos) * self.gain

    def adjoint(self, g: Float[Tensor, "*batch d_model"], pos: Tensor | None = None) -> Float[Tensor, "*batch d_model"]:
        """Transpose of ``linear``."""
        return self.centre(g * self.gain) / self._scale(g, pos)

    def centre(self, x: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch d_model"]:
        """C, which is its own transpose."""
        return x - x.mean(-1, keepdim=True) if self.centred else x

    def _scale(self, like: Tensor, pos: Tensor | None) -> Tensor:
        scale = self.scale if pos is None else self.scale[pos]
        return scale.view(-1, *[1] * (like.ndim - 1))

    def to(self, device: torch.device, dtype: torch.dtype) -> FrozenNorm:
        shift = None if self.shift is None else self.shift.to(device, dtype)
        return FrozenNorm(self.gain.to(device, dtype), shift, self.centred, self.scale.to(device, dtype))


def factor(value: Tensor, n_pos: int, d_model: int) -> FrozenNorm:
    """Multiplication by one number, in the form of a norm (Gemma 4's layer_scalar); 1 is no norm at all."""
    gain = value.detach().cpu().double().reshape(1).expand(d_model)
    return FrozenNorm(gain, None, False, gain.new_ones(n_pos))


def freeze_norm(
    module: nn.Module, x: Float[Tensor, "n_pos d_model"], y: Float[Tensor, "n_pos d_model"]
) -> FrozenNorm:
    """Freeze ``module`` at the pass in which it turned ``x`` into ``y``.

    Gain (w or 1 + w), shift and centring are found by probing the module rather than from its class, the scale
    by least squares in float64 at each position, so that the same code serves every family; on the CPU, since not
    every device knows float64. UnsupportedModel if the module is not a norm of this form.
    """
    gain, shift, centred = _probe(module, x.shape[-1])
    x, y = x.cpu().double(), y.cpu().double()
    centred_x = x - x.mean(-1, keepdim=True) if centred else x
    scaled = centred_x * gain
    rest = y if shift is None else y - shift
    inverse = (scaled * rest).sum(-1) / (scaled * scaled).sum(-1).clamp_min(1e-300)
    return FrozenNorm(gain, shift, centred, 1.0 / inverse)


def _probe(module: nn.Module, d_model: int) -> tuple[Tensor, Tensor | None, bool]:
    """Gain and shift in float64 as the module stores them, and whether it centres.

    The module runs with its weights in float64: rounding its input to bfloat16 would hide its form.
    """
    exact = {name: parameter.detach().cpu().double() for name, parameter in module.named_parameters()}
    wave = torch.linspace(-1.0, 1.0, d_model, dtype=torch.float64).sin() + 0.5

    def run(x: Tensor) -> Tensor:
        y: Tensor = functional_call(module, exact, (x[None],))
        return y[0].double()

    with torch.no_grad():
        shift = run(torch.zeros_like(wave))
        y, moved = run(1e3 * wave) - shift, run(1e3 * (wave + 3.0)) - shift
    # The median over channels: one gain a hundred times the others' must not decide (real models have such).
    apart = ((y - moved).abs() / (y.abs() + moved.abs()))[(y != 0) | (moved != 0)]
    centred = bool(apart.numel()) and float(apart.median()) < 0.08
    base = wave - wave.mean() if centred else wave
    measured = y * (base * base).mean().sqrt() / torch.where(base.abs() > 1e-3, base, torch.ones_like(base))
    known = base.abs() > 1e-3
    return _stored_gain(module, measured, known), shift if bool(shift.any()) else None, centred


def _stored_gain(module: nn.Module, measured: Tensor, known: Tensor) -> Tensor:
    """The exact gain behind a measured one: the weight, one plus the weight, or one."""
    weight = getattr(module, "weight", None)
    stored = weight.detach().cpu().double() if isinstance(weight, Tensor) else torch.zeros_like(measured)
    for gain in (stored, 1.0 + stored):
        if torch.allclose(gain[known], measured[known], rtol=2e-2, atol=2e-2):
            return gain
    raise UnsupportedModel(
        f"The norm {type(module).__name__} is not of a form that can be frozen exactly; this model is not supported."
    )
