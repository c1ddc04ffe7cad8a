"""What labels name, and on which grounds."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.features.labels import GOOD, Rule, label_of
from explorer.features.named import Named, named


def record(*rules: Rule, **more: Any) -> dict[str, Any]:
    return label_of(rules, 0.001, []).to_message() | more


READS = Rule("context", "about “Texas”, “capital”", "", {}, GOOD, 0.5)
PUSHES = Rule("output", "say “Austin”, “TX”", "", {}, 0.9, 0.5)


def test_a_label_names_what_the_feature_is_active_on_and_what_it_pushes() -> None:
    words = Named(frozenset({"Texas", "capital"}), frozenset({"Austin", "TX"}))
    assert named(record(READS, PUSHES)) == words
    after = Rule("input", "after “the”", "", {}, 0.9, 0.5)
    assert named(record(after)) == Named(frozenset({"the"}))


@pytest.mark.parametrize("rule", [
    Rule("context", "about “Texas”", "", {}, GOOD - 0.01, 0.5),  # that tells its windows badly from others
    Rule("context", "about “Texas”", "", {}),  # that was never scored
    Rule("strong", "strongest with “Texas”", "", {}, 0.99, 0.5),  # that tells its windows from one another
])  # fmt: skip
def test_a_rule_without_good_grounds_names_nothing(rule: Rule) -> None:
    assert named(record(rule)) == Named()


def test_a_feature_that_is_about_several_things_names_none() -> None:
    assert named(record(READS, tags=["both", "polysemantic"])) == Named()


def test_no_label_names_nothing() -> None:
    assert named(None) == Named()
    assert named(record()) == Named()
