from __future__ import annotations

import numpy as np

from explorer.specimens import sums


def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    parts = sums.random_sums(300, rng, 10, 1), sums.carry_sums(300, rng)
    return np.concatenate([parts[0][0], parts[1][0]]), np.concatenate([parts[0][1], parts[1][1]])


def test_rows_read_as_the_sum_with_the_answer_from_its_last_digit() -> None:
    a, b = drawn()
    for x, y, row in zip(a, b, sums.rows(a, b), strict=True):
        text = "".join(sums.TOKENS[token] for token in row)
        assert text == f"{x:010d}+{y:010d}=" + f"{x + y:011d}"[::-1] + "."
        assert len(row) == sums.N_PROMPT + sums.N_OUT


def test_carries_are_those_of_adding_by_hand() -> None:
    a, b = drawn()
    for x, y, coming in zip(a, b, sums.carries(a, b), strict=True):
        carry, by_hand = 0, [0]
        for p, q in zip(f"{x:010d}"[::-1], f"{y:010d}"[::-1], strict=True):
            carry = int(int(p) + int(q) + carry >= 10)
            by_hand.append(carry)
        assert coming.tolist() == by_hand


def test_the_longest_chain_is_the_way_of_one_carry() -> None:
    a = np.array([0, 5, 9_999_999_999, 55, 95, 905, 1_009_905])
    b = np.array([0, 5, 1, 55, 5, 105, 1_000_095])
    assert sums.longest_chain(a, b).tolist() == [0, 1, 10, 1, 2, 1, 4]


def test_carry_sums_have_longer_chains_and_lengths_are_drawn_evenly() -> None:
    rng = np.random.default_rng(0)
    usual, long = sums.random_sums(2000, rng), sums.carry_sums(2000, rng)
    assert sums.longest_chain(*long).mean() > 1.5 * sums.longest_chain(*usual).mean()
    short, _ = sums.random_sums(20_000, rng, longest=4, shortest=1)
    assert short.max() < 10_000
    assert abs((short >= 1000).mean() - 0.9 / 4) < 0.02


def test_short_sums_stand_at_any_place_and_sparse_ones_have_zeros() -> None:
    rng = np.random.default_rng(0)
    a, b = sums.short_sums(5000, rng, 3)
    filled = (sums.digits(a, 10) > 0) | (sums.digits(b, 10) > 0)
    spread = np.where(filled.any(1), 9 - filled[:, ::-1].argmax(1) - filled.argmax(1), 0)
    assert spread.max() == 2
    assert filled.mean(0).min() > 0.05
    zeros = (sums.digits(sums.sparse_sums(5000, rng)[0], 10) == 0).mean(1)
    assert (zeros.min(), zeros.max()) == (0, 1)
    assert abs(zeros.mean() - 0.55) < 0.02


def test_round_sums_are_all_pairs_of_round_numbers() -> None:
    a, b = sums.round_sums()
    assert len({*zip(a.tolist(), b.tolist(), strict=True)}) == 91**2
    assert all(str(number).count("0") >= len(str(number)) - 1 for number in {*a.tolist(), *b.tolist()})
