"""What is to be intervened on, as it is on the clean prompt: strengths, or whole vectors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from explorer.circuits.interventions import Kind, Place
from explorer.circuits.strengths import activations
from explorer.circuits.subject import Subject
from explorer.shapes import Float
from explorer.transcoders.transcoder import ReadPoint


def strengths(subject: Subject, places: Sequence[Place], span: range) -> Float[Tensor, "n k"]:
    """Of features, neurons or directions (all of one kind and layer) at the positions of ``span``."""
    like, layer, kind = subject.local.error, places[0].layer, places[0].kind
    pos = torch.arange(span.start, span.stop, device=like.device)
    if kind is Kind.DIRECTION:
        vectors = torch.stack([vector_of(place, like) for place in places])
        return subject.behind(layer)[pos].to(like) @ (vectors / (vectors * vectors).sum(1, keepdim=True)).T
    held = subject.transcoders if kind is Kind.FEATURE else subject.neurons
    read = subject.clean_read(layer, pos, None if kind is Kind.FEATURE else ReadPoint.MLP_IN)
    chosen = torch.tensor([place.index for place in places], device=like.device)
    own = activations(held.layers[layer], read, chosen)
    own[pos < held.zero_positions] = 0
    return own


def vectors(subject: Subject, place: Place, span: range) -> Float[Tensor, "n d"]:
    """What a head gathers (d_head), the transcoder misses or the stream is (d_model) at the positions of ``span``."""
    like, rows = subject.local.error, slice(span.start, span.stop)
    match place.kind:
        case Kind.HEAD:
            return subject.live.layers[place.layer].heads(span.start, span.stop)[:, place.index].to(like)
        case Kind.ERROR:
            return like[place.layer, rows]
        case _:
            return subject.behind(place.layer)[rows].to(like)


def vector_of(place: Place, like: Tensor) -> Float[Tensor, " d_model"]:
    """The direction of ``place``."""
    assert place.vector is not None
    return place.vector.to(like)
