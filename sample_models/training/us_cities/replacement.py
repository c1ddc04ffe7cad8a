"""Passes of the model with its MLPs recorded, replaced by transcoders, or edited feature by feature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from explorer.transcoders.transcoder import Transcoder, TranscoderSet


@dataclass(frozen=True)
class Recording:
    """Logits (n, n_pos, d_vocab) and what each MLP read and wrote (n_layers, n, n_pos, d_model)."""

    logits: Tensor
    inputs: Tensor
    outputs: Tensor


@dataclass(frozen=True)
class Edit:
    """Features of one layer that are held at values at the last position.

    Row i of the batch has the features where ``held[i]`` is true at ``value[i]``.
    """

    held: Tensor
    value: Tensor


@contextmanager
def _instead(model: LlamaForCausalLM, write: Callable[[int, Tensor, Tensor], Tensor]) -> Iterator[None]:
    """While it lasts, layer l's MLP writes ``write(l, what it reads, what it would write)``."""
    hooks = [
        layer.mlp.register_forward_hook(lambda _module, read, wrote, at=at: write(at, read[0], wrote))
        for at, layer in enumerate(model.model.layers)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def record(model: LlamaForCausalLM, ids: Tensor) -> Recording:
    """One plain pass."""
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []

    def write(_layer: int, read: Tensor, wrote: Tensor) -> Tensor:
        inputs.append(read)
        outputs.append(wrote)
        return wrote

    with _instead(model, write):
        logits = model(input_ids=ids).logits
    return Recording(logits, torch.stack(inputs), torch.stack(outputs))


def replaced(model: LlamaForCausalLM, transcoders: TranscoderSet, ids: Tensor) -> Recording:
    """One pass in which every MLP is replaced; position 0 keeps its true output.

    ``outputs`` are the replaced ones.
    """
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    ahead = _Ahead(transcoders)

    def write(at: int, read: Tensor, wrote: Tensor) -> Tensor:
        layer = transcoders.layers[at]
        ahead.add(at, encode(layer, read))
        new = torch.cat([wrote[:, :1], (ahead.take(at) + layer.b_dec)[:, 1:]], dim=1)
        inputs.append(read)
        outputs.append(new)
        return new

    with _instead(model, write):
        logits = model(input_ids=ids).logits
    return Recording(logits, torch.stack(inputs), torch.stack(outputs))


def edited(model: LlamaForCausalLM, transcoders: TranscoderSet, ids: Tensor, edits: Sequence[Edit]) -> Tensor:
    """Logits at the last position with ``edits`` (one per layer) made there and everything after recomputed.

    Each MLP writes its true output plus (held - present activation) times the decoder; the present
    activation is that of the edited pass, so a held feature counts with exactly its value.
    """
    ahead = _Ahead(transcoders)

    def write(at: int, read: Tensor, wrote: Tensor) -> Tensor:
        present = encode(transcoders.layers[at], read[:, -1])
        edit = edits[at]
        ahead.add(at, torch.where(edit.held, edit.value - present, torch.zeros_like(present)))
        new = wrote.clone()
        new[:, -1] += ahead.take(at)
        return new

    with _instead(model, write):
        logits: Tensor = model(input_ids=ids, logits_to_keep=1).logits[:, -1]
    return logits


def encode(layer: Transcoder, read: Tensor) -> Tensor:
    """The activations of ``layer`` at what its MLP reads."""
    return layer.activation(read @ layer.W_enc.T + layer.b_enc)


class _Ahead:
    """What features have written so far, by the layer they write to."""

    def __init__(self, transcoders: TranscoderSet) -> None:
        self._layers = transcoders.layers
        self._written: dict[int, Tensor] = {}

    def add(self, source: int, activation: Tensor) -> None:
        decoder = self._layers[source].W_dec
        for step in range(decoder.shape[1]):
            target = source + step
            written = activation @ decoder[:, step]
            self._written[target] = self._written[target] + written if target in self._written else written

    def take(self, target: int) -> Tensor:
        return self._written[target]
