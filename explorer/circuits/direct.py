"""The direct effect of interventions: everything held but what they write, so that effects add up.

One unit of a source moves the logits by a fixed vector; it is computed once and kept with the subject, so that a
slider costs one product of its values with these vectors. This is also what a graph predicts of an intervention:
the vectors are its columns, read at all logits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from explorer.circuits.clean import strengths, vector_of, vectors
from explorer.circuits.frozen import FrozenAttention
from explorer.circuits.interventions import WHOLE, Intervention, Kind, Place
from explorer.circuits.plan import Plan, changed
from explorer.circuits.subject import Subject
from explorer.models.trace import LayerTrace
from explorer.shapes import Float
from explorer.transcoders.transcoder import ReadPoint, WritePoint

KEPT = 2**28  # bytes of directions kept with a subject
APART = 64  # sources that get a direction each; more are carried together and not kept


@dataclass(frozen=True)
class Source:
    """A changed thing at one position, and by how much its strength changes.

    ``vector`` is what one unit of its strength is, where that is not what it is on the clean prompt.
    """

    place: Place
    pos: int
    change: float
    vector: Tensor | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[object, ...]:
        drawn = None if self.vector is None else self.vector.double().cpu().numpy().tobytes()
        return (self.place.kind, self.place.layer, self.place.thing, self.pos, drawn)


@dataclass
class Rows:
    """Vectors [pos - first, row, d_model] written into the stream behind each layer's attention, or its block."""

    first: int
    attention: dict[int, Tensor] = field(default_factory=dict)
    block: dict[int, Tensor] = field(default_factory=dict)


@torch.no_grad()
def sources(subject: Subject, changes: Plan, at: int) -> list[Source]:
    """What changes at positions up to ``at``, relative to the clean prompt."""
    found: list[Source] = []
    first, n_pos = changes.first_position, subject.n_pos
    span = range(first, max(at + 1, first))
    for (_, kind), group in changes.by_layer.items():
        if kind in WHOLE:
            for place, made in zip(group.places, group.made, strict=True):
                found += _parts(place, made, span, n_pos, subject.local.error)
            continue
        own = strengths(subject, group.places, span)
        moved = group.new(own, own, first, n_pos) - own
        for row, column in moved.nonzero().tolist():
            found.append(Source(group.places[column], first + row, float(moved[row, column])))
    return found


def _parts(
    place: Place, made: Sequence[Intervention], span: range, n_prompt: int, like: Tensor
) -> Iterator[Source]:
    """What changes of a whole vector: how much of its own, and of what it is in each counterpart."""
    others = [one for one in made if one.other is not None]
    unit = torch.eye(1 + len(others), dtype=like.dtype, device=like.device)
    rest = iter(unit[1:])
    coded = [one if one.other is None else replace(one, other=next(rest)[None]) for one in made]
    own = unit[:1].repeat(len(span), 1)
    moved = changed(coded, own, own, span.start, n_prompt) - own
    for row, column in moved.nonzero().tolist():
        pos, change = span.start + row, float(moved[row, column])
        yield Source(place, pos, change, None if column == 0 else others[column - 1].other_at(pos))


@torch.no_grad()
def direct_logits(subject: Subject, changes: Plan, at: int) -> Float[Tensor, " d_vocab"]:
    """The logits after position ``at`` with everything else held, as the model would return them."""
    return moved_logits(subject, sources(subject, changes, at), at)


@torch.no_grad()
def moved_logits(subject: Subject, found: Sequence[Source], at: int) -> Float[Tensor, " d_vocab"]:
    """The same, given what changes."""
    return subject.capped(subject.uncapped[at] + _effect(subject, found, at))


@torch.no_grad()
def direct_reads(
    subject: Subject, changes: Plan, at: int
) -> tuple[int, dict[int, Float[Tensor, "n d_model"]]]:
    """First changed position, and by how much what the encoders of each layer read moves from there up to ``at``."""
    found = sources(subject, changes, at)
    reads: dict[int, Tensor] = {}
    if found:
        carry(subject, together(subject, found, at), at, reads)
    return min((source.pos for source in found), default=at), reads


def _effect(subject: Subject, found: Sequence[Source], at: int) -> Tensor:
    if not found:
        return torch.zeros_like(subject.uncapped[at])
    if len(found) > APART:
        return carry(subject, together(subject, found, at), at)[0]
    kept = subject.directions
    missing = [source for source in found if (source.key, at) not in kept]
    if missing:
        if (len(kept) + len(missing)) * subject.uncapped[at].numel() * subject.uncapped.element_size() > KEPT:
            kept.clear()
            missing = list(found)
        made = carry(subject, _apart(subject, missing, at), at)
        kept.update(((source.key, at), row) for source, row in zip(missing, made, strict=True))
    change = torch.tensor([source.change for source in found]).to(subject.uncapped)
    return change @ torch.stack([kept[source.key, at] for source in found])


