from __future__ import annotations

import numpy as np
import pytest

from explorer.errors import GraphError, PromptError
from explorer.io import specimens
from explorer.specimens import adder, network, sums
from explorer.specimens.catalogue import find
from explorer.specimens.network import Network

pytestmark = pytest.mark.skipif(find("adder") is None, reason="the adder is not shipped yet")
DAMAGE = 0.82  # of what neurons write: some sums come out right still


@pytest.fixture(scope="module")
def model() -> Network:
    return specimens.network("adder")


def test_it_has_777_parameters(model: Network) -> None:
    assert model.n_parameters == 777


def test_fresh_sums_are_right(model: Network) -> None:
    rng = np.random.default_rng(77)
    assert adder.exact(model, *sums.random_sums(2000, rng)).sum() >= 1995
    assert adder.exact(model, *sums.carry_sums(1000, rng)).sum() >= 995


def test_round_numbers_are_added_too(model: Network) -> None:
    assert adder.exact(model, *sums.round_sums()).mean() >= 0.99


@pytest.mark.slow
def test_999_of_1000_sums_are_exact_with_long_carries_too(model: Network) -> None:
    rng = np.random.default_rng(78)
    assert adder.exact(model, *sums.random_sums(100_000, rng)).mean() >= 0.999
    assert adder.exact(model, *sums.carry_sums(10_000, rng)).mean() >= 0.999


@pytest.mark.parametrize(("a", "b"), [(0, 0), (5, 7), (9_999_999_999, 1), (1_234_567_890, 987_654_321)])
def test_the_model_says_a_sum_by_itself(model: Network, a: int, b: int) -> None:
    found = adder.read(model, a, b)
    assert found.answer == str(a + b)
    assert found.said == f"{a + b:011d}"[::-1] + "."
    assert "".join(found.tokens) == f"{a:010d}+{b:010d}=" + f"{a + b:011d}"[::-1]
    np.testing.assert_allclose(found.pattern.sum(1), 1)
    assert (found.probability > 0.5).all()


def test_what_is_exact_with_the_true_digits_is_what_the_model_says_by_itself(model: Network) -> None:
    """On a damaged model, which is wrong now and right then."""
    rng = np.random.default_rng(3)
    down = model.weights["blocks.0.mlp.down.weight"]
    broken = Network(model.settings, {**model.weights, "blocks.0.mlp.down.weight": down * DAMAGE})
    a, b = sums.random_sums(40, rng)
    alone = [adder.read(broken, int(x), int(y)).answer == str(x + y) for x, y in zip(a, b, strict=True)]
    assert adder.exact(broken, a, b).tolist() == alone
    assert 0 < sum(alone) < 40


def test_places_are_where_the_digits_stand() -> None:
    a, b = 1_234_567_890, 9_876_543_219
    text = f"{a:010d}+{b:010d}=" + f"{a + b:011d}"[::-1]
    for column in range(11):
        found = {name: text[at] for name, at in adder.places(column).items()}
        if column < 10:
            assert (found["a"], found["b"]) == (f"{a:010d}"[::-1][column], f"{b:010d}"[::-1][column])
        if column > 0:
            assert (found["a before"], found["b before"]) == (f"{a:010d}"[-column], f"{b:010d}"[-column])
            assert found["sum before"] == f"{a + b:011d}"[::-1][column - 1]


def test_each_output_looks_at_its_own_column(model: Network) -> None:
    table = adder.alignment(model)
    np.testing.assert_allclose(table.sum(1), 1)
    own = table[:10, :2].sum(1)
    assert own.mean() > 0.5
    assert (own > table[:10, 2:].max(1)).all()


def test_a_neurons_table_is_its_mean_over_sums_with_these_digits(model: Network) -> None:
    table = adder.neurons(model, column=2, n=4000, seed=1)
    a, b = sums.random_sums(4000, np.random.default_rng(1))
    chosen = (sums.digits(a, 10)[:, 2] == 4) & (sums.digits(b, 10)[:, 2] == 7) & (sums.carries(a, b)[:, 2] == 1)
    active = network.run(model, sums.rows(a[chosen], b[chosen])[:, : sums.N_POS]).neurons[0][:, sums.N_PROMPT + 1]
    np.testing.assert_allclose(table[:, 4, 7, 1], active.mean(0), rtol=1e-9)
    assert table.shape == (14, 10, 10, 2)


def test_most_neurons_are_needed(model: Network) -> None:
    rng = np.random.default_rng(5)
    a, b = sums.random_sums(400, rng)
    left = [adder.exact(model, a, b, adder.ablated(model, [neuron])).mean() for neuron in range(model.n_neurons)]
    assert np.median(left) < 0.5


def test_ablation_puts_a_neuron_to_its_mean_and_leaves_the_others(model: Network) -> None:
    a, b = sums.random_sums(50, np.random.default_rng(6))
    before, after = adder.passed(model, a, b), adder.passed(model, a, b, adder.ablated(model, [3, 5]))
    kept = np.isin(np.arange(model.n_neurons), [3, 5], invert=True)
    np.testing.assert_array_equal(before.neurons[0][:, :, kept], after.neurons[0][:, :, kept])
    usual = adder.mean_neurons(model)
    np.testing.assert_allclose(after.neurons[0][:, :, [3, 5]] - usual[:, [3, 5]], 0)


def test_counts_by_chain_are_all_the_sums(model: Network) -> None:
    a, b = sums.carry_sums(300, np.random.default_rng(7))
    change = adder.ablated(model, [1])
    counted = adder.by_chain(model, a, b, change)
    assert sum(total for _, total in counted.values()) == 300
    assert sum(right for right, _ in counted.values()) == adder.exact(model, a, b, change).sum()
    chain = sums.longest_chain(a, b)
    assert counted[3] == (int(adder.exact(model, a[chain == 3], b[chain == 3], change).sum()), int((chain == 3).sum()))


def test_a_walkthroughs_claims_are_checked_on_the_model(model: Network) -> None:
    claims = adder.walkthrough(model, 4_999_999_999, 1_234_567_891)
    assert len(claims) == 2 * 11 + 9
    assert {claim.column for claim in claims} == set(range(11))
    adds = [claim for claim in claims if "gives" in claim.text]
    assert adds[0].text == "9 + 1 gives 0."
    assert adds[1].text == "9 + 9 + 1 carried gives 9."
    assert all(claim.holds for claim in adds)
    carry = [claim for claim in claims if "carry from below" in claim.text]
    assert carry[0].text == "Without a carry from below it would be 8."
    assert np.mean([claim.holds for claim in carry]) > 0.8


def test_claims_about_a_model_that_cannot_add_do_not_hold(model: Network) -> None:
    mute = Network(model.settings, {**model.weights, "blocks.0.mlp.down.weight": np.zeros((7, 14))})
    claims = adder.walkthrough(mute, 4_999_999_999, 1_234_567_891)
    assert np.mean([claim.holds for claim in claims if "gives" in claim.text]) < 0.6


def test_what_does_not_fit_is_refused(model: Network) -> None:
    with pytest.raises(PromptError, match="10000000000 does not fit; the model adds whole numbers of up to 10 digits"):
        adder.read(model, 10**10, 1)
    with pytest.raises(PromptError, match="-1 does not fit"):
        adder.read(model, 1, -1)
    with pytest.raises(GraphError, match="There is no neuron 14; take one of 0 to 13"):
        adder.ablated(model, [14])
    with pytest.raises(GraphError, match="10 is no column with two digits"):
        adder.neurons(model, 10)
