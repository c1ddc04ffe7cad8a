"""The training of the specimens: one seed gives one model, and the short ways are the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from explorer.specimens import letters, modular, pairs, sums
from sample_models.training.adder import training as adder
from sample_models.training.induction import training as induction
from sample_models.training.letters import training as letters_training
from sample_models.training.modular import training as modular_training
from sample_models.training.modular.training import Plan
from sample_models.training.specimens import as_network

PLAN = Plan(13, 0.5, 40, 20)


def silent(_: str) -> None:
    """Training that reports to nobody."""


TRAININGS: dict[str, Callable[[int], Any]] = {
    "adder": lambda seed: adder.train(seed, silent, steps=20)[0],
    "modular": lambda seed: modular_training.train(PLAN, silent, seed)[0],
    "induction": lambda seed: induction.train(seed, silent, steps=12)[0],
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", TRAININGS)
def test_two_runs_with_one_seed_agree_and_another_seed_does_not(name: str) -> None:
    one, two, other = (TRAININGS[name](seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[part], two[part]) for part in one)
    assert any(not torch.equal(one[part], other[part]) for part in one)


def test_letters_are_trained_without_chance() -> None:
    counted = letters.counts(["ada", "bob"])
    np.testing.assert_array_equal(letters_training.train(counted), letters_training.train(counted))


def test_the_adders_short_way_is_the_model() -> None:
    model = adder.new_model(0)
    ids = torch.from_numpy(sums.rows(*sums.random_sums(20, np.random.default_rng(0))))[:, : sums.N_POS]
    with torch.no_grad():
        torch.testing.assert_close(adder.outputs(model, ids), model(ids).logits[:, sums.READ], atol=1e-5, rtol=1e-4)


def test_modular_additions_short_way_is_the_model() -> None:
    model, ids = modular_training.new_model(13, 0), torch.from_numpy(pairs.rows(13))
    with torch.no_grad():
        torch.testing.assert_close(modular_training.outputs(model, ids), model(ids).logits[:, -1])


def test_a_curve_tells_pairs_trained_on_from_the_others() -> None:
    model, noted = modular_training.train(PLAN, silent, 0)
    curve = modular_training.curve(PLAN, 0, noted, (3,))
    assert [point.step for point in curve] == [0, 20, 40]
    trained = pairs.trained_on(13, 0.5, 0)
    right = noted[40].argmax(1) == pairs.answers(13)
    assert curve[-1].train_accuracy == pytest.approx(right[trained].mean())
    assert curve[-1].test_accuracy == pytest.approx(right[~trained].mean())
    assert curve[-1].train_loss < curve[0].train_loss
    np.testing.assert_allclose(modular.of_all(as_network(model)).logits.shape, noted[40].shape)


def test_the_heads_left_out_stay_empty() -> None:
    model = TRAININGS["induction"](0)
    assert not model.blocks[1].attention.output.weight[:, model.config.head_dim :].any()
    assert not any(parameter.any() for name, parameter in model.named_parameters() if ".mlp." in name)
