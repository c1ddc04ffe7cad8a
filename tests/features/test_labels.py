"""Rules on examples made by hand, and their scores against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.features.labels import (
    Rule,
    Seen,
    adds,
    context_rule,
    input_rule,
    label_of,
    output_rule,
    strong_rule,
    with_score,
)
from explorer.features.score import Windows, auc, average_precision

WORDS = ["the", " is", " Texas", " Dallas", " Houston", " Austin", " austin", " walk", " walking", " walked", "in"]
THE, IS, TEXAS, DALLAS, HOUSTON, AUSTIN, AUSTIN_2, WALK, WALKING, WALKED, IN = range(len(WORDS))


def text(token: int) -> str:
    return WORDS[token]


def test_an_output_rule_needs_effects_that_stand_out() -> None:
    assert output_rule([AUSTIN, TEXAS], [3.9, 1.0], 1.0, text) is None
    found = output_rule([AUSTIN, TEXAS, IS], [9.0, 5.0, 4.0], 1.0, text)
    assert found is not None
    assert found.words == "say “Austin”, “Texas”"
    assert "z 9.0" in found.evidence
    assert set(found.weights) == {AUSTIN, TEXAS}


def test_words_that_share_a_stem_or_differ_in_case_are_said_once() -> None:
    stem = output_rule([WALK, WALKING, WALKED], [9.0, 8.0, 8.0], 1.0, text)
    case = output_rule([AUSTIN, AUSTIN_2], [9.0, 8.0], 1.0, text)
    assert stem is not None
    assert stem.words == "say “walk…”"
    assert case is not None
    assert case.words == "say “Austin”"


def test_an_input_rule_names_the_token_that_holds_four_fifths_of_the_activation() -> None:
    seen = [Seen((THE, DALLAS), 9.0), Seen((IN, DALLAS), 8.0), Seen((THE, IS), 1.0)]
    found = input_rule(seen, text)
    assert found is not None
    assert found.words == "“Dallas”"
    assert "94 %" in found.evidence


def test_an_input_rule_names_the_token_before_if_that_is_what_peaks_share() -> None:
    seen = [Seen((IN, token), 1.0) for token in (THE, DALLAS, HOUSTON, AUSTIN, WALK, WALKED)]
    found = input_rule(seen, text)
    assert found is not None
    assert found.words == "after “in”"


def test_a_context_rule_names_what_is_more_frequent_than_in_the_text() -> None:
    seen = [Seen((THE, DALLAS, IS), 1.0)] * 3 + [Seen((THE, HOUSTON, IS), 1.0)] * 3
    found = context_rule(seen, {THE: 900, IS: 900, DALLAS: 10, HOUSTON: 10}, 1000, text)
    assert found is not None
    assert found.words == "about “Dallas”, “Houston”"
    assert "“Dallas” in 3 of 6" in found.evidence
    assert context_rule([Seen((THE, IS), 1.0)] * 6, {THE: 900, IS: 900}, 1000, text) is None


def test_a_strong_rule_names_what_the_strongest_windows_have_more_often_than_the_text() -> None:
    weak, strong = [Seen((THE,), 1.0)] * 3, [Seen((TEXAS, DALLAS, THE), 5.0)] * 3
    counts = {THE: 900, DALLAS: 10, TEXAS: 20}
    found = strong_rule([*weak, *strong], 5.0, counts, 1000, text)
    assert found is not None
    assert (found.kind, found.words) == ("strong", "strongest with “Dallas”, “Texas”")
    assert "“Dallas” in 3 of 3" in found.evidence
    assert strong_rule(strong, 5.0, counts, 1000, text) is None  # no weaker ones to tell them from


def test_a_strong_rule_is_said_if_it_tells_strong_windows_better_and_by_other_tokens() -> None:
    best = with_score(Rule("input", "“the”", "", {THE: 1.0}), 0.9, 0.3)
    strong = with_score(Rule("strong", "strongest with “Dallas”", "", {DALLAS: 1.0}), 0.95, 0.9)
    assert adds(strong, best)
    assert not adds(with_score(strong, 0.6, 0.9), best)
    assert not adds(strong, with_score(best, 0.9, 0.89))
    assert not adds(strong, Rule("context", "about “Dallas”", "", {DALLAS: 1.0, THE: 0.1}, 0.9, 0.3))
    label = label_of([best], 0.02, [], strong)
    assert label.text == "“the”; strongest with “Dallas”"
    assert [rule.kind for rule in label.rules] == ["input", "strong"]
    assert label.tags == ("input", "dense")


def test_the_label_joins_what_is_read_and_what_is_said_if_both_score_well() -> None:
    reads = with_score(Rule("context", "about “Dallas”", "", {}), 0.9, 0.8)
    says = with_score(Rule("output", "say “Austin”", "", {}), 0.95, 0.9)
    both = label_of([reads, says], 0.001, [])
    assert both.text == "about “Dallas” → say “Austin”"
    assert both.tags == ("both",)
    alone = label_of([with_score(reads, 0.6, 0.5), says], 0.02, [])
    assert alone.text == "say “Austin”"
    assert alone.tags == ("output", "dense")
    assert label_of([], 0.0, []).text == ""


def test_windows_that_share_nothing_are_polysemantic() -> None:
    apart = [Seen((THE, DALLAS), 1.0)] * 3 + [Seen((IN, WALK), 1.0)] * 3
    assert "polysemantic" in label_of([], 0.0, apart).tags
    assert "polysemantic" not in label_of([], 0.0, [Seen((THE, DALLAS), 1.0)] * 6).tags


def test_scores_equal_those_counted_over_all_pairs_and_thresholds() -> None:
    draw = np.random.default_rng(0)
    detected, active = draw.integers(0, 5, 60).astype(float), draw.random(60) < 0.3
    pairs = [(a > b) + (a == b) / 2 for a in detected[active] for b in detected[~active]]
    assert auc(detected, active) == pytest.approx(np.mean(pairs), abs=1e-4)
    precisions = [active[detected >= one].mean() for one in detected[active]]
    assert average_precision(detected, active) == pytest.approx(np.mean(precisions), abs=1e-4)
    assert auc(detected, np.zeros(60, bool)) is None
    assert average_precision(detected, np.zeros(60, bool)) is None


def test_a_rule_responds_with_the_weights_of_the_tokens_in_a_window() -> None:
    found = Windows.of([(THE, DALLAS, DALLAS), (IS,), (HOUSTON, DALLAS)])
    assert found.detected({DALLAS: 1.0, HOUSTON: 0.5, WALK: 9.0}).tolist() == [1.0, 0.0, 1.5]
