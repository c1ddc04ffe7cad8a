"""Subject: a prompt that can be intervened on, with all that is kept between one intervention and the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from explorer.circuits.interventions import Room
from explorer.circuits.neurons import neurons_of
from explorer.circuits.replacement import LocalReplacementModel, replace_locally
from explorer.errors import UnsupportedModel
from explorer.models.frozen_norm import FrozenNorm
from explorer.models.live import LivePass, run_live
from explorer.models.loader import LanguageModel
from explorer.models.mlp import mlps
from explorer.models.trace import LayerTrace, Trace
from explorer.shapes import Float
from explorer.transcoders.transcoder import ReadPoint, TranscoderSet
from explorer.work import Pause, go_on

CLOSE = {torch.bfloat16: 0.1, torch.float16: 1e-2}  # of the logits' spread; in others 1e-3


@dataclass(frozen=True, eq=False)
class Subject:
    """A prompt's captured pass, its local replacement model and its live layers.

    ``directions`` holds what one unit of a source adds to the logits of a position in the frozen model (direct.py).
    """

    model: LanguageModel
    trace: Trace
    local: LocalReplacementModel
    live: LivePass
    directions: dict[object, Tensor] = field(default_factory=dict)

    @property
    def n_pos(self) -> int:
        return self.trace.n_pos

    @property
    def n_layers(self) -> int:
        return self.local.frozen.n_layers

    @property
    def transcoders(self) -> TranscoderSet:
        return self.local.transcoders

    @property
    def layers(self) -> tuple[LayerTrace, ...]:
        return self.local.frozen.layers

    @cached_property
    def neurons(self) -> TranscoderSet:
        """The model's own neurons; UnsupportedModel if it has none."""
        return self.transcoders if self.transcoders.kind == "neurons" else neurons_of(self.model, self.trace, 1)

    @cached_property
    def room(self) -> Room:
        try:
            n_neurons = tuple(len(mlp.W_in) for mlp in mlps(self.model))
        except UnsupportedModel:
            n_neurons = ()
        return Room(
            n_pos=self.n_pos,
            n_layers=self.n_layers,
            d_model=self.local.frozen.d_model,
            n_heads=self.layers[0].pattern.shape[0],
            n_features=tuple(layer.d_transcoder for layer in self.transcoders.layers),
            n_neurons=n_neurons,
        )

    @cached_property
    def streams(self) -> tuple[Float[Tensor, "n_pos d_model"], ...]:
        """The clean residual streams behind each attention."""
        if not self.local.frozen.parallel:
            return tuple(held.resid_mid for held in self.layers)
        made = []
        for held, live in zip(self.layers, self.live.layers, strict=True):
            post, out = held.attention_post_norm, live.out[: self.n_pos]
            made.append(live.entry[: self.n_pos] + (out if post is None else post(out)))
        return tuple(made)

    def behind(self, layer: int) -> Float[Tensor, "n_pos d_model"]:
        """The clean residual stream behind block ``layer``."""
        if layer + 1 < self.n_layers:
            return self.live.layers[layer + 1].entry[: self.n_pos]
        held = self.layers[layer]
        y = held.mlp_out if held.mlp_post_norm is None else held.mlp_post_norm(held.mlp_out)
        return self.local.frozen.block_output(layer, self.streams[layer], y)

    def clean_read(self, layer: int, pos: Tensor, point: ReadPoint | None = None) -> Float[Tensor, "n d_model"]:
        """What the encoders of ``layer`` (or those at ``point``) read on the clean prompt."""
        held = self.layers[layer]
        return read_frozen(held, point or self.transcoders.read, held.resid_mid[pos], pos)

    def final(self, x: Float[Tensor, "n d_model"], pos: Tensor, *, frozen: bool) -> Float[Tensor, "n d_vocab"]:
        """The logits of last residuals ``x`` at ``pos``, as the model returns them."""
        return self.capped(self.read_out(x, pos, frozen=frozen))

    def read_out(self, x: Float[Tensor, "n d_model"], pos: Tensor, *, frozen: bool) -> Float[Tensor, "n d_vocab"]:
        """The same in front of the softcap, where there is one."""
        name = self.model.family.final_norm
        if frozen:
            x = through(self.local.frozen.final_norm, x, pos)
        elif name:
            x = self.model.network.get_submodule(name)(x[None])[0]
        return self.unembedded(x)

    def unembedded(self, x: Float[Tensor, "n d_model"], *, bias: bool = True) -> Float[Tensor, "n d_vocab"]:
        head = self.model.head
        return torch.nn.functional.linear(x, head.W_U.to(x), head.b_U if bias else None)

    @cached_property
    def uncapped(self) -> Float[Tensor, "n_pos d_vocab"]:
        """The clean logits in front of the softcap, where there is one."""
        scale = float(getattr(self.model.config, "logit_scale", None) or 1.0)
        return self.trace.head_out * scale

    def capped(self, logits: Tensor) -> Tensor:
        """Logits through the model's softcap, if it has one (Gemma)."""
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return cap * torch.tanh(logits / cap) if cap else logits


def prepare(
    model: LanguageModel,
    transcoders: TranscoderSet,
    token_ids: tuple[int, ...],
    dtype: torch.dtype | None = None,
    pause: Pause = go_on,
) -> Subject:
    """The prompt run, and ready for interventions; UnsupportedModel if running its layers again gives other logits."""
    trace = model.run(token_ids)
    return subject_of(model, trace, replace_locally(model, trace, transcoders, dtype or model.dtype, pause))


def subject_of(model: LanguageModel, trace: Trace, local: LocalReplacementModel) -> Subject:
    """The same of a pass whose local replacement model is there already."""
    with torch.no_grad():
        subject = Subject(model, trace, local, run_live(model, trace.token_ids))
        last = torch.tensor([trace.n_pos - 1], device=model.device)
        again = subject.final(subject.behind(local.frozen.n_layers - 1)[last], last, frozen=False)[0]
    logits = trace.logits[-1]
    spread = float(logits.max() - logits.min())
    if not float((again - logits).abs().max()) <= CLOSE.get(trace.logits.dtype, 1e-3) * max(spread, 1e-30):
        raise UnsupportedModel(f"The layers of “{model.name}” cannot be run one by one; report the model's family.")
    return subject


def read_frozen(held: LayerTrace, point: object, mid: Tensor, pos: Tensor) -> Tensor:
    """What an encoder at ``point`` reads of residuals ``mid`` at ``pos``, the norm's scale held."""
    norm = held.mlp_norm
    if point is ReadPoint.RESID_MID or norm is None:
        return mid
    if point is ReadPoint.NORMALIZED:
        return norm.centre(mid) / norm.scale[pos][:, None]
    return through(norm, mid, pos)


def through(norm: FrozenNorm | None, x: Float[Tensor, "n d_model"], pos: Tensor) -> Float[Tensor, "n d_model"]:
    """``x`` at positions ``pos`` through a frozen norm; None is no norm."""
    if norm is None:
        return x
    y = norm.linear(x, pos)
    return y if norm.shift is None else y + norm.shift
