"""An open model knows its sizes and which prompts fit it."""

from __future__ import annotations

import pytest
import torch

from explorer.errors import PromptError
from tests import tiny


@pytest.mark.parametrize(("family", "d_model"), [("llama", 18), ("gpt2", 21), ("gemma2", 20)])
def test_an_open_model_knows_its_sizes(family: str, d_model: int) -> None:
    model = tiny.model(family)
    assert (model.n_layers, model.d_model, model.d_vocab, model.context) == (3, d_model, 37, 64)
    assert model.n_parameters == sum(parameter.numel() for parameter in model.network.parameters())
    assert model.tokenizer is None
    assert model.dtype is torch.float32
    assert not model.network.training


@pytest.mark.parametrize(
    ("ids", "words"),
    [((), "empty"), ((1,) * 65, "65 tokens .* at most 64; shorten"), ((1, 37), "Token 37"), ((1, -1), "Token -1")],
)
def test_tokens_that_do_not_fit_are_refused(ids: tuple[int, ...], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        tiny.model("llama").run(ids)


def test_the_longest_prompt_runs() -> None:
    assert tiny.model("gpt2").run((1,) * 64).n_pos == 64
