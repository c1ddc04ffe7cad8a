"""Training of transcoders: BatchTopK on stored contexts, exported as JumpReLU.

1. Draw a batch of contexts, each in proportion to its weight.
2. Score every feature of every context: its positive pre-activation times the length of its decoder, in
   standard deviations of the outputs it writes to; the choice does not depend on the scale of a layer.
3. Keep the ``k`` x batch largest scores of a layer (BatchTopK, arXiv 2412.06410); ``k`` falls from four times
   its value over the first 30 % of the steps. A running mean of the smallest kept score is the cut-off.
4. Loss: squared error over the variance of the outputs, averaged over the layers. The features that have been
   silent for some steps learn to reconstruct what the others leave over (AuxK, arXiv 2406.04093), so that
   they find a use.
5. A feature's threshold is the cut-off over the length of its decoder (JumpReLU, arXiv 2407.14435).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.errors import GraphError
from explorer.shapes import Float
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from explorer.work import Progress, Work

WARM_UP = 50
SILENT_STEPS, SILENT_WEIGHT = 20, 1 / 32


@dataclass(frozen=True)
class TrainingSettings:
    """How to train: ``kind`` "plt" or "clt", features per layer, active ones per context, and the rest."""

    kind: str
    d_transcoder: int
    k: int
    steps: int = 800
    batch: int = 512
    learning_rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("plt", "clt"):
            raise GraphError(f"Transcoders of kind “{self.kind}” cannot be trained; choose plt or clt.")
        if not 0 < self.k <= self.d_transcoder:
            raise GraphError(f"k is {self.k}; it must lie between 1 and the width {self.d_transcoder}.")
        if min(self.steps, self.batch) < 1:
            raise GraphError(
                f"{self.steps} steps of {self.batch} contexts train nothing; use at least 1 of each."
            )


@dataclass(frozen=True)
class Quality:
    """Per layer: the share of variance explained, active features per context, features ever active."""

    variance_explained: tuple[float, ...]
    active: tuple[float, ...]
    alive: tuple[int, ...]


@dataclass
class _Layer:
    """The parameters of one source layer while they are trained, and what is known of its features."""

    W_enc: Tensor
    b_enc: Tensor
    W_dec: Tensor
    b_dec: Tensor
    sigma: Tensor  # standard deviation of each output layer written to
    silent: Tensor  # steps since each feature was kept
    cut_off: float | None = None

    def parameters(self) -> list[Tensor]:
        return [self.W_enc, self.b_enc, self.W_dec, self.b_dec]

    def lengths(self) -> Tensor:
        """Length of each feature's decoder over all its targets, in standard deviations of each."""
        lengths: Tensor = torch.linalg.vector_norm(self.W_dec / self.sigma[:, None], dim=(1, 2))
        return lengths

    def keep(self, pre: Tensor, per_row: float) -> Tensor:
        """The activations that BatchTopK leaves; updates the cut-off and the silence."""
        score = pre.detach().relu() * self.lengths().detach()
        kept, now = _largest(score, per_row)
        self.cut_off = now if self.cut_off is None else 0.98 * self.cut_off + 0.02 * now
        self.silent = torch.where(kept.any(0), torch.zeros_like(self.silent), self.silent + 1)
        return torch.where(kept, pre, torch.zeros_like(pre))

    def wake(self, pre: Tensor, per_row: float) -> Tensor:
        """The activations that BatchTopK leaves among the silent features alone."""
        score = pre.detach().relu() * self.lengths().detach() * (self.silent > SILENT_STEPS)
        kept, _ = _largest(score, per_row)
        return torch.where(kept, pre, torch.zeros_like(pre))


def _largest(score: Tensor, per_row: float) -> tuple[Tensor, float]:
    """Where the ``per_row`` x rows largest positive scores are, and the smallest of them."""
    n_kept = max(1, min(round(per_row * len(score)), score.numel()))
    smallest = score.flatten().topk(n_kept, sorted=False).values.min()
    return (score >= smallest) & (score > 0), float(smallest)


def train(
    inputs: Float[Tensor, "n_layers n_contexts d_model"],
    outputs: Float[Tensor, "n_layers n_contexts d_model"],
    weight: Float[Tensor, " n_contexts"],
    settings: TrainingSettings,
    read: ReadPoint = ReadPoint.MLP_IN,
    write: WritePoint = WritePoint.MLP_OUT,
) -> Work[TranscoderSet]:
    """Transcoders that map ``inputs`` to ``outputs``; contexts are drawn in proportion to ``weight``.

    The same settings and data give the same transcoders on one machine with one thread.
    """
    share = weight.cpu().double().cumsum(0) / weight.cpu().double().sum()  # not every device knows float64
    variance = _variance(outputs, weight)
    generator = torch.Generator().manual_seed(settings.seed)
    layers = _start(inputs, outputs, weight, variance, settings, generator)
    optimiser = torch.optim.Adam(
        [p for layer in layers for p in layer.parameters()], lr=settings.learning_rate, betas=(0.9, 0.99)
    )
    for step in range(settings.steps):
        yield Progress(step, settings.steps, "Train transcoders")
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings.steps)
        drawn = torch.rand(settings.batch, generator=generator, dtype=torch.float64)
        rows = torch.searchsorted(share, drawn).clamp(max=len(share) - 1).to(inputs.device)
        loss = _loss(layers, inputs[:, rows], outputs[:, rows], variance, _per_row(step, settings))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return TranscoderSet(tuple(_exported(layer) for layer in layers), read, write)


