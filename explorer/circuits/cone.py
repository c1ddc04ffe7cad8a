"""Cone: the positions that each of some targets can see, packed so that products over all of them waste nothing.

A target at position p depends on positions up to p only. With the rows sorted by position, the last first, those
that reach position k are the first few. Gradients are stored position by position, each with the rows that reach it:
a flight of steps, flat in memory [flat, d_model]. A step joins neighbouring positions as a rectangle
[pos, row, d_model] while that pads little, so that few batched products serve them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.shapes import Float, Int

PADDING = 16  # flat rows of padding that a step of its own is worth


@dataclass(frozen=True)
class Step:
    """Positions ``start`` to ``stop`` of the first ``n_rows`` rows, at ``offset`` in the flat order."""

    start: int
    stop: int
    n_rows: int
    offset: int

    @property
    def n_pos(self) -> int:
        return self.stop - self.start

    def of(self, flat: Float[Tensor, "n_flat width"]) -> Float[Tensor, "n_pos n_rows width"]:
        """This step's part of ``flat``, as a view."""
        return flat[self.offset : self.offset + self.n_pos * self.n_rows].view(self.n_pos, self.n_rows, -1)


@dataclass(frozen=True)
class Cone:
    """The steps of ``n_rows`` targets at positions ``at`` (descending); ``pos`` and ``row`` of each flat row."""

    at: Int[Tensor, " n_rows"]
    steps: tuple[Step, ...]
    pos: Int[Tensor, " n_flat"]
    row: Int[Tensor, " n_flat"]

    @property
    def n_pos(self) -> int:
        """One more than the last position."""
        return self.steps[-1].stop

    def own(self) -> tuple[Int[Tensor, " n_rows"], Int[Tensor, " n_rows"]]:
        """The flat rows that stand at their own targets, and which rows they are."""
        flat = (self.pos == self.at[self.row]).nonzero().flatten()
        return flat, self.row[flat]


def cone(at: Int[Tensor, " n_rows"]) -> Cone:
    """The cone of targets at ``at`` (descending)."""
    last = int(at[0]) + 1
    reach = (at[:, None] >= torch.arange(last, device=at.device)).sum(0).tolist()
    steps: list[Step] = []
    offset, start, padding = 0, 0, 0
    for pos in range(last):
        padding += reach[start] - reach[pos]
        if pos + 1 == last or padding + reach[start] - reach[pos + 1] > PADDING:
            steps.append(Step(start, pos + 1, reach[start], offset))
            offset += (pos + 1 - start) * reach[start]
            start, padding = pos + 1, 0
    place = torch.cat([torch.cartesian_prod(torch.arange(s.start, s.stop), torch.arange(s.n_rows)) for s in steps])
    return Cone(at, tuple(steps), place[:, 0].to(at.device), place[:, 1].to(at.device))
