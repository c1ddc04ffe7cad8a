"""The sweep: the same rows whatever the chunks, the threads, the order and the number of targets asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from explorer.circuits.aim import Targets, aim
from explorer.circuits.attribution import rows_of
from explorer.circuits.cone import Cone, cone
from explorer.circuits.replacement import LocalReplacementModel
from explorer.circuits.sweep import chunks
from tests import tiny

LONG = tuple(2 + (7 * step) % 31 for step in range(24))  # positions enough for factors to be used in every family
FAMILIES = ["llama", "gpt2", "gemma2"]


def traced(family: str, kind: str = "clt", dtype: str = "float64") -> tuple[LocalReplacementModel, Targets]:
    model = tiny.model(family, dtype)
    trace, local = tiny.replaced(model, tiny.transcoders(model, kind), LONG)
    return local, aim(local, tiny.logits(model, trace))


def every_row(local: LocalReplacementModel, targets: Targets, wanted: Tensor, chunk_rows: int = 2048) -> Tensor:
    """The rows in the order of ``wanted``."""
    rows = {
        int(target): row
        for block in rows_of(local, targets, wanted, chunk_rows)
        for target, row in zip(block.targets, block.effects, strict=True)
    }
    return torch.stack([rows[int(target)] for target in wanted])


def assert_same(ours: Tensor, theirs: Tensor, tolerance: float) -> None:
    largest = theirs.abs().amax(1, keepdim=True).clamp_min(1e-30)
    assert float(((ours - theirs).abs() / largest).max()) <= tolerance


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["plt", "clt"])
@pytest.mark.parametrize("family", FAMILIES)
def test_chunks_change_only_rounding(family: str, kind: str, dtype: str) -> None:
    local, targets = traced(family, kind, dtype)
    wanted = torch.arange(len(targets.layer))
    whole = every_row(local, targets, wanted)
    for chunk_rows in (60, 10**6):
        assert_same(every_row(local, targets, wanted, chunk_rows), whole, 2e-6 if dtype == "float32" else 1e-13)


@pytest.mark.usefixtures("threads")
def test_threads_change_only_rounding() -> None:
    local, targets = traced("gpt2", dtype="float32")
    wanted = torch.arange(0, len(targets.layer), 9)
    torch.set_num_threads(1)
    one = every_row(local, targets, wanted)
    torch.set_num_threads(2)
    assert_same(every_row(local, targets, wanted), one, 2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_order_and_number_of_targets_change_only_rounding(family: str) -> None:
    local, targets = traced(family)
    whole = every_row(local, targets, torch.arange(len(targets.layer)))
    some = torch.randperm(len(targets.layer), generator=torch.Generator().manual_seed(0))[:40]
    assert_same(every_row(local, targets, some), whole[some], 1e-13)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_carried_down_to_the_embeddings_change_only_rounding(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    local, targets = traced(family)
    wanted = torch.arange(len(targets.layer))
    met = every_row(local, targets, wanted)
    monkeypatch.setattr("explorer.circuits.sources.EMBEDDED_BUDGET", 0)
    assert_same(every_row(local, targets, wanted), met, 1e-12)


def test_chunks_hold_each_target_once_and_stay_within_their_size() -> None:
    local, targets = traced("llama")
    own = (targets.layer == 1).nonzero().flatten()
    made = list(chunks(targets, own, 100, 50))
    assert torch.equal(torch.cat(made).sort().values, own)
    for chunk in made:
        at = targets.pos[chunk]
        assert torch.equal(at, at.sort(descending=True).values)
        assert len(chunk) == 1 or int((at + 1).sum()) <= 100
    assert local.frozen.n_pos == len(LONG)


def drawn(*sizes: int) -> Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def packed(dense: Tensor, reach: Cone) -> Tensor:
    """``dense`` [pos, row, d_model] over the steps of ``reach``."""
    return dense[reach.pos, reach.row]


@pytest.mark.parametrize("family", FAMILIES)
def test_carry_is_the_transpose_of_forward(family: str) -> None:
    local, _ = traced(family)
    attention, d_model = local.frozen.attention[1], local.frozen.d_model
    at = torch.tensor([23, 15, 15, 3])
    reach = cone(at)
    inside = (torch.arange(24)[:, None] <= at)[:, :, None]
    gradient, x = drawn(24, 4, d_model) * inside, drawn(24, 4, d_model) + 1.0
    carried = attention.carry(packed(gradient, reach).clone(), reach)
    there = (gradient * (x + attention.forward(x))).sum((0, 2))
    back = torch.zeros(4, dtype=torch.float64).index_add_(0, reach.row, (carried * packed(x, reach)).sum(1))
    torch.testing.assert_close(back, there)


@pytest.mark.parametrize("family", FAMILIES)
def test_factors_are_what_carry_makes_of_one_position(family: str) -> None:
    local, _ = traced(family)
    first, second = local.frozen.attention[2], local.frozen.attention[1]
    at = torch.tensor([23, 15, 15, 3])
    reach, seed = cone(at), drawn(4, local.frozen.d_model)
    start = torch.zeros(len(reach.pos), local.frozen.d_model, dtype=torch.float64)
    flat, rows = reach.own()
    start[flat] = seed[rows]
    factors, dense = first.spread(seed, reach), first.carry(start, reach)
    torch.testing.assert_close(factors.product(reach), dense)
    assert factors.under.shape[1] < reach.n_pos
    torch.testing.assert_close(second.carry(dense.clone(), reach, factors), second.carry(dense.clone(), reach))


@pytest.mark.parametrize("family", FAMILIES)
def test_forward_from_one_position_is_forward(family: str) -> None:
    local, _ = traced(family)
    attention, embedding = local.frozen.attention[0], local.frozen.embedding
    alone = torch.diag_embed(embedding.T).permute(1, 2, 0)
    torch.testing.assert_close(attention.forward_from(embedding), attention.forward(alone))