def reconstruct(
    transcoders: TranscoderSet, inputs: Float[Tensor, "n_layers n_contexts d_model"]
) -> tuple[list[Float[Tensor, "n_contexts d_transcoder"]], Float[Tensor, "n_layers n_contexts d_model"]]:
    """The activations of each layer, and what all layers together write."""
    activations = [
        layer.activation(x @ layer.W_enc.T + layer.b_enc)
        for layer, x in zip(transcoders.layers, inputs, strict=True)
    ]
    b_dec = [layer.b_dec for layer in transcoders.layers]
    return activations, _decode(activations, [layer.W_dec for layer in transcoders.layers], b_dec)


def quality(
    transcoders: TranscoderSet,
    inputs: Float[Tensor, "n_layers n_contexts d_model"],
    outputs: Float[Tensor, "n_layers n_contexts d_model"],
) -> Quality:
    """How well ``transcoders`` stand in for the MLPs on these contexts, each counted once."""
    activations, guess = reconstruct(transcoders, inputs)
    error = (outputs - guess).cpu().double().square().mean((1, 2))
    variance = _variance(outputs.cpu().double(), torch.ones(outputs.shape[1], dtype=torch.float64))
    return Quality(
        tuple((1 - error / variance).tolist()),
        tuple(float((a > 0).sum(1).float().mean()) for a in activations),
        tuple(int((a > 0).any(0).sum()) for a in activations),
    )


def _variance(outputs: Tensor, weight: Tensor) -> Tensor:
    """Variance of each layer's outputs around their weighted mean, averaged over d_model."""
    share = (weight / weight.sum()).to(outputs.dtype)[None, :, None]
    centred = outputs - (outputs * share).sum(1, keepdim=True)
    return (centred.square() * share).sum(1).mean(1)


def _start(
    inputs: Tensor, outputs: Tensor, weight: Tensor, variance: Tensor, settings: TrainingSettings,
    generator: torch.Generator,
) -> list[_Layer]:  # fmt: skip
    n_layers, _, d_model = inputs.shape
    share = (weight / weight.sum()).to(inputs.dtype)[:, None]
    layers = []
    for at, x in enumerate(inputs):
        n_targets = n_layers - at if settings.kind == "clt" else 1
        sigma = variance[at : at + n_targets].sqrt()
        direction = torch.randn(settings.d_transcoder, d_model, generator=generator)
        decoder = torch.randn(settings.d_transcoder, n_targets, d_model, generator=generator)
        length = (x.square().sum(1, keepdim=True) * share).sum().sqrt()
        layers.append(
            _Layer(
                W_enc=((direction / direction.norm(dim=1, keepdim=True)).to(x) / length).requires_grad_(),
                b_enc=x.new_zeros(settings.d_transcoder).requires_grad_(),
                W_dec=(decoder.to(x) * (0.1 / d_model**0.5) * sigma[:, None]).requires_grad_(),
                b_dec=(outputs[at] * share).sum(0).requires_grad_(),
                sigma=sigma,
                silent=torch.zeros(settings.d_transcoder, dtype=torch.long, device=x.device),
            )
        )
    return layers


def _loss(layers: Sequence[_Layer], x: Tensor, y: Tensor, variance: Tensor, per_row: float) -> Tensor:
    pre = [rows @ layer.W_enc.T + layer.b_enc for layer, rows in zip(layers, x, strict=True)]
    W_dec, b_dec = [layer.W_dec for layer in layers], [layer.b_dec for layer in layers]
    woken = [layer.wake(rows, per_row) for layer, rows in zip(layers, pre, strict=True)]
    kept = [layer.keep(rows, per_row) for layer, rows in zip(layers, pre, strict=True)]
    left = y - _decode(kept, W_dec, b_dec)
    still = left.detach() - _decode(woken, W_dec, [torch.zeros_like(bias) for bias in b_dec])
    return (_relative(left, variance) + SILENT_WEIGHT * _relative(still, variance)).mean()


def _relative(error: Tensor, variance: Tensor) -> Tensor:
    """Mean square of each layer's ``error`` over the variance of its outputs."""
    return error.square().mean((1, 2)) / variance


def _decode(activations: Sequence[Tensor], W_dec: Sequence[Tensor], b_dec: Sequence[Tensor]) -> Tensor:
    """What all layers write together, by target layer."""
    written = [bias.expand(len(activations[0]), -1) for bias in b_dec]
    for source, (activation, decoder) in enumerate(zip(activations, W_dec, strict=True)):
        for ahead in range(decoder.shape[1]):
            written[source + ahead] = written[source + ahead] + activation @ decoder[:, ahead]
    return torch.stack(written)


def _exported(layer: _Layer) -> Transcoder:
    W_enc, b_enc, W_dec, b_dec = (parameter.detach().clone() for parameter in layer.parameters())
    threshold = (layer.cut_off or 0.0) / layer.lengths().detach().clamp_min(torch.finfo(W_dec.dtype).tiny)
    return Transcoder(W_enc, b_enc, W_dec, b_dec, Activation("jumprelu", threshold))


def _per_row(step: int, settings: TrainingSettings) -> float:
    """``k``, annealed from four times its value (at most the width) over the first 30 % of the steps."""
    left = max(0.0, 1 - step / (0.3 * settings.steps))
    return min(settings.k * (1 + 3 * left), settings.d_transcoder)


def _schedule(step: int, steps: int) -> float:
    """Warm-up, constant to 60 %, then linear to 3 %."""
    late = max(0.0, (step / steps - 0.6) / 0.4)
    return min(1.0, (step + 1) / WARM_UP) * (1 - 0.97 * late)
