"""Cones packed as steps: every position that a target sees, once, and little else."""

from __future__ import annotations

import pytest
import torch

from explorer.circuits import cone as cones
from explorer.circuits.cone import Cone, cone

AT = torch.tensor([9, 9, 7, 4, 4, 4, 0])


def seen(reach: Cone) -> set[tuple[int, int]]:
    return set(zip(reach.row.tolist(), reach.pos.tolist(), strict=True))


@pytest.mark.parametrize("padding", [0, 3, 1000])
def test_each_target_finds_each_position_that_it_sees_once(padding: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "PADDING", padding)
    reach = cone(AT)
    needed = {(row, pos) for row, last in enumerate(AT.tolist()) for pos in range(last + 1)}
    assert needed <= seen(reach)
    assert len(seen(reach)) == len(reach.pos)
    assert len(reach.pos) - len(needed) <= padding * len(reach.steps)


def test_without_padding_nothing_else_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cones, "PADDING", 0)
    assert len(cone(AT).pos) == int((AT + 1).sum())


def test_steps_are_views_of_their_part() -> None:
    reach = cone(AT)
    flat = torch.stack([reach.pos, reach.row], 1).double()
    for step in reach.steps:
        part = step.of(flat)
        assert part[:, :, 0].tolist() == [[pos] * step.n_rows for pos in range(step.start, step.stop)]
        assert part[:, :, 1].tolist() == [list(range(step.n_rows))] * step.n_pos


def test_targets_find_themselves() -> None:
    reach = cone(AT)
    flat, rows = reach.own()
    assert sorted(rows.tolist()) == list(range(len(AT)))
    assert torch.equal(reach.pos[flat], AT[rows])
