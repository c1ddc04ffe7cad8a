"""The most probable tokens, one by one: with keys and values kept they are those of the whole text run each time."""

from __future__ import annotations

import pytest
import torch

from explorer.errors import Cancelled, PromptError
from explorer.models.greedy import greedy
from tests import tiny_models

QUICK = ("gpt2", "llama", "gemma2")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in tiny_models.MODELS]
)
def test_each_token_is_the_most_probable_behind_the_whole_text(name: str) -> None:
    model = tiny_models.model(name, "float64")
    made, text = greedy(model, tiny_models.PROMPT, 5), list(tiny_models.PROMPT)
    for token in made:
        with torch.no_grad():
            assert int(model.network(torch.tensor([text]), use_cache=False).logits[0, -1].argmax()) == token
        text.append(token)
    assert len(made) == 5 or model.ends


def test_an_end_token_ends_it_and_is_not_said() -> None:
    model = tiny_models.model("llama", "float64")
    free = greedy(model, tiny_models.PROMPT, 4)
    try:
        model.__dict__["ends"] = frozenset({free[2]})
        assert greedy(model, tiny_models.PROMPT, 4) == free[: free.index(free[2])]
    finally:
        del model.__dict__["ends"]


def test_it_stops_when_asked_to_and_refuses_what_does_not_fit() -> None:
    model = tiny_models.model("llama", "float64")

    def stop() -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        greedy(model, tiny_models.PROMPT, 4, stop)
    with pytest.raises(PromptError, match="at most 64"):
        greedy(model, tiny_models.PROMPT, 60)
