from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from explorer.circuits.lens import Seen, direct_attribution, logit_lens, look
from explorer.errors import GraphError
from explorer.models.loader import LanguageModel
from tests import tiny_models

PROMPT = (3, 20, 36, 5, 20, 11)
QUICK = ("gemma2", "gpt2", "llama", "opt-350m projected", "tiny without norms")
FAMILIES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in tiny_models.MODELS]


@pytest.fixture(scope="module", params=FAMILIES)
def seen(request: pytest.FixtureRequest) -> Seen:
    return look(tiny_models.model(request.param), PROMPT)


def test_behind_the_last_block_the_lens_is_the_models_output(seen: Seen) -> None:
    torch.testing.assert_close(list(logit_lens(seen))[-1], seen.trace.logits, atol=1e-4, rtol=1e-4)


def test_the_parts_of_a_logit_sum_to_it(seen: Seen) -> None:
    for at in (1, -1):
        found = direct_attribution(seen, 7, at=at)
        scale = float(found.heads.abs().sum() + found.mlps.abs().sum()) + abs(found.embedding) + abs(found.constant)
        assert abs(found.total - found.logit) <= 1e-5 * scale
        assert found.heads.shape == seen.pattern.shape[:2]


def test_a_difference_of_logits_is_the_difference_of_the_parts(seen: Seen) -> None:
    one, two, both = (direct_attribution(seen, *tokens) for tokens in ((7,), (9,), (7, 9)))
    torch.testing.assert_close(both.heads, one.heads - two.heads)
    torch.testing.assert_close(both.mlps, one.mlps - two.mlps)
    assert both.logit == pytest.approx(one.logit - two.logit)


@pytest.mark.parametrize("name", ["gpt2", "llama", "tiny"])
def test_in_front_of_a_block_the_lens_is_the_model_that_ends_there(name: str) -> None:
    model = tiny_models.model(name)
    seen = look(model, PROMPT)
    shorter: Any = tiny_models.network(name).eval()
    blocks = shorter.get_submodule(model.family.blocks)
    for n, logits in reversed(list(enumerate(logit_lens(seen)))[1:]):
        del blocks[n:]
        with torch.no_grad():
            torch.testing.assert_close(logits, shorter(torch.tensor([PROMPT])).logits[0], atol=1e-4, rtol=1e-4)


def logits_with(model: LanguageModel, path: str, change: Callable[..., Any]) -> torch.Tensor:
    hook = model.network.get_submodule(path).register_forward_hook(change)
    with torch.no_grad():
        logits: torch.Tensor = model.network(torch.tensor([PROMPT])).logits[0, -1]
    hook.remove()
    return logits


def test_a_part_is_what_the_logit_loses_without_it_where_nothing_stands_behind() -> None:
    """The last MLP of a model without norms; and its last heads with that MLP held."""
    model = tiny_models.model("tiny without norms")
    seen, last = look(model, PROMPT), model.n_layers - 1
    found = direct_attribution(seen, 7)
    block = f"blocks.{last}"
    without = logits_with(model, f"{block}.mlp", lambda module, given, out: 0 * out)
    assert float(found.mlps[last]) == pytest.approx(found.logit - float(without[7]), abs=1e-4)
    held = seen.trace.layers[last].mlp_out[None]
    mlp = model.network.get_submodule(f"{block}.mlp").register_forward_hook(lambda module, given, out: held)
    output = model.network.get_submodule(f"{block}.attention.output")
    for head in range(found.heads.shape[1]):
        gathered = model.attention(last).W_O.shape[1]

        def silent(module: nn.Module, given: Any, head: int = head, n: int = gathered) -> Any:
            left = given[0].clone()
            left[..., head * n : (head + 1) * n] = 0
            return (left,)

        hook = output.register_forward_pre_hook(silent)
        with torch.no_grad():
            without = model.network(torch.tensor([PROMPT])).logits[0, -1]
        hook.remove()
        assert float(found.heads[last, head]) == pytest.approx(found.logit - float(without[7]), abs=1e-4)
    mlp.remove()


def test_patterns_are_those_that_transformers_gives() -> None:
    model = tiny_models.model("llama")
    own: Any = tiny_models.network("llama").eval()
    own.set_attn_implementation("eager")
    with torch.no_grad():
        theirs = own(torch.tensor([PROMPT]), output_attentions=True).attentions
    torch.testing.assert_close(look(model, PROMPT).pattern, torch.stack([each[0] for each in theirs]))


def test_what_is_not_there_is_refused() -> None:
    seen = look(tiny_models.model("llama"), PROMPT)
    with pytest.raises(GraphError, match=r"Position 6 is outside the prompt \(0 to 5\); choose another"):
        direct_attribution(seen, 1, at=6)
    for wrong in ((10**6,), (1, -1)):
        with pytest.raises(GraphError, match=r"There is no token (1000000|-1); the model predicts 0 to"):
            direct_attribution(seen, *wrong)
