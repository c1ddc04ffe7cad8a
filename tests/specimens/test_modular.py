from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.errors import Cancelled, GraphError
from explorer.io import specimens
from explorer.specimens import modular, pairs
from explorer.specimens.network import Network, run

P = 59


@pytest.fixture(scope="module")
def quick() -> Network:
    return specimens.network("modular-59")


@pytest.fixture(scope="module")
def logits(quick: Network) -> np.ndarray:
    return modular.of_all(quick).logits


def wave(k: int, of: str) -> np.ndarray:
    """cos of frequency k over all pairs of numbers, by a, b, a + b or a - b."""
    a, b = np.meshgrid(np.arange(P), np.arange(P), indexing="ij")
    return np.cos(2 * np.pi * k * {"a": a, "b": b, "a + b": a + b, "a - b": a - b}[of] / P + 0.3)


def test_pairs_are_all_and_answers_are_their_sums() -> None:
    for (a, b, equals), answer in zip(pairs.rows(5), pairs.answers(5), strict=True):
        assert equals == 5
        assert answer == (a + b) % 5
    assert len({tuple(row) for row in pairs.rows(5)}) == 25
    assert pairs.trained_on(P, 0.5, 0).sum() == int(0.5 * P * P)


def test_all_pairs_are_right(quick: Network) -> None:
    assert modular.answers_of(quick).accuracy == 1


def test_most_neurons_are_waves_of_one_frequency(quick: Network) -> None:
    assert (modular.read(quick).explained > 0.85).mean() >= 0.85


@pytest.mark.parametrize("of", ["a", "b", "a + b", "a - b"])
def test_a_wave_is_found_with_its_frequency(of: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (P, P))
    neurons = np.stack([3 + wave(7, of), wave(7, of) + wave(12, "a"), 2 * wave(29, of) + noise], -1)
    frequency, explained = modular.neuron_frequencies(neurons)
    assert frequency.tolist()[0] == 7
    assert explained[0] == pytest.approx(1)
    assert explained[1] == pytest.approx(0.5)
    assert frequency[2] == 29
    assert explained[2] > 0.99


def test_a_products_variance_is_that_of_regression_on_the_waves() -> None:
    """cos(ka) cos(kb) with its parts, against a least-squares fit of all eight waves of frequency k."""
    rng = np.random.default_rng(1)
    neuron = np.maximum(wave(5, "a") + wave(5, "b"), 0) + rng.normal(0, 0.2, (P, P))
    a, b = np.meshgrid(np.arange(P), np.arange(P), indexing="ij")
    columns = [f(2 * np.pi * 5 * of / P).ravel() for of in (a, b, a + b, a - b) for f in (np.cos, np.sin)]
    centred = neuron.ravel() - neuron.mean()
    fitted = np.stack(columns, 1) @ np.linalg.lstsq(np.stack(columns, 1), centred, rcond=None)[0]
    _, explained = modular.neuron_frequencies(neuron[:, :, None])
    assert explained[0] == pytest.approx((fitted**2).sum() / (centred**2).sum())


def test_waves_of_the_sum_are_taken_as_by_regression(logits: np.ndarray) -> None:
    key, total = (3, 8), pairs.answers(P)
    waves = [f(2 * np.pi * k * total / P) for k in key for f in (np.cos, np.sin)]
    basis = np.stack(waves, 1)
    fitted = basis @ np.linalg.lstsq(basis, logits, rcond=None)[0]
    np.testing.assert_allclose(modular.of_sum(logits, key), fitted, atol=1e-8)
    np.testing.assert_allclose(modular.excluded(logits, key), logits - fitted, atol=1e-8)
    np.testing.assert_allclose(modular.restricted(logits, key), logits.mean(0) + fitted, atol=1e-8)


