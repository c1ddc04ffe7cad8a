"""rerun: the layers and positions behind an intervention computed again, the rest taken from the clean pass.

In front of the first changed layer and position nothing moves, so keys, values and residuals of the clean pass stand.
At the first changed layer only what the intervention writes is new. Behind the last attention only the position whose
logits are asked for is carried on. Semantics of the modes: circuit-tracer 0.4.1 (``feature_intervention``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from explorer.circuits.interventions import Kind
from explorer.circuits.modes import Mode
from explorer.circuits.plan import Changes, Plan, changed
from explorer.circuits.strengths import activations
from explorer.circuits.subject import Subject, read_frozen, through
from explorer.models.frozen_norm import FrozenNorm
from explorer.models.live import Attention, Heads, KeysValues
from explorer.shapes import Float
from explorer.transcoders.transcoder import ReadPoint, Site, TranscoderSet, WritePoint
from explorer.work import Pause, go_on


@dataclass
class Passed:
    """What a run leaves: the last residuals from position ``first`` on.

    ``reads`` are what the encoders of each changed layer read, ``pasts`` all keys and values by layer.
    """

    first: int
    last: Float[Tensor, "n d_model"]
    reads: dict[int, Float[Tensor, "n d_model"]] = field(default_factory=dict)
    pasts: dict[int, KeysValues] = field(default_factory=dict)


@torch.no_grad()
def rerun(
    subject: Subject, changes: Plan, mode: Mode, at: int, *, keep: bool = False, pause: Pause = go_on
) -> Passed:
    """The run up to position ``at``; its logits alone can be read off, or with ``keep`` everything.

    Before the first changed position there is nothing to run: ``at`` must not lie before it.
    """
    live = subject.live
    first = changes.first_position if live.resumes or mode.attention else 0
    layer = changes.first_layer
    entry = live.layers[layer].entry[first : at + 1]
    run = Run(subject, changes, mode, first, entry, [held.past for held in live.layers], None if keep else at)
    return run.through(layer, pause, clean=True)


class Run:
    """Some positions on their way through the layers; ``pasts`` hold at least the keys and values before them.

    ``at`` is the position that is carried on behind the last attention; None: all of them.
    """

    def __init__(
        self,
        subject: Subject,
        changes: Plan,
        mode: Mode,
        first: int,
        x: Float[Tensor, "n d_model"],
        pasts: Sequence[KeysValues],
        at: int | None,
    ) -> None:
        self.subject = subject
        self.family = subject.model.family
        self.changes = changes
        self.mode = mode
        self.pasts = pasts
        self.at = at
        self.x = x
        self.written: dict[tuple[int, WritePoint | Site], Tensor] = {}
        self._move(first, len(x))

    def _move(self, first: int, n: int) -> None:
        """Say which positions the rows are; those of the prompt may be held."""
        self.first = first
        self.n_held = min(max(self.subject.n_pos - first, 0), n)
        self.pos = torch.arange(first, first + self.n_held, device=self.x.device)

    def through(self, layer: int, pause: Pause, *, clean: bool) -> Passed:
        """Run from block ``layer`` on; ``clean``: what enters it is that of the clean pass."""
        passed = Passed(self.first, self.x)
        for index in range(layer, self.subject.n_layers):
            pause()
            self.block(index, passed, clean=clean and index == layer)
        passed.first, passed.last = self.first, self.x
        return passed

    def block(self, layer: int, passed: Passed, *, clean: bool) -> None:
        """One block; ``clean``: its input is that of the clean pass, so that only what is written is new."""
        heads = self.changes.of(layer, Kind.HEAD)
        untouched = clean and heads is None and self.n_held == len(self.x)
        if untouched:
            stream = self.subject.streams[layer][self.pos]
            mid = self.x if self.family.parallel else stream
            passed.pasts[layer] = self.pasts[layer]
        else:
            mid, stream = self._attended(layer, heads, passed)
        if self.at is not None and layer == self.subject.n_layers - 1:
            mid, stream = self._narrowed(mid, stream)
        mlp_in = self._norm(layer, self.family.mlp_norm, self.subject.layers[layer].mlp_norm, mid)
        if self.family.norm_on_stream and self.family.mlp_norm:
            stream = mlp_in
        read = self._read(layer, mid, mlp_in)
        passed.reads[layer] = read
        self._intervene(layer, read, mlp_in)
        y = self._mlp(layer, mlp_in, read, untouched=untouched)
        self.x = self._end(layer, stream + y)
        self._turn(layer)

    def _attended(self, layer: int, heads: Changes | None, passed: Passed) -> tuple[Tensor, Tensor]:
        """The streams that the MLP reads and adds to."""
        held, family = self.subject.layers[layer], self.family
        edit = None if heads is None else self._head_edit(layer, heads)
        x = self._norm(layer, family.attention_norm, held.attention_norm, self.x)
        how = Attention(self.subject.n_pos if self.mode.attention else 0, edit)
        past = self.pasts[layer].until(self.first)
        out, passed.pasts[layer] = self.subject.live.attend(layer, x, self.first, past, how)
        stream = self.x + self._norm(layer, family.attention_post_norm, held.attention_post_norm, out)
        return (self.x if family.parallel else stream), stream

    def _narrowed(self, mid: Tensor, stream: Tensor) -> tuple[Tensor, Tensor]:
        """Go on with the one position that is asked for."""
        assert self.at is not None
        row = self.at - self.first
        self.written = {key: rows[row : row + 1] for key, rows in self.written.items()}
        self.x = self.x[row : row + 1]
        self._move(self.at, 1)
        return mid[row : row + 1], stream[row : row + 1]

    def _norm(self, layer: int, name: str, held: FrozenNorm | None, x: Tensor) -> Tensor:
        """``x`` through a norm of the block, its scale held where the mode says so."""
        if not name:
            return x
        n = self.n_held if self.mode.norms else 0
        frozen = [through(held, x[:n], self.pos)] if n else []
        live = [self.subject.live.norm(layer, name, x[n:])] if n < len(x) else []
        parts = frozen + live
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _read(self, layer: int, mid: Tensor, mlp_in: Tensor) -> Tensor:
        """What the encoders read."""
        norm, point = self.subject.layers[layer].mlp_norm, self.subject.transcoders.read
        if norm is None or point is ReadPoint.RESID_MID:
            return mid
        if point is not ReadPoint.NORMALIZED:
            return mlp_in
        centred = norm.centre(mid)
        gained = mlp_in if norm.shift is None else mlp_in - norm.shift
        inverse: Tensor = gained.norm(dim=-1) / (centred * norm.gain).norm(dim=-1)
        return centred * inverse[:, None]

    def _mlp(self, layer: int, mlp_in: Tensor, read: Tensor, *, untouched: bool) -> Tensor:
        """What the MLP adds to the stream, interventions included."""
        held = self.subject.layers[layer]
        n = self.n_held if untouched or self.mode.holds(layer) else 0
        live = [self.subject.live.mlp(layer, mlp_in[n:])] if n < len(mlp_in) else []
        y = torch.cat([held.mlp_out[self.pos[:n]], *live]) if n else live[0]
        point = self.subject.transcoders.write
        skipped = self._skipped(layer, read) if self.mode.holds(layer) else 0.0
        y = y + self._added(layer, WritePoint.MLP_OUT) + (skipped if point is WritePoint.MLP_OUT else 0.0)
        y = self._norm(layer, self.family.mlp_post_norm, held.mlp_post_norm, y)
        return y + self._added(layer, WritePoint.RESIDUAL) + (skipped if point is WritePoint.RESIDUAL else 0.0)

    def _added(self, layer: int, point: WritePoint) -> Tensor | float:
        return self.written.pop((layer, point), 0.0)

    def _skipped(self, layer: int, read: Tensor) -> Tensor | float:
        """What a skip connection carries of the change where the MLP is held."""
        W_skip = self.subject.local.skip(layer)
        if W_skip is None:
            return 0.0
        carried = torch.zeros_like(read)
        carried[: self.n_held] = (read[: self.n_held] - self.subject.clean_read(layer, self.pos)) @ W_skip
        return carried

    def _end(self, layer: int, x: Tensor) -> Tensor:
        end = self.subject.layers[layer].end
        if end is None:
            return x
        return self._norm(layer, self.family.end, end, x) if self.family.norm_on_stream else x * end.gain

    def _intervene(self, layer: int, read: Tensor, mlp_in: Tensor) -> None:
        """Let the interventions at ``layer`` write to it and to later ones."""
        subject = self.subject
        features, neurons = self.changes.of(layer, Kind.FEATURE), self.changes.of(layer, Kind.NEURON)
        if features is not None:
            self._activate(layer, features, subject.transcoders, read, subject.transcoders.read)
        if neurons is not None:
            self._activate(layer, neurons, subject.neurons, mlp_in, ReadPoint.MLP_IN)
        errors = self.changes.of(layer, Kind.ERROR)
        if errors is not None:
            own = torch.zeros_like(read)
            own[: self.n_held] = subject.local.error[layer, self.pos].to(read)
            delta = changed(errors.made[0], own, own, self.first, subject.n_pos) - own
            self._write(layer, self._allowed(layer, delta), subject.transcoders.write)

    def _activate(
        self, layer: int, changes: Changes, held: TranscoderSet, read: Tensor, point: object
    ) -> None:
        transcoder, chosen = held.layers[layer], changes.indices(read)
        clean = read_frozen(self.subject.layers[layer], point, self.subject.layers[layer].resid_mid[self.pos], self.pos)
        own = read.new_zeros(len(read), len(chosen))
        own[: self.n_held] = activations(transcoder, clean.to(read), chosen)
        present = self._present(layer, own, activations(transcoder, read, chosen))
        zero = max(held.zero_positions - self.first, 0)
        if zero:
            own[:zero] = 0
            present = torch.cat([present[:zero] * 0, present[zero:]])
        delta = changes.new(present, own, self.first, self.subject.n_pos) - present
        rows = transcoder.decoder_rows(chosen).to(read)
        for offset in range(rows.shape[1]):
            self._write(layer + offset, self._allowed(layer + offset, delta @ rows[:, offset]), held.write)

    def _present(self, layer: int, own: Tensor, recomputed: Tensor) -> Tensor:
        """The strengths that an intervention starts from: in a held layer the clean ones, off the prompt never."""
        n = self.n_held if self.mode.holds(layer) else 0
        return torch.cat([own[:n], recomputed[n:]]) if n else recomputed

    def _allowed(self, layer: int, rows: Tensor) -> Tensor:
        """What may be written to ``layer``: on the prompt nothing outside the layers that the mode names."""
        if self.mode.writes(layer):
            return rows
        return torch.cat([rows[: self.n_held] * 0, rows[self.n_held :]])

    def _write(self, layer: int, rows: Tensor, point: WritePoint | Site) -> None:
        whole = self.written.get((layer, point))
        if whole is None:
            whole = self.written[layer, point] = self.x.new_zeros(len(self.x), self.x.shape[1])
        whole[: len(rows)] += rows

    def _turn(self, layer: int) -> None:
        """Change the stream behind block ``layer``, then the strengths of directions in it."""
        whole = self.changes.of(layer, Kind.RESIDUAL)
        if whole is not None:
            own = torch.zeros_like(self.x)
            own[: self.n_held] = self.subject.behind(layer)[self.pos]
            present = self._present(layer, own, self.x)
            new = changed(whole.made[0], present, own, self.first, self.subject.n_pos)
            self.x = self.x + self._allowed(layer, new - present)
        changes = self.changes.of(layer, Kind.DIRECTION)
        if changes is None:
            return
        clean = self.subject.behind(layer)[self.pos]
        for row, place in enumerate(changes.places):
            assert place.vector is not None
            vector = place.vector.to(self.x)
            read = vector / (vector @ vector)
            own = self.x.new_zeros(len(self.x), 1)
            own[: self.n_held, 0] = clean @ read
            present = self._present(layer, own, (self.x @ read)[:, None])
            alone = Changes((place,), (changes.made[row],))
            moved = alone.new(present, own, self.first, self.subject.n_pos) - present
            self.x = self.x + self._allowed(layer, moved) * vector

    def _head_edit(self, layer: int, changes: Changes) -> Callable[[Heads], Heads]:
        """What changes the chosen heads; relative to the clean ones where the layer is held."""
        stop = self.first + self.n_held
        clean = self.subject.live.layers[layer].heads(self.first, stop)

        def edit(heads: Heads) -> Heads:
            heads = heads.clone()
            for place, interventions in zip(changes.places, changes.made, strict=True):
                own = torch.zeros_like(heads[:, place.index])
                own[: self.n_held] = clean[:, place.index]
                before = self._present(layer, own, heads[:, place.index])
                after = changed(interventions, before, own, self.first, self.subject.n_pos)
                heads[:, place.index] += self._allowed(layer, after - before)
            return heads

        return edit
