from __future__ import annotations

import pytest
import torch
from torch import Tensor

from explorer.errors import GraphError
from explorer.transcoders.training import TrainingSettings, quality, reconstruct, train
from explorer.transcoders.transcoder import ReadPoint, WritePoint
from explorer.work import Progress, run

SPARSE, D_MODEL, N_CONTEXTS = 2, 32, 3000


@pytest.fixture(scope="module")
def problem() -> tuple[Tensor, Tensor]:
    """Two layers whose inputs are sums of few of 24 directions; layer 1's outputs need layer 0's causes."""
    generator = torch.Generator().manual_seed(3)
    causes = torch.rand(2, N_CONTEXTS, 24, generator=generator)
    chosen = torch.rand(2, N_CONTEXTS, 24, generator=generator).topk(SPARSE).indices
    causes = torch.zeros_like(causes).scatter(-1, chosen, causes.gather(-1, chosen) + 0.5)
    read = torch.nn.functional.normalize(torch.randn(2, 24, D_MODEL, generator=generator), dim=-1)
    write = torch.randn(2, 24, D_MODEL, generator=generator)
    outputs = causes @ write
    outputs[1] += 0.5 * causes[0] @ write[0]
    return causes @ read, outputs


def settings(kind: str, **changes: int) -> TrainingSettings:
    chosen = {"d_transcoder": 64, "k": 4, "steps": 500, "batch": 256, **changes}
    return TrainingSettings(kind, **chosen)


def test_per_layer_training_explains_its_layer_with_about_k_features(problem: tuple[Tensor, Tensor]) -> None:
    inputs, outputs = problem
    trained = run(train(inputs, outputs, torch.ones(N_CONTEXTS), settings("plt")))
    reached = quality(trained, inputs, outputs)
    assert trained.kind == "plt"
    assert reached.variance_explained[0] > 0.9
    assert all(2 < active < 6 for active in reached.active)


def test_cross_layer_training_explains_what_only_an_earlier_layer_knows(
    problem: tuple[Tensor, Tensor],
) -> None:
    inputs, outputs = problem
    weight = torch.ones(N_CONTEXTS)
    cross = quality(run(train(inputs, outputs, weight, settings("clt"))), inputs, outputs)
    own = quality(run(train(inputs, outputs, weight, settings("plt"))), inputs, outputs)
    assert min(cross.variance_explained) > 0.85
    assert cross.variance_explained[1] > own.variance_explained[1] + 0.05


@pytest.mark.parametrize("kind", ["plt", "clt"])
def test_the_same_seed_gives_the_same_transcoders_and_another_seed_others(
    problem: tuple[Tensor, Tensor], kind: str
) -> None:
    first, again, other = (
        run(train(*problem, torch.ones(N_CONTEXTS), settings(kind, steps=20, seed=seed)))
        for seed in (1, 1, 2)
    )
    for one, two in zip(first.layers, again.layers, strict=True):
        assert torch.equal(one.W_enc, two.W_enc)
        assert torch.equal(one.W_dec, two.W_dec)
        assert one.activation.threshold is not None
        assert two.activation.threshold is not None
        assert torch.equal(one.activation.threshold, two.activation.threshold)
    assert not torch.equal(first.layers[0].W_enc, other.layers[0].W_enc)


def test_contexts_of_weight_zero_are_never_drawn(problem: tuple[Tensor, Tensor]) -> None:
    inputs, outputs = (part.clone() for part in problem)
    weight = torch.ones(N_CONTEXTS)
    weight[::2] = 0
    expected = run(train(inputs, outputs, weight, settings("plt", steps=10)))
    inputs[:, ::2], outputs[:, ::2] = 7.0, -7.0
    changed = run(train(inputs, outputs, weight, settings("plt", steps=10)))
    torch.testing.assert_close(changed.layers[1].W_dec, expected.layers[1].W_dec)


def test_reconstruct_is_the_sum_of_the_decoders(problem: tuple[Tensor, Tensor]) -> None:
    inputs, outputs = problem
    trained = run(train(inputs, outputs, torch.ones(N_CONTEXTS), settings("clt", steps=10)))
    activations, guess = reconstruct(trained, inputs)
    first, second = trained.layers
    by_hand = activations[0] @ first.W_dec[:, 1] + activations[1] @ second.W_dec[:, 0] + second.b_dec
    torch.testing.assert_close(guess[1], by_hand)


def test_progress_counts_the_steps_and_closing_stops(problem: tuple[Tensor, Tensor]) -> None:
    work = train(*problem, torch.ones(N_CONTEXTS), settings("plt", steps=5))
    assert next(work) == Progress(0, 5, "Train transcoders")
    assert next(work).done == 1
    work.close()
    with pytest.raises(StopIteration):
        next(work)


def test_read_and_write_points_are_carried(problem: tuple[Tensor, Tensor]) -> None:
    work = train(
        *problem, torch.ones(N_CONTEXTS), settings("plt", steps=1), ReadPoint.RESID_MID, WritePoint.RESIDUAL
    )
    trained = run(work)
    assert (trained.read, trained.write) == (ReadPoint.RESID_MID, WritePoint.RESIDUAL)


@pytest.mark.parametrize(
    ("change", "fault"),
    [({"kind": "sae"}, "kind"), ({"k": 0}, "k is 0"), ({"k": 65}, "k is 65"), ({"steps": 0}, "0 steps")],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, object], fault: str) -> None:
    with pytest.raises(GraphError, match=fault):
        TrainingSettings(**{"kind": "plt", "d_transcoder": 64, "k": 4, **change})  # type: ignore[arg-type]