def carry(
    subject: Subject, rows: Rows, at: int, reads: dict[int, Tensor] | None = None
) -> Float[Tensor, "rows d_vocab"]:
    """What ``rows`` add to the uncapped logits after ``at``; ``reads`` takes what they add to the encoders' reads."""
    frozen, first = subject.local.frozen, rows.first
    pos = torch.arange(first, at + 1, device=subject.local.error.device)
    start = min([*rows.attention, *rows.block])
    n_rows = next(iter((rows.attention or rows.block).values())).shape[1]
    x = subject.local.error.new_zeros(len(pos), n_rows, frozen.d_model)
    for layer in range(start, frozen.n_layers):
        stream = x + _attended(frozen.attention[layer], x, first, at + 1) if layer > start else x
        stream = stream + rows.attention[layer] if layer in rows.attention else stream
        mid = x if frozen.parallel else stream
        if reads is not None:
            reads[layer] = _read(subject, layer, mid, pos).sum(1)
        x = _behind(subject, layer, stream, mid, pos)
        x = x + rows.block[layer] if layer in rows.block else x
    last = frozen.final_norm.linear(x[-1:], pos[-1:])[0]
    return subject.unembedded(last, bias=False)


def _attended(attention: FrozenAttention, x: Tensor, first: int, stop: int) -> Tensor:
    """``attention`` of streams that are zero before position ``first``."""
    mix = attention.mix[:, first:stop, :, first:stop].contiguous()
    return FrozenAttention(attention.W_V, attention.W_O, mix).forward(x)


def _behind(subject: Subject, layer: int, stream: Tensor, mid: Tensor, pos: Tensor) -> Tensor:
    """Tangents behind block ``layer``, given those behind its attention and at its read point."""
    local, held = subject.local, subject.layers[layer]
    if local.frozen.norm_on_stream and held.mlp_norm is not None:
        stream = held.mlp_norm.linear(stream, pos)
    x = stream if held.end is None else held.end.linear(stream, pos)
    W_skip = local.skip(layer)
    if W_skip is None:
        return x
    return x + _out(held, _read(subject, layer, mid, pos) @ W_skip, pos, local.transcoders.write)


def _read(subject: Subject, layer: int, mid: Tensor, pos: Tensor) -> Tensor:
    norm, point = subject.layers[layer].mlp_norm, subject.transcoders.read
    if norm is None or point is ReadPoint.RESID_MID:
        return mid
    if point is ReadPoint.NORMALIZED:
        return norm.centre(mid) / norm.scale[pos][:, None, None]
    return norm.linear(mid, pos)


def together(subject: Subject, found: Sequence[Source], at: int) -> Rows:
    """All sources in one row, each by its change."""
    return _laid(subject, [(source, 0, source.change) for source in found], 1, at)


def _apart(subject: Subject, found: Sequence[Source], at: int) -> Rows:
    """One row for each source, by one unit."""
    return _laid(subject, [(source, row, 1.0) for row, source in enumerate(found)], len(found), at)


def _laid(subject: Subject, found: Sequence[tuple[Source, int, float]], n_rows: int, at: int) -> Rows:
    like = subject.local.error
    rows = Rows(min(source.pos for source, _, _ in found))
    n = at + 1 - rows.first
    for source, row, factor in found:
        for by_layer, layer, vector in _writes(subject, source, rows):
            if layer not in by_layer:
                by_layer[layer] = like.new_zeros(n, n_rows, like.shape[2])
            by_layer[layer][source.pos - rows.first, row] += factor * vector
    return rows


def _writes(subject: Subject, source: Source, rows: Rows) -> Iterator[tuple[dict[int, Tensor], int, Tensor]]:
    """Where one unit of ``source`` writes, and what."""
    place, local = source.place, subject.local
    pos = torch.tensor([source.pos], device=local.error.device)
    held = subject.layers[place.layer]
    match place.kind:
        case Kind.HEAD:
            out = _whole(subject, source) @ local.frozen.weights[place.layer].W_O[place.index]
            post = held.attention_post_norm
            yield rows.attention, place.layer, (out if post is None else post.linear(out, pos))[0]
        case Kind.DIRECTION:
            yield rows.block, place.layer, vector_of(place, local.error)
        case Kind.RESIDUAL:
            yield rows.block, place.layer, _whole(subject, source)[0]
        case Kind.ERROR:
            yield rows.block, place.layer, local.write(place.layer, _whole(subject, source), pos)[0]
        case _:
            of = subject.transcoders if place.kind is Kind.FEATURE else subject.neurons
            decoded = of.layers[place.layer].decoder_rows(torch.tensor([place.index], device=pos.device))[0]
            for offset, vector in enumerate(decoded.to(local.error)):
                layer = place.layer + offset
                yield rows.block, layer, _out(subject.layers[layer], vector[None], pos, of.write)[0]


def _out(held: LayerTrace, y: Tensor, pos: Tensor, point: object) -> Tensor:
    """A vector at that write point as it leaves the block."""
    post = held.mlp_post_norm if point is WritePoint.MLP_OUT else None
    y = y if post is None else post.linear(y, pos)
    return y if held.end is None else held.end.linear(y, pos)


def _whole(subject: Subject, source: Source) -> Float[Tensor, "1 d"]:
    """One unit of a whole vector."""
    if source.vector is not None:
        return source.vector[None].to(subject.local.error)
    return vectors(subject, source.place, range(source.pos, source.pos + 1))
