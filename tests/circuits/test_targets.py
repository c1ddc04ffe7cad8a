"""Which logits are explained, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch

from explorer.circuits.attribution import attribute
from explorer.circuits.targets import FeatureTarget, chosen_tokens, contrast, free_direction, top_logits
from explorer.errors import GraphError, PromptError
from explorer.models.weights import Head
from explorer.work import run
from tests import tiny

HEAD = Head(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0]))
# The first position is certain of nothing, the second has these probabilities.
CHANCES = [0.05, 0.5, 0.1, 0.25, 0.1]
LOGITS = torch.tensor([[0.0] * 5, [math.log(chance) for chance in CHANCES]])


@pytest.mark.parametrize(
    ("mass", "tokens"),
    [(0.1, [1]), (0.49, [1]), (0.51, [1, 3]), (0.74, [1, 3]), (0.76, 3), (0.99, 5), (1.0, 5)],
)
def test_the_most_probable_tokens_up_to_the_mass(mass: float, tokens: list[int] | int) -> None:
    found = [target.token_id for target in top_logits(HEAD, LOGITS, 1, mass=mass)]
    assert len(found) == tokens if isinstance(tokens, int) else found == tokens


def test_at_most_as_many_as_asked_for() -> None:
    assert [target.token_id for target in top_logits(HEAD, LOGITS, 1, max_logits=2, mass=1.0)] == [1, 3]


def test_probabilities_are_those_of_the_model() -> None:
    found = top_logits(HEAD, LOGITS, 1, max_logits=2)
    assert [target.probability for target in found] == pytest.approx([0.5, 0.25])
    assert [target.weight for target in found] == [target.probability for target in found]


@pytest.mark.parametrize(("max_logits", "mass"), [(0, 0.9), (-1, 0.9), (3, 0.0), (3, 1.1), (3, float("nan"))])
def test_a_choice_of_nothing_is_refused(max_logits: int, mass: float) -> None:
    with pytest.raises(GraphError, match="At least one logit" if max_logits < 1 else "a mass in"):
        top_logits(HEAD, LOGITS, 1, max_logits=max_logits, mass=mass)


def test_directions_and_constants_are_centred_over_the_vocabulary() -> None:
    targets = chosen_tokens(HEAD, LOGITS, 1, [0, 1, 2, 3, 4])
    torch.testing.assert_close(sum(target.direction for target in targets), torch.zeros(3), rtol=0, atol=1e-6)
    assert [target.constant for target in targets] == [-2, -1, 0, 1, 2]


def test_weights_may_be_chosen() -> None:
    assert [target.weight for target in chosen_tokens(HEAD, LOGITS, 1, [4, 0], [0.2, 0.8])] == [0.2, 0.8]


@pytest.mark.parametrize("token", [-1, 5])
def test_a_token_outside_the_vocabulary_is_refused(token: int) -> None:
    with pytest.raises(PromptError, match=rf"Token {token} is outside the vocabulary \(0 to 4\)"):
        chosen_tokens(HEAD, LOGITS, 1, [0, token])
    with pytest.raises(PromptError, match=rf"Token {token} is outside"):
        contrast(HEAD, 1, 0, token)


def test_a_contrast_is_a_difference() -> None:
    a, b = chosen_tokens(HEAD, LOGITS, 1, [3, 1])
    pair = contrast(HEAD, 1, 3, 1, number=2)
    torch.testing.assert_close(pair.direction, a.direction - b.direction)
    assert pair.constant == a.constant - b.constant == 2
    assert (pair.token_id, pair.weight) == (7, 1.0)
    assert math.isnan(pair.probability)


def test_a_free_direction_is_taken_as_it_is() -> None:
    target = free_direction(torch.ones(3), 0, 5, weight=0.5, number=1)
    assert (target.token_id, target.constant, target.weight) == (6, 0.0, 0.5)
    assert torch.equal(target.direction, torch.ones(3))


def test_there_must_be_something_to_explain() -> None:
    model = tiny.model("llama")
    _, local = tiny.replaced(model, tiny.transcoders(model))
    with pytest.raises(GraphError, match="choose at least one target"):
        run(attribute(local, ()))
    with pytest.raises(GraphError, match="Feature 99 of layer 1 is not active at position 2"):
        run(attribute(local, (), (FeatureTarget(1, 2, 99),)))
