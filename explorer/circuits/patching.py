"""patching_map: where the difference between two prompts lies.

    subject, other = ready(model, ids), ready(model, other_ids)
    found = run(patching_map(subject, other, answer, rival))
    found.stream[point, pos]    1: with the other prompt's residual here it says what it says there; 0: no difference
    found.heads[layer, head]    the same of a head at all positions

Each entry is a run of the model with that one thing taken from the other prompt and all after it computed again
(activation patching). What is measured is the logit of ``answer`` minus that of ``rival`` after the last token.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from explorer.circuits.counterpart import resolve
from explorer.circuits.intervening import intervene
from explorer.circuits.interventions import Place, at, head, residual
from explorer.circuits.modes import FREE
from explorer.circuits.subject import Subject, prepare
from explorer.errors import GraphError
from explorer.models.loader import LanguageModel
from explorer.shapes import Float
from explorer.transcoders.activations import Activation
from explorer.transcoders.transcoder import ReadPoint, Transcoder, TranscoderSet, WritePoint
from explorer.work import Pause, Progress, Work, go_on


@dataclass(frozen=True)
class PatchingMap:
    """``clean`` and ``corrupted``: the difference of logits on the prompt and on the other; entries go from 0 to 1.

    The first row of ``stream`` is in front of block 0 (the other token in this place), row l + 1 behind block l.
    """

    answer: int
    rival: int
    clean: float
    corrupted: float
    stream: Float[ndarray, "n_points n_pos"]
    heads: Float[ndarray, "n_layers n_heads"]


def ready(model: LanguageModel, token_ids: tuple[int, ...], pause: Pause = go_on) -> Subject:
    """A prompt that can be patched; no transcoders are needed."""
    return prepare(model, _silent(model), token_ids, pause=pause)


def patching_map(
    subject: Subject, other: Subject, answer: int | None = None, rival: int | None = None
) -> Work[PatchingMap]:
    """The map; ``answer`` and ``rival`` are what the two prompts are answered with, if not given.

    GraphError if the prompts are not equally long or do not differ in what is measured.
    """
    if subject.n_pos != other.n_pos:
        raise GraphError(
            f"The prompts have {subject.n_pos} and {other.n_pos} tokens; choose two with equally many to compare."
        )
    logits = [each.trace.logits[-1] for each in (subject, other)]
    asked = zip(logits, (answer, rival), strict=True)
    tokens = [int(each.argmax()) if given is None else given for each, given in asked]
    for token in tokens:
        if not 0 <= token < subject.model.d_vocab:
            raise GraphError(f"There is no token {token}; the model predicts 0 to {subject.model.d_vocab - 1}.")
    clean, corrupted = (_difference(each, tokens) for each in logits)
    if tokens[0] == tokens[1] or clean == corrupted:
        raise GraphError("Both prompts have the same answer; choose two that differ, or name answer and rival.")
    n_layers, n_pos, n_heads = subject.n_layers, subject.n_pos, subject.room.n_heads
    places: list[int | Place] = list(range(n_pos))
    places += [residual(layer, at(pos)) for layer in range(n_layers) for pos in range(n_pos)]
    places += [head(layer, index, at(0, n_pos - 1)) for layer in range(n_layers) for index in range(n_heads)]
    moved = []
    for done, place in enumerate(places):
        yield Progress(done, len(places), "Patching")
        moved.append((_difference(_patched(subject, other, place), tokens) - clean) / (corrupted - clean))
    values = np.array(moved)
    split = (n_layers + 1) * n_pos
    stream, heads = values[:split].reshape(-1, n_pos), values[split:].reshape(n_layers, n_heads)
    return PatchingMap(tokens[0], tokens[1], clean, corrupted, stream, heads)


def _patched(subject: Subject, other: Subject, place: int | Place) -> Tensor:
    """The last logits with ``place``, or the token of a position, as it is in the other prompt."""
    if isinstance(place, Place):
        return intervene(subject, resolve([place.as_in_other()], subject, other), FREE).now
    ids = subject.trace.token_ids.clone()
    ids[place] = other.trace.token_ids[place]
    return subject.model.run(tuple(ids.tolist())).logits[-1]


def _difference(logits: Tensor, tokens: list[int]) -> float:
    answer, rival = logits[tokens].double().tolist()
    return float(answer - rival)


def _silent(model: LanguageModel) -> TranscoderSet:
    """Transcoders of which no feature is ever on."""
    zeros = torch.zeros(1, model.d_model, dtype=model.dtype, device=model.device)
    layer = Transcoder(
        W_enc=zeros, b_enc=zeros[:, 0] - 1, W_dec=zeros[:, None], b_dec=zeros[0], activation=Activation("relu")
    )
    return TranscoderSet((layer,) * model.n_layers, ReadPoint.MLP_IN, WritePoint.MLP_OUT)
