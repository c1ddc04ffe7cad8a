from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.circuits.heads import head_scores
from explorer.errors import PromptError
from explorer.models import tiny
from explorer.models.loader import LanguageModel, open_language_model
from explorer.work import run
from tests import tiny_models


def made(folder: Path, **settings: object) -> LanguageModel:
    """A tiny model in which all is zero but what a test puts there."""
    sizes = {
        "vocab_size": 12, "hidden_size": 24, "num_attention_heads": 2, "head_dim": 12, "intermediate_size": 1,
        "max_position_embeddings": 20, "attention_bias": False, "mlp_bias": False,
    }  # fmt: skip
    network = tiny.TinyForCausalLM(tiny.TinyConfig(**{**sizes, **settings}))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.embed.weight[:, :12] = torch.eye(12)
        network.head.weight[:, :12] = torch.eye(12)
        attention = network.blocks[0].attention
        attention.value.weight[:12, :12] = torch.eye(12)  # head 0 reads the token ...
        attention.output.weight[:12, :12] = torch.eye(12)  # ... and raises it
        attention.value.weight[12:, :12] = torch.eye(12)
        attention.output.weight[:12, 12:] = -torch.eye(12)  # head 1 lowers it
    network.save_pretrained(folder)
    return open_language_model(folder)


def test_a_head_that_copies_and_one_that_does_the_contrary(tmp_path: Path) -> None:
    found = run(head_scores(made(tmp_path)))
    np.testing.assert_allclose(found.copying, [[1, -1]], atol=1e-6)
    assert found.period == 10


def test_a_head_that_looks_at_all_alike_has_the_scores_of_chance(tmp_path: Path) -> None:
    found = run(head_scores(made(tmp_path)))
    n = 2 * found.period
    np.testing.assert_allclose(found.previous, np.mean([1 / (at + 1) for at in range(1, n)]), rtol=1e-5)
    np.testing.assert_allclose(found.induction, np.mean([1 / (at + 1) for at in range(n // 2, n)]), rtol=1e-5)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "opt-350m projected"])
def test_copying_is_that_of_the_whole_matrix_by_hand(name: str) -> None:
    """E V O U token by token, each matrix taken from the modules and run through them."""
    model = tiny_models.model(name)
    found = run(head_scores(model)).copying
    trace, layer = model.run((3, 20, 36)), 1
    weights, held = model.attention(layer), trace.layers[layer]
    table = model.network.get_submodule(model.family.embedding_in or model.family.embedding).weight
    if model.family.embedding_in:
        table = model.network.get_submodule(model.family.embedding)(table)
    n = min(len(table), model.d_vocab)
    x = table[:n].detach().double()
    head = 2
    group = len(weights.W_O) // weights.W_V.shape[1]

    def gained(norm: object, x: torch.Tensor) -> torch.Tensor:
        if norm is None:
            return x
        x = x - x.mean(-1, keepdim=True) if norm.centred else x  # type: ignore[attr-defined]
        return x * norm.gain  # type: ignore[attr-defined]

    out = gained(held.attention_norm, x) @ weights.W_V[:, head // group].double() @ weights.W_O[head].double()
    full = gained(trace.final_norm, gained(held.attention_post_norm, out)) @ model.head.W_U[:n].double().T
    values = torch.linalg.eigvals(full)
    assert found[layer, head] == pytest.approx(float(values.sum().real / values.abs().sum()), abs=1e-4)


def test_a_model_too_small_for_repeats_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="takes too few tokens for one to come twice"):
        run(head_scores(made(tmp_path, max_position_embeddings=3)))
