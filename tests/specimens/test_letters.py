from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from explorer.errors import GraphError
from explorer.io import specimens
from explorer.specimens import letters

LOGITS, NAMES = specimens.letters()
COUNTED = letters.counts(NAMES)


def test_the_counts_are_those_of_the_letters_in_the_names() -> None:
    first, last = (Counter(name[at] for name in NAMES) for at in (0, -1))
    for letter in letters.TOKENS[1:]:
        assert COUNTED[0, letters.at(letter)] == first[letter]
        assert COUNTED[letters.at(letter), 0] == last[letter]
    assert COUNTED.sum() == sum(len(name) + 1 for name in NAMES)
    assert COUNTED[letters.at("q"), letters.at("u")] == sum(name.count("qu") for name in NAMES)


def test_training_came_to_the_closed_form() -> None:
    exact = letters.closed_form(COUNTED)
    assert letters.divergence(exact, LOGITS, COUNTED) <= 1e-3
    assert letters.perplexity(LOGITS, COUNTED) == pytest.approx(letters.perplexity(exact, COUNTED), rel=1e-3)


def test_no_other_matrix_fits_the_counts_better_than_the_closed_form() -> None:
    smoothed = COUNTED + letters.SMOOTHING
    best = letters.perplexity(letters.closed_form(COUNTED), smoothed)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = letters.closed_form(COUNTED) + rng.normal(0, 0.05, COUNTED.shape)
        assert letters.perplexity(other, smoothed) > best


def test_a_belief_is_a_row_beside_the_names_with_the_difference() -> None:
    found = letters.believed(LOGITS, COUNTED, "q")
    assert found.n == sum(name.count("q") for name in NAMES)
    assert found.belief.sum() == pytest.approx(1)
    assert found.frequency[letters.at("u")] == sum(name.count("qu") for name in NAMES) / found.n
    np.testing.assert_allclose(found.difference, found.belief - found.frequency)
    assert abs(found.difference).max() < 0.1


def test_without_the_column_that_ends_words_no_word_ends() -> None:
    silent = letters.lesioned(LOGITS, letters.Lesion(columns="."))
    words = letters.sample(silent, 1000, np.random.default_rng(0))
    assert not any(word.ended for word in words)
    assert {len(word.text) for word in words} == {letters.CAP}
    assert letters.perplexity(silent, COUNTED) > 10 * letters.perplexity(LOGITS, COUNTED)


def test_words_have_the_letters_as_often_as_the_matrix_says() -> None:
    words = letters.sample(LOGITS, 4000, np.random.default_rng(1))
    assert all(word.ended for word in words if len(word.text) < letters.CAP)
    drawn = letters.counts(word.text for word in words if word.ended)
    after_a = drawn[letters.at("a")]
    expected = letters.probabilities(LOGITS)[letters.at("a")]
    spread = np.sqrt(expected * (1 - expected) / after_a.sum())
    assert (abs(after_a / after_a.sum() - expected) < 5 * spread + 1e-3).all()


def test_a_row_cut_out_knows_nothing_and_others_are_as_before() -> None:
    cut = letters.probabilities(letters.lesioned(LOGITS, letters.Lesion(rows="q", entries=("ab",))))
    np.testing.assert_allclose(cut[letters.at("q")], 1 / letters.N)
    before = letters.probabilities(LOGITS)
    np.testing.assert_array_equal(cut[letters.at("z")], before[letters.at("z")])
    a, b = letters.at("a"), letters.at("b")
    assert cut[a, b] < 1e-6
    kept = np.arange(letters.N) != b
    np.testing.assert_allclose(cut[a, kept], before[a, kept] / (1 - before[a, b]), rtol=1e-6)


def test_perplexity_is_that_of_the_names_letter_by_letter() -> None:
    believes = letters.probabilities(LOGITS)
    chances = [believes[letters.at(x), letters.at(y)] for name in NAMES for x, y in letters.pairs(name)]
    assert letters.perplexity(LOGITS, COUNTED) == pytest.approx(math.exp(-np.log(chances).mean()))


def test_rules_are_the_beliefs_by_confidence_with_what_speaks_for_and_against_them() -> None:
    rules = letters.rulebook(LOGITS, NAMES, at_least=0.2)
    assert [rule.confidence for rule in rules] == sorted((rule.confidence for rule in rules), reverse=True)
    assert len(rules) == (letters.probabilities(LOGITS) >= 0.2).sum()
    rule = rules[0]
    assert (rule.before, rule.after) == ("q", "u")
    assert rule.support == sum(name.count("qu") for name in NAMES)
    assert rule.frequency == rule.support / rule.n
    for rule in rules:
        inside = [f".{name}." for name in rule.exceptions]
        assert all(rule.before in name for name in inside)
        assert len(rule.exceptions) <= min(3, rule.n - rule.support)


def test_the_greedy_word_ends_or_goes_round() -> None:
    word, loop = letters.greedy(LOGITS)
    assert word
    assert loop == ""
    word, loop = letters.greedy(letters.lesioned(LOGITS, letters.Lesion(columns=".")))
    assert word.endswith(loop)
    assert loop
    last = letters.at(loop[-1])
    silent = letters.lesioned(LOGITS, letters.Lesion(columns="."))
    assert letters.TOKENS[silent[last].argmax()] == loop[0]


def test_a_low_temperature_takes_the_most_probable_letter_and_a_high_one_any() -> None:
    cold = letters.sample(LOGITS, 5, np.random.default_rng(0), temperature=0.01)
    assert {word.text for word in cold} == {letters.greedy(LOGITS)[0]}
    hot = letters.probabilities(LOGITS, temperature=1e4)
    np.testing.assert_allclose(hot, 1 / letters.N, atol=1e-3)


@pytest.mark.parametrize(
    "lesion", [letters.Lesion(rows="ä"), letters.Lesion(columns="A"), letters.Lesion(entries=("q",))]
)
def test_what_is_no_letter_is_refused(lesion: letters.Lesion) -> None:
    with pytest.raises(GraphError, match=r"“.” is no (letter of this model|pair of letters)"):
        lesion.mask()


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(GraphError, match="where a number above 0 belongs"):
        letters.probabilities(LOGITS, temperature)
