from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from explorer.circuits.patching import PatchingMap, patching_map, ready
from explorer.errors import GraphError
from explorer.models.loader import LanguageModel
from explorer.work import run
from tests import tiny_models

PROMPT, OTHER = (3, 20, 36, 5, 20, 11), (3, 9, 36, 5, 31, 11)


def mapped(model: LanguageModel, **tokens: int) -> PatchingMap:
    return run(patching_map(ready(model, PROMPT), ready(model, OTHER), **tokens))


def logits(model: LanguageModel, ids: tuple[int, ...]) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.network(torch.tensor([ids])).logits[0, -1]
    return found


@pytest.mark.parametrize("name", ["llama", pytest.param("gpt2", marks=pytest.mark.slow)])
def test_an_entry_is_the_run_with_that_residual_put_in_by_a_hook(name: str) -> None:
    model = tiny_models.model(name)
    found = mapped(model, answer=7, rival=9)
    blocks: Any = model.network.get_submodule(model.family.blocks)

    def plain(out: Any) -> torch.Tensor:
        result: torch.Tensor = out[0] if isinstance(out, tuple) else out
        return result

    for layer, pos in ((0, 1), (1, 4), (2, 5), (1, 5)):
        kept: list[torch.Tensor] = []
        hook = blocks[layer].register_forward_hook(lambda m, given, out, kept=kept: kept.append(plain(out).clone()))
        logits(model, OTHER)
        hook.remove()

        def put(module: Any, given: Any, out: Any, kept: Any = kept, pos: int = pos) -> Any:
            plain(out)[0, pos] = kept[0][0, pos]
            return out

        hook = blocks[layer].register_forward_hook(put)
        now = logits(model, PROMPT)
        hook.remove()
        expected = (float(now[7] - now[9]) - found.clean) / (found.corrupted - found.clean)
        assert found.stream[layer + 1, pos] == pytest.approx(expected, abs=1e-3)


@pytest.fixture(scope="module")
def llama() -> PatchingMap:
    return mapped(tiny_models.model("llama"))


def test_where_the_prompts_are_alike_nothing_passes_and_at_the_end_all_does(llama: PatchingMap) -> None:
    found = llama
    np.testing.assert_allclose(found.stream[0, [0, 2, 3, 5]], 0, atol=1e-5)
    np.testing.assert_allclose(found.stream[:, 0], 0, atol=1e-5)
    assert found.stream[-1, -1] == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(found.stream[-1, :-1], 0, atol=1e-5)


def test_in_front_of_the_first_block_it_is_the_other_token(llama: PatchingMap) -> None:
    now = logits(tiny_models.model("llama"), (3, 9, 36, 5, 20, 11))
    expected = (float(now[llama.answer] - now[llama.rival]) - llama.clean) / (llama.corrupted - llama.clean)
    assert llama.stream[0, 1] == pytest.approx(expected, abs=1e-4)


def test_answer_and_rival_are_what_the_prompts_are_answered_with(llama: PatchingMap) -> None:
    own = [int(logits(tiny_models.model("llama"), ids).argmax()) for ids in (PROMPT, OTHER)]
    assert [llama.answer, llama.rival] == own


def test_prompts_that_cannot_be_compared_are_refused() -> None:
    model = tiny_models.model("llama")
    with pytest.raises(GraphError, match="The prompts have 6 and 3 tokens; choose two with equally many"):
        run(patching_map(ready(model, PROMPT), ready(model, (1, 2, 3))))
    with pytest.raises(GraphError, match="Both prompts have the same answer"):
        run(patching_map(ready(model, PROMPT), ready(model, PROMPT)))
    with pytest.raises(GraphError, match="There is no token 100000"):
        mapped(model, answer=100_000)