def test_key_waves_alone_answer_and_without_them_nothing_does(quick: Network, logits: np.ndarray) -> None:
    key = modular.read(quick).key
    assert modular.answered(modular.restricted(logits, key)).accuracy == 1
    assert modular.answered(modular.excluded(logits, key)).accuracy < 0.2
    assert modular.answers_of(modular.only(quick, key)).accuracy > 0.95
    assert modular.answers_of(modular.without(quick, key)).accuracy < 0.2
    others = [k for k in range(1, (P - 1) // 2 + 1) if k not in key]
    assert modular.answers_of(modular.without(quick, others)).accuracy > 0.95


def test_an_embedding_loses_the_frequency_taken_out_and_no_other(quick: Network) -> None:
    before = quick.weights["embed.weight"]
    after = modular.without(quick, [7]).weights["embed.weight"]
    at = np.arange(P)
    for k in (6, 7, 8):
        waves = np.exp(2j * np.pi * k * at / P)
        expected = 0 if k == 7 else waves @ before[:P]
        np.testing.assert_allclose(waves @ after[:P], expected, atol=1e-9)
    np.testing.assert_array_equal(after[P], before[P])
    np.testing.assert_allclose(after[:P].mean(0), before[:P].mean(0), atol=1e-12)


def test_taking_out_and_keeping_are_complements(quick: Network) -> None:
    kept, left = (f(quick, [4, 9]).weights["embed.weight"][:P] for f in (modular.only, modular.without))
    whole = quick.weights["embed.weight"][:P]
    np.testing.assert_allclose(kept + left, whole + whole.mean(0), atol=1e-12)


@pytest.mark.parametrize("k", [0, -1, 30])
def test_a_frequency_that_is_none_is_refused(quick: Network, k: int) -> None:
    with pytest.raises(GraphError, match=f"{k} is no frequency of this model; take one of 1 to 29"):
        modular.without(quick, [k])


def test_the_spectrum_is_of_the_waves_in_it(quick: Network) -> None:
    at = np.arange(P)[:, None]
    table = np.concatenate([np.cos(2 * np.pi * 3 * at / P), 2 * np.sin(2 * np.pi * 11 * at / P) + 5], 1)
    found = modular.spectrum(table)
    assert found[2] == pytest.approx(0.2)
    assert found[10] == pytest.approx(0.8)
    held = replace(quick, weights={**quick.weights, "embed.weight": np.concatenate([table, table[:1]])})
    assert modular.spectrum(held.weights["embed.weight"][:P]).sum() == pytest.approx(1)


def test_all_pairs_come_out_as_in_one_run_and_it_can_be_given_up(quick: Network) -> None:
    whole = run(quick, pairs.rows(P))
    outcome = modular.of_all(quick)
    np.testing.assert_allclose(outcome.logits, whole.logits[:, -1], atol=1e-9)
    np.testing.assert_allclose(outcome.neurons[3, 50], whole.neurons[0][3 * P + 50, -1], atol=1e-9)

    def stop() -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        modular.of_all(quick, stop)


def test_numbers_lie_on_a_circle_where_one_wave_runs_alone() -> None:
    angle = 2 * np.pi * 4 * np.arange(P) / P
    axes = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))[0]
    table = np.stack([np.cos(angle), np.sin(angle), 3 * np.cos(2 * angle)], 1) @ axes[:3] + 5
    points, share = modular.circle(table, 4)
    np.testing.assert_allclose(points, np.stack([np.cos(angle), np.sin(angle)], 1), atol=1e-9)
    assert share == pytest.approx(1)
    mixed = np.concatenate([table, 0.5 * np.cos(2 * angle)[:, None]], 1) @ np.array([*np.eye(6), axes[0]])
    assert modular.circle(mixed, 4)[1] == pytest.approx(2 / 2.25)


def test_heights_are_those_of_regression_on_the_waves_of_the_distance(logits: np.ndarray) -> None:
    behind = (pairs.answers(P)[:, None] - np.arange(P)).ravel()
    basis = np.stack([np.ones(P**3), *(np.cos(2 * np.pi * k * behind / P) for k in (8, 22))], 1)
    fitted = np.linalg.solve(basis.T @ basis, basis.T @ logits.ravel())
    np.testing.assert_allclose(modular.heights(logits, (8, 22)), fitted[1:])


def test_losses_and_distances_are_those_of_each_pair() -> None:
    made = np.random.default_rng(3).normal(size=(25, 5))
    chance = np.exp(made) / np.exp(made).sum(1, keepdims=True)
    by_hand = [-np.log(chance[5 * a + b, (a + b) % 5]) for a in range(5) for b in range(5)]
    np.testing.assert_allclose(modular.losses(made), by_hand)
    off = modular.distances(made)
    assert set(off.tolist()) <= {-2, -1, 0, 1, 2}
    np.testing.assert_array_equal((pairs.answers(5) + off) % 5, made.argmax(1))


def test_a_model_knows_pairs_from_the_first_step_with_999_of_1000_right() -> None:
    curve = {"step": np.array([0.0, 50.0, 100.0]), "train_accuracy": np.array([0.1, 0.9995, 0.99])}
    assert modular.known_from(curve, "train") == 50
    assert np.isnan(modular.known_from({**curve, "test_accuracy": np.full(3, 0.5)}, "test"))


@pytest.mark.slow
def test_the_textbook_model_only_remembers_for_long_and_then_knows_all() -> None:
    curve = specimens.history("modular-113")
    remembers = (curve["train_accuracy"] == 1) & (curve["test_accuracy"] < 0.3)
    assert np.ptp(curve["step"][remembers]) >= 200
    assert curve["test_accuracy"][-1] == 1
    assert modular.answers_of(specimens.network("modular-113")).accuracy == 1
    assert curve["excluded_loss"][-1] > 10 * curve["train_loss"][-1]
