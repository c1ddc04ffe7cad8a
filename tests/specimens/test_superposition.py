from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from explorer.errors import GraphError
from explorer.io import specimens
from explorer.specimens import superposition
from explorer.specimens.superposition import Setting, Toy, train
from explorer.work import Progress, run

QUICK = Setting(steps=200, batch=64, n_seeds=2)


def toy(*columns: tuple[float, float]) -> Toy:
    return Toy(0.1, np.array(columns, dtype=float).T, np.zeros(len(columns)), 0.0)


def around(n: int) -> list[tuple[float, float]]:
    return [(float(np.cos(angle)), float(np.sin(angle))) for angle in 2 * np.pi * np.arange(n) / n]


def test_features_represented_rise_from_two_to_five_as_they_get_rarer() -> None:
    shipped = specimens.superposition()
    represented = [int(each.represented.sum()) for each in shipped]
    assert [each.density for each in shipped] == pytest.approx(superposition.DENSITIES)
    assert represented[0] == 2
    assert represented[-1] == 5
    assert represented == sorted(represented)
    assert shipped[0].geometry == "one dimension each"
    assert shipped[1].geometry == "antipodal pairs"
    assert shipped[-1].geometry == "pentagon"


@pytest.mark.slow
def test_all_densities_are_trained_in_less_than_ten_seconds_as_they_are_shipped() -> None:
    start = time.process_time()
    trained = run(train(Setting()))
    assert time.process_time() - start < 10
    for made, kept in zip(trained, specimens.superposition(), strict=True):
        assert made.represented.tolist() == kept.represented.tolist()


def test_the_gradient_is_that_of_autograd() -> None:
    rng = np.random.default_rng(0)
    W, b, x = rng.normal(size=(3, 2, 5)), rng.normal(size=(3, 1, 5)), rng.random((3, 40, 5))
    weight = Setting().weight
    loss, (grad_W, grad_b) = superposition._gradient(W, b, x, weight)
    tW, tb = (torch.from_numpy(each).requires_grad_() for each in (W, b))
    out = torch.relu(torch.from_numpy(x) @ tW.transpose(1, 2) @ tW + tb)
    theirs = (torch.from_numpy(weight) * (out - torch.from_numpy(x)) ** 2).sum(-1).mean(-1)
    theirs.sum().backward()
    np.testing.assert_allclose(loss, theirs.detach(), rtol=1e-12)
    np.testing.assert_allclose(grad_W, tW.grad, rtol=1e-10)
    np.testing.assert_allclose(grad_b, tb.grad, rtol=1e-10)


def test_steps_are_those_of_torchs_adam() -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=4), rng.normal(size=(6, 4))
    ours, theirs = superposition._Adam([start]), torch.from_numpy(start.copy()).requires_grad_()
    adam = torch.optim.Adam([theirs], 0.03)
    for gradient in gradients:
        ours.step([gradient], 0.03)
        theirs.grad = torch.from_numpy(gradient)
        adam.step()
    np.testing.assert_allclose(ours.values[0], theirs.detach(), rtol=1e-10)


def test_partial_values_come_often_and_the_same_seed_gives_the_same() -> None:
    seen: list[Progress] = []
    first = run(train(QUICK, (1.0, 0.05)), seen.append)
    assert len(seen) == QUICK.steps / superposition.SHOW_EVERY
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    again = run(train(QUICK, (1.0, 0.05)))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.W, two.W)


def test_partial_values_are_the_model_at_that_step() -> None:
    work = train(QUICK, (0.05,))
    progress = next(work)
    assert progress.partial is not None
    early = progress.partial()[0]
    late = run(work)[0]
    assert early.loss > late.loss
    assert early.W.shape == late.W.shape == (2, 5)


def test_features_are_there_as_often_as_said() -> None:
    chance = np.array([1.0, 0.1], dtype=np.float32)[:, None, None]
    drawn = superposition.features(np.random.default_rng(0), chance, 20_000, 4)
    np.testing.assert_allclose((drawn > 0).mean((1, 2)), [1.0, 0.1], atol=0.01)
    np.testing.assert_allclose(drawn[0].mean(), 0.5, atol=0.01)


def test_shapes_are_named() -> None:
    assert toy((1, 0), (0, 1), (0, 0)).geometry == "one dimension each"
    assert toy(*around(4)).geometry == "antipodal pairs"
    assert toy(*around(4)).antipodal == ((0, 2), (1, 3))
    assert toy(*around(5)).geometry == "pentagon"
    assert toy(*around(7)).geometry == "regular, 7 corners"
    assert toy((1, 0), (0.8, 0.6), (0, 1)).geometry == ""
    assert toy((0, 0), (0, 0)).geometry == ""


def test_dimensions_are_shared_and_told_apart() -> None:
    np.testing.assert_allclose(toy((1, 0), (0, 2)).dimensionality, 1)
    np.testing.assert_allclose(toy(*around(4)).dimensionality, 1 / 2)
    np.testing.assert_allclose(toy(*around(5)).dimensionality, 2 / 5)
    assert toy((1, 0), (0, 1)).monosemantic.tolist() == [True, True]
    assert toy((1, 0), (0, 1), (0, -1)).monosemantic.tolist() == [True, False]
    np.testing.assert_allclose(toy(*around(4)).gram, np.array(around(4)) @ np.array(around(4)).T)


@pytest.mark.parametrize(
    "wrong", [{"n_features": 0}, {"n_dimensions": 6}, {"n_features": 101}, {"importance": 0.0}, {"importance": 1.1}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(GraphError, match=r"cannot be trained|where a number above 0, up to 1, belongs"):
        Setting(**wrong)


def test_a_density_that_is_none_is_refused() -> None:
    with pytest.raises(GraphError, match="The density is 0, where"):
        run(train(QUICK, (0.0,)))
