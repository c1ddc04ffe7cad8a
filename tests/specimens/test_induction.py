from __future__ import annotations

import numpy as np
import pytest

from explorer.io import specimens
from explorer.models import head_scores
from explorer.specimens import induction, network, repeats
from explorer.specimens.network import Network

ROWS = repeats.twice(100, 20, np.random.default_rng(5))


@pytest.fixture(scope="module")
def model() -> Network:
    return specimens.network("induction")


@pytest.fixture(scope="module")
def found(model: Network) -> induction.Scores:
    return induction.scores(model, ROWS)


def test_rows_come_twice_and_all_else_is_new() -> None:
    ids, foreseen = repeats.rows(200, np.random.default_rng(0))
    for row, marks in zip(ids, foreseen, strict=True):
        places = np.flatnonzero(marks)
        assert 2 <= len(places) <= repeats.LONGEST - 1
        start, period = places[0], len(places) + 1
        assert len(set(row[:start].tolist())) == start
        np.testing.assert_array_equal(row[start : start + period], row[start - period : start])
    assert (ROWS[:, :20] == ROWS[:, 20:]).all()


def test_the_induction_head_finds_what_followed(model: Network, found: induction.Scores) -> None:
    layer, head = found.induction
    assert layer == 1
    assert found.prefix[layer, head] >= 0.9
    assert found.copying[layer, head] > 0.5
    pattern = network.run(model, ROWS).pattern[layer][:, head]
    by_hand = [pattern[row, at, at - 19] for row in range(len(ROWS)) for at in range(20, 40)]
    assert found.prefix[layer, head] == pytest.approx(np.mean(by_hand))


def test_without_that_head_nothing_is_foreseen_and_without_another_all_is(
    model: Network, found: induction.Scores
) -> None:
    whole = induction.accuracy(model, ROWS)
    assert whole > 0.95
    for head, left in induction.ablations(model, ROWS).items():
        if head == found.induction:
            assert whole - left >= 0.5
        else:
            assert whole - left < 0.5, head


def test_the_heads_left_out_of_the_second_layer_do_nothing(model: Network, found: induction.Scores) -> None:
    whole = network.run(model, ROWS).logits
    for head in (1, 2, 3):
        np.testing.assert_allclose(network.run(model, ROWS, induction.ablated(model, [(1, head)])).logits, whole)
        assert np.isnan(found.copying[1, head])


def test_it_needs_a_head_that_looks_one_token_back(model: Network, found: induction.Scores) -> None:
    assert found.previous[0].max() > 0.5
    first = [(0, head) for head in range(model.n_heads)]
    assert induction.accuracy(model, ROWS, first) < induction.accuracy(model, ROWS) - 0.5


def test_the_scores_rise_at_once_in_training() -> None:
    curve = specimens.history("induction")
    assert curve["prefix"][0] < 0.1
    assert curve["prefix"][-1] > 0.85
    crossed = [int(curve["step"][np.flatnonzero(curve["prefix"] > level)[0]]) for level in (0.2, 0.6)]
    assert crossed[1] - crossed[0] < 0.15 * curve["step"][-1]


def test_a_prompt_is_read_with_its_chances(model: Network) -> None:
    ids = np.array([repeats.TOKENS.index(letter) for letter in "kQ7pxkQ7"])
    reading = induction.read(model, ids)
    assert reading.followers == ((5, 1), (6, 2), (7, 3))
    assert repeats.TOKENS[reading.probability[-1].argmax()] == "p"
    np.testing.assert_allclose(reading.probability.sum(-1), 1)
    without = induction.read(model, ids, [induction.scores(model, ROWS).induction])
    assert without.probability[-1, ids[3]] < reading.probability[-1, ids[3]] / 2


def test_ablation_leaves_all_other_heads_alone(model: Network) -> None:
    before, after = network.run(model, ROWS), network.run(model, ROWS, induction.ablated(model, [(0, 2)]))
    kept = np.arange(model.n_heads) != 2
    np.testing.assert_array_equal(before.mixed[0][:, :, kept], after.mixed[0][:, :, kept])
    assert np.ptp(after.mixed[0][:, :, 2], axis=(0, 1)).max() == 0
    assert np.ptp(before.mixed[0][:, :, 2], axis=(0, 1)).max() > 0.1


def test_what_a_head_writes_is_its_part_of_the_logits(model: Network) -> None:
    """Logits are linear in what heads gather, so the circuit applied to the pattern is the head's whole effect."""
    layer, head = 1, 0
    before = network.run(model, ROWS)

    def silent(site: str, at: int, x: np.ndarray) -> np.ndarray:
        if (site, at) != ("head", layer):
            return x
        return np.where(np.arange(model.n_heads)[:, None] == head, 0, x)

    difference = before.logits - network.run(model, ROWS, silent).logits
    _, writes = induction.circuit(model, layer, head)
    np.testing.assert_allclose(difference, before.mixed[layer][:, :, head] @ writes, atol=1e-9)


def test_a_copying_score_is_that_of_the_whole_matrix(model: Network, found: induction.Scores) -> None:
    reads, writes = induction.circuit(model, 0, 1)
    values = np.linalg.eigvals(reads @ writes)
    assert found.copying[0, 1] == pytest.approx(values.sum().real / abs(values).sum(), abs=1e-6)
    assert head_scores.copying(np.eye(6), np.eye(6)) == 1
    assert head_scores.copying(np.eye(6), -np.eye(6)) == -1
