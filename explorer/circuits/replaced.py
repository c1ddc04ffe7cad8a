"""Replaced runs: the local replacement model run on changed residuals, its features answering (iterative).

Where the model's MLPs would run, the features that act are computed from what the encoders read now and write through
their decoders; error nodes, decoder biases and the BOS block are constants. On clean residuals, with everything acting,
the outputs are the model's exactly. Attention patterns and norm scales are held or live as the mode says.
Source: transformer-circuits.pub/2025/attribution-graphs/methods.html, "local replacement model".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.circuits.graph import NodeKey, NodeKind
from explorer.circuits.modes import Mode
from explorer.circuits.plan import plan
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.rerun import Run
from explorer.circuits.strengths import activations
from explorer.circuits.subject import Subject
from explorer.errors import GraphError
from explorer.models.live import KeysValues
from explorer.shapes import Bool, Float, Int
from explorer.transcoders.transcoder import WritePoint
from explorer.work import Pause, go_on


@dataclass(frozen=True, eq=False)
class Acting:
    """The features of each layer that act (None: all), at which positions, and what else is written, a constant."""

    chosen: tuple[Int[Tensor, " _k"] | None, ...]
    mask: tuple[Bool[Tensor, "n_pos _k"] | None, ...]
    constant: Float[Tensor, "n_layers n_pos d_model"]


def everything(subject: Subject, start: int = 0) -> Acting:
    """All features of layers from ``start`` on, and all error nodes; earlier layers write what they do on the prompt.

    Neurons have no errors once all of them act.
    """
    local = subject.local
    none = (None,) * subject.n_layers
    error = torch.zeros_like(local.error) if subject.transcoders.kind == "neurons" else local.error
    earlier = decoded(local, local.features.layer < start)
    return Acting(none, none, _constants(local) + error + earlier)


def only(subject: Subject, keys: Iterable[NodeKey], other: Subject | None = None) -> Acting:
    """Of the features and error nodes those of ``keys`` alone.

    The rest writes nothing, or what it writes in the prompt of ``other``, which has as many tokens (GraphError).
    """
    local, n_pos = subject.local, subject.n_pos
    held = {NodeKey(*key) for key in keys}
    device = local.error.device
    chosen, mask = [], []
    for layer in range(subject.n_layers):
        own = [key for key in held if key.kind == NodeKind.FEATURE and key.layer == layer]
        indices = sorted({key.feature for key in own})
        column = {feature: number for number, feature in enumerate(indices)}
        acts = torch.zeros(n_pos, len(indices), dtype=torch.bool, device=device)
        for key in own:
            acts[key.pos, column[key.feature]] = True
        chosen.append(torch.tensor(indices, dtype=torch.long, device=device))
        mask.append(acts)
    errors = torch.zeros(subject.n_layers, n_pos, 1, dtype=torch.bool, device=device)
    for key in held:
        if key.kind == NodeKind.ERROR:
            errors[key.layer, key.pos] = True
    constant = _constants(local) + local.error * errors
    if other is not None:
        constant = constant + _in_other(subject, other, held, ~errors)
    return Acting(tuple(chosen), tuple(mask), constant)


def replaced_logits(
    subject: Subject, acting: Acting, how: Mode, positions: Sequence[int], pause: Pause = go_on
) -> dict[int, Float[Tensor, " d_vocab"]]:
    """The logits (in front of a softcap) of the prompt where only what acts takes part; patterns as ``how`` says."""
    found = {}
    with torch.no_grad():
        for at in positions:
            entry = subject.live.layers[0].entry[: at + 1]
            run = ReplacedRun(subject, acting, how, 0, entry, [held.past for held in subject.live.layers], at)
            passed = run.through(0, pause, clean=True)
            pos = torch.tensor([at], device=passed.last.device)
            found[at] = subject.read_out(passed.last[-1:], pos, frozen=how.norms)[0]
    return found


class ReplacedRun(Run):
    """A Run whose MLPs are the features that act and constants."""

    def __init__(
        self,
        subject: Subject,
        acting: Acting,
        mode: Mode,
        first: int,
        x: Float[Tensor, "n d_model"],
        pasts: Sequence[KeysValues],
        at: int | None,
    ) -> None:
        super().__init__(subject, plan([]), mode, first, x, pasts, at)
        self.acting = acting

    def _intervene(self, layer: int, read: Tensor, mlp_in: Tensor) -> None:
        """Let the features of ``layer`` write to it and to later ones."""
        held, chosen, mask = self.subject.transcoders, self.acting.chosen[layer], self.acting.mask[layer]
        transcoder = held.layers[layer]
        strength = activations(transcoder, read, chosen)
        if mask is not None:
            strength = strength * mask[self.pos]
        strength[self.pos < held.zero_positions] = 0
        features = torch.arange(transcoder.d_transcoder, device=read.device) if chosen is None else chosen
        on = strength.any(0)
        rows = transcoder.decoder_rows(features[on]).to(read)
        for offset in range(rows.shape[1]):
            self._write(layer + offset, strength[:, on] @ rows[:, offset], held.write)

    def _mlp(self, layer: int, mlp_in: Tensor, read: Tensor, *, untouched: bool) -> Tensor:
        """What stands in for the MLP adds to the stream."""
        subject, write = self.subject, self.subject.transcoders.write
        y = self.acting.constant[layer, self.pos].to(read) + self._added(layer, WritePoint(write))
        W_skip = subject.local.skip(layer)
        if W_skip is not None:
            y = y + read @ W_skip.to(read)
        if write is WritePoint.RESIDUAL:
            return y
        return self._norm(layer, self.family.mlp_post_norm, subject.layers[layer].mlp_post_norm, y)


def decoded(local: LocalReplacementModel, which: Bool[Tensor, " n_active"]) -> Float[Tensor, "n_layers n_pos d_model"]:
    """What the active features ``which`` write on the prompt."""
    features, found = local.features, torch.zeros_like(local.error)
    for layer, transcoder in enumerate(local.transcoders.layers):
        own = (which & (features.layer == layer)).nonzero().flatten()
        rows = transcoder.decoder_rows(features.feature[own]).to(found) * features.activation[own][:, None, None]
        for offset in range(rows.shape[1]):
            found[layer + offset].index_add_(0, features.pos[own], rows[:, offset].to(found))
    return found


def _constants(local: LocalReplacementModel) -> Float[Tensor, "n_layers n_pos d_model"]:
    """Decoder biases and the BOS block."""
    constant = local.bos_block.clone()
    zero = local.transcoders.zero_positions
    for layer, transcoder in enumerate(local.transcoders.layers):
        constant[layer, zero:] += transcoder.b_dec.to(constant)
    return constant


def _in_other(subject: Subject, other: Subject, held: set[NodeKey], errors: Tensor) -> Tensor:
    """What the rest writes in the other prompt: its features but those held here, and its error nodes ``errors``."""
    if other.n_pos != subject.n_pos:
        raise GraphError(
            f"The other prompt has {other.n_pos} tokens and this one {subject.n_pos}; choose one of the same length."
        )
    features = other.local.features
    columns = zip(features.layer.tolist(), features.pos.tolist(), features.feature.tolist(), strict=True)
    rest = [NodeKey(int(NodeKind.FEATURE), *column) not in held for column in columns]
    return decoded(other.local, torch.tensor(rest, dtype=torch.bool)) + other.local.error * errors
