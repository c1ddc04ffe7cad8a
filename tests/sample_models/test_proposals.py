"""The groups that the program offers on the sample hold what they say, on prompts the rule was not chosen on."""

from __future__ import annotations

import random

import pytest
import torch

from sample_models.training.us_cities.proposals import HELD, SETS, Found, Truth, accepted, drawn


@pytest.fixture(scope="module")
def truth() -> Truth:
    torch.set_num_threads(1)
    with torch.no_grad():
        return Truth()


@pytest.fixture(scope="module")
def groups() -> list[Found]:
    return list(accepted(*SETS["tested"]))


@pytest.mark.slow
def test_every_accepted_group_of_twenty_prompts_shares_what_it_is_said_to_share(
    truth: Truth, groups: list[Found]
) -> None:
    assert len(SETS["tested"][1]) == 20
    assert [group.reason for group in groups if not (truth.holds(group) and truth.holds(group, HELD))] == []
    assert len({group.city for group in groups}) >= 10  # a rule that accepts nothing would hold too


@pytest.mark.slow
def test_other_features_of_the_same_prompts_do_not_share_it(truth: Truth, groups: list[Found]) -> None:
    draw = random.Random(7)
    held = [truth.holds(group) for _ in range(20) for group in drawn(groups, draw)]
    assert sum(held) / len(held) < 0.6
